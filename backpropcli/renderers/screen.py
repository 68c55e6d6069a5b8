"""What the place where the text is read can show."""

from __future__ import annotations

import os
import shutil
from typing import NamedTuple, TextIO

from ..errors import printable
from .numbers import ASCII

NEEDED = "∂×…–─σ"


class Screen(NamedTuple):
    """A terminal, a pipe or a file.

    Attributes:
        width: columns, or None for as many as the content takes.
        color: whether colors are shown.
        ascii: whether the encoding has nothing but ASCII to offer.
        terminal: whether a person is looking.
    """

    width: int | None
    color: bool
    ascii: bool
    terminal: bool

    def show(self, content: str) -> str:
        """The content with nothing in it that could steer a terminal, in what the encoding can show."""
        content = printable(content)
        if self.ascii:
            content = content.translate(ASCII).encode("ascii", "backslashreplace").decode("ascii")
        return content


FILE = Screen(None, False, False, False)


def screen_of(stream: TextIO, color: str = "auto") -> Screen:
    """The screen behind a stream: COLUMNS, NO_COLOR, FORCE_COLOR and TERM are honoured."""
    terminal = stream.isatty()
    environment = os.environ
    width = shutil.get_terminal_size().columns if terminal or environment.get("COLUMNS", "").isdigit() else None
    if color == "auto":
        wanted = terminal and environment.get("TERM", "") != "dumb"
        if environment.get("FORCE_COLOR"):
            wanted = True
        if environment.get("NO_COLOR"):
            wanted = False
    else:
        wanted = color == "always"
    try:
        NEEDED.encode(stream.encoding or "ascii")
    except (UnicodeError, LookupError):
        return Screen(width, wanted, True, terminal)
    return Screen(width, wanted, False, terminal)
