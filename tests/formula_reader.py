"""Reads Unicode formulas back into numbers, by mathematics' rules: vectors are columns, · multiplies matrices.

It knows nothing of how formulas are written, so that it can judge them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backpropcli import Program, parse
from backpropcli.kernels.arrays import Arrays
from backpropcli.operations import FUNCTIONS
from backpropcli.sweeps import forward

TOKEN = re.compile(
    r"(?P<slope>(?:\w+·)?∂\w+/∂\w+)|(?P<number>\d+\.?\d*(?:e[+-]?\d+)?)|(?P<power>[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?P<mark>⁻¹|⁻ᵀ|ᵀ)|"
    r"(?P<name>[A-Za-z_]\w*)|(?P<sign>\^∘|‖₁|\S)",
    re.ASCII,
)
NAMES = {"σ": "sigmoid", "Γ": "gamma", "ψ": "digamma", "Φ": "normal_cdf", "φ": "normal_pdf", "∛": "cbrt"}
CONSTANTS = {"π": np.pi, "τ": 2 * np.pi, "e": np.e, "inf": np.inf, "nan": np.nan}
ALONG = ("softmax", "log_softmax", "cumsum", "concat")
COMPARISONS: dict[str, Callable[..., Any]] = {
    "<": np.less, "≤": np.less_equal, ">": np.greater, "≥": np.greater_equal, "=": np.equal, "≠": np.not_equal,
}  # fmt: skip
F = Arrays()


class Row(NamedTuple):
    """A vector, transposed."""

    vector: Any


@cache
def program_of(text: str, shapes: tuple[tuple[str, tuple[int, ...]], ...]) -> Program:
    return parse(text, dict(shapes))


def called(name: str, operands: list[Any], attributes: list[str]) -> Any:
    """A function's value, by the language itself."""
    if name == "where":
        return np.where(*operands)
    if name in ALONG:
        operands = [np.atleast_1d(x) for x in operands]  # axes of which all are gone are not told
    at = {f"x{k}": float(x) if np.ndim(x) == 0 else np.asarray(x, float) for k, x in enumerate(operands)}
    program = program_of(f"{name}({', '.join([*at, *attributes])})", tuple((k, np.shape(x)) for k, x in at.items()))
    return forward(F, program.graph, at)[program.output]


def multiplied(x: Any, y: Any) -> Any:
    if isinstance(x, Row):
        if isinstance(y, Row) or np.ndim(y) == 0:
            return Row(x.vector * y) if not isinstance(y, Row) else 1 / 0
        return x.vector @ y if np.ndim(y) == 1 else Row(x.vector @ y)
    if isinstance(y, Row):
        return Row(x * y.vector) if np.ndim(x) == 0 else np.outer(x, y.vector)
    if np.ndim(x) and np.ndim(y):
        assert np.ndim(x) == 2, "a column times something is no product"
        return np.matmul(x, y)
    return np.multiply(x, y)


def turned(x: Any) -> Any:
    if isinstance(x, Row):
        return x.vector
    return Row(x) if np.ndim(x) == 1 else np.transpose(x)


class Reader:
    """A parser that computes as it goes.

    Attributes:
        tokens: kind and text of each token, and whether a space stands before it.
        at: the value of every name.
    """

    def __init__(self, text: str, at: Mapping[str, Any]) -> None:
        self.tokens = [(m.lastgroup or "", m[0]) for m in TOKEN.finditer(text)]
        self.at = at
        self.i = 0

    @property
    def next(self) -> str:
        return self.tokens[self.i][1] if self.i < len(self.tokens) else ""

    def took(self, *texts: str) -> str:
        """The next token, if it is one of these."""
        found = self.next
        if found not in texts or not found:
            return ""
        self.i += 1
        return found

    def take(self, text: str) -> None:
        assert self.took(text), f"{text} is missing before {self.tokens[self.i :]}"

    def whole(self) -> Any:
        found = self.disjunction()
        assert self.i == len(self.tokens), f"left over: {self.tokens[self.i :]}"
        return found

    def disjunction(self) -> Any:
        found = self.conjunction()
        while self.took("or"):
            found = np.logical_or(found, self.conjunction())
        return found

    def conjunction(self) -> Any:
        found = self.negation()
        while self.took("and"):
            found = np.logical_and(found, self.negation())
        return found

    def negation(self) -> Any:
        return np.logical_not(self.negation()) if self.took("not") else self.comparison()

    def comparison(self) -> Any:
        found = self.sum()
        if self.next in COMPARISONS:
            compare = COMPARISONS[self.took(*COMPARISONS)]
            return compare(found, self.sum())
        return found

    def sum(self) -> Any:
        found = self.product()
        while sign := self.took("+", "-"):
            other = self.product()
            found = np.add(found, other) if sign == "+" else np.subtract(found, other)
        return found

    def product(self) -> Any:
        if self.took("-"):
            return multiplied(-1.0, self.product())
        found = self.power()
        while sign := self.took("·", "⊙", "/"):
            other = self.power()
            if sign == "/" and isinstance(found, Row):
                found = Row(found.vector / other)
            else:
                found = {"·": multiplied, "⊙": np.multiply, "/": np.divide}[sign](found, other)
        return found

    def power(self) -> Any:
        found = np.sqrt(self.atom()) if self.took("√") else self.atom()
        kind = self.tokens[self.i][0] if self.i < len(self.tokens) else ""
        if kind == "power":
            digits = self.took(self.next).translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789"))
            return np.power(found, float(digits))
        if self.took("^"):
            exponent = self.atom()
            assert max(np.ndim(found), np.ndim(exponent)) < 2, "a power of a matrix is entrywise"
            return np.power(np.asarray(found, float), exponent)
        if self.took("^∘"):
            return np.power(np.asarray(found, float), self.atom())
        return found

    def atom(self) -> Any:
        found = self.primary()
        while True:
            if mark := self.took("⁻¹", "⁻ᵀ", "ᵀ"):
                found = found if mark == "ᵀ" else np.linalg.inv(np.atleast_2d(found))
                found = found if mark == "⁻¹" else turned(found)
            elif self.next == "[":
                found = self.entry(found)
            else:
                return found

    def entry(self, x: Any) -> Any:
        """x[…]: places, or an index that the language reads."""
        start, depth = self.i, 0
        while True:
            depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(self.took(self.next), 0)
            if not depth:
                break
        texts = [text for _, text in self.tokens[start : self.i]]
        if any(kind in ("name", "slope") for kind, _ in self.tokens[start : self.i]):
            places = Reader(" ".join(texts[1:-1]), self.at).whole()
            return np.take(x, np.asarray(places).astype(int), axis=0)
        at = {"x": np.asarray(x, float)}
        program = program_of("x" + "".join(texts), (("x", np.shape(x)),))
        return forward(F, program.graph, at)[program.output]

    def primary(self) -> Any:
        kind, text = self.tokens[self.i]
        self.i += 1
        if kind == "number":
            return float(text)
        if kind == "slope":
            return self.at[text]
        if (kind == "name" or text in NAMES) and self.next == "(" and (text not in self.at or text in NAMES):
            return self.call(NAMES.get(text, text))
        if kind == "name" or text in CONSTANTS:
            return self.at[text] if text in self.at else CONSTANTS[text]
        if text == "(":
            found = self.disjunction()
            self.take(")")
            return found
        if text == "[":
            return self.entries()
        if text == "|":
            found = np.abs(self.sum())
            self.take("|")
            return found
        if text in "⌊⌈":
            found = self.sum()
            self.take("⌋" if text == "⌊" else "⌉")
            return np.floor(found) if text == "⌊" else np.ceil(found)
        assert text == "‖", f"what is {text} before {self.tokens[self.i :]}?"
        found = np.ravel(self.sum())
        return np.sum(np.abs(found)) if self.took("‖₁") else (self.take("‖"), np.sqrt(np.sum(found**2)))[1]

    def entries(self) -> Any:
        """[a, b], or a condition that counts 1 or 0."""
        if self.took("]"):
            return np.zeros(0)
        condition = self.i
        found = [self.disjunction()]
        while self.took(","):
            found.append(self.disjunction())
        self.take("]")
        if len(found) == 1 and np.asarray(found[0]).dtype == bool and condition:
            return np.asarray(found[0], float)
        return np.stack([np.asarray(x, float) for x in found])

    def call(self, name: str) -> Any:
        self.take("(")
        row = FUNCTIONS.get(name)
        most = 0 if name in ("zeros", "ones") else len(row.operands) if row is not None and row.lengths else 99
        operands, attributes = [], []
        while not self.took(")"):
            start = self.i
            argument = self.argument()
            if len(operands) == most or ("=" in argument and re.match(r"[a-z]+=", argument) and self.keyword(start)):
                attributes.append(argument)
            else:
                self.i = start
                operands.append(self.disjunction())
            self.took(",")
        return called(name, operands, attributes)

    def keyword(self, start: int) -> bool:
        return self.tokens[start][1] in ("axis", "keepdims", "into", "axes", "reverse", "classes", "shape", "key")

    def argument(self) -> str:
        """The text up to the next comma."""
        start, depth = self.i, 0
        while depth or self.next not in (",", ")"):
            depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(self.took(self.next), 0)
        return "".join(text for _, text in self.tokens[start : self.i])


def read(text: str, at: Mapping[str, Any]) -> Any:
    """The value of a formula."""
    with np.errstate(all="ignore"):
        found = Reader(text, at).whole()
    return found.vector if isinstance(found, Row) else found
