"""The one `xgen` command."""

from xgen_core.command.group import main, xgen

__all__ = ["main", "xgen"]
