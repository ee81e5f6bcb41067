"""What attacks aim at: files, sockets and a process that belong to the harness's own user."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

_VICTIM = """
import ctypes, sys
ctypes.CDLL(None).prctl(0x59616d61, -1, 0, 0, 0)  # where Yama asks: anybody may trace me
memory = ctypes.create_string_buffer(sys.argv[1].encode())
print(ctypes.addressof(memory), flush=True)
sys.stdin.read()
"""


def _packages() -> Path:
    """Where packages lie that are not the standard library: next to it, if there are any."""
    beside = Path(os.__file__).parent / "site-packages"
    return beside if any(beside.glob("*/*.py")) else Path(__file__).parents[2] / "src"


class World:
    """One set of targets; everything may be read and written by everybody."""

    def __init__(self, directory: Path) -> None:
        self.token = secrets.token_hex(8)
        self.directory = directory / self.token
        self.directory.mkdir()
        self.directory.chmod(0o777)
        self.secret, self.victim = self.directory / "secret", self.directory / "victim"
        self.new, self.link = self.directory / "new", self.directory / "link"
        self.secret.write_text(self.token)
        self.link.symlink_to(self.secret)
        self.restore()
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix, self.abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.directory / "socket"))
        (self.directory / "socket").chmod(0o777)
        self.abstract.bind("\0" + self.token)
        self.unix.listen()
        self.abstract.listen()
        self.datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.datagrams.bind("\0d" + self.token)
        self.open_file = self.secret.open()
        self.process = self._spawn()

    def facts(self) -> dict[str, object]:
        """What a script is told."""
        return {
            "token": self.token,
            "directory": str(self.directory),
            **{name: str(getattr(self, name)) for name in ("secret", "victim", "new", "link")},
            "source": str(Path(__file__).parents[2] / "src" / "xgen_eval" / "cli.py"),
            "package": str(next(_packages().rglob("*.py"))),
            "path": [p for p in sys.path if p and Path(p).is_dir()],
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "unix": str(self.directory / "socket"),
            "harness": os.getpid(),
            "process": self.process.pid,
            "address": self.address,
        }

    def restore(self) -> None:
        """Undo what an attack has done."""
        for path in (self.new, self.victim):
            with contextlib.suppress(FileNotFoundError):
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        self.victim.write_text("intact")
        self.victim.chmod(0o666)
        if hasattr(self, "process"):
            for listener in (self.tcp, self.unix, self.abstract):
                self.connected(listener)
            for receiver in (self.udp, self.datagrams):
                self.received(receiver)
            if self.process.poll() is not None or self.stopped():
                self.close_process()
                self.process = self._spawn()

    def attributes(self) -> list[str]:
        """Extended attributes of the victim file."""
        return os.listxattr(self.victim)

    def connected(self, listener: socket.socket) -> bool:
        """Whether somebody has connected."""
        if not select.select([listener], [], [], 0)[0]:
            return False
        listener.accept()[0].close()
        return True

    def received(self, receiver: socket.socket) -> bool:
        """Whether something has come."""
        return bool(select.select([receiver], [], [], 0)[0] and receiver.recv(99))

    def died(self) -> bool:
        """Whether the process has been ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(0.1)
        return self.process.poll() is not None

    def stopped(self) -> bool:
        """Whether the process has been stopped."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        return stat.rsplit(")", 1)[1].split()[0] in "Tt"

    def close(self) -> None:
        """End the process and close the sockets."""
        self.close_process()
        for item in (self.tcp, self.udp, self.unix, self.abstract, self.datagrams, self.open_file):
            item.close()

    def close_process(self) -> None:
        """End the process."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def _spawn(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _VICTIM, self.token],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        self.address = int(process.stdout.readline())
        return process
