"""What the targets with arrays share: NumPy's way of saying things, which JAX and PyTorch nearly have too.

What is more than a call of one function is a template: a function of our own, the same text for all of them but for
some words, written above the code that calls it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from ..kernels.special import INVERSE_SQRT_TWO_PI, INVERSE_SQRT_TWO_PI_REST, SQRT_HALF, SQRT_HALF_REST, split
from ..operations import Operation
from ..operations.table import ATOM, POWER
from ..shapes import Key, Shape, axes_of, key_text, reduced, stretched
from .flat import Variable
from .pythonic import PythonWriter, tuple_of
from .writer import Piece

REDUCTIONS = {"sum": "sum", "prod": "prod", "mean": "mean", "amax": "max", "amin": "min"}


def scaled_norm(F: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The length, by entries as shares of the largest: their squares do not overflow."""
    if 0 in F.shape(x):
        return F.sum(x, axis=axis, keepdims=keepdims)
    largest = F.amax(F.abs(x), axis=axis, keepdims=True)
    scale = F.where(F.logical_and(largest > 0.0, largest < float("inf")), largest, 1.0)
    found = scale * F.sqrt(F.sum(F.square(F.div(x, scale)), axis=axis, keepdims=True))
    return found if keepdims else F.reshape(found, shape=reduced(F.shape(x), axis))


def gaussian(F: Any, x: Any) -> Any:
    """exp(-x²) as `kernels.special` has it, made good for the rounding of x²."""
    near = F.where(F.abs(x) < 28.0, x, 0.0)
    high = split(near)
    bell = F.exp(-F.square(high))
    made_good = bell + bell * F.expm1((high - near) * (near + high))
    return F.where(F.abs(x) < 28.0, made_good, F.where(F.equal(x, x), 0.0, x))


def normal_pdf(F: Any, x: Any) -> Any:
    """exp(-x²/2)/√(2π) as `kernels.special` has it."""
    near = F.where(F.abs(x) < 39.0, x, 0.0)
    high = split(near)
    bell = F.exp(-0.5 * F.square(high))
    rest = F.expm1(0.5 * (high - near) * (near + high)) + INVERSE_SQRT_TWO_PI_REST
    return F.where(F.abs(x) < 39.0, (bell + bell * rest) * INVERSE_SQRT_TWO_PI, F.where(F.equal(x, x), 0.0, x))


def normal_cdf(F: Any, x: Any) -> Any:
    """½ erfc(-x/√2) as `kernels.special` has it, made good for the rounding of x/√2."""
    near = F.where(F.abs(x) < 39.0, x, 0.0)
    t = -SQRT_HALF * near
    half_high = split(SQRT_HALF)
    high, low, half_low = split(near), near - split(near), SQRT_HALF - half_high
    rest = ((high * half_high + t) + high * half_low + low * half_high) + low * half_low + near * SQRT_HALF_REST
    found = 0.5 * F.erfc(t) + F.div(rest * F.normal_pdf(near), SQRT_HALF)
    return F.where(F.abs(x) < 39.0, found, F.where(F.equal(x, x), x > 0.0, x))


def cofactor_change(F: Any, x: Any, t: Any) -> Any:
    """Where x is regular: with B = inv(x)ᵀ and cofactors z, sum(B*t)*z - B@tᵀ@z; NaN where it is singular."""
    B, z = F.transpose(F.inv(x)), F.cofactor(x)
    return F.mul(F.sum(F.mul(B, t)), z) - F.matmul(F.matmul(B, F.transpose(t)), z)


def sigmoid(F: Any, x: Any) -> Any:
    """By exp(-|x|), which does not overflow, and which is asked once."""
    bell = F.exp(-F.abs(x))
    return F.div(F.where(x < 0.0, bell, 1.0), 1.0 + bell)


def cbrt(F: Any, x: Any) -> Any:
    """The cube root, by a power and one Newton step."""
    size = F.abs(x)
    good = F.logical_and(size > 0.0, size < float("inf"))
    at = F.where(good, size, 1.0)
    z = F.exp(F.div(F.log(at), 3.0))
    z = z - F.div(z - F.div(F.div(at, z), z), 3.0)
    z = z - F.div(z - F.div(F.div(at, z), z), 3.0)
    return F.where(good, F.sign(x) * z, x)


FORMULAS: Mapping[str, Callable[..., Any]] = {
    "gaussian": gaussian,
    "normal_pdf": normal_pdf,
    "normal_cdf": normal_cdf,
    "norm": scaled_norm,
    "cofactor_change": cofactor_change,
    "sigmoid": sigmoid,
    "step": lambda F, x: F.where(F.equal(x, x), x > 0.0, x),
}

TEMPLATES: dict[str, str] = {
    "scatter": """
def {name}(x, key, shape):
    \"\"\"Zeros of the shape, with x at the key.\"\"\"
    out = {np}.zeros({shape_of_zeros})
    out[key] = x
    return out
""",
    "take": """
def {name}(x, i):
    \"\"\"The entries of the first axis at the places i; NaN at a place that there is not.\"\"\"
    n = x.shape[0]
    valid = (i == {np}.floor(i)) & (i >= -n) & (i < n)
    found = x[{whole}]
    return {np}.where({np}.reshape(valid, tuple(valid.shape) + (1,) * (len(x.shape) - 1)), found, {nan})
""",
    "put": """
def {name}(x, i, n):
    \"\"\"Zeros along an axis of n, with the entries of x added at the places i.\"\"\"
    valid = (i == {np}.floor(i)) & (i >= -n) & (i < n)
    rest = tuple(x.shape)[len(i.shape):]
    x = {np}.where({np}.reshape(valid, tuple(valid.shape) + (1,) * len(rest)), x, {nan})
    hits = {np}.reshape({whole} % n, (-1, 1)) == {np}.arange(n)
    parts = {np}.reshape(x, (len(hits), 1) + rest)
    return {np}.sum({np}.where({np}.reshape(hits, tuple(hits.shape) + (1,) * len(rest)), parts, 0.0), 0)
""",
    "one_hot": """
def {name}(i, n):
    \"\"\"For every class number a row of zeros with a 1 at its place; NaN for a class that there is not.\"\"\"
    valid = (i == {np}.floor(i)) & (i >= 0) & (i < n)
    return {np}.where(valid[..., None], {float_of_hits}, {nan})
""",
    "cofactor": """
def {name}(x):
    \"\"\"The matrix of cofactors, by determinants of minors.\"\"\"
    n = x.shape[0]
    if n < 2:
        return {np}.ones_like(x)
    others = {np}.{array}([[k for k in range(n) if k != i] for i in range(n)]{integers}).reshape(n, n - 1)
    minors = x[others[:, None, :, None], others[None, :, None, :]]
    signs = {np}.{array}([[(-1.0) ** (i + j) for j in range(n)] for i in range(n)]{floats})
    return signs * {np}.linalg.det(minors)
""",
}


class ArrayWriter(PythonWriter):
    """Code over arrays.

    Attributes:
        np: the module of array functions.
        vocabulary: words that its functions have in place of NumPy's.
        words_for_axes: what it calls the axes of a reduction, and keeping them.
        templates: functions of our own, by operation.
        blanks: what the templates leave open.
    """

    np: ClassVar[str]
    blanks: ClassVar[Mapping[str, str]] = {}
    templates: ClassVar[Mapping[str, str]] = TEMPLATES
    formulas = FORMULAS
    words_for_axes: ClassVar[tuple[str, str]] = ("axis", "keepdims")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.written_templates: dict[str, str] = {}

    # Elementary operations

    def where(self, operation: Operation, condition: Piece, x: Piece, y: Piece) -> Piece:
        return Piece(f"{self.np}.where({self.truth(condition).text}, {self.argument(x).text}, {self.argument(y).text})")

    def power(self, operation: Operation, x: Piece, y: Piece) -> Piece:
        return self.raised(x, "2") if y.constant == 2.0 else self.call(f"{self.np}.{self.names_of('pow')}", [x, y])

    def squared(self, operation: Operation, x: Piece) -> Piece:
        return self.raised(x, "2")

    def raised(self, x: Piece, exponent: str) -> Piece:
        x = self.argument(x)
        return Piece(f"{atom(x)}**{exponent}", POWER)

    def array(self, piece: Piece) -> Piece:
        """The piece; a number of Python's as one of the module's, whose arithmetic does not raise."""
        if piece.constant is None:
            return piece
        return Piece(f"{self.np}.float64({piece.text})", shape=piece.shape)

    def logical(self, operation: Operation, *operands: Piece) -> Piece:
        texts = ", ".join(self.truth(x).text for x in operands)
        return Piece(f"{self.np}.{operation.name}({texts})", truth=True)

    def folded(self, operation: Operation, *operands: Piece) -> Piece:
        """A maximum of several, two by two."""
        found = operands[0]
        for x in operands[1:]:
            found = self.call(f"{self.np}.{operation.name}imum", [found, x])
        return found

    def infix(self, form: str, operation: Operation, operands: Any) -> Piece:
        if operands and all(x.constant is not None for x in operands):
            operands = [self.array(operands[0]), *operands[1:]]
        return super().infix(form, operation, operands)

    # Tensors

    def axes(self, x: Piece, axis: Any, keepdims: bool) -> list[str]:
        """The arguments that say what is reduced, such as ``axis=0``."""
        word, keep = self.words_for_axes
        gone = axes_of(x.shape, axis)
        found = []
        if len(gone) < len(x.shape) or keepdims:
            found.append(f"{word}={gone[0] if len(gone) == 1 else tuple_of([str(a) for a in gone])}")
        return found + ([f"{keep}=True"] if keepdims else [])

    def call_helper(self, operation: Operation, operands: Sequence[Piece]) -> Piece:
        """A call of a function of our own; what works on tensors gets no number of Python's."""
        if operation.tensor or operation.attributes:
            operands = [self.array(self.number(x)) for x in operands]
        return super().call_helper(operation, operands)

    def reduced(self, operation: Operation, x: Piece) -> Piece:
        attributes = operation.attributes
        axis, keepdims = attributes["axis"], attributes["keepdims"]
        if not axes_of(x.shape, axis):
            return self.argument(x)
        word = self.names_of(operation.name)
        return self.call(f"{self.np}.{word}", [self.argument(x)], *self.axes(x, axis, keepdims))

    def names_of(self, word: str) -> str:
        """The module's word for an operation."""
        return self.vocabulary.get(word) or REDUCTIONS.get(word) or word

    vocabulary: ClassVar[Mapping[str, str]] = {}

    def cumulated(self, operation: Operation, x: Piece) -> Piece:
        attributes = operation.attributes
        word, _ = self.words_for_axes
        axis = attributes["axis"] % len(x.shape)
        at = f"{word}={axis}"
        if not attributes["reverse"]:
            return self.call(f"{self.np}.cumsum", [x], at)
        turned = self.flipped(x, (axis,))
        return self.flipped(self.call(f"{self.np}.cumsum", [turned], at), (axis,))

    def flipped(self, x: Piece, axes: tuple[int, ...]) -> Piece:
        return self.call(f"{self.np}.flip", [x], tuple_of([str(a) for a in axes]))

    def placed_largest(self, operation: Operation, x: Piece) -> Piece:
        attributes = operation.attributes
        axis, keepdims = attributes["axis"], attributes["keepdims"]
        word, keep = self.words_for_axes
        more = [f"{word}={axis}"] if axis is not None else []
        more += [f"{keep}=True"] if keepdims else []
        return self.floated(self.call(f"{self.np}.argmax", [self.argument(x)], *more))

    def floated(self, piece: Piece) -> Piece:
        return Piece(f"{self.np}.float64({piece.text})")

    def transposed(self, operation: Operation, x: Piece) -> Piece:
        axes = operation.attributes["axes"]
        x = self.number(x)
        if axes is None and len(x.shape) <= 2:
            return Piece(f"{atom(x)}.T")
        axes = tuple(reversed(range(len(x.shape)))) if axes is None else tuple(a % len(x.shape) for a in axes)
        return self.call(f"{self.np}.{self.names_of('transpose')}", [x], tuple_of([str(a) for a in axes]))

    def reshaped(self, operation: Operation, x: Piece) -> Piece:
        shape = operation.shape_of(x.shape)
        return self.call(f"{self.np}.reshape", [self.argument(x)], tuple_of([str(n) for n in shape]))

    def stretched(self, operation: Operation, x: Piece) -> Piece:
        shape = stretched(x.shape, operation.attributes["shape"])
        if x.constant == 0.0:
            return Piece(self.zeros(shape))
        return self.call(f"{self.np}.broadcast_to", [self.argument(x)], tuple_of([str(n) for n in shape]))

    def zeros(self, shape: Shape) -> str:
        return f"{self.np}.zeros({tuple_of([str(n) for n in shape])})"

    def joined(self, operation: Operation, *parts: Piece) -> Piece:
        axis = operation.attributes["axis"]
        texts = ", ".join(self.argument(x).text for x in parts)
        rank = len(operation.shape_of(*[x.shape for x in parts]))
        word, _ = self.words_for_axes
        more = f", {word}={axis % rank}" if axis % rank else ""
        return Piece(f"{self.np}.{self.names_of(operation.name)}([{texts}]{more})")

    def indexed(self, operation: Operation, x: Piece) -> Piece:
        return self.at(x, operation.attributes["key"])

    def at(self, x: Piece, key: Key) -> Piece:
        """The entries at a key."""
        return Piece(f"{atom(self.number(x))}[{key_text(key) or '()'}]")

    def by_template(self, operation: Operation, *operands: Piece) -> Piece:
        """A call of a template."""
        name = operation.name
        if name not in self.written_templates:
            self.written_templates[name] = self.outer.name(name)
        more = [key_tuple(x) if isinstance(x, tuple) else str(x) for x in operation.attributes.values()]
        return self.call(self.written_templates[name], [self.array(self.number(x)) for x in operands], *more)

    def outer_product(self, operation: Operation, x: Piece, y: Piece) -> Piece:
        return self.call(f"{self.np}.outer", [x, y])

    def diagonal(self, operation: Operation, x: Piece) -> Piece:
        return self.call(f"{self.np}.diag", [x])

    def algebra(self, operation: Operation, *operands: Piece) -> Piece:
        return self.call(f"{self.np}.linalg.{operation.name}", operands)

    def held(self, operation: Operation, x: Piece) -> Piece:
        return x

    spellers = {  # noqa: RUF012
        "where": where, "pow": power, "square": squared, "logical_and": logical, "logical_or": logical,
        "logical_not": logical, "max": folded, "min": folded, "sum": reduced, "prod": reduced, "mean": reduced,
        "amax": reduced, "amin": reduced, "cumsum": cumulated, "argmax": placed_largest, "transpose": transposed,
        "reshape": reshaped, "full": stretched, "concat": joined, "stack": joined, "index": indexed,
        "scatter": by_template, "take": by_template, "put": by_template, "one_hot": by_template,
        "cofactor": by_template, "outer": outer_product, "diag": diagonal, "det": algebra, "inv": algebra,
        "solve": algebra, "stop_gradient": held,
    }  # fmt: skip

    # Constants and lines

    def constant(self, value: Any, shape: Shape = ()) -> Piece:
        if isinstance(value, float):
            return super().constant(value, shape)
        return Piece(f"{self.np}.array({self.nested(value)})", shape=shape)

    def nested(self, value: Any) -> str:
        """Nested tuples of numbers as lists; written from the outside in, for they may be deep."""
        pieces: list[str] = []
        left: list[Any] = [value]
        while left:
            item = left.pop()
            if isinstance(item, str):
                pieces.append(item)
            elif isinstance(item, float):
                pieces.append(self.literal(item))
            else:
                left.append("]")
                for at in range(len(item) - 1, -1, -1):
                    left += [item[at]] if at == len(item) - 1 else [", ", item[at]]
                left.append("[")
        return "".join(pieces)

    def nothing(self, variable: Variable) -> str:
        shape = self.shape_of(variable)
        return self.zeros(shape) if shape else self.array(self.constant(0.0)).text

    def assignment(self, name: str, piece: Piece) -> list[str]:
        return super().assignment(name, self.array(piece))

    def vectorized(self) -> list[list[str]]:
        texts = []
        for name, word in self.written_templates.items():
            text = self.templates[name].format(name=word, np=self.np, nan=self.not_a_number, **self.blanks)
            texts.append(text.strip().splitlines())
        return texts


def atom(piece: Piece) -> str:
    """The piece, in brackets where it is more than a name or a call."""
    return piece.text if piece.binding == ATOM else f"({piece.text})"


def key_tuple(key: Key) -> str:
    """The inside of the brackets of an index as a value."""
    items = [str(item) if isinstance(item, int) else "slice(" + ", ".join(map(str, item)) + ")" for item in key]
    return tuple_of(items) if items else "()"
