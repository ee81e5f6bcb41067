"""Attacks by network: whom can a program reach?"""

from __future__ import annotations

from attack import Attack

ATTACKS = [
    Attack(
        name="connect by TCP",
        code="socket.create_connection(('127.0.0.1', W['tcp']), 1).send(b'x')",
        effect=lambda w: w.connected(w.tcp),
    ),
    Attack(name="listen by TCP", code="escaped(socket.create_server(('127.0.0.1', 0)))"),
    Attack(
        name="send by UDP",
        code="""
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b'x', ('127.0.0.1', W['udp']))
""",
        effect=lambda w: w.received(w.udp),
    ),
    Attack(
        name="ask a name server",
        code="""
query = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
query.connect(('127.0.0.1', W['udp']))
query.send(bytes(2) + b'\\1\\0\\0\\1' + bytes(6) + b'\\1x\\0\\0\\1\\0\\1')
""",
        effect=lambda w: w.received(w.udp),
    ),
    Attack(
        name="connect to a Unix socket",
        code="socket.socket(socket.AF_UNIX).connect(W['unix'])",
        effect=lambda w: w.connected(w.unix),
    ),
    Attack(
        name="connect to an abstract socket",
        code="socket.socket(socket.AF_UNIX).connect('\\0' + W['token'])",
        effect=lambda w: w.connected(w.abstract),
    ),
    Attack(
        name="send to an abstract socket from a pair",
        code="""
ours, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
ours.sendto(b'x', '\\0d' + W['token'])
""",
        effect=lambda w: w.received(w.datagrams),
    ),
    Attack(
        name="talk to the kernel by netlink",
        code="socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0)); escaped(True)",
    ),
    Attack(
        name="raw packets",
        root=True,
        kernel=True,
        code="escaped(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))",
    ),
    Attack(
        name="speak to the host of the machine",
        kernel=True,
        code="escaped(socket.socket(40, socket.SOCK_STREAM))",
    ),
    Attack(name="use the kernel's ciphers", kernel=True, code="escaped(socket.socket(38, 5))"),
]
