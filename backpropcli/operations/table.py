"""The one table: an operation is a row, and every feature reads rows.

A row says what an operation is called, how it is written, and its derivative rule, once, over an abstract number
system ``F``. Floats, NumPy arrays, mpmath and the graph itself are such systems (`backpropcli.kernels`), so the one
rule fills the table of gradients, judges itself at high precision, and writes formulas.

Inside a rule, ``+ - *`` and comparisons are the operators of the numbers at hand; everything else is asked of ``F`` by
operation name (``F.div``, ``F.exp``): Python's own division and powers raise or turn complex where IEEE 754 has an
answer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

Rule = Callable[..., Any]
"""``rule(F, z, *operands) -> local gradient``, where ``z`` is the operation's value."""

Interval = tuple[float, float]
Shape = tuple[int, ...]

REAL: Interval = (-inf, inf)
POSITIVE: Interval = (0.0, inf)

# How tightly a form binds, from loose to tight; the grammar has the same ladder.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)


class Operation:
    """One row.

    Attributes:
        name: the word used in the language, in JSON and for the kernel of every number system.
        doc: one sentence.
        pattern: how the gradient flows through it, in the words of the lectures.
        operands: the operands' names; the catalogue prints rules over them.
        partials: one `Rule` per operand; a variadic row has a single rule that also takes the operand's number.
        value: the forward value by other operations, ``value(F, *operands)``; None where number systems have a kernel.
        synonyms: other spellings in the language; where there is a form, the only ones that can be called.
        defaults: constants for trailing operands that may be left out.
        variadic: takes any number of operands, at least as many as `operands` names.
        form: how it is written when it is no function call, such as ``"{} + {}"``.
        binding: how tightly `form` binds.
        right: `form` groups to the right (powers).
        kink: ``kink(F, z, *operands)`` is true where no derivative exists.
        condition: its value is a truth, so no gradient passes.
        structural: where its local gradient is 0, nothing passes by construction (an unselected branch, a flat step),
            not because a number happens to be 0.
        held: its operand counts as a constant for every derivative, also for the judge's quotients.
        domain: one interval per operand in which tests draw points.
        ulps: how many ulps its local gradients may be off.
    """

    __slots__ = (
        "binding", "condition", "defaults", "doc", "domain", "form", "held", "kink", "name", "operands", "partials",
        "pattern", "right", "structural", "synonyms", "ulps", "value", "variadic",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        doc: str,
        *,
        pattern: str,
        operands: tuple[str, ...] = ("x",),
        partials: tuple[Rule, ...] | Rule = (),
        value: Rule | None = None,
        synonyms: tuple[str, ...] = (),
        defaults: tuple[float, ...] = (),
        variadic: bool = False,
        form: str = "",
        binding: int = ATOM,
        right: bool = False,
        kink: Rule | None = None,
        condition: bool = False,
        structural: bool = False,
        held: bool = False,
        domain: tuple[Interval, ...] = (),
        ulps: int = 4,
    ) -> None:
        self.name = name
        self.doc = doc
        self.pattern = pattern
        self.operands = operands
        self.partials = partials if isinstance(partials, tuple) else (partials,)
        self.value = value
        self.synonyms = synonyms
        self.defaults = defaults
        self.variadic = variadic
        self.form = form
        self.binding = binding
        self.right = right
        self.kink = kink
        self.condition = condition
        self.structural = structural
        self.held = held
        self.domain = domain or (REAL,) * len(operands)
        self.ulps = ulps

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def local(self, F: Any, k: int, z: Any, operands: list[Any]) -> Any:
        """The local gradient, dz/d(operand k)."""
        if self.variadic:
            return self.partials[0](F, k, z, *operands)
        return self.partials[k](F, z, *operands)

    @property
    def signature(self) -> str:
        """Such as ``clip(x, lo, hi)``, ``leaky_relu(x, slope=0.01)`` or ``max(x, y, …)``."""
        required = len(self.operands) - len(self.defaults)
        words = [*self.operands[:required]]
        words += [f"{name}={value:g}" for name, value in zip(self.operands[required:], self.defaults, strict=True)]
        return f"{self.name}({', '.join(words)}{', …' if self.variadic else ''})"


OPERATIONS: dict[str, Operation] = {}
"""Every operation by name, in the order of the catalogue."""

FUNCTIONS: dict[str, Operation] = {}
"""Every spelling that a program may call, synonyms included."""


def operation(name: str, doc: str, **fields: Any) -> Operation:
    """Add one row to the table."""
    row = OPERATIONS[name] = Operation(name, doc, **fields)
    for spelling in row.synonyms if row.form else (name, *row.synonyms):
        if spelling in FUNCTIONS:
            raise ValueError(f"two operations are called {spelling!r}")
        FUNCTIONS[spelling] = row
    return row
