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

from collections.abc import Iterable
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
        self.source = source
        self.start = start
        self.end = max(end, start + 1)

    def at(self, source: str, start: int, end: int) -> BackpropError:
        """The same error with its place, unless it has one already."""
        if self.start < 0:
            self.start, self.end = start, max(end, start + 1)
        self.source = self.source or source
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

    def render(self, width: int = 80) -> str:
        """The error as a person reads it: the cause, the line, a caret, the mend."""
        place = "" if self.start < 0 else f"line {self.line}, column {self.column}: "
        lines = [f"backprop: {place}{printable(self.message)}"]
        if self.start >= 0:
            lines += self._excerpt(max(width, 20) - 2)
        if self.hint:
            lines.append(f"  hint: {printable(self.hint)}")
        return "\n".join(lines)

    def _excerpt(self, width: int) -> list[str]:
        """The source line, cut to a window around the place, and the caret under it."""
        left = self.source.rfind("\n", 0, self.start) + 1
        right = self.source.find("\n", self.start)
        right = len(self.source) if right < 0 else right
        begin = max(left, self.start - width // 2)
        end = min(right, begin + width - 2)
        before, after = ("…" if begin > left else ""), ("…" if end < right else "")
        shown = printable(self.source[begin:end])
        lead = columns(before + printable(self.source[begin : self.start]))
        marked = columns(printable(self.source[self.start : max(self.start, min(self.end, end))]))
        return [f"  {before}{shown}{after}", "  " + " " * lead + "^" * max(1, marked)]


class LanguageError(BackpropError):
    code = "syntax"


class UnknownName(LanguageError):
    code = "name"


class PointError(BackpropError):
    code = "point"


class ShapeError(BackpropError):
    code = "shape"


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
