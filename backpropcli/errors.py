"""Everything that can go wrong for a user, as a tree.

    BackpropError
    ├── LanguageError     the text is not in the language
    │   └── UnknownName   a function or variable that nobody defined
    ├── PointError        the values given do not fit the program
    ├── ShapeError        shapes that do not fit together
    ├── FileProblem       a file that cannot be read or written
    ├── LimitError        larger than a limit allows; the message names the option that raises it
    └── OptionError       options that do not go together

Each has exit status 2: the input cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class BackpropError(Exception):
    """One clear error: what is wrong, where, and how to mend it.

    Attributes:
        message: one sentence without a full stop.
        hint: what to write instead, or "".
        source: the text in which the error stands, or "".
        start, end: its place in the source, 0-based, end exclusive; start is -1 where there is no place.
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", source: str = "", start: int = -1, end: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.source = _with_plain_line_ends(source)
        self.start = start
        self.end = max(end, start + 1)

    def at(self, source: str, start: int, end: int) -> BackpropError:
        """The same error with its place, unless it has one already."""
        if self.start < 0:
            self.start, self.end = start, max(end, start + 1)
        self.source = self.source or _with_plain_line_ends(source)
        return self

    @property
    def line(self) -> int | None:
        """1-based line, or None."""
        return None if self.start < 0 else self.source.count("\n", 0, self.start) + 1

    @property
    def column(self) -> int | None:
        """1-based column in characters, or None."""
        return None if self.start < 0 else self.start - self.source.rfind("\n", 0, self.start)

    def record(self) -> dict[str, Any]:
        """The error as JSON shows it."""
        return {
            "code": self.code,
            "message": self.message,
            "line": self.line,
            "column": self.column,
            "hint": self.hint or None,
        }

    def render(self, width: int = 80, show: Callable[[str], str] | None = None, place: str = "") -> str:
        """The error as a person reads it: the cause, the line, a caret, the mend.

        Args:
            width: the screen's columns.
            show: makes text fit to be shown on the screen; by default `printable`.
            place: what is told in place of line and column.
        """
        show = show or printable
        if not place and self.start >= 0:
            place = f"line {self.line}, column {self.column}"
        lines = [f"backprop: {place}{': ' * bool(place)}{show(self.message)}"]
        if self.start >= 0:
            lines += self._excerpt(max(width, 20) - 2, show)
        if self.hint:
            lines.append(f"  hint: {show(self.hint)}")
        return "\n".join(lines)

    def _excerpt(self, width: int, show: Callable[[str], str]) -> list[str]:
        """The source line, cut to a window around the place, and the caret under it."""
        left = self.source.rfind("\n", 0, self.start) + 1
        right = self.source.find("\n", self.start)
        right = len(self.source) if right < 0 else right
        # Characters take one column, two, or several where they are spelled out: grow the window from the place.
        begin, end, room = self.start, self.start, width - 2
        while room > 0 and (begin > left or end < right):
            grown = room
            if end < right:
                room -= columns(show(self.source[end]))
                end += room >= 0
            if begin > left and room > 0:
                room -= columns(show(self.source[begin - 1]))
                begin -= room >= 0
            if room == grown:
                break
        before, after = (show("…") if begin > left else ""), (show("…") if end < right else "")
        lead = before + show(self.source[begin : self.start])
        marked = show(self.source[self.start : max(self.start, min(self.end, end))])
        shown = lead + show(self.source[self.start : end]) + after
        return [f"  {shown}", "  " + " " * columns(lead) + "^" * max(1, columns(marked))]


class LanguageError(BackpropError):
    code = "syntax"


class UnknownName(LanguageError):
    code = "name"


class PointError(BackpropError):
    code = "point"


class ShapeError(BackpropError):
    code = "shape"

    def at(self, source: str, start: int, end: int) -> BackpropError:
        """The same with its place, and the words of the expression itself in the message."""
        if self.start < 0:
            own = " ".join(source[start:end].split())
            own = own if len(own) <= 60 else f"{own[:40]} … {own[-15:]}"
            self.message = f"`{own}`: {self.message}"
        return super().at(source, start, end)


class FileProblem(BackpropError):
    code = "file"


class LimitError(BackpropError):
    code = "limit"


class OptionError(BackpropError):
    code = "option"


def printable(text: str) -> str:
    """The text with every character spelled out that could steer a terminal: controls, marks that turn direction."""
    if text.isascii() and text.isprintable():
        return text
    import unicodedata

    return "".join(c if c.isprintable() and unicodedata.bidirectional(c) not in _STEERING else escape(c) for c in text)


def _with_plain_line_ends(text: str) -> str:
    """The text with ``\\n`` for every line end, each character in its old place."""
    return text.replace("\r\n", " \n").replace("\r", "\n")


_STEERING = frozenset(("RLE", "LRE", "RLO", "LRO", "PDF", "RLI", "LRI", "FSI", "PDI"))


def escape(character: str) -> str:
    """``\\n`` and ``\\t`` by letter, any other character by code point."""
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character) or f"\\u{{{ord(character):x}}}"


def columns(text: str) -> int:
    """How many terminal columns the text takes."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """The known name that looks most like it, whatever its case, or ""."""
    from difflib import get_close_matches

    spelt = {word.lower(): word for word in known}
    found = get_close_matches(name.lower(), list(spelt), 1, cutoff)
    return spelt[found[0]] if found else ""
