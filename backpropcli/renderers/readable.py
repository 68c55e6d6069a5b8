"""Which lines a reader needs: mathematics is shorter than the program, and does with fewer names.

The program names what is used more than once, and parts of what would be too long. Where a factor cancels, the name of
a product may cost more than it saves, or nothing mentions it any more.
"""

from __future__ import annotations

import re

from ..gradients import LONG, Formulas, Line
from .mathematics import Notation

FEW, MANY, MOST_LINES = 3, 60, 2000
"""Lines that mention a name, nodes that these write, and lines in all: with more a name stays.

2,000 lines take 5 seconds, and nobody reads them.
"""

WORD = r"[^\W⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ]+"
NAME = re.compile(f"∂{WORD}/∂{WORD}|{WORD}")


def readable(formulas: Formulas, quiet: bool = False) -> Formulas:
    """The formulas without names that make them no shorter, and without lines that nothing mentions.

    Args:
        formulas: the formulas.
        quiet: without the definition of the output, too, unless the gradient mentions it.
    """
    if len(formulas.known) > MOST_LINES:
        return formulas._replace(definitions=formulas.used_definitions()) if quiet else formulas
    lines = _Lines(formulas)
    aliases = {line.node for line in formulas.gradient if line.alias}
    for line in formulas.known.values():
        if lines.auxiliary(line) and line.node not in formulas.verbatim and line.node not in aliases:
            lines.open(line)
    shown = lines.mentioned(quiet)
    return formulas._replace(
        definitions=[line for line in formulas.definitions if line.name in shown],
        gradient=[line for line in formulas.gradient if line.name in shown],
        known={i: line for i, line in formulas.known.items() if i not in lines.opened},
    )


class _Lines:
    """The formulas as text, in which names are replaced by what they stand for.

    Attributes:
        notation: writes it.
        parts: by the node of a line, the nodes that it writes.
        mentions: by the node of a line, those of the lines that it mentions; `users` the other way.
        opened: the nodes that have lost their names.
    """

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.notation = Notation(formulas)
        graph, known = formulas.graph, formulas.known
        self.lines = {line.node: line for line in formulas.gradient} | known
        self.parts: dict[int, set[int]] = {}
        self.mentions: dict[int, set[int]] = {}
        self.users: dict[int, set[int]] = {i: set() for i in known}
        self.opened: set[int] = set()
        for root in self.lines:
            parts, mentions, left = {root}, set(), [root]
            while left:
                operands = {*graph.operands[left.pop()]} - parts
                within = [j for j in operands if j not in known]  # a difference would go through all of `known`
                mentions |= operands.difference(within)
                parts.update(within)
                left += within
            self.parts[root], self.mentions[root] = parts, mentions
            for j in mentions:
                self.users[j].add(root)

    def auxiliary(self, line: Line) -> bool:
        """Whether nobody but the formulas gave it its name."""
        return not line.of and line.node not in self.formulas.graph.names and line.name != self.formulas.output

    def open(self, line: Line) -> None:
        """Write what the line says into those that mention it, if that is no longer altogether."""
        notation, users = self.notation, self.users[line.node]
        own, used = notation.own, notation.used
        parts = sorted({line.node}.union(*[self.parts[user] for user in users])) if len(users) <= FEW else ()
        if not parts or len(parts) > MANY:
            return
        before = [(own[i], used[i]) for i in parts]
        lengths = [len(own[user].text) for user in users]
        used[line.node] = own[line.node]
        for i in parts:
            if i != line.node:
                notation.write(i)
        longer = [len(own[user].text) - length for user, length in zip(users, lengths, strict=True)]
        fits = all(len(own[user].text) <= LONG or more <= 0 for user, more in zip(users, longer, strict=True))
        if fits and sum(longer) <= len(f"{line.name} = {own[line.node].text}"):
            self.opened.add(line.node)
            for i in self.mentions[line.node]:
                self.users[i] |= users
            for user in users:
                self.mentions[user] |= self.mentions[line.node]
                self.parts[user] |= self.parts[line.node]
            return
        for i, (was, as_operand) in zip(parts, before, strict=True):
            own[i], used[i] = was, as_operand

    def mentioned(self, quiet: bool) -> set[str]:
        """The names of the lines that somebody asked for, and of those that these mention."""
        asked = [*self.formulas.by_input.values()]
        if not quiet:
            asked += [line for line in self.formulas.definitions if not self.auxiliary(line)]
        by_text = {self.text_of(line): line for line in self.lines.values()}
        found = {line.name for line in asked}
        while asked:
            for name in NAME.findall(self.notation.line(asked.pop())[1]):
                line = by_text.get(name)
                if line is not None and line.name not in found:
                    found.add(line.name)
                    asked.append(line)
        return found

    def text_of(self, line: Line) -> str:
        return f"∂{self.formulas.output}/∂{line.of}" if line.of else line.name
