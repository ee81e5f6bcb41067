"""Attacks that use too much."""

from __future__ import annotations

from attack import Attack

ATTACKS = [
    Attack(name="allocate a gigabyte", code="escaped(bytearray(1 << 30))"),
    Attack(
        name="map a gigabyte",
        code="""
import mmap
escaped(mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
""",
    ),
    Attack(
        name="allocate bit by bit",
        code="""
hoard = []
while len(hoard) < 400:
    hoard.append(bytearray(1 << 20))
escaped(True)
""",
    ),
    Attack(
        name="swallow MemoryError",
        code="""
hoard = []
for _ in range(400):
    try:
        hoard.append(bytearray(1 << 20))
    except MemoryError:
        pass
escaped(len(hoard) == 400)
""",
    ),
    Attack(
        name="flood standard output",
        ending=True,
        code="os.write(1, b'\\n' * (1 << 17)); time.sleep(0.3); escaped(True)",
    ),
    Attack(
        name="flood standard error",
        ending=True,
        code="os.write(2, b'\\n' * (1 << 17)); time.sleep(0.3); escaped(True)",
    ),
    Attack(
        name="flood with prints",
        ending=True,
        code="""
for _ in range(20000):
    print('passed', flush=True)
escaped(True)
""",
    ),
    Attack(name="sleep", code="time.sleep(1.3); escaped(True)"),
    Attack(
        name="loop, deaf to signals",
        code="""
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 64))
for number in set(range(1, 32)) - {9, 19}:
    signal.signal(number, signal.SIG_IGN)
end = time.monotonic() + 2.5
while time.monotonic() < end:
    pass
escaped(True)
""",
    ),
    Attack(
        name="loop with an alarm of its own",
        code="""
signal.signal(signal.SIGALRM, lambda *_: signal.alarm(1))
signal.alarm(1)
end = time.monotonic() + 1.3
while time.monotonic() < end:
    pass
escaped(True)
""",
    ),
    Attack(
        name="a number that takes long",
        code="""
end = time.monotonic() + 1.3
while time.monotonic() < end:
    7 ** (1 << 19)
escaped(True)
""",
    ),
    Attack(
        name="a pattern that takes long",
        code="""
import re
end = time.monotonic() + 1.3
while time.monotonic() < end:
    re.match('(a+)+$', 'a' * 20 + 'b')
escaped(True)
""",
    ),
    Attack(name="use up descriptors", code="escaped([os.dup(0) for _ in range(100)])"),
    Attack(
        name="use up pipes",
        code="""
for _ in range(50):
    os.write(os.pipe()[1], bytes(1 << 16))
escaped(True)
""",
    ),
    Attack(
        name="catch everything",
        code="""
end = time.monotonic() + 1.3
while time.monotonic() < end:
    try:
        time.sleep(0.1)
    except BaseException:
        pass
escaped(True)
""",
    ),
]
