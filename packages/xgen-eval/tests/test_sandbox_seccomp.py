"""The filter of system calls, run here as the kernel would run it, for both architectures."""

from __future__ import annotations

import struct

import pytest

from xgen_eval.execution.inside import seccomp

ALLOW, EPERM, ENOSYS, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
OWN = 4321

# Some calls by number on x86_64 and aarch64, from the kernel's tables; None where there is none.
CALLS = {
    "read": (0, 63),
    "write": (1, 64),
    "openat": (257, 56),
    "mmap": (9, 222),
    "exit_group": (231, 94),
    "getrandom": (318, 278),
    "fork": (57, None),
    "vfork": (58, None),
    "clone": (56, 220),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "sendmsg": (46, 211),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pidfd_getfd": (438, 438),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "setuid": (105, 146),
    "setresuid": (117, 147),
    "prctl": (157, 167),
    "seccomp": (317, 277),
    "personality": (135, 92),
    "flock": (73, 32),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "renameat2": (316, 276),
    "linkat": (265, 37),
    "symlinkat": (266, 36),
    "mkdirat": (258, 34),
    "mknodat": (259, 33),
    "fchmodat": (268, 53),
    "fchownat": (260, 54),
    "truncate": (76, 45),
    "shmget": (29, 194),
    "mq_open": (240, 180),
    "iopl": (172, None),
    "arch_prctl": (158, None),
    "modify_ldt": (154, None),
    "clone3": (435, 435),
    "openat2": (437, 437),
}
FINE = {"read", "write", "openat", "mmap", "exit_group", "getrandom"}
NOT_THERE = {"clone3", "openat2"}


def answer(code: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the filter answers to a call."""
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    lines = list(struct.iter_unpack("=HBBI", code))
    place, held = 0, 0
    for _ in lines:
        operation, yes, no, value = lines[place]
        place += 1
        if operation == 0x06:
            return value
        if operation == 0x20:
            held = struct.unpack_from("=I", data, value)[0]
        elif operation == 0x54:
            held &= value
        else:
            place += yes if (held == value if operation == 0x15 else held >= value) else no
    raise AssertionError("the filter does not answer")


@pytest.fixture(params=ARCHITECTURES)
def machine(request, monkeypatch):
    """The filter of an architecture: a function of a call's number and arguments."""
    monkeypatch.setattr(seccomp, "MACHINE", request.param)
    code = seccomp.Filter().for_process(OWN)
    column = list(ARCHITECTURES).index(request.param)

    def ask(call: int | tuple[int, int], *arguments: int) -> int:
        number = call if isinstance(call, int) else call[column]
        return answer(code, ARCHITECTURES[request.param], number, *arguments)

    ask.code, ask.column, ask.name = code, column, request.param
    return ask


def test_calls_are_answered_by_name(machine):
    for name, numbers in CALLS.items():
        number = numbers[machine.column]
        if number is not None:
            expected = ALLOW if name in FINE else ENOSYS if name in NOT_THERE else EPERM
            assert machine(number) == expected, name


def test_what_no_table_knows_is_not_there(machine):
    assert {machine(number) for number in (451, 462, 1000, 0x3FFFFFFF)} == {ENOSYS}


def test_another_architecture_ends_the_process(machine):
    for architecture in (0x40000003, 0x40000028, 0, *ARCHITECTURES.values()):
        if architecture != ARCHITECTURES[machine.name]:
            assert answer(machine.code, architecture, 0) == KILL


def test_x32_calls_end_the_process(machine):
    expected = KILL if machine.name == "x86_64" else ENOSYS
    assert {machine(0x40000000 + n) for n in (0, 59, 520, 0x3FFFFFFF)} == {expected}


def test_signals_go_to_itself_alone(machine):
    for call in ((62, 129), (234, 131)):
        assert machine(call, OWN, 9) == ALLOW
        for process in (0, 1, OWN + 1, 2**64 - 1, 2**32 - OWN, 0xFFFFFFFE):
            assert machine(call, process, 9) == EPERM


def test_limits_are_read_and_not_set(machine):
    prlimit = (302, 261)
    assert machine(prlimit, 0, 7, 0, 0x7FFF12345678) == ALLOW
    assert machine(prlimit, 0, 7, 0x7FFF12345678, 0) == EPERM
    assert machine(prlimit, 0, 7, 1 << 32, 0) == EPERM  # the high word counts
    assert machine(prlimit, 77, 7, 0, 0x7FFF12345678) == EPERM


def test_descriptors_cannot_be_made_to_signal(machine):
    fcntl, ioctl = (72, 25), (16, 29)
    assert {machine(fcntl, 3, command) for command in (0, 1, 2, 3, 4, 1030)} == {ALLOW}
    assert {machine(fcntl, 3, command) for command in (6, 8, 10, 15, 38, 1024, 1026, 1031)} == {
        EPERM
    }
    assert machine(ioctl, 1, 0x5413) == ALLOW
    assert {machine(ioctl, 1, command) for command in (0x8901, 0x8902, 0x5412, 0x5452)} == {EPERM}
    assert machine(ioctl, 1, (1 << 32) + 0x5412) == EPERM


def test_sockets_are_pairs_without_addresses(machine):
    socketpair, sendto = (53, 199), (44, 206)
    assert machine(socketpair, 1, 1) == ALLOW
    assert machine(socketpair, 1, 1 | 0o2000000 | 0o4000) == ALLOW  # close-on-exec, non-blocking
    assert {machine(socketpair, 1, kind) for kind in (2, 3, 5)} == {EPERM}
    assert {machine(socketpair, family, 1) for family in (2, 10, 16, 40)} == {EPERM}
    assert machine(sendto, 5, 0x1000, 1, 0, 0, 0) == ALLOW
    assert machine(sendto, 5, 0x1000, 1, 0, 1 << 32, 16) == EPERM


def test_descriptors_are_taken_from_the_own_channel_alone(machine):
    recvmsg = (47, 212)
    assert machine(recvmsg, 3, 0x1000) == ALLOW
    assert {machine(recvmsg, descriptor, 0x1000) for descriptor in (0, 1, 4, 255)} == {EPERM}


def test_a_machine_without_a_table_is_said(monkeypatch):
    monkeypatch.setattr(seccomp, "MACHINE", "riscv64")
    with pytest.raises(OSError, match="riscv64"):
        seccomp.Filter()
