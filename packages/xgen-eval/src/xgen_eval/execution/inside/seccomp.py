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
import errno
import struct
from collections.abc import Mapping, Sequence

from xgen_eval.execution.channel import CHANNEL
from xgen_eval.execution.inside.syscalls import MACHINE, NUMBERS, call

__all__ = ["Filter", "install"]

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

_Numbers = tuple[int | None, int | None]

# name: (number on x86_64, number on aarch64); None where the architecture has no such call
_ALLOWED: dict[str, _Numbers] = {
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

_NEWER = 451
"""From this number on a call is newer than the list, and said not to be there."""

_OWN_PROCESS = 0xFFFFFFFE
"""Stands in the program for the child's own number until there is one."""

# Terminal size and kind, bytes waiting, close-on-exec, non-blocking. Not FIOSETOWN, which names a
# process that a socket shall signal, nor TIOCSTI, which types.
_IOCTLS = (0x5401, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451)
# dup, flags, pipe size. Not F_SETOWN, F_SETSIG and F_SETLEASE, which signal others, nor locks,
# which would hold up whoever else reads the file.
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1032)

_LOAD, _EQUAL, _FROM, _ANSWER, _AND = 0x20, 0x15, 0x35, 0x06, 0x54
_ALLOW, _KILL_PROCESS = 0x7FFF0000, 0x80000000
_NO_PERMISSION, _NO_CALL = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_Line = tuple[int, int, int, int]  # code, how many to skip if so, if not, value


class Filter:
    """The program, made once; `for_process` names the one process that may signal itself.

    The call's number is searched for in a tree of ranges: the kernel runs the program on every
    number when it is installed, so that its depth is paid by each child.
    """

    def __init__(self) -> None:
        """Assemble it.

        Raises:
            OSError: no table for this machine.
        """
        if MACHINE not in _ARCHITECTURES:
            raise OSError(errno.ENOSYS, f"no table of system calls for {MACHINE}")
        column = list(_ARCHITECTURES).index(MACHINE)
        answers = {numbers[column]: [_answer(_ALLOW)] for numbers in _ALLOWED.values()}
        self.allowed = sum(number is not None for number in answers)
        for numbers, answer in _conditions().values():
            answers[numbers[column]] = answer
        foreign = [(_FROM, 0, 1, 0x40000000), _answer(_KILL_PROCESS)]
        lines = [
            (_LOAD, 0, 0, _ARCHITECTURE_AT),
            (_EQUAL, 1, 0, _ARCHITECTURES[MACHINE]),
            _answer(_KILL_PROCESS),
            (_LOAD, 0, 0, _NUMBER_AT),
            *(foreign if MACHINE == "x86_64" else []),
            *_tree(_ranges(answers)),
        ]
        self._code = bytearray(b"".join(struct.pack("=HBBI", *line) for line in lines))
        self._own = [8 * i + 4 for i, line in enumerate(lines) if line[3] == _OWN_PROCESS]

    def for_process(self, process: int) -> bytes:
        """The program as the kernel takes it."""
        for place in self._own:
            struct.pack_into("=I", self._code, place, process)
        return bytes(self._code)


def _answer(value: int) -> _Line:
    return (_ANSWER, 0, 0, value)


def _conditions() -> dict[str, tuple[_Numbers, list[_Line]]]:
    """Calls that are allowed with some arguments only."""
    return {
        "ioctl": ((16, 29), _if_argument(1, _IOCTLS)),
        "fcntl": ((72, 25), _if_argument(1, _FCNTLS)),
        "kill": ((62, 129), _if_argument(0, (_OWN_PROCESS,))),
        "tgkill": ((234, 131), _if_argument(0, (_OWN_PROCESS,))),
        "prlimit64": ((302, 261), _if_zero(0, 2)),  # reading its own
        "sendto": ((44, 206), _if_zero(4)),  # no address
        "recvmsg": ((47, 212), _if_argument(0, (CHANNEL,))),  # a judge is given descriptors
        "socketpair": ((53, 199), _if_unix_stream()),
        "clone3": ((435, 435), [_answer(_NO_CALL)]),
        "openat2": ((437, 437), [_answer(_NO_CALL)]),
    }


def _if_argument(argument: int, values: tuple[int, ...]) -> list[_Line]:
    """Allow where the low word of an argument, all that the kernel reads, is one of these."""
    compared = [(_EQUAL, len(values) - i, 0, value) for i, value in enumerate(values)]
    load = (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * argument)
    return [load, *compared, _answer(_NO_PERMISSION), _answer(_ALLOW)]


def _if_zero(*arguments: int) -> list[_Line]:
    """Allow where both words of each of these arguments are 0."""
    lines: list[_Line] = []
    words = [_ARGUMENTS_AT + 8 * argument + half for argument in arguments for half in (0, 4)]
    for i, word in enumerate(words):
        lines += [(_LOAD, 0, 0, word), (_EQUAL, 0, 2 * (len(words) - i) - 1, 0)]
    return [*lines, _answer(_ALLOW), _answer(_NO_PERMISSION)]


def _if_unix_stream() -> list[_Line]:
    """Allow a pair of Unix stream sockets: they take no address, so nobody else can be reached."""
    return [
        (_LOAD, 0, 0, _ARGUMENTS_AT),
        (_EQUAL, 0, 4, 1),
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8),
        (_AND, 0, 0, 0xF),
        (_EQUAL, 0, 1, 1),
        _answer(_ALLOW),
        _answer(_NO_PERMISSION),
    ]


def _ranges(answers: Mapping[int | None, list[_Line]]) -> list[tuple[int, list[_Line]]]:
    """First number and answer of each range of numbers, from 0 on."""
    found: list[tuple[int, list[_Line]]] = []
    for number in range(_NEWER + 1):
        answer = answers.get(number, [_answer(_NO_PERMISSION if number < _NEWER else _NO_CALL)])
        if not found or found[-1][1] != answer:
            found.append((number, answer))
    return found


def _tree(ranges: Sequence[tuple[int, list[_Line]]]) -> list[_Line]:
    """Lines that find the range which the number is in, and answer."""
    if len(ranges) == 1:
        return ranges[0][1]
    middle = len(ranges) // 2
    below, above = _tree(ranges[:middle]), _tree(ranges[middle:])
    return [(_FROM, len(below), 0, ranges[middle][0]), *below, *above]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def install(code: bytes) -> None:
    """Put this process under the filter, for ever. It must not be able to gain privileges."""
    program = _Program(len(code) // 8, code)
    call("seccomp", NUMBERS.get("seccomp"), 1, 0, ctypes.byref(program))
