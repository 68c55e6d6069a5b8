"""An explanation as JSON: the steps as they are, every digit, one step a line; formulas are texts of the language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..explain import Explanation, GradientStep, Moved, Omitted, Product, Sweep, TangentStep, ValueStep
from ..formulas import TANGENT, UPSTREAM, Formula
from .explain import Reader
from .json import SCHEMA, encode, local_gradient, number, numbers, tensor
from .notation import Notation


class Writer:
    """Steps as what JSON can hold."""

    def __init__(self, explanation: Explanation, text: int) -> None:
        self.explanation = explanation
        self.text = text
        self.reader = Reader(explanation, {}, Notation(None, text))

    def formula(self, formula: Formula | None) -> str | None:
        if formula is None:
            return None
        special = {UPSTREAM: "upstream", TANGENT: "tangent"}
        return formula.text(lambda node: special.get(node) or self.explanation.names[node], self.text)

    def substituted(self, formula: Formula | None, upstream: Any = None) -> str | None:
        """The formula with numbers in the place of names; null where a large tensor is among them."""
        return self.reader.substituted(formula, upstream) or None

    def value(self, step: ValueStep) -> dict[str, Any]:
        return {
            "step": step.number,
            "id": step.id,
            "name": step.name,
            "formula": self.formula(step.formula),
            "substituted": self.substituted(step.formula),
            "shape": list(step.shape),
            "value": tensor(step.value),
            "notes": [note.code for note in step.notes],
        }

    def gradient(self, step: GradientStep) -> dict[str, Any]:
        return {
            "step": step.number,
            "id": step.id,
            "name": step.name,
            "formula": self.formula(step.formula),
            "pattern": step.pattern,
            "shape": list(step.shape),
            "upstream": tensor(step.upstream),
            "contributions": [
                {"from": part.source or None, "value": tensor(part.value)} for part in step.contributions
            ],
            "products": [self.product(product, step.upstream) for product in step.products],
            "notes": [
                {"code": note.code, "left": number(note.left), "right": number(note.right)} for note in step.notes
            ],
        }

    def product(self, product: Product, upstream: Any) -> dict[str, Any]:
        rule = product.rule or product.carried
        return {
            "to": product.id,
            "name": product.name,
            "rule": self.formula(rule),
            "substituted": self.substituted(rule, upstream),
            "why": product.why or None,
            "local": local_gradient(product.local),
            "downstream": tensor(product.downstream),
        }

    def tangent(self, step: TangentStep) -> dict[str, Any]:
        return {
            "step": step.number,
            "id": step.id,
            "name": step.name,
            "moved": [self.moved(moved) for moved in step.moved],
            "tangents": numbers(step.tangents),
        }

    def moved(self, moved: Moved) -> dict[str, Any]:
        found: dict[str, Any] = {"name": moved.name, "rule": self.formula(moved.rule or moved.pushed)}
        return found if moved.pushed else found | {"local": number(moved.local), "tangent": number(moved.tangent)}

    def step(self, step: ValueStep | GradientStep | TangentStep | Omitted) -> dict[str, Any]:
        if isinstance(step, ValueStep):
            return self.value(step)
        if isinstance(step, GradientStep):
            return self.gradient(step)
        return {"omitted": step.steps} if isinstance(step, Omitted) else self.tangent(step)

    def steps(self, name: str, steps: list[Any] | None) -> Iterator[str]:
        """A pass, one step a line; null where it was not asked for."""
        if steps is None:
            yield f' "{name}": null,\n'
            return
        yield f' "{name}": ['
        for at, step in enumerate(steps):
            yield (",\n  " if at else "\n  ") + encode(self.step(step))
        yield "],\n"

    def sweep(self, sweep: Sweep) -> dict[str, Any]:
        return {
            "input": sweep.input or None,
            "seed": tensor(sweep.seed),
            "steps": [self.step(step) for step in sweep.steps],
        }


def render(explanation: Explanation, text: int = 80) -> Iterator[str]:
    """The explanation in pieces.

    Args:
        explanation: the steps.
        text: the most characters of a formula.
    """
    writer = Writer(explanation, text)
    head = {
        "schema": SCHEMA,
        "expression": explanation.source,
        "at": numbers(explanation.given),
        "output": explanation.output_id or None,
        "mode": explanation.mode,
        "value": tensor(explanation.value),
        "gradient": numbers(explanation.gradient),
    }
    yield encode(head)[:-1] + ",\n"
    yield from writer.steps("forward", explanation.forward)
    yield from writer.steps("backward", explanation.backward)
    tail = {
        "sweeps": None if explanation.sweeps is None else [writer.sweep(sweep) for sweep in explanation.sweeps],
        "raise": explanation.raised,
        "lower": explanation.lowered,
        "still": explanation.still,
        "formulas": {name: writer.formula(formula) for name, formula in explanation.formulas.items()},
        "notes": [{"code": note.code, "message": note.message} for note in explanation.notes],
    }
    yield " " + encode(tail)[1:] + "\n"
