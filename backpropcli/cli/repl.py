"""``backprop repl``: type, see, change a value, see again."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from .. import __version__
from ..errors import BackpropError, FileProblem, OptionError
from .draw import form_for, picture
from .files import print_error, print_notes, read_program, write, write_bytes
from .main import DONE, FAULT, NO, UNUSABLE, UNVERIFIED, fault, tell
from .options import At, AtFile, Color, Digits, File, Limit, limits_of, point_of, reader_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..limits import Limits
    from ..session import Answer, Session
    from .lines import Lines

PROMPT = "> "

HELP = """\
Type, see, change a value, see again.

`x = 3` sets a value, `q = x + y` defines a name, an expression shows its table, and :help lists the commands. Tab
completes names and functions. An error keeps the session; Ctrl-C takes back a line, Ctrl-D ends.

From a pipe lines are answered one by one, without a prompt. The exit status is then 2 where a line could not be used or
values are lacking at the end, 1 where :check disagreed, 3 where an answer was not finite or not verified.

Examples:

\b
  backprop repl
  backprop repl "q = x + y; f = q*z" --at x=-2,y=5,z=-4
  backprop repl samples/neuron.bp --at-file samples/neuron.json
  printf 'x = 3\\nx^2\\nx = 4\\n' | backprop repl
"""


def command(
    expression: Annotated[
        str | None,
        typer.Argument(metavar="EXPR", help="What to begin with: a program, or the path of one that ends in .bp."),
    ] = None,
    file: File = None,
    at: At = None,
    at_file: AtFile = None,
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Whether typed lines are kept for the next session.")
    ] = True,
    digits: Digits = None,
    color: Color = "auto",
    limit: Limit = None,
) -> int:
    from ..commands import completions
    from ..session import Session
    from .lines import Piped, a_person_types, history_file, typed

    limits = limits_of(limit)
    if sys.stdin is None:
        raise FileProblem("standard input is closed")
    if "-" in (expression, file, at_file):
        raise OptionError("standard input has the session's lines", hint="leave out the -")
    session = Session(point_of(at, at_file, limits), limits, reader_of(limits))
    start = None if expression is None and file is None else read_program(expression, file, limits)

    def show(answer: Answer) -> int:
        return _show(answer, limits, color, digits)

    person = a_person_types()
    status = DONE
    if person:
        tell(f"backprop {__version__}: type x = 3, an expression, or :help; Ctrl-D ends")
    if start is not None:
        status = show(session.enter(start))
    lines = typed(PROMPT, partial(completions, session), history_file() if history else None) if person else None
    with lines or nullcontext(Piped(sys.stdin.buffer, limits)) as source:
        status = _answered(source, session, show, status, person)
    if person:
        return DONE
    return _graver(status, UNUSABLE if session.lacking else DONE)


def _answered(lines: Lines, session: Session, show: Callable[[Answer], int], status: int, person: bool) -> int:
    """Answer every line, and return the gravest status; a person's Ctrl-C ends what is under way, and no more."""
    while True:
        try:
            for found in _statuses(lines, session, show):
                status = _graver(status, found)
            return status
        except KeyboardInterrupt:
            if not person:
                raise
            tell("interrupted")


def _statuses(lines: Lines, session: Session, show: Callable[[Answer], int]) -> Iterator[int]:
    """The status of every line, up to the end."""
    from ..commands import answer

    while True:
        line: str | None = ""
        try:
            line = lines.read()
            answered = None if line is None else answer(session, line)
            if answered is None or answered.kind == "end":
                return
            found = show(answered)
        except BackpropError as error:
            print_error(error, _place(error, line or "", lines.number))
            found = UNUSABLE
        except OSError:
            raise  # what is shown cannot be written
        except Exception as error:
            found = fault(error)
        yield found


def _place(error: BackpropError, line: str, number: int) -> str:
    """The place of an error at a line that has a number; what it is about may have been typed before."""
    column = f", column {error.column}" if error.start >= 0 and error.source == line else ""
    return f"line {number}{column}" if number else ""


def _graver(*statuses: int) -> int:
    return max(statuses, key=(DONE, UNVERIFIED, NO, UNUSABLE, FAULT).index)


def _show(answer: Answer, limits: Limits, color: str, digits: int | None) -> int:
    """Print an answer and an empty line, and return its status."""
    from ..renderers.screen import screen_of
    from ..renderers.session import render
    from ..session import DISAGREES
    from ..session import UNVERIFIED as UNCERTAIN

    print_notes(answer.notes, limits)
    if answer.target:
        _draw(answer, digits)
    else:
        pieces = list(render(answer, screen_of(sys.stdout, color), limits, digits))
        write([*pieces, "\n"] if pieces else [], None)
    return {DISAGREES: NO, UNCERTAIN: UNVERIFIED}.get(answer.outcome, DONE)


def _draw(answer: Answer, digits: int | None) -> None:
    """Write the circuit to a file; its suffix decides the form."""
    from ..renderers.screen import FILE, screen_of

    form = form_for(None, answer.target)
    if form == "text":
        from ..renderers.tree import render

        write([render(answer.content, FILE, digits or 4)], answer.target)
    else:
        write_bytes(picture(answer.content, form, digits or 4), answer.target)
    tell(screen_of(sys.stderr).show(f"{answer.target} is written"))
