"""Lines of a session: from a person, with editing, history and completion, or from a pipe.

Editing is the standard library's `readline`; where that is missing, lines are read plainly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, Protocol

from ..errors import LanguageError, LimitError
from ..limits import Limits
from ..textfiles import decode

MOST_LINES, LONGEST = 1000, 10_000
"""Of the history: lines, and characters of one."""
SEPARATORS = " \t\n()[]{},;=+-*/^@<>!&|~·×÷−²³√∛∗⋅⊙≤≥≠"
"""What ends a word that is completed."""

Completions = Callable[[str, str], list[str]]
"""What a word may become, from the line before it and the word."""


class Lines(Protocol):
    """Where lines come from.

    Attributes:
        number: of the line read last, from 1; 0 where lines have none that anyone sees.
    """

    number: int

    def read(self) -> str | None:
        """The next line; None at the end.

        Raises:
            BackpropError: the line cannot be used, but the next may.
        """


class Piped:
    """Lines of a stream."""

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self.stream = stream
        self.limits = limits
        self.number = 0

    def read(self) -> str | None:
        self.number += 1
        most = int(self.limits["source"])
        data = self.stream.readline(most + 1)
        if len(data) > most:
            rest = data
            while rest and not rest.endswith(b"\n"):
                rest = self.stream.readline(2**16)
            raise LimitError(f"a line of more than {most:,} bytes", hint=f"--limit source={2 * most} raises the limit")
        return decode(data, "the line").rstrip("\r\n") if data else None


class Typed:
    """Lines that a person types.

    Args:
        prompt: what asks for one.
        editor: the module `readline`; None where there is none.
    """

    number = 0

    def __init__(self, prompt: str, editor: Any = None) -> None:
        self.prompt = prompt
        self.editor = editor
        self.pasted: list[str] = []

    def read(self) -> str | None:
        """The next line; an empty one where Ctrl-C takes it back."""
        if self.pasted:
            return self.pasted.pop(0)
        try:
            line = input(self._asked())
        except EOFError:
            print(flush=True)
            return None
        except KeyboardInterrupt:
            print(flush=True)
            return ""
        except UnicodeError:
            raise LanguageError("the line is no text in the terminal's encoding") from None
        if self.editor is not None and line.strip() and len(line) <= LONGEST:
            with suppress(ValueError):
                self.editor.add_history(line)
        line, *self.pasted = line.split("\n")
        return line

    def _asked(self) -> str:
        """The prompt; where answers go to a file it has gone to standard error."""
        if sys.stdout.isatty() or sys.stderr is None:
            return self.prompt
        sys.stderr.write(self.prompt)
        sys.stderr.flush()
        return ""


@contextmanager
def typed(prompt: str, completions: Completions, history: str | None) -> Iterator[Typed]:
    """Lines with editing, and with the history in a file, which is written at the end.

    Args:
        prompt: what asks for a line.
        completions: what a word may become.
        history: the file; None for none. One that cannot be read or written counts as none.
    """
    try:
        import readline
    except ImportError:  # as on Windows
        yield Typed(prompt)
        return
    try:
        readline.set_completer_delims(SEPARATORS)
    except UnicodeError:  # the C locale has no such signs
        readline.set_completer_delims("".join(filter(str.isascii, SEPARATORS)))
    readline.set_completer(_completer(readline, completions))
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    readline.set_auto_history(False)
    readline.set_history_length(MOST_LINES)
    if history is not None and os.path.isfile(history):
        with suppress(OSError, UnicodeError):
            readline.read_history_file(history)
    try:
        yield Typed(prompt, readline)
    finally:
        if history is not None:
            with suppress(OSError, UnicodeError):
                _save(readline, history)


def history_file() -> str | None:
    """The file of the history, in the user's folder for the state of programs; None where there is no such folder."""
    folder = os.environ.get("XDG_STATE_HOME", "")
    folder = folder if os.path.isabs(folder) else os.path.expanduser("~/.local/state")
    return os.path.join(folder, "backprop", "history") if os.path.isabs(folder) else None


def _completer(editor: Any, completions: Completions) -> Callable[[str, int], str | None]:
    found: list[str] = []

    def complete(word: str, state: int) -> str | None:
        """The candidate of that number; the line is looked at for the first."""
        if state == 0:
            found[:] = completions(editor.get_line_buffer()[: editor.get_begidx()], word)
        return found[state] if state < len(found) else None

    return complete


def _save(editor: Any, path: str) -> None:
    """Write the history, for the user's eyes alone."""
    if os.path.exists(path) and not os.path.isfile(path):
        return
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    os.chmod(path, 0o600)
    editor.write_history_file(path)
    os.chmod(path, 0o600)


def a_person_types() -> bool:
    """Whether lines come from a terminal."""
    return sys.stdin is not None and sys.stdin.isatty()
