"""Lark compiles the grammar to the tables that the parser runs on.

    python -m backpropcli.language.compile

writes ``tables.json``, which ships. It is a lock file: the grammar is the source, a test holds the two together, and
where they differ (a checkout whose grammar was edited) the parser has Lark compile the grammar on the spot. Importing
Lark and building a parser takes longer than all else that `eval` does, so no run pays for it.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any
from zlib import crc32

FILES = ("expression.lark", "program.lark", "bindings.lark")
STARTS = ("program", "bindings")


def grammar_text() -> str:
    """The grammar, from the package where it is installed, from the folder beside it in a checkout."""
    package = os.path.dirname(os.path.dirname(__file__))
    try:
        texts = [shipped(os.path.join(package, "grammar", name)) for name in FILES]
    except OSError:
        texts = [shipped(os.path.join(os.path.dirname(package), "grammar", name)) for name in FILES]
    return "\n".join(texts)


def shipped(path: str) -> str:
    """A file of the distribution, through the module's loader, so also from inside a zip.

    `importlib.resources` would do the same and takes 5 ms to import, a twelfth of a whole run.

    Raises:
        OSError: there is no such file.
    """
    data: bytes = __loader__.get_data(path)  # type: ignore[name-defined]
    return data.decode("utf-8")


def digest(text: str) -> int:
    """What tells one grammar from another."""
    return crc32(text.encode())


def lark_parser(text: str, **options: Any) -> Any:
    """Lark's own parser of the grammar."""
    import lark

    return lark.Lark(text, start=list(STARTS), parser="lalr", maybe_placeholders=False, **options)


def compile_tables(text: str) -> dict[str, Any]:
    """The LALR tables of the grammar as plain data.

    ``states[s]`` maps a symbol to an action: shift to state a for a >= 0, reduce by rule -a - 1 for a < 0. A rule is
    ``[origin, length, kept, callback]``; where callback is empty, the first value kept is passed on.
    """
    from lark.parsers.lalr_analysis import Shift

    parser = lark_parser(text, lexer="basic")
    table = parser.parser.parser._parse_table
    rules = sorted(parser.rules, key=lambda rule: (rule.origin.name, [symbol.name for symbol in rule.expansion]))
    number = {rule: i for i, rule in enumerate(rules)}
    order = sorted(parser.terminals, key=lambda t: (-t.priority, -t.pattern.max_width, -len(t.pattern.value), t.name))
    name_pattern = next(t.pattern.to_regexp() for t in order if t.name == "NAME")
    keywords = {
        t.pattern.value: t.name
        for t in order
        if t.pattern.type == "str" and re.fullmatch(name_pattern, t.pattern.value)
    }
    states = _in_order_of_discovery(table, Shift)
    place = {state: i for i, state in enumerate(states)}
    return {
        "digest": digest(text),
        "terminals": [
            [t.name, t.pattern.to_regexp()]
            for t in order
            if t.name not in keywords.values() and t.name not in parser.ignore_tokens
        ],
        "ignored": [t.pattern.to_regexp() for t in order if t.name in parser.ignore_tokens],
        "keywords": keywords,
        "rules": [
            [
                rule.origin.name,
                len(rule.expansion),
                [k for k, symbol in enumerate(rule.expansion) if not (symbol.is_term and symbol.filter_out)],
                rule.alias or ("" if rule.options.expand1 or rule.origin.name.startswith("_") else rule.origin.name),
            ]
            for rule in rules
        ],
        "starts": {start: place[table.start_states[start]] for start in STARTS},
        "ends": {start: place[table.end_states[start]] for start in STARTS},
        "states": [
            {
                symbol: place[argument] if action is Shift else -number[argument] - 1
                for symbol, (action, argument) in sorted(table.states[state].items())
            }
            for state in states
        ],
    }


def _in_order_of_discovery(table: Any, shift: Any) -> list[Any]:
    """The states as a walk from the starts meets them: Lark numbers them otherwise in every run."""
    found = [table.start_states[start] for start in STARTS]
    for state in found:
        for _, (action, argument) in sorted(table.states[state].items()):
            if action is shift and argument not in found:
                found.append(argument)
    return found


def main() -> None:
    """Write the tables beside this file."""
    from pathlib import Path

    target = Path(__file__).with_name("tables.json")
    target.write_text(json.dumps(compile_tables(grammar_text()), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target.name}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
