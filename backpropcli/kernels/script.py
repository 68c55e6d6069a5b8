"""A number system whose numbers are instructions: what a rule reckons is written down for another machine to repeat.

A sweep over it makes a list of instructions in order. The machine has a kernel for each name in `KERNELS`; whatever
else an operation is, its row's own formula writes out. What a number system does besides operations, such as the
product local × upstream with its zeros, is an instruction too, so that the machine does as the floats do.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from ..graph import Graph
from ..operations import OPERATIONS, Operation
from ..shapes import Shape
from .shaped import ShapedSystem
from .symbols import Symbol

KERNELS = frozenset([
    "add", "sub", "mul", "div", "neg", "pow", "square", "sqrt", "cbrt", "hypot", "abs", "sign", "floor", "ceil",
    "round", "exp", "expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan", "asin", "acos", "atan",
    "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "step", "max", "min", "where", "less",
    "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_not", "logical_and", "logical_or",
    "sum", "prod", "amax", "amin", "argmax", "norm", "cumsum", "matmul", "outer", "transpose", "reshape",
    "full", "concat", "stack", "index", "scatter", "take", "put", "one_hot", "diag",
])  # fmt: skip
"""The operations that the machine has kernels for."""


def _instruction(name: str, doc: str, *operands: str, **fields: Any) -> Operation:
    return Operation(name, doc, pattern="", operands=operands, **fields)


PRODUCT = _instruction("product", "local × upstream.", "local", "moved", "z", "x")
SELECTED = _instruction("selected", "local × upstream, where a local gradient of 0 is structural.", *PRODUCT.operands)
SHARE = _instruction(
    "share", "The part of the gradient that operand k of a maximum gets.", "z", "x",
    variadic=True, attributes={"k": 0, "first": False}, shape=lambda z, *operands, k, first: z,
)  # fmt: skip
POWER_SLOPE = _instruction("power_slope", "d(x^y)/dx.", "x", "y")
POWER_LOG = _instruction("power_log", "d(x^y)/dy at z = x^y.", "z", "x", "y")
GUARDED = {
    name: _instruction(f"guarded_{name}", f"`{name}` with 0 × ∞ = 0.", "x", "y", shape=OPERATIONS[name].shape)
    for name in ("mul", "matmul", "outer")
}
METHODS = (PRODUCT, SELECTED, SHARE, POWER_SLOPE, POWER_LOG, *GUARDED.values())
"""The instructions that are no operations."""


class Script(ShapedSystem):
    """Instructions as nodes of a graph; one that is there already is not written twice.

    Attributes:
        graph: the instructions, in order.
        missing: the words of operations that were asked for and that the machine lacks.
    """

    pi = math.pi

    def __init__(self, graph: Graph, ties: str = "split") -> None:
        self.graph = graph
        self.missing: dict[str, None] = {}
        self.known: dict[Any, int] = {}
        rows = OPERATIONS.items()
        kernels = {name: partial(self.write, name) for name, row in rows if name in KERNELS or row.value is None}
        super().__init__(kernels, ties)

    @property
    def guarded(self) -> Script:
        """The same instructions, with 0 × ∞ = 0 in products: what a zero among upstream gradients means."""
        found = Script(self.graph, self.ties)
        found.known, found.missing = self.known, self.missing
        for name, operation in GUARDED.items():
            found.kernels[name] = kernel = partial(found.append, operation)
            setattr(found, name, kernel)
        return found

    def constant(self, value: Any) -> Symbol:
        """The float, or the tensor as nested sequences of floats."""
        shape: list[int] = []
        inner = value
        while isinstance(inner, list | tuple):
            shape.append(len(inner))
            inner = inner[0] if inner else None
        key = repr(value)
        if key not in self.known:
            self.known[key] = self.graph.constant(value if shape else float(value), tuple(shape))
        return Symbol(self, self.known[key])  # type: ignore[arg-type]

    def symbol(self, value: Any) -> Symbol:
        """The value itself if it is an instruction, else a constant."""
        return value if isinstance(value, Symbol) else self.constant(float(value))

    def write(self, name: str, *operands: Any, **attributes: Any) -> Symbol:
        """The instruction of an operation, named by the table."""
        row = OPERATIONS[name]
        if name not in KERNELS:
            self.missing[row.written] = None
        return self.append(row if not row.attributes else row.bind(**attributes), *operands)

    def append(self, operation: Operation, *operands: Any) -> Symbol:
        """The instruction of an operation."""
        places = tuple([self.symbol(x).index for x in operands])
        key = (operation.key, places)
        if key not in self.known:
            self.known[key] = self.graph.append(operation, *places)
        return Symbol(self, self.known[key])  # type: ignore[arg-type]

    def shape(self, x: Any) -> Shape:
        return self.graph.shape(x.index) if isinstance(x, Symbol) else ()

    def power_slope(self, x: Any, y: Any) -> Symbol:
        return self.append(POWER_SLOPE, x, y)

    def power_log(self, z: Any, x: Any, y: Any) -> Symbol:
        return self.append(POWER_LOG, z, x, y)

    def share(self, k: int, z: Any, operands: tuple[Any, ...], ahead: str) -> Symbol:
        return self.append(SHARE.bind(k=k, first=self.ties == "first"), z, *operands)

    def product(self, local: Any, moved: Any, z: Any, x: Any, structural: bool) -> Symbol:
        return self.append(SELECTED if structural else PRODUCT, local, moved, z, x)

    def downstream(self, local: Any, upstream: Any, z: Any, x: Any, structural: bool) -> Any:
        from ..operations.maps import LinearMap

        if isinstance(local, LinearMap):
            return local.over(self.guarded).pullback(upstream)
        return super().downstream(local, upstream, z, x, structural)
