"""Attacks on files."""

from __future__ import annotations

from attack import Attack

ATTACKS = [
    Attack(name="read /etc/passwd", code="escaped('root' in open('/etc/passwd').read())"),
    Attack(name="read a file", code="escaped(open(W['secret']).read() == W['token'])"),
    Attack(name="read the harness's source", code="escaped(len(open(W['source']).read()) > 0)"),
    Attack(name="read other packages", code="escaped(open(W['package'], 'rb').read())"),
    Attack(
        name="lock the interpreter's files",
        code="""
import fcntl
escaped(fcntl.flock(open(os.__file__), fcntl.LOCK_EX) is None)
""",
    ),
    Attack(name="list a directory", code="escaped('secret' in os.listdir(W['directory']))"),
    Attack(name="walk a directory", code="escaped(next(os.walk(W['directory']))[2])"),
    Attack(
        name="read through /proc/self/root",
        code="escaped(open('/proc/self/root' + W['secret']).read() == W['token'])",
    ),
    Attack(name="open /proc/self/exe", code="escaped(open('/proc/self/exe', 'rb').read(4))"),
    Attack(
        name="open by O_PATH and again",
        code="""
handle = os.open(W['secret'], os.O_PATH)
escaped(open(f'/proc/self/fd/{handle}').read() == W['token'])
""",
    ),
    Attack(
        name="open relative to a directory handle",
        code="""
handle = os.open('/', os.O_PATH)
os.chdir('/')
escaped(open(os.open(W['secret'].lstrip('/'), os.O_RDONLY, dir_fd=handle)).read() == W['token'])
""",
    ),
    Attack(
        name="open by file handle",
        root=True,
        kernel=True,
        code="""
handle, mount = ctypes.create_string_buffer(struct.pack('Ii', 128, 0), 136), ctypes.c_int()
call(NR['name_to_handle_at'], -100, W['secret'].encode(), handle, ctypes.byref(mount), 0)
found = call(NR['open_by_handle_at'], os.open(W['directory'], os.O_RDONLY), handle, 0)
escaped(os.read(found, 99).decode() == W['token'])
""",
    ),
    Attack(
        name="write a file",
        code="open(W['new'], 'w').write('x')",
        effect=lambda w: w.new.exists(),
    ),
    Attack(
        name="write in the working directory",
        code="os.chmod('.', 0o700); escaped(open('left', 'w'))",
    ),
    Attack(
        name="write in /dev/shm",
        code="""
place = '/dev/shm/' + W['token']
open(place, 'w').close()
escaped(os.unlink(place) is None)
""",
    ),
    Attack(
        name="append to a file",
        code="open(W['victim'], 'a').write('more')",
        effect=lambda w: w.victim.read_text() == "intactmore",
    ),
    Attack(
        name="truncate a file",
        code="os.truncate(W['victim'], 0)",
        effect=lambda w: w.victim.read_text() == "",
    ),
    Attack(
        name="truncate by system call",
        code="call(NR['truncate'], W['victim'].encode(), 1)",
        effect=lambda w: w.victim.read_text() == "i",
    ),
    Attack(
        name="delete a file",
        code="os.unlink(W['victim'])",
        effect=lambda w: not w.victim.exists(),
    ),
    Attack(
        name="rename a file",
        code="os.rename(W['victim'], W['new'])",
        effect=lambda w: w.new.exists(),
    ),
    Attack(
        name="change a mode",
        code="os.chmod(W['victim'], 0)",
        effect=lambda w: w.victim.stat().st_mode & 0o777 == 0,
    ),
    Attack(
        name="change a time",
        code="os.utime(W['victim'], (1, 1))",
        effect=lambda w: w.victim.stat().st_mtime == 1,
    ),
    Attack(
        name="set an extended attribute",
        kernel=True,
        code="os.setxattr(W['victim'], 'user.x', b'1')",
        effect=lambda w: "user.x" in w.attributes(),
    ),
    Attack(
        name="make a symbolic link",
        code="os.symlink(W['secret'], W['new'])",
        effect=lambda w: w.new.is_symlink(),
    ),
    Attack(
        name="read through a symbolic link",
        code="escaped(open(W['link']).read() == W['token'])",
    ),
    Attack(
        name="make a hard link",
        code="os.link(W['secret'], W['new'])",
        effect=lambda w: w.new.exists(),
    ),
    Attack(name="make a directory", code="os.mkdir(W['new'])", effect=lambda w: w.new.is_dir()),
    Attack(name="make a pipe", code="os.mkfifo(W['new'])", effect=lambda w: w.new.exists()),
    Attack(
        name="fill the disk",
        code="open(W['new'], 'wb').write(bytes(4 << 20))",
        effect=lambda w: w.new.exists() and w.new.stat().st_size > 1 << 16,
    ),
    Attack(
        name="watch a directory",
        code="""
watches = call(NR['inotify_init1'], 0)
escaped(call(NR['inotify_add_watch'], watches, W['directory'].encode(), 2) > 0)
""",
    ),
    Attack(name="change the root", root=True, code="escaped(os.chroot(W['directory']) is None)"),
    Attack(
        name="mount a file system",
        kernel=True,
        code="""
libc.unshare(0x20000 | (0x10000000 if os.getuid() else 0))
libc.mount(None, b'/', None, 0x44000, None)  # of its own, or it would be seen outside
escaped(libc.mount(b'tmpfs', W['directory'].encode(), b'tmpfs', 0, None) == 0)
""",
    ),
    Attack(
        name="import the harness",
        code="""
for name in [m for m in sys.modules if m.startswith('xgen')]:
    del sys.modules[name]
sys.path[:0] = W['path']
importlib.invalidate_caches()
import xgen_core.errors
escaped(xgen_core.errors.XgenError)
""",
    ),
]
