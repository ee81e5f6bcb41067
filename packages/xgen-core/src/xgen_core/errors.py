"""One tree for everything that can go wrong in the domain.

A wrong *argument* from a programmer stays a built-in error (`ValueError`, `TypeError`).
What a user can cause (a damaged file, an unknown recipe field, an endpoint that is down) is an
`XgenError`; the `xgen` command prints its message as one line and exits with `exit_code`.
Write messages so that they say what was expected, what came, and what to do.
"""

from __future__ import annotations

__all__ = [
    "BudgetError",
    "CapabilityError",
    "EndpointError",
    "FormatError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "PluginError",
    "RecipeError",
    "XgenError",
]


class XgenError(Exception):
    """A failure that the user can understand and act on.

    Attributes:
        exit_code: what the `xgen` command exits with: 1 for a domain failure, 2 for wrong usage.
    """

    exit_code: int = 1


class InputError(XgenError):
    """An input is missing, empty or not what it claims to be; names file, line and advice."""


class FormatError(XgenError):
    """A file of ours is damaged, incomplete, or of a version this release cannot read."""


class RecipeError(XgenError):
    """A recipe is not to be found, has an unknown field, or values that contradict each other."""

    exit_code = 2


class PluginError(XgenError):
    """No installed package provides what was named, or the one that does is broken."""

    exit_code = 2


class MissingExtraError(PluginError):
    """An optional dependency is not installed; the message carries the `pip install` line."""

    def __init__(self, what: str, requirement: str) -> None:
        super().__init__(f"{what} needs an optional dependency: pip install '{requirement}'")
        self.requirement = requirement
        self._what = what

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Made again from both arguments where a worker process hands it back."""
        return type(self), (self._what, self.requirement)


class CapabilityError(XgenError):
    """A model cannot do what is asked of it (score, say, behind a chat-only endpoint)."""

    exit_code = 2


class ModelError(XgenError):
    """A model failed to answer, or answered something that is not an answer."""


class EndpointError(ModelError):
    """An endpoint refuses whatever it is asked: it is down, or address, key or model are wrong."""


class BudgetError(XgenError):
    """The next request could cost more than is left; says what was spent and what to raise."""
