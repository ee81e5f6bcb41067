"""Frames over a socket: what processes say to each other. Standard library only.

A frame is its length in 4 bytes, most significant first, and so many bytes. A child uses `Channel`;
the harness feeds what it reads to `Frames`. Nobody trusts a length.
"""

from __future__ import annotations

import os
import socket
import struct

__all__ = ["CHANNEL", "LARGEST_FRAME", "Channel", "FrameError", "Frames", "pack"]

CHANNEL = 3
"""A child's descriptor of its channel; 0, 1 and 2 are the standard ones, and it has no others."""

LARGEST_FRAME = 1 << 24
"""Bytes in a frame at most. A program that says more in one answer has failed."""

_HEADER = struct.Struct("!I")


class FrameError(Exception):
    """A frame is longer than agreed."""


def pack(frame: bytes, largest: int = LARGEST_FRAME) -> bytes:
    """A frame with its length before it.

    Raises:
        FrameError: it is longer than `largest`.
    """
    if len(frame) > largest:
        raise FrameError(f"a frame of {len(frame)} bytes; the largest has {largest}")
    return _HEADER.pack(len(frame)) + frame


class Frames:
    """Takes bytes as they come, and gives whole frames."""

    def __init__(self, largest: int = LARGEST_FRAME) -> None:
        self._largest = largest
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        self._bytes += data

    def take(self) -> bytes | None:
        """The next whole frame, or None until more has come.

        Raises:
            FrameError: the length announced is above the largest.
        """
        held = self._bytes
        if len(held) < _HEADER.size:
            return None
        (length,) = _HEADER.unpack_from(held)
        if length > self._largest:
            raise FrameError(f"a frame of {length} bytes; the largest has {self._largest}")
        end = _HEADER.size + length
        if len(held) < end:
            return None
        frame = bytes(held[_HEADER.size : end])
        del held[:end]
        return frame


class Channel:
    """A child's end of a channel, blocking; another process holds the other."""

    def __init__(self, descriptor: int, largest: int = LARGEST_FRAME) -> None:
        self._descriptor = descriptor
        self._largest = largest

    def send(self, frame: bytes) -> None:
        """Send one frame.

        Raises:
            FrameError: it is longer than the largest.
            OSError: the other end is closed.
        """
        data = memoryview(pack(frame, self._largest))
        while data:
            data = data[os.write(self._descriptor, data) :]

    def receive(self) -> bytes | None:
        """The next frame, or None when the other end is closed.

        Raises:
            FrameError: it is longer than the largest.
        """
        header = self._read(_HEADER.size)
        if header is None:
            return None
        (length,) = _HEADER.unpack(header)
        if length > self._largest:
            raise FrameError(f"a frame of {length} bytes; the largest has {self._largest}")
        return self._read(length)

    def take(self) -> Channel | None:
        """The channel that the harness gives next (`Child.give`); None when it has hung up."""
        held = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, self._descriptor)
        try:
            _, descriptors, _, _ = socket.recv_fds(held, 1, 1)
        finally:
            held.detach()
        return Channel(descriptors[0], self._largest) if descriptors else None

    def close(self) -> None:
        """Close this end."""
        os.close(self._descriptor)

    def _read(self, count: int) -> bytes | None:
        """Exactly so many bytes, or None at the end; one system call where all of it is there."""
        data = b""
        while len(data) < count:
            more = os.read(self._descriptor, count - len(data))
            if not more:
                return None
            data = data + more if data else more
        return data
