"""Text to builder calls: a lexer and an LALR loop over the tables that Lark compiled.

Lark's own lexer and parser over the same grammar call the same builder in the tests, which hold the two equal. This one
imports nothing and is three times as fast, since its tokens are plain tuples.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import BackpropError
from .compile import compile_tables, digest, grammar_text, shipped

Token = tuple[str, str, int]
"""Terminal, text, position."""

OPENING = frozenset(("LPAR", "LSQB"))
CLOSING = frozenset(("RPAR", "RSQB"))


class Parser:
    """An LALR(1) parser for one builder class at a time; made once, used for every text."""

    def __init__(self, tables: dict[str, Any]) -> None:
        ignored = "|".join(tables["ignored"])
        terminals = "|".join(f"(?P<{name}>{regexp})" for name, regexp in tables["terminals"])
        self.scan = re.compile(f"(?:{ignored})*(?:{terminals}|(?P<END_OF_TEXT>\\Z)|(?P<UNKNOWN>.))", re.DOTALL).finditer
        self.keywords: dict[str, str] = tables["keywords"]
        self.states: list[dict[str, int]] = tables["states"]
        self.rules: list[tuple[str, int, list[int], str]] = [tuple(rule) for rule in tables["rules"]]
        self.settled: dict[tuple[int, str, str], int] = {}
        self.starts: dict[str, int] = tables["starts"]
        self.ends: dict[str, int] = tables["ends"]

    def tokens(self, text: str) -> Iterator[Token]:
        """The tokens of the text and a last one called ``$END``; a line end inside brackets is none.

        Raises:
            LanguageError: a character that begins no token.
        """
        keywords = self.keywords
        depth = 0
        for match in self.scan(text):
            kind = match.lastgroup
            word = match[kind]  # type: ignore[index]
            if kind == "NAME":
                kind = keywords.get(word, kind)
            elif kind in OPENING:
                depth += 1
            elif kind in CLOSING:
                depth -= 1
            elif kind == "_END" and depth > 0 and word != ";":
                continue
            elif kind == "END_OF_TEXT":
                break
            elif kind == "UNKNOWN":
                from .diagnosis import unexpected_character  # only where it is needed: 3 ms

                raise unexpected_character(text, match.start(kind))
            yield kind, word, match.end() - len(word)  # type: ignore[misc]
        yield "$END", "", len(text)

    def settle(self, below: int, origin: str, kind: str) -> int:
        """The state after reducing to `origin` on top of state `below`, and on by all rules that only rename it.

        A number passes eight such rules on its way from atom to expression; remembering where they lead saves a third
        of the time of parsing.
        """
        state = self.states[below][origin]
        while True:
            action = self.states[state].get(kind, 0)
            renamed, length, _, callback = self.rules[-action - 1] if action < 0 else ("", 0, [], "")
            if length != 1 or callback:
                break
            state = self.states[below][renamed]
        self.settled[below, origin, kind] = state
        return state

    def parse(self, text: str, start: str, builder: Any) -> None:
        """Call the builder's method for every rule, operands first; what it builds is the builder's affair.

        Raises:
            LanguageError: the text is not in the language, or the builder said so; with its place.
        """
        states = self.states
        reductions: list[tuple[str, int, Any, Callable[..., Any] | None]] = [
            (origin, length, kept, builder.callback(callback) if callback else None)
            for origin, length, kept, callback in self.rules
        ]
        settled = self.settled
        end = self.ends[start]
        stack = [self.starts[start]]
        values: list[Any] = [None]
        places = [0]
        state = stack[-1]
        for kind, word, place in self.tokens(text):
            while True:
                action = states[state].get(kind)
                if action is None:
                    from .diagnosis import unexpected_token

                    raise unexpected_token(text, start, self.tokens(text), place, frozenset(states[state]))
                if action >= 0:
                    stack.append(action)
                    values.append((word, place))
                    places.append(place)
                    state = action
                    break
                origin, length, kept, callback = reductions[-action - 1]
                parts = values[-length:] if length else []
                if callback is None:
                    value = parts[kept[0]] if kept else None
                else:
                    try:
                        value = callback(*[parts[k] for k in kept])
                    except BackpropError as error:
                        raise error.at(text, places[-length] if length else place, place) from None
                if length:
                    del stack[-length:], values[-length:], places[1 - length or len(places) :]
                else:
                    places.append(place)
                values.append(value)
                state = settled.get((stack[-1], origin, kind)) or self.settle(stack[-1], origin, kind)
                stack.append(state)
                if kind == "$END" and state == end:
                    return


_parser: Parser | None = None


def parser() -> Parser:
    """The parser of the grammar, made at the first call: from ``tables.json``, or by Lark if the grammar is another."""
    global _parser
    if _parser is None:
        text = grammar_text()
        tables = json.loads(shipped(os.path.join(os.path.dirname(__file__), "tables.json")))
        _parser = Parser(tables if tables.get("digest") == digest(text) else compile_tables(text))
    return _parser
