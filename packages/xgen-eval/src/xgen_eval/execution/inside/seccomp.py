"""Seccomp: the system calls that Python needs to compute and to speak; every other one fails.

A list of what is allowed, so that a call which a newer kernel adds is forbidden until somebody has
thought about it. Forbidden calls fail with EPERM, which Python shows as `PermissionError`; those
that the C library tries first and does without fail with ENOSYS, and a call of another architecture
or of the x32 kind ends the process.

Not allowed, and worth naming: fork, vfork and clone (so no threads either), exec, every socket but
a pair of stream sockets, signals to any other process, and whatever changes a file, its name or its
owner: writing happens on descriptors alone.
"""

from __future__ import annotations

import ctypes
import struct

from xgen_eval.execution.inside.syscalls import MACHINE, NUMBERS, call

__all__ = ["Filter", "install"]

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: (number on x86_64, number on aarch64); None where the architecture has no such call
_ALLOWED: dict[str, tuple[int | None, int | None]] = {
    # descriptors
    "read": (0, 63),
    "write": (1, 64),
    "open": (2, None),
    "close": (3, 57),
    "lseek": (8, 62),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "readv": (19, 65),
    "writev": (20, 66),
    "access": (21, None),
    "pipe": (22, None),
    "dup": (32, 23),
    "dup2": (33, None),
    "flock": (73, 32),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "getcwd": (79, 17),
    "chdir": (80, 49),
    "fchdir": (81, 50),
    "readlink": (89, None),
    "umask": (95, 166),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "getdents64": (217, 61),
    "fadvise64": (221, 223),
    "openat": (257, 56),
    "readlinkat": (267, 78),
    "faccessat": (269, 48),
    "dup3": (292, 24),
    "pipe2": (293, 59),
    "preadv": (295, 69),
    "pwritev": (296, 70),
    "close_range": (436, 436),
    "faccessat2": (439, 439),
    "stat": (4, None),
    "fstat": (5, 80),
    "lstat": (6, None),
    "newfstatat": (262, 79),
    "statx": (332, 291),
    # waiting
    "poll": (7, None),
    "select": (23, None),
    "sched_yield": (24, 124),
    "pause": (34, None),
    "nanosleep": (35, 101),
    "getitimer": (36, 102),
    "alarm": (37, None),
    "setitimer": (38, 103),
    "futex": (202, 98),
    "epoll_create": (213, None),
    "clock_nanosleep": (230, 115),
    "epoll_wait": (232, None),
    "epoll_ctl": (233, 21),
    "pselect6": (270, 72),
    "ppoll": (271, 73),
    "epoll_pwait": (281, 22),
    "eventfd2": (290, 19),
    "epoll_create1": (291, 20),
    # memory
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "mincore": (27, 232),
    "madvise": (28, 233),
    "membarrier": (324, 283),
    # its own signals
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137),
    "rt_sigsuspend": (130, 133),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    # itself, clocks, chance
    "getpid": (39, 172),
    "uname": (63, 160),
    "gettimeofday": (96, 169),
    "getrlimit": (97, 163),
    "getrusage": (98, 165),
    "sysinfo": (99, 179),
    "times": (100, 153),
    "getuid": (102, 174),
    "getgid": (104, 176),
    "geteuid": (107, 175),
    "getegid": (108, 177),
    "getppid": (110, 173),
    "getpgrp": (111, None),
    "getgroups": (115, 158),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getpgid": (121, 155),
    "getsid": (124, 156),
    "gettid": (186, 178),
    "time": (201, None),
    "sched_getaffinity": (204, 123),
    "set_tid_address": (218, 96),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "set_robust_list": (273, 99),
    "get_robust_list": (274, 100),
    "getcpu": (309, 168),
    "getrandom": (318, 278),
    "rseq": (334, 293),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # a pair of stream sockets, for asyncio
    "recvfrom": (45, 207),
    "shutdown": (48, 210),
    "getsockname": (51, 204),
    "getsockopt": (55, 209),
}

_NOT_THERE = {"clone3": (435, 435), "openat2": (437, 437)}

_NEWER = 451
"""From this number on a call is newer than the list, and said not to be there."""

_IOCTL, _FCNTL = (16, 29), (72, 25)
_PRLIMIT, _KILL, _TGKILL = (302, 261), (62, 129), (234, 131)
_SOCKETPAIR, _SENDTO = (53, 199), (44, 206)

# Terminal size and kind, bytes waiting, close-on-exec, non-blocking. Not FIOSETOWN, which names a
# process that a socket shall signal, nor TIOCSTI, which types.
_IOCTLS = (0x5401, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451)
# dup, flags, record locks, pipe size. Not F_SETOWN, F_SETSIG and F_SETLEASE, which signal others.
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)

_LOAD, _EQUAL, _ABOVE, _ANSWER, _AND = 0x20, 0x15, 0x35, 0x06, 0x54
_ALLOW, _KILL_PROCESS, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16


class Filter:
    """The program, made once; `for_process` names the one process that may signal itself."""

    def __init__(self) -> None:
        """Assemble it.

        Raises:
            OSError: no table for this machine.
        """
        if MACHINE not in _ARCHITECTURES:
            raise OSError(_ENOSYS, f"no table of system calls for {MACHINE}")
        self._column = list(_ARCHITECTURES).index(MACHINE)
        self._own_process: list[int] = []
        self._code: list[tuple[int, int, int, int]] = []
        self._assemble()

    def for_process(self, process: int) -> bytes:
        """The program as the kernel takes it."""
        code = self._code
        for place in self._own_process:
            code[place] = (*code[place][:3], process)
        return b"".join(struct.pack("=HBBI", *line) for line in code)

    @property
    def allowed(self) -> int:
        """How many calls are allowed whatever their arguments."""
        return sum(numbers[self._column] is not None for numbers in _ALLOWED.values())

    def _assemble(self) -> None:
        self._emit(_LOAD, _ARCHITECTURE_AT)
        self._emit(_EQUAL, _ARCHITECTURES[MACHINE], 1, 0)
        self._emit(_ANSWER, _KILL_PROCESS)
        self._emit(_LOAD, _NUMBER_AT)
        if MACHINE == "x86_64":
            self._emit(_ABOVE, 0x40000000, 0, 1)
            self._emit(_ANSWER, _KILL_PROCESS)
        for numbers in _NOT_THERE.values():
            self._answer_if(numbers, _ERRNO | _ENOSYS)
        self._emit(_ABOVE, _NEWER, 0, 1)
        self._emit(_ANSWER, _ERRNO | _ENOSYS)
        for numbers in _ALLOWED.values():
            self._answer_if(numbers, _ALLOW)
        self._if_argument(_IOCTL, 1, _IOCTLS)
        self._if_argument(_FCNTL, 1, _FCNTLS)
        for numbers in (_KILL, _TGKILL):
            self._own_process.append(self._if_argument(numbers, 0, (0,)))
        self._if_zero(_PRLIMIT, (0, 2))
        self._if_zero(_SENDTO, (4,))
        self._if_socketpair()
        self._emit(_ANSWER, _ERRNO | _EPERM)

    def _emit(self, code: int, value: int, yes: int = 0, no: int = 0) -> int:
        self._code.append((code, yes, no, value))
        return len(self._code) - 1

    def _number(self, numbers: tuple[int | None, int | None]) -> int:
        number = numbers[self._column]
        return 0xFFFFFFFF if number is None else number

    def _answer_if(self, numbers: tuple[int | None, int | None], answer: int) -> None:
        if numbers[self._column] is not None:
            self._emit(_EQUAL, self._number(numbers), 0, 1)
            self._emit(_ANSWER, answer)

    def _if_argument(
        self, numbers: tuple[int | None, int | None], argument: int, values: tuple[int, ...]
    ) -> int:
        """Allow a call where the low word of an argument, all the kernel reads, is among values.

        Returns:
            where the first comparison stands.
        """
        self._emit(_EQUAL, self._number(numbers), 0, len(values) + 3)
        self._emit(_LOAD, _ARGUMENTS_AT + 8 * argument)
        places = [self._emit(_EQUAL, value, len(values) - i, 0) for i, value in enumerate(values)]
        self._emit(_ANSWER, _ERRNO | _EPERM)
        self._emit(_ANSWER, _ALLOW)
        return places[0]

    def _if_zero(self, numbers: tuple[int | None, int | None], arguments: tuple[int, ...]) -> None:
        """Allow a call where both words of these arguments are 0."""
        words = [_ARGUMENTS_AT + 8 * a + half for a in arguments for half in (0, 4)]
        self._emit(_EQUAL, self._number(numbers), 0, 2 * len(words) + 2)
        for i, word in enumerate(words):
            self._emit(_LOAD, word)
            self._emit(_EQUAL, 0, 0, 2 * (len(words) - i) - 1)
        self._emit(_ANSWER, _ALLOW)
        self._emit(_ANSWER, _ERRNO | _EPERM)

    def _if_socketpair(self) -> None:
        """Allow a pair of Unix stream sockets: no address, so nobody else to reach."""
        self._emit(_EQUAL, self._number(_SOCKETPAIR), 0, 7)
        self._emit(_LOAD, _ARGUMENTS_AT)
        self._emit(_EQUAL, 1, 0, 4)
        self._emit(_LOAD, _ARGUMENTS_AT + 8)
        self._emit(_AND, 0xF)
        self._emit(_EQUAL, 1, 0, 1)
        self._emit(_ANSWER, _ALLOW)
        self._emit(_ANSWER, _ERRNO | _EPERM)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def install(code: bytes) -> None:
    """Put this process under the filter, for ever. It must not be able to gain privileges."""
    program = _Program(len(code) // 8, code)
    call("seccomp", NUMBERS.get("seccomp"), 1, 0, ctypes.byref(program))
