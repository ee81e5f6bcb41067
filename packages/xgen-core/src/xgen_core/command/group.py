"""`xgen`: one click group whose sub-commands come from whichever packages are installed.

`xgen --help` reads package metadata and loads none of them, so it stays quick. A package that is
missing is answered with its `pip install` line, one that is broken with a warning.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

import click

from xgen_core.errors import PluginError, XgenError
from xgen_core.plugins import PROVIDERS, available, load

__all__ = ["main", "xgen"]

_GROUP = "xgen.commands"


class _InstalledCommands(click.Group):
    """A group that finds commands by entry point, and describes them without loading them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *available(_GROUP)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        if cmd_name not in available(_GROUP) and (_GROUP, cmd_name) not in PROVIDERS:
            return None  # click lists what is close
        command = load(_GROUP, cmd_name)
        if not isinstance(command, click.Command):
            raise PluginError(f"{_GROUP} {cmd_name!r} is not a click command: {command!r}")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        points = available(_GROUP)
        rows: list[tuple[str, str]] = []
        for name in self.list_commands(ctx):
            own = super().get_command(ctx, name)
            if own is not None:
                rows.append((name, own.get_short_help_str(100)))
            else:
                dist = points[name].dist
                rows.append((name, dist.metadata["Summary"] if dist else ""))
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        missing = sorted({p for (g, n), p in PROVIDERS.items() if g == _GROUP and n not in points})
        if missing:
            with formatter.section("Not installed"):
                formatter.write_text("pip install " + " ".join(missing))


@click.group(cls=_InstalledCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("xgen-core"), prog_name="xgen")
def xgen() -> None:
    """XGen in the open: prepare data, train, evaluate and study language models in JAX.

    \b
    Example:
      xgen doctor
      xgen train run xgen_train.recipes.quickstart:base --help
    """


@xgen.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Check versions, devices and whatever else the installed packages can check.

    \b
    Example:
      xgen doctor
    """
    from xgen_core.command.doctor import examine

    examine(as_json)


@xgen.command()
@click.argument("directories", nargs=-1, required=True, type=click.Path())
@click.option("--output", "-o", type=click.Path(), help="The page; default DIR/report.html.")
def report(directories: tuple[str, ...], output: str | None) -> None:
    """Render the run directories DIRECTORIES as one self-contained HTML page.

    \b
    Example:
      xgen report runs/quickstart
    """
    from xgen_core.command.report import render

    click.echo(render(directories, output))


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command; a user's mistake becomes one line and exit code 1 or 2, no traceback."""
    try:
        result = xgen.main(args=arguments, prog_name="xgen", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        sys.exit(130)
    except XgenError as error:
        _say(f"error: {error}")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        advice = "; free some space and run the same command again" * (error.errno == errno.ENOSPC)
        where = f"{error.filename}: " if error.filename else ""
        _say(f"error: {where}{error.strerror or error}{advice}")
        sys.exit(1)
    sys.exit(result if isinstance(result, int) else 0)


def _say(text: str) -> None:
    click.echo("xgen: " + " ".join(text.split()), err=True)
