"""JSON: one object, keys in a fixed order, every digit, one node a line; ``schema.json`` describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import Any

from ..errors import BackpropError
from ..report import NodeRecord, Report

SCHEMA = 1


def number(value: float | None) -> float | str | None:
    """A float as JSON can hold it: NaN and the infinities as words, since bare ``NaN`` breaks most readers."""
    if value is None or isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def numbers(values: dict[str, float]) -> dict[str, Any]:
    return {name: number(value) for name, value in values.items()}


def encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def render(report: Report) -> Iterator[str]:
    """The report in pieces, so that a million nodes need no memory."""
    head = {
        "schema": SCHEMA,
        "expression": report.expression,
        "at": numbers(report.at),
        "output": report.output or None,
        "value": number(report.value),
        "gradient": numbers(report.gradient),
    }
    yield encode(head)[:-1] + ',\n "nodes": ['
    separator = "\n  "
    for node in report.nodes:
        yield separator + encode(_node(node))
        separator = ",\n  "
    tail: dict[str, Any] = {
        "check": None if report.check is None else report.check.record(),
        "notes": [
            {
                "code": note.code,
                "node": identifier or None,
                "message": note.message,
                "left": number(note.left),
                "right": number(note.right),
            }
            for note, identifier in zip(report.notes, report.note_ids, strict=True)
        ],
    }
    if report.digits_trusted is not None:
        tail["digits_trusted"] = numbers(report.digits_trusted)
    if report.mode != "reverse":
        tail["mode"] = report.mode
    yield "],\n " + encode(tail)[1:] + "\n"


def _node(node: NodeRecord) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "operation": node.operation,
        "pattern": node.pattern,
        "text": node.text,
        "shape": list(node.shape),
        "value": number(node.value),
        "upstream": number(node.upstream),
        "inputs": [
            {"id": edge.id, "local": number(edge.local), "downstream": number(edge.downstream)} for edge in node.inputs
        ],
    }
    if node.tangents:
        record["tangents"] = numbers(node.tangents)
    return record


def render_error(error: BackpropError) -> str:
    """An error as one JSON object."""
    return encode({"error": error.record()}) + "\n"
