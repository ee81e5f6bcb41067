"""What can go wrong with a sandbox itself, never with the code in it."""

from __future__ import annotations

from xgen_core.errors import XgenError

__all__ = ["SandboxError", "WeakSandboxError"]


class SandboxError(XgenError):
    """The sandbox failed: its zygote died, or a child could not be made or shut in.

    Says nothing about the program that was to run.
    """


class WeakSandboxError(XgenError):
    """This machine cannot hold untrusted code well enough, and nobody said to run it anyway."""
