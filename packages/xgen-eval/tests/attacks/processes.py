"""Attacks on other processes, and by making more of them."""

from __future__ import annotations

from attack import Attack

ATTACKS = [
    Attack(name="list processes", code="escaped(str(W['harness']) in os.listdir('/proc'))"),
    Attack(
        name="read the harness's environment",
        code="escaped(b'PATH=' in open(f'/proc/{W[\"harness\"]}/environ', 'rb').read())",
    ),
    Attack(
        name="read the harness's maps", code="escaped(open(f'/proc/{W[\"harness\"]}/maps').read())"
    ),
    Attack(
        name="list the harness's files", code="escaped(os.listdir(f'/proc/{W[\"harness\"]}/fd'))"
    ),
    Attack(
        name="open the harness's files",
        code="""
place = f'/proc/{W["harness"]}/fd'
escaped(any(os.open(f'{place}/{n}', os.O_RDONLY | os.O_NONBLOCK) for n in os.listdir(place)
            if os.readlink(f'{place}/{n}').startswith(W['directory'])))
""",
    ),
    Attack(
        name="open the zygote's memory",
        kernel=True,
        code="escaped(open(f'/proc/{os.getppid()}/mem', 'rb'))",
    ),
    Attack(
        name="write a process's memory",
        kernel=True,
        code="""
with open(f'/proc/{W["process"]}/mem', 'r+b', 0) as memory:
    memory.seek(W['address'])
    escaped(memory.write(b'!'))
""",
    ),
    Attack(
        name="read a process's memory by system call",
        kernel=True,
        code="""
buffer = ctypes.create_string_buffer(len(W['token']))
pair = ctypes.c_void_p * 2
here, there = pair(ctypes.addressof(buffer), 16), pair(W['address'], 16)
call(NR['process_vm_readv'], W['process'], here, 1, there, 1, 0)
escaped(W['token'][1:].encode() in buffer.raw)
""",
    ),
    Attack(
        name="write a process's memory by system call",
        kernel=True,
        code="""
buffer = ctypes.create_string_buffer(b'!')
pair = ctypes.c_void_p * 2
here, there = pair(ctypes.addressof(buffer), 1), pair(W['address'], 1)
escaped(call(NR['process_vm_writev'], W['process'], here, 1, there, 1, 0) == 1)
""",
    ),
    Attack(
        name="trace a process",
        kernel=True,
        code="""
escaped(call(NR['ptrace'], 16, W['process'], 0, 0) == 0)
""",
    ),
    Attack(
        name="trace the zygote",
        kernel=True,
        code="escaped(call(NR['ptrace'], 0x4206, os.getppid(), 0, 0) == 0)",
    ),
    Attack(
        name="compare with a process",
        kernel=True,
        code="escaped(call(NR['kcmp'], os.getpid(), W['process'], 1, 0, 0) >= 0)",
    ),
    Attack(
        name="kill a process",
        code="os.kill(W['process'], 9)",
        effect=lambda w: w.died(),
    ),
    Attack(
        name="stop a process",
        code="os.kill(W['process'], 19)",
        effect=lambda w: w.stops(),
    ),
    Attack(
        name="kill a thread",
        code="call(NR['tgkill'], W['process'], W['process'], 9)",
        effect=lambda w: w.died(),
    ),
    Attack(
        name="queue a signal",
        code="""
info = struct.pack('iii', 15, 0, -1) + bytes(116)
call(NR['rt_sigqueueinfo'], W['process'], 15, info)
""",
        effect=lambda w: w.died(),
    ),
    Attack(
        name="signal through a process handle",
        code="signal.pidfd_send_signal(os.pidfd_open(W['process']), 9)",
        effect=lambda w: w.died(),
    ),
    Attack(
        name="take a file from a process",
        kernel=True,
        code="escaped(call(NR['pidfd_getfd'], os.pidfd_open(W['process']), 0, 0) >= 0)",
    ),
    Attack(
        name="have the kernel signal on input",
        code="""
import fcntl
reading, writing = os.pipe()
fcntl.fcntl(reading, 8, W['process'])
fcntl.fcntl(reading, 10, 9)
fcntl.fcntl(reading, fcntl.F_SETFL, fcntl.fcntl(reading, fcntl.F_GETFL) | 0o20000)
os.write(writing, b'x')
""",
        effect=lambda w: w.died(),
    ),
    Attack(
        name="have the kernel signal on input, by ioctl",
        code="""
import fcntl
fcntl.ioctl(3, 0x8901, struct.pack('i', W['process']))
fcntl.fcntl(3, 10, 9)
fcntl.fcntl(3, fcntl.F_SETFL, fcntl.fcntl(3, fcntl.F_GETFL) | 0o20000)
channel.send(b'signal me')
time.sleep(0.2)  # no signal to who waits in a read
""",
        effect=lambda w: w.died(),
    ),
    Attack(name="kill the zygote", code="os.kill(os.getppid(), 9); time.sleep(0.2)"),
    Attack(name="kill the group", code="os.killpg(os.getpgid(os.getppid()), 9); time.sleep(0.2)"),
    Attack(name="kill group 0", code="os.kill(0, 9)"),
    Attack(name="reach everybody", code="os.kill(-1, 0); escaped(True)"),
    Attack(
        name="change a process's limits",
        code="""
import resource
resource.prlimit(W['process'], resource.RLIMIT_NOFILE, (99, 99))
escaped(resource.prlimit(W['process'], resource.RLIMIT_NOFILE) == (99, 99))
""",
    ),
    Attack(
        name="change a process's priority",
        code="os.setpriority(os.PRIO_PROCESS, W['process'], 3); escaped(True)",
    ),
    Attack(
        name="pin a process",
        code="os.sched_setaffinity(W['process'], os.sched_getaffinity(0)); escaped(True)",
    ),
    Attack(
        name="fork bomb",
        code="""
for _ in range(50):
    if os.fork() == 0:
        os._exit(0)
escaped(True)
""",
    ),
    Attack(
        name="thread bomb",
        code="""
import threading
threads = [threading.Thread(target=time.sleep, args=(0.01,)) for _ in range(50)]
for thread in threads:
    thread.start()
escaped(len(threads) == 50)
""",
    ),
    Attack(
        name="leave a process behind",
        code="""
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.1)
        open(W['new'], 'w')
    os._exit(0)
time.sleep(0.3)
""",
        effect=lambda w: w.new.exists(),
    ),
    Attack(
        name="clone by system call",
        code="""
process = call(NR['clone'], 17, 0, 0, 0, 0)
if process == 0:
    os._exit(0)
escaped(process > 0)
""",
    ),
    Attack(
        name="clone3 by system call",
        kernel=True,
        code="""
arguments = ctypes.create_string_buffer(struct.pack('8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64)
process = call(NR['clone3'], arguments, 64)
if process == 0:
    os._exit(0)
escaped(process > 0)
""",
    ),
    Attack(name="exec", code="os.execv('/bin/echo', ['echo', 'ESCAPED'])"),
    Attack(
        name="spawn",
        code="os.waitpid(os.posix_spawn('/bin/echo', ['echo', 'ESCAPED'], {}), 0)",
    ),
    Attack(
        name="subprocess",
        code="import subprocess; escaped(b'x' in subprocess.check_output(['/bin/echo', 'x']))",
    ),
    Attack(name="shell", code="os.system('echo ESCAPED')"),
    Attack(
        name="exec from memory",
        code="""
memory = os.memfd_create('x', 0)
os.write(memory, b'#!/bin/echo ESCAPED\\n')
os.execve(memory, ['x'], {})
""",
    ),
    Attack(name="become root", root=True, code="os.setresuid(0, 0, 0); escaped(True)"),
    Attack(
        name="write to what it inherited",
        code="""
own = os.fstat(3).st_ino  # nonsense there would end this child, not its zygote
for number in range(4, 256):
    try:
        found = os.fstat(number)
        if stat.S_ISSOCK(found.st_mode) and found.st_ino != own:
            os.write(number, bytes([255] * 64))
    except OSError:
        pass
time.sleep(0.2)
""",
    ),
    Attack(
        name="pass a descriptor out",
        code="""
import socket
ours = socket.socket(fileno=3)
escaped(socket.send_fds(ours, [bytes([0, 0, 0, 1, 120])], [1]) == 5)
""",
    ),
    Attack(
        name="outlive the zygote",
        code="escaped(libc.prctl(1, 0, 0, 0, 0) == 0)",
    ),
    Attack(name="become readable", code="escaped(libc.prctl(4, 1, 0, 0, 0) == 0)"),
]
