"""Attacks on the kernel: calls that a program which computes has no use for."""

from __future__ import annotations

from attack import Attack

ATTACKS = [
    Attack(
        name="make a user namespace",
        kernel=True,
        code="escaped(libc.unshare(0x10000000) == 0)",
    ),
    Attack(
        name="enter a namespace",
        root=True,
        kernel=True,
        code="escaped(libc.setns(os.open('/proc/self/ns/net', os.O_RDONLY), 0) == 0)",
    ),
    Attack(
        name="io_uring",
        kernel=True,
        code="escaped(call(NR['io_uring_setup'], 4, ctypes.create_string_buffer(120)) >= 0)",
    ),
    Attack(
        name="bpf",
        kernel=True,
        code="""
array = ctypes.create_string_buffer(struct.pack('4I', 2, 4, 4, 1), 72)
escaped(call(NR['bpf'], 0, array, 72) >= 0)
""",
    ),
    Attack(
        name="userfaultfd",
        kernel=True,
        code="escaped(call(NR['userfaultfd'], 1) >= 0)",
    ),
    Attack(
        name="perf events",
        kernel=True,
        code="""
attributes = ctypes.create_string_buffer(struct.pack('IIQQQQQ', 1, 112, 0, 0, 0, 0, 0x61), 112)
escaped(call(NR['perf_event_open'], attributes, 0, -1, -1, 0) >= 0)
""",
    ),
    Attack(
        name="keys",
        kernel=True,
        code="escaped(call(NR['add_key'], b'user', b'x', b'y', 1, -2) > 0)",
    ),
    Attack(name="personality", kernel=True, code="escaped(libc.personality(0x0040000) >= 0)"),
    Attack(name="memory as a file", code="escaped(os.memfd_create('x'))"),
    Attack(
        name="System V shared memory",
        code="""
number = call(NR['shmget'], 0, 4096, 0o1600)
escaped(number >= 0 and call(NR['shmctl'], number, 0, 0) == 0)
""",
    ),
    Attack(
        name="System V semaphores",
        code="""
number = call(NR['semget'], 0, 1, 0o1600)
escaped(number >= 0 and call(NR['semctl'], number, 0, 0, 0) == 0)
""",
    ),
    Attack(
        name="System V messages",
        code="""
number = call(NR['msgget'], 0, 0o1600)
escaped(number >= 0 and call(NR['msgctl'], number, 0, 0) == 0)
""",
    ),
    Attack(
        name="POSIX message queue",
        kernel=True,
        code="""
name = W['token'].encode()
queue = call(NR['mq_open'], name, 0o102, 0o600, 0)
escaped(queue >= 0 and call(NR['mq_unlink'], name) == 0)
""",
    ),
    Attack(
        name="raise a limit",
        code="""
import resource
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
escaped(True)
""",
    ),
    Attack(
        name="ask for core dumps",
        code="""
import resource
resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
escaped(True)
""",
    ),
    Attack(
        name="name the machine",
        root=True,
        kernel=True,
        code="import socket; socket.sethostname(socket.gethostname()); escaped(True)",
    ),
    Attack(
        name="read the kernel's log",
        root=True,
        kernel=True,
        code="escaped(libc.klogctl(10, None, 0) >= 0)",
    ),
    Attack(
        name="use input and output ports", root=True, kernel=True, code="escaped(libc.iopl(3) == 0)"
    ),
    Attack(
        name="watch file systems",
        root=True,
        kernel=True,
        code="escaped(call(NR['fanotify_init'], 0, 0) >= 0)",
    ),
    Attack(
        name="lock memory",
        kernel=True,
        code="import mmap; m = mmap.mmap(-1, 1 << 16); escaped(libc.mlockall(1) == 0)",
    ),
    Attack(
        name="call the kernel as 32-bit code",
        kernel=True,
        code="""
import mmap, platform
code = mmap.mmap(-1, 4096, prot=7)
code.write(bytes([0xB8, 20, 0, 0, 0, 0xCD, 0x80, 0xC3]))  # mov eax, getpid; int 0x80; ret
if platform.machine() == 'x86_64':
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    escaped(ctypes.CFUNCTYPE(ctypes.c_int)(address)() == os.getpid())
""",
    ),
]
