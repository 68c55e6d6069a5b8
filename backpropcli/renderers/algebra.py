"""Sums of products, as a person reckons with them: equal factors are counted as powers, and equal terms as numbers.

A product is a number times powers; a sum is a sequence of products. What is multiplied is told apart by what it is, in
whichever order it is written. Every identity here holds wherever both of its sides are defined: x/x is 1, x - x is 0.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from fractions import Fraction
from functools import partial, reduce
from math import gcd, isfinite, trunc
from operator import add, mul, truediv
from typing import NamedTuple

from ..shapes import Shape, broadcast

ENTRYWISE, MATRICES = "entrywise", "matrices"


class Element(NamedTuple):
    """What is multiplied.

    Attributes:
        text: how it is written.
        binding: how tightly that binds.
        turned: it is transposed.
        inverse: it is inverted.
        terms: what it adds up, if it is a sum.
        square: its square, if it is a root.
        reciprocal: how one over it is written, where that is no fraction: exp(-x).
        neutral: the product that it changes nothing in, `ENTRYWISE` or `MATRICES`.
    """

    text: str
    binding: int
    turned: bool = False
    inverse: bool = False
    terms: tuple[Product, ...] = ()
    square: Product | None = None
    reciprocal: str = ""
    neutral: str = ""

    @property
    def key(self) -> Hashable:
        """What it is, however it is written."""
        same = frozenset([(term.key, term.number) for term in self.terms]) or self.text
        return same, self.turned, self.inverse


class Factor(NamedTuple):
    """A factor of a product.

    Attributes:
        chain: one element, or several whose product is one of matrices.
        power: how often it counts.
        shape: the shape of its value.
        order: where it stands among the factors: gradients, constants and names, the rest.
    """

    chain: tuple[Element, ...]
    power: float
    shape: Shape
    order: tuple[int, int]

    @property
    def key(self) -> Hashable:
        """What it is a power of."""
        return tuple([element.key for element in self.chain]), self.shape

    @property
    def element(self) -> Element | None:
        """What it is a power of, where that is no product of matrices, and has no marks."""
        (first, *rest) = self.chain
        return None if rest or first.turned or first.inverse else first

    @property
    def ones(self) -> bool:
        return self.element is not None and self.element.neutral == ENTRYWISE


class Product(NamedTuple):
    """A product of a number and factors, entry by entry.

    Attributes:
        negative: its sign.
        top, bottom: the number in front, as a fraction.
        above, below: the factors, no two of which are powers of the same.
    """

    negative: bool = False
    top: float = 1.0
    bottom: float = 1.0
    above: tuple[Factor, ...] = ()
    below: tuple[Factor, ...] = ()

    @property
    def alone(self) -> Factor | None:
        """The factor that it is, where it is no more."""
        plain = self.number == (1.0, 1.0) and not self.below
        return self.above[0] if plain and len(self.above) == 1 else None

    @property
    def number(self) -> tuple[float, float]:
        """The number in front, with its sign."""
        return -self.top if self.negative else self.top, self.bottom

    @property
    def shape(self) -> Shape:
        return broadcast(*[factor.shape for factor in (*self.above, *self.below)])

    @property
    def key(self) -> Hashable:
        """What it is a multiple of."""
        above, below = (frozenset([(f.key, f.power) for f in factors]) for factors in (self.above, self.below))
        return above, below

    @property
    def inverse(self) -> Product:
        return Product(self.negative, self.bottom, self.top, self.below, self.above)

    @property
    def opposite(self) -> Product:
        return self._replace(negative=not self.negative)

    @property
    def parted(self) -> tuple[Product, Product]:
        """A number with the scalars, and the tensors."""
        scalars, tensors = (
            tuple([tuple([f for f in factors if bool(f.shape) == kind]) for factors in (self.above, self.below)])
            for kind in (False, True)
        )
        return self._replace(above=scalars[0], below=scalars[1]), Product(above=tensors[0], below=tensors[1])

    @property
    def dense(self) -> Product:
        """Without ones."""
        above, below = (tuple([f for f in factors if not f.ones]) for factors in (self.above, self.below))
        return self._replace(above=above, below=below)

    def numbered(self, top: float, bottom: float) -> Product:
        """The same multiple of another number."""
        top, bottom = reduced(top, bottom)
        return self._replace(negative=top < 0, top=abs(top), bottom=bottom)

    def to(self, power: int) -> Product:
        """Its whole power."""
        base = self if power >= 0 else self.inverse
        times = abs(power)
        above, below = (tuple([f._replace(power=f.power * times) for f in fs]) for fs in (base.above, base.below))
        negative = base.negative and times % 2 == 1
        top, bottom = (reduce(partial(exactly, mul), [n] * times, 1.0) for n in (base.top, base.bottom))
        return Product(negative, top, bottom, above, below)

    def times(self, other: Product) -> Product:
        """Their product: equal factors are powers of one, and squares of roots are what these are roots of."""
        powers = Powers()
        top = bottom = 1.0
        left = [other, self]
        while left:
            part = left.pop()
            top, bottom = reduced(exactly(mul, top, part.number[0]), exactly(mul, bottom, part.bottom))
            powers.count(part)
            left += [] if left else powers.squares()
        return powers.product().numbered(top, bottom)


class Powers:
    """Counts how often each factor stands above and below the line of a fraction."""

    def __init__(self) -> None:
        self.found: dict[Hashable, tuple[Factor, float, float]] = {}

    def count(self, product: Product) -> None:
        for factors, below in ((product.above, False), (product.below, True)):
            for factor in factors:
                first, up, down = self.found.get(factor.key, (factor, 0.0, 0.0))
                n = factor.power
                self.found[factor.key] = (first, up, down + n) if below else (first, up + n, down)

    def squares(self) -> list[Product]:
        """What comes of roots, which stay with a power of at most 1: (√x)³ is x·√x, and x/√x is √x."""
        made = []
        for key, (root, up, down) in self.found.items():
            square = root.element.square if root.element is not None else None
            if square is None or (up - down) % 1:
                continue
            power = trunc(up - down)
            whole = trunc(power / 2)
            odd = power - 2 * whole
            base = square.alone
            if base is not None and base.power == 1:
                _, above, below = self.found.get(base.key, (base, 0.0, 0.0))
                if odd * (above - below + whole) < 0:
                    whole, odd = whole + odd, -odd
            if whole:
                self.found[key] = (root, max(odd, 0.0), max(-odd, 0.0))
                made.append(square.to(whole))
        return made

    def product(self) -> Product:
        above, below = [], []
        for factor, up, down in self.found.values():
            power = up - down
            element = factor.element
            if power < 0 < down and not (element is not None and element.reciprocal):
                below.append(factor._replace(power=-power))
            elif power:
                above.append(factor._replace(power=power))
        return Product(above=tuple(above), below=tuple(below))


def total(terms: Iterable[Product]) -> tuple[Product, ...]:
    """The terms of a sum, with equal ones as one; none where it is zero."""
    found: dict[Hashable, Product] = {}
    for term in terms:
        same = found.get(term.key)
        if same is not None:
            (a, b), (c, d) = same.number, term.number
            top = exactly(add, a, c) if b == d else exactly(add, exactly(mul, a, d), exactly(mul, c, b))
            term = same.numbered(top, b if b == d else exactly(mul, b, d))
        found[term.key] = term
    return tuple(term for term in found.values() if term.top)


def reduced(top: float, bottom: float) -> tuple[float, float]:
    """The fraction with whole numbers as small as they can be; decimal numbers as one, where that is exact."""
    if not (top and bottom and isfinite(top) and isfinite(bottom)):
        return top, bottom
    if top.is_integer() and bottom.is_integer():
        common = gcd(int(top), int(bottom))
        return float(int(top) // common), float(int(bottom) // common)
    quotient = exactly(truediv, top, bottom)
    if exactly(mul, quotient, bottom) == top:
        return quotient, 1.0
    if (bottom / top).is_integer() and bottom / top * top == bottom:
        return (1.0, bottom / top) if top > 0 else (-1.0, -bottom / top)
    return top, bottom


def exactly(operator: Callable[..., float], x: float, y: float) -> float:
    """What decimal numbers are together: 0.1 + 0.2 is 0.3."""
    if (x.is_integer() and y.is_integer()) or not (isfinite(x) and isfinite(y)):
        return operator(x, y)
    try:
        return float(operator(Fraction(repr(x)), Fraction(repr(y))))
    except OverflowError:
        return operator(x, y)


def fraction(value: float) -> Product:
    """A number; one over a small power of two as that."""
    size = abs(value)
    if size in (0.5, 0.25, 0.125, 0.0625):
        return Product(value < 0, 1.0, 1.0 / size)
    return Product(value < 0, size)
