"""Pages of prose and mathematics: the same sections and numbered steps as text, as Markdown and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..errors import columns, printable
from . import latex
from .screen import Screen

PROSE = 100
"""The most columns of a line of prose; a narrow screen has fewer."""


class Math(str):
    """A piece of mathematics, in the notation of the page."""

    __slots__ = ()


class Code(str):
    """A piece of a program."""

    __slots__ = ()


Parts = list[str]
"""A sentence: words, and mathematics between them."""


class Entry(NamedTuple):
    """A numbered step: its lines, what it hands to each operand, and what is to be noted.

    Attributes:
        items: for each operand the product, and why it looks so.
    """

    number: int
    lines: list[Parts]
    items: list[list[Parts]]
    notes: list[Parts]


class Section(NamedTuple):
    """A pass: its heading, what it is, and its steps; a step that is only a sentence says what was left out."""

    heading: Parts
    lead: list[Parts]
    entries: Iterable[Entry | Parts]


def joined(separator: str, parts: Iterable[str]) -> Parts:
    """The parts with a separator between each two."""
    found: Parts = []
    for part in parts:
        found += [separator, part] if found else [part]
    return found


class TextPage:
    """Plain text, folded between words."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.width = max(min(screen.width or PROSE, PROSE), 20)

    def lines(self, parts: Parts, lead: str = "", indent: int = 0) -> str:
        """A paragraph; its first line begins with the lead, the others are indented."""
        found, line, begun = [], lead, False
        for word in words(self.screen.show("".join(parts)), self.width - indent):
            if begun and columns(line) + 1 + columns(word) > self.width:
                found.append(line)
                line, begun = " " * indent, False
            line += f" {word}" if begun else word
            begun = True
        return "\n".join([*found, line]) + "\n"

    def bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.screen.color else text

    def page(self, title: Parts, sections: Iterable[Section]) -> Iterator[str]:
        yield self.bold(self.lines(title, "", 2)) if title else ""
        for section in sections:
            heading = self.lines(section.heading)
            yield f"\n{self.bold(heading)}{self.screen.show('─' * (columns(heading) - 1))}\n"
            for lead in section.lead:
                yield self.lines(lead)
            for entry in section.entries:
                yield from self.entry(entry)

    def entry(self, entry: Entry | Parts) -> Iterator[str]:
        if not isinstance(entry, Entry):
            yield self.lines(entry, "", 2)
            return
        lead = f"{entry.number:>2}  "
        for at, line in enumerate(entry.lines):
            yield self.lines(line, " " * len(lead) if at else lead, len(lead) + (0 if at else 2))
        for item in entry.items:
            for at, line in enumerate(item):
                yield self.lines(line, " " * (len(lead) + 2 + 2 * bool(at)), len(lead) + 4)
        for note in entry.notes:
            yield self.lines(note, " " * len(lead), len(lead) + 2)


class MarkdownPage:
    """Markdown, with formulas between dollars."""

    def text(self, parts: Parts) -> str:
        return "".join(map(markdown_part, parts))

    def page(self, title: Parts, sections: Iterable[Section]) -> Iterator[str]:
        yield f"# {self.text(title)}\n" if title else ""
        for section in sections:
            yield f"\n## {self.text(section.heading)}\n"
            for lead in section.lead:
                yield f"\n{self.text(lead)}\n"
            listed = False
            for entry in section.entries:
                yield "" if listed and isinstance(entry, Entry) else "\n"
                yield from self.entry(entry)
                listed = isinstance(entry, Entry)

    def entry(self, entry: Entry | Parts) -> Iterator[str]:
        if not isinstance(entry, Entry):
            yield f"{self.text(entry)}\n"
            return
        lead = f"{entry.number}. "
        indent = " " * len(lead)
        yield lead + f"  \n{indent}".join(map(self.text, entry.lines)) + "\n"
        for item in entry.items:
            yield f"{indent}- " + f"  \n{indent}  ".join(map(self.text, item)) + "\n"
        for note in entry.notes:
            yield f"\n{indent}*{self.text(note)}*\n"


class LatexPage:
    """A LaTeX document."""

    def __init__(self, korean: bool) -> None:
        self.packages = [r"\usepackage{kotex}"] if korean else []

    def text(self, parts: Parts) -> str:
        return "".join(map(latex_part, parts))

    def page(self, title: Parts, sections: Iterable[Section]) -> Iterator[str]:
        packages = [r"\usepackage{amsmath,amssymb,textcomp}", *self.packages]
        head = [r"\documentclass{article}", *packages, r"\begin{document}"]
        yield "\n".join(head) + "\n" + (f"\n\\section*{{{self.text(title)}}}\n" if title else "")
        for section in sections:
            yield "\n" + rf"\subsection*{{{self.text(section.heading)}}}" + "\n"
            for lead in section.lead:
                yield self.text(lead) + "\n\n"
            listed = False
            for entry in section.entries:
                if isinstance(entry, Entry) != listed:
                    yield r"\end{enumerate}" + "\n" if listed else r"\begin{enumerate}" + "\n"
                    listed = not listed
                yield from self.entry(entry)
            yield r"\end{enumerate}" + "\n" if listed else ""
        yield r"\end{document}" + "\n"

    def entry(self, entry: Entry | Parts) -> Iterator[str]:
        if not isinstance(entry, Entry):
            yield rf"\noindent {self.text(entry)}" + "\n\n"
            return
        lines = [*entry.lines, *entry.notes] if not entry.items else entry.lines
        yield rf"\item[{entry.number}.] " + "\\\\\n".join(map(self.text, lines)) + "\n"
        if entry.items:
            yield r"\begin{itemize}" + "\n"
            for item in entry.items:
                yield r"\item " + "\\\\\n".join(map(self.text, item)) + "\n"
            yield r"\end{itemize}" + "\n"
            for note in entry.notes:
                yield self.text(note) + "\n\n"


def words(text: str, width: int) -> Iterator[str]:
    """The pieces between which a line may end: at spaces, but not within a tensor that fits in a line."""
    open_brackets, start = 0, 0
    for at, c in enumerate(f"{text} "):
        open_brackets += (c == "[") - (c == "]")
        if c == " " and open_brackets <= 0:
            piece = text[start:at]
            yield from [piece] if columns(piece) <= width else piece.split(" ")
            start, open_brackets = at + 1, 0
    if start < len(text):  # a bracket that nothing closes
        yield from text[start:].split(" ")


def markdown_part(part: str) -> str:
    """A part of a sentence."""
    if isinstance(part, Math):
        return f"${part}$"
    return code_span(part) if isinstance(part, Code) else markdown_text(part)


def markdown_text(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|$~&!" else c for c in printable(text))


def latex_part(part: str) -> str:
    """A part of a sentence."""
    if isinstance(part, Math):
        return f"${part}$"
    return rf"\texttt{{{latex.text(part)}}}" if isinstance(part, Code) else latex.text(part)


def code_span(text: str) -> str:
    """A program in a code span, whatever backticks it has."""
    text = printable(text)
    fence = "`"
    while fence in text:
        fence += "`"
    return f"{fence} {text} {fence}" if text.startswith("`") or text.endswith("`") else f"{fence}{text}{fence}"
