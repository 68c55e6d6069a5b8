"""Code in PyTorch: a function that gives value and gradient, or an operation for autograd with both its passes."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ..errors import OptionError
from ..operations import OPERATIONS, Operation
from ..shapes import Key, Shape, axes_of
from .arrays import FORMULAS, TEMPLATES, ArrayWriter, cbrt
from .flat import GRADIENT, VALUE, Variable
from .pythonic import tuple_of
from .writer import Piece

DIGAMMA = Operation("digamma_of_torch", "digamma as PyTorch has it.", pattern="")


def digamma(F: Any, x: Any) -> Any:
    """At the pole 0, whose sides differ, PyTorch's is -∞."""
    return F.where(F.equal(x, 0.0), math.nan, F.row(DIGAMMA, x))


ON_MATRIX = """
def {name}(*operands):
    \"\"\"PyTorch's, with NaN where the matrix is singular.\"\"\"
    try:
        return torch.linalg.{word}(*operands)
    except torch.linalg.LinAlgError:
        return torch.full_like(operands[-1], {nan})
"""


class Torch(ArrayWriter):
    """Tensors and numbers of float64."""

    target = "torch"
    title = "PyTorch"
    shielded = True
    np = "torch"
    infinity, not_a_number = "torch.inf", "torch.nan"
    imports: ClassVar[tuple[str, ...]] = ("import torch",)
    words_for_axes = ("dim", "keepdim")
    blanks = {  # noqa: RUF012
        "shape_of_zeros": "shape, dtype=torch.float64", "whole": "torch.where(valid, i, 0.0).long()", "array": "tensor",
        "integers": ", dtype=torch.long", "floats": ", dtype=torch.float64",
        "float_of_hits": "(i[..., None] == torch.arange(n)).to(torch.float64)",
    }  # fmt: skip
    templates = {**TEMPLATES, **{name: ON_MATRIX.replace("{word}", name) for name in ("inv", "solve")}}  # noqa: RUF012
    functions = {  # noqa: RUF012
        **dict.fromkeys(
            ("sqrt", "hypot", "abs", "sign", "floor", "ceil", "round", "exp", "expm1", "log", "log2", "log10", "log1p",
             "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
             "erf", "erfc", "lgamma"),
            "torch.{}",
        ),
        "digamma_of_torch": "torch.digamma",
    }  # fmt: skip
    formulas = {**FORMULAS, "cbrt": cbrt, "digamma": digamma}  # noqa: RUF012
    vocabulary = {"amax": "amax", "amin": "amin", "concat": "cat", "transpose": "permute"}  # noqa: RUF012

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"({piece.text}).to(torch.float64)")

    def floated(self, piece: Piece) -> Piece:
        return Piece(f"{piece.text}.to(torch.float64)")

    def array(self, piece: Piece) -> Piece:
        if piece.constant is None:
            return piece
        return Piece(f"torch.tensor({piece.text}, dtype=torch.float64)", shape=piece.shape)

    def argument(self, piece: Piece) -> Piece:
        return self.array(self.number(piece))

    def constant(self, value: object, shape: Shape = ()) -> Piece:
        if not isinstance(value, float):
            return Piece(f"torch.tensor({self.nested(value)}, dtype=torch.float64)", shape=shape)
        return super().constant(value, shape)

    def begin(self) -> list[str]:
        names = [*self.parameters, *([self.upstream] if self.flat.shape else [])]
        return [f"{name} = torch.as_tensor({name}, dtype=torch.float64)" for name in names]

    def addition(self, name: str, piece: Piece) -> list[str]:
        # Not in place: two gradients may be one tensor.
        return [f"{name} = {name} + {piece.text}"]

    def where(self, operation: Operation, condition: Piece, x: Piece, y: Piece) -> Piece:
        """Of two numbers of Python's PyTorch would make a tensor of float32."""
        plain = [self.number(p) for p in (x, y)]
        if all(p.constant is not None for p in plain):
            plain = [self.array(p) for p in plain]
        return Piece(f"torch.where({self.truth(condition).text}, {plain[0].text}, {plain[1].text})")

    def zeros(self, shape: Shape) -> str:
        return f"torch.zeros({tuple_of([str(n) for n in shape])}, dtype=torch.float64)"

    def multiplied(self, operation: Operation, x: Piece) -> Piece | None:
        """A product of entries, axis by axis."""
        attributes = operation.attributes
        gone = axes_of(x.shape, attributes["axis"])
        if len(gone) < 2 or (len(gone) == len(x.shape) and not attributes["keepdims"]):
            return self.reduced(operation, x)
        for axis in reversed(gone):
            more = [f"dim={axis}"] + ["keepdim=True"] * bool(attributes["keepdims"])
            x = self.call("torch.prod", [x], *more)
        return x

    def indexed(self, operation: Operation, x: Piece) -> Piece:
        key, turned = forwards(operation.attributes["key"], x.shape)
        found = self.at(x, key)
        return self.flipped(found, turned) if turned else found

    def scattered(self, operation: Operation, x: Piece) -> Piece:
        attributes = operation.attributes
        key, turned = forwards(attributes["key"], attributes["into"])
        x = self.flipped(x, turned) if turned else x
        return self.by_template(operation.bind(key=key, into=attributes["into"]), x)

    def slope_of_order(self, operation: Operation, n: Piece, x: Piece) -> Piece | None:
        """By zeta: PyTorch's own polygamma has 10 right digits."""
        if n.constant is None or not (n.constant.is_integer() and 1.0 <= n.constant <= 100.0):
            return None
        order = int(n.constant)
        sign = 1.0 if order % 2 else -1.0
        zeta = self.call("torch.special.zeta", [self.constant(order + 1.0), x])
        return self.infix("{} * {}", OPERATIONS["mul"], [self.constant(sign * math.factorial(order)), zeta])

    def held(self, operation: Operation, x: Piece) -> Piece:
        return Piece(f"{self.argument(x).text}.detach()")

    spellers = {  # noqa: RUF012
        **ArrayWriter.spellers, "where": where, "prod": multiplied, "index": indexed, "scatter": scattered,
        "polygamma": slope_of_order,
        "inv": ArrayWriter.by_template, "solve": ArrayWriter.by_template, "stop_gradient": held,
    }  # fmt: skip


def forwards(key: Key, shape: Shape) -> tuple[Key, tuple[int, ...]]:
    """The key with slices that step forwards, as PyTorch wants them; and the axes of the result to be turned round."""
    found: list[int | tuple[int | None, int | None, int | None]] = []
    turned = []
    axis = 0
    for item, n in zip(key, shape, strict=False):
        if isinstance(item, int):
            found.append(item)
            continue
        places = range(*slice(*item).indices(n))
        if places.step < 0:
            turned.append(axis)
            places = places[::-1]
            item = (places.start, places.stop, places.step) if len(places) else (0, 0, 1)
        found.append(item)
        axis += 1
    return tuple(found), tuple(turned)


class TorchFunction(Torch):
    """An operation for autograd, with its forward and its backward pass."""

    target = "torch-function"
    shielded = False
    imports = ("import torch", "from torch.autograd.function import once_differentiable")
    reserved: ClassVar[frozenset[str]] = Torch.reserved | {"ctx", "once_differentiable"}

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if not self.flat.wrt:
            raise OptionError("an operation of autograd needs an input, and the program has none")

    @property
    def purpose(self) -> str:
        return f"{super().purpose}, as {self.function}.apply({', '.join(self.parameters)})"

    def defined(self) -> list[list[str]]:
        tab = self.tab
        parameters = self.parameters
        forward = self.forward()
        first = self.seeded(Piece(self.seed, shape=self.flat.shape), True) if self.flat.hides else []
        backward = [*first, *self.backward(), *self.unreached()]
        saved = self._saved()
        given = {self.graph.inputs[name] for name in self.flat.wrt}
        returned = [self.variables[Variable(GRADIENT, i)] if i in given else "None" for i in self.graph.inputs.values()]
        return [
            [
                f"class {self.function}(torch.autograd.Function):",
                f"{tab}@staticmethod",
                f"{tab}def forward({', '.join(['ctx', *parameters])}):",
                *[2 * tab + line for line in forward],
                f"{2 * tab}ctx.save_for_backward({', '.join(saved)})",
                f"{2 * tab}return {self._returned()}",
                "",
                f"{tab}@staticmethod",
                f"{tab}@once_differentiable",
                f"{tab}def backward(ctx, {self.seed}):",
                *([f"{2 * tab}{', '.join(saved)}{',' * (len(saved) == 1)} = ctx.saved_tensors"] if saved else []),
                *[2 * tab + line for line in backward],
                f"{2 * tab}return {', '.join(returned)}",
            ]
        ]

    def _returned(self) -> str:
        """The value; autograd wants no input back as it is."""
        i = self.flat.output
        return f"{self.value}.clone()" if i in self.graph.inputs.values() else self.value

    def _saved(self) -> list[str]:
        """The values that the backward pass reads, in order of evaluation."""
        used = {
            variable.node
            for line in self.flat.backward
            for role, variable in line.roles.items()
            if variable.kind == VALUE and role in line.pattern.graph.inputs
        }
        used |= {self.flat.output} if self.flat.hides else set()
        return [self.variables[Variable(VALUE, i)] for i in sorted(used)]
