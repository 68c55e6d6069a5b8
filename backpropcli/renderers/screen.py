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
        encoding: what the text will be encoded in.
        ascii: whether signs such as ∂ are beyond that encoding, and ASCII stands in.
        terminal: whether a person is looking.
    """

    width: int | None
    color: bool
    encoding: str
    ascii: bool
    terminal: bool

    def show(self, content: str) -> str:
        """The content with nothing in it that could steer a terminal, in what the encoding can hold."""
        content = printable(content)
        if content.isascii():
            return content
        if self.ascii:
            content = content.translate(ASCII)
        return content.encode(self.encoding, "backslashreplace").decode(self.encoding)


FILE = Screen(None, False, "utf-8", False, False)


def screen_of(stream: TextIO | None, color: str = "auto") -> Screen:
    """The screen behind a stream: COLUMNS, NO_COLOR, FORCE_COLOR and TERM are honoured."""
    if stream is None:
        return FILE
    terminal = stream.isatty()
    environment = os.environ
    fixed = environment.get("COLUMNS", "")
    width = shutil.get_terminal_size().columns if terminal or (fixed.isascii() and fixed.isdigit()) else None
    if color == "auto":
        wanted = terminal and environment.get("TERM", "") != "dumb"
        if environment.get("FORCE_COLOR"):
            wanted = True
        if environment.get("NO_COLOR"):
            wanted = False
    else:
        wanted = color == "always"
    encoding = stream.encoding or "ascii"
    try:
        NEEDED.encode(encoding)
    except (UnicodeError, LookupError):
        return Screen(width, wanted, encoding, True, terminal)
    return Screen(width, wanted, encoding, False, terminal)
