"""A text taken apart into statements, each with its place, for a session that reads them one by one."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..limits import LIMITS, Limits
from .parser import CLOSING, OPENING, Token, parser

DETACHED_FILE = re.compile(r"(?<![=<>!])=([ \t]+)@")


class Statement(NamedTuple):
    """One statement.

    Attributes:
        text: its own text.
        source: the text in which it stands.
        start: its place there.
        name: the name that it assigns, or "".
        reads: the names that it reads, each once, constants such as ``pi`` among them.
        file: whether the value is in a file, as in ``W=@w.npy``.
        equal: the place in its own text behind the ``=`` of an assignment, else 0.
    """

    text: str
    source: str
    start: int
    name: str = ""
    reads: tuple[str, ...] = ()
    file: bool = False
    equal: int = 0

    @property
    def lone(self) -> bool:
        """Whether it is a name and nothing else."""
        return self.reads == (self.text,)


def statements(text: str, limits: Limits = LIMITS) -> list[Statement]:
    """The statements of a text, not yet held against the grammar.

    A comma between two assignments separates them as ``;`` does, and a file may stand behind a blank: ``W = @w.npy``.

    Raises:
        LanguageError: a character that is not in the language.
        LimitError: the text is larger than a limit.
    """
    limits.hold("source", len(text))
    text = text.replace("\r\n", " \n").replace("\r", "\n")
    text = DETACHED_FILE.sub(r"\1=@", text)  # no character changes its place but the `=`
    return [_statement(text, tokens) for tokens in _parted(list(parser().tokens(text))) if tokens]


def _parted(tokens: list[Token]) -> list[list[Token]]:
    """The tokens of each statement."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for at, token in enumerate(tokens):
        kind = token[0]
        depth += (kind in OPENING) - (kind in CLOSING)
        ends = kind in ("_END", "$END") or (
            kind == "COMMA" and depth == 0 and _assigns(parts[-1]) and _assigns(tokens[at + 1 : at + 3])
        )
        if ends:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _assigns(tokens: list[Token]) -> bool:
    return [kind for kind, *_ in tokens[:2]] == ["NAME", "EQUAL"]


def _statement(source: str, tokens: list[Token]) -> Statement:
    """A name before ``(`` is called, one before ``=`` is assigned or a keyword; every other is read."""
    start, (_, last, end) = tokens[0][2], tokens[-1]
    following = [kind for kind, *_ in tokens[1:]] + [""]
    reads = {
        word: None
        for (kind, word, _), after in zip(tokens, following, strict=True)
        if kind == "NAME" and after not in ("LPAR", "EQUAL")
    }
    name, equal = (tokens[0][1], tokens[1][2] + 1 - start) if _assigns(tokens) else ("", 0)
    file = bool(name) and following[1] == "FILE"
    return Statement(source[start : end + len(last)], source, start, name, tuple(reads), file, equal)
