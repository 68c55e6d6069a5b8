"""The Typer application: commands found by name and imported only when called."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command_from_info, get_group_from_info
from typer.models import CommandInfo, TyperInfo

from .. import __version__
from ..errors import BackpropError, OptionError, nearest
from .main import DONE, UNUSABLE

COMMANDS = (
    "eval", "explain", "draw", "symbolic", "code", "jacobian", "hessian", "hvp", "numeric", "cost", "repl", "gates",
)  # fmt: skip

HELP = """\
See, check and ship gradients of expressions.

Examples:

\b
  backprop eval "2*(max(z,w)+x*y)" --at x=3,y=-4,z=2,w=-1
  backprop eval "1/(1+exp(-(w*x+b)))" --at w=2,x=-1,b=-3 --check
  backprop numeric "sigmoid(x)" --at x=1
  echo "(x+y)*z" | backprop eval - --at x=-2,y=5,z=-4 --json
  backprop explain "x*x + x" --at x=3
  backprop draw "(x+y)*z" --at x=-2,y=5,z=-4 -o circuit.svg
  backprop gates sigmoid
"""


class ExpressionCommand(TyperCommand):
    """A command whose arguments may begin with a minus sign: ``-x^2`` is an expression, ``-o`` an option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        known = {name: p for p in self.get_params(ctx) for name in (*p.opts, *p.secondary_opts) if name[0] == "-"}
        options: list[str] = []
        expressions: list[str] = []
        rest = iter(args)
        for argument in rest:
            if argument == "--":
                expressions += rest
            elif argument in known:
                options.append(argument)
                if not getattr(known[argument], "is_flag", False):
                    value = next(rest, None)
                    if value is None:
                        raise OptionError(f"{argument} needs a value")
                    options.append(value)
            elif argument.startswith("--"):
                name = argument.partition("=")[0]
                if name not in known:
                    raise self._no_such_option(name, list(known))
                options.append(argument)
            else:
                expressions.append(argument)
        self._hold_one(expressions, sum(not p.opts[0].startswith("-") for p in self.get_params(ctx)))
        return super().parse_args(ctx, [*options, "--", *expressions])

    def _hold_one(self, expressions: list[str], most: int) -> None:
        """Refuse a second argument, most often a value or a part of an expression without quotes."""
        if len(expressions) > most:
            extra = expressions[most][:40]
            hint = f"values go behind --at: --at {extra}" if "=" in extra else "an expression with blanks needs quotes"
            raise OptionError(f"{self.name} takes {most or 'no'} argument, and {extra!r} is one more", hint=hint)

    def _no_such_option(self, name: str, known: list[str]) -> OptionError:
        others = [command for command in COMMANDS if command != self.name and name in _options_of(command)]
        close = nearest(name, known)
        if others:
            hint = f"{name} is an option of {', '.join(others)}"
        elif close:
            hint = f"did you mean {close}?"
        else:
            hint = f"`backprop {self.name} -h` lists the options; an expression that begins with -- goes behind a --"
        return OptionError(f"{self.name} has no option {name}", hint=hint)


class Commands(TyperGroup):
    """The commands, one module each."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _command(cmd_name) if cmd_name in COMMANDS else None


def _command(name: str) -> Any:
    from .asked import spread

    module = import_module(f"backpropcli.cli.{name}")
    info = CommandInfo(
        name=name, cls=ExpressionCommand, callback=spread(module.command), help=module.HELP,
        short_help=module.HELP.partition(".")[0] + ".",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )  # fmt: skip
    return get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None)


def _options_of(name: str) -> set[str]:
    return {option for parameter in _command(name).params for option in parameter.opts}


def _version(wanted: bool) -> None:
    if wanted:
        print(f"backprop {__version__}")
        raise typer.Exit


app = typer.Typer(
    cls=Commands, help=HELP, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True,
    add_completion=False, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    pass


def dispatch(arguments: list[str]) -> int:
    """Run the command and return its exit status; errors of the user are shown here, others pass."""
    group = get_group_from_info(
        TyperInfo(app), pretty_exceptions_short=False, suggest_commands=True, rich_markup_mode=None
    )
    # Not by the group's own `main`, which would answer Ctrl-C and closed pipes in its way.
    try:
        if arguments and arguments[0] not in (*COMMANDS, "-h", "--help", "--version"):
            close = nearest(arguments[0], COMMANDS)
            hint = f"did you mean {close}?" if close else 'an expression goes behind a command: backprop eval "x*y" …'
            raise OptionError(f"there is no command {arguments[0][:40]!r}", hint=hint)
        with group.make_context("backprop", list(arguments) or ["--help"]) as context:
            return int(group.invoke(context) or DONE)
    except typer.Exit as exit_:
        return exit_.exit_code if arguments else UNUSABLE
    except BackpropError as error:
        return _refuse(error, arguments)
    except typer.TyperException as error:
        return _refuse(OptionError(error.format_message().rstrip(".")), arguments)


def _refuse(error: BackpropError, arguments: list[str]) -> int:
    """Show the error: as JSON on standard output where JSON was asked for, else on standard error."""
    wants_json = "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    if wants_json:
        from ..renderers.json import render_error

        sys.stdout.write(render_error(error))
        sys.stdout.flush()
    else:
        from .files import print_error

        print_error(error)
    return UNUSABLE
