"""JSON: one object, keys in a fixed order, every digit, one node a line; ``schema.json`` describes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

from ..errors import BackpropError
from ..report import EdgeRecord, NodeRecord, Report
from ..values import Value, finite, is_tensor

if TYPE_CHECKING:
    from ..checks import Check
    from ..conventions import Note
    from ..structure import Jacobian, Local

SCHEMA = 1


def number(value: float | None) -> float | str | None:
    """A float as JSON can hold it: NaN and the infinities as words, since bare ``NaN`` breaks most readers."""
    if value is None or isfinite(value):
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"


def tensor(value: Any) -> Any:
    """A number, or nested lists of numbers."""
    if not is_tensor(value):
        return number(None if value is None else float(value))
    if finite(value):
        return value.tolist()
    nested = value.tolist()
    lists = [nested]
    for items in lists:  # grows as it goes
        for at, item in enumerate(items):
            if isinstance(item, list):
                lists.append(item)
            else:
                items[at] = number(item)
    return nested


def numbers(values: dict[str, Value]) -> dict[str, Any]:
    return {name: tensor(value) for name, value in values.items()}


def local_gradient(local: float | Local) -> Any:
    """A number, or the structure of a Jacobian."""
    if isinstance(local, float):
        return number(local)
    if local.factor is None:
        return {"kind": local.kind, "text": local.text}
    factor = tensor(local.factor)
    if local.kind in ("diagonal", "gradient"):
        return {"kind": local.kind, local.kind: factor}
    return {"kind": local.kind, "axes": list(local.axes), "factor": factor}


def encode(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def render(report: Report) -> Iterator[str]:
    """The report in pieces, so that a million nodes need no memory."""
    head = {
        "schema": SCHEMA,
        "expression": report.expression,
        "at": numbers(report.at),
        "output": report.output or None,
        "value": tensor(report.value),
        "gradient": numbers(report.gradient),
    }
    yield encode(head)[:-1] + ',\n "nodes": ['
    separator = "\n  "
    for node in report.nodes:
        yield separator + encode(_node(node))
        separator = ",\n  "
    tail: dict[str, Any] = {
        "check": None if report.check is None else check_record(report.check),
        "notes": [
            note_record(note, identifier) for note, identifier in zip(report.notes, report.note_ids, strict=True)
        ],
    }
    if report.digits_trusted is not None:
        tail["digits_trusted"] = numbers(report.digits_trusted)
    if report.mode != "reverse":
        tail["mode"] = report.mode
    yield "],\n " + encode(tail)[1:] + "\n"


def note_record(note: Note, identifier: str) -> dict[str, Any]:
    """A note, with the id of the node it is about, "" for none."""
    return {
        "code": note.code,
        "node": identifier or None,
        "message": note.message,
        "left": number(note.left),
        "right": number(note.right),
    }


def check_record(check: Check) -> dict[str, Any]:
    """What a check found."""
    return {
        "verdict": check.verdict,
        "method": check.method,
        "evaluations": check.evaluations,
        "bits": check.bits,
        "value_digits": check.value_digits,
        "components": [
            {
                "input": c.input,
                "verdict": c.verdict,
                "digits": c.digits,
                "analytic": number(c.analytic),
                "numeric": number(c.numeric),
                "left": number(c.left),
                "right": number(c.right),
                "node": c.node,
                "reason": c.reason or None,
            }
            for c in check.components
        ],
    }


def _node(node: NodeRecord) -> dict[str, Any]:
    record: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "operation": node.operation,
        "pattern": node.pattern,
        "text": node.text,
        "shape": list(node.shape),
        "value": tensor(node.value),
        "upstream": tensor(node.upstream),
        "inputs": [_edge(edge) for edge in node.inputs],
    }
    if node.tangents:
        record["tangents"] = numbers(node.tangents)
    return record


def _edge(edge: EdgeRecord) -> dict[str, Any]:
    record = {"id": edge.id, "local": local_gradient(edge.local), "downstream": tensor(edge.downstream)}
    if edge.jacobian is not None:
        record["jacobian"] = _jacobian(edge.jacobian)
    return record


def _jacobian(jacobian: Jacobian) -> dict[str, Any]:
    record: dict[str, Any] = {"layout": jacobian.layout, "shape": list(jacobian.shape)}
    if jacobian.matrix is None:
        return record | {"bytes": jacobian.bytes, "implicit_bytes": jacobian.implicit, "matrix": None}
    matrix = [[number(x) for x in row] for row in jacobian.matrix]
    return record | {"rows": jacobian.rows, "columns": jacobian.columns, "matrix": matrix}


def render_error(error: BackpropError) -> str:
    """An error as one JSON object."""
    return encode({"error": error.record()}) + "\n"
