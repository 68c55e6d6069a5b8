"""Formulas as mathematics writes them: what Unicode and LaTeX have in common.

The language must say what a computer does, step by step; mathematics may say what that is. So products are flattened
and their factors put in order, quotients of quotients become one fraction, and vectors are columns: outer(q, x) is
q·xᵀ, and solve(A, b) is A⁻¹·b. All of it holds for infinities too, though not for what float64 makes of very large and
very small numbers. What the program itself says stays as it is written there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import ClassVar, NamedTuple

from ..gradients import Formulas, Line
from ..graph import CONSTANT, INPUT
from ..operations import OPERATIONS, Operation
from ..operations.table import AND, ATOM, COMPARISON, NOT, OR, POWER, PRODUCT, SIGN, SUM
from ..shapes import Shape, axes_of, broadcast, key_text, size
from ..text import constant
from .algebra import ENTRYWISE, MATRICES, Element, Factor, Product, fraction, total
from .numbers import raised


class Piece(NamedTuple):
    """A node, written.

    Attributes:
        text: how it is written.
        binding: how tightly that binds.
        product: it is a product, which goes into a larger one factor by factor.
        choices: it is a choice: what, and under which condition.
        terms: it is a sum, which goes into a larger one term by term.
    """

    text: str
    binding: int
    product: Product | None = None
    choices: tuple[tuple[str, str], ...] = ()
    terms: tuple[Product, ...] = ()


MOST_TIMES = 100
"""Larger whole exponents stay where they are."""

MOST_OUTSIDE = 1e6
"""Larger powers of numbers stay within brackets."""

COMPARISONS = {"less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=", "not_equal": "≠"}
LOGIC = {"logical_and": (AND, "and"), "logical_or": (OR, "or")}


class Notation:
    """Writes the formulas in Unicode; LaTeX overrides the signs.

    Attributes:
        own: what every node is.
        used: every node as an operand: by its name, if it has one.
    """

    times, dot, entrywise, chained = "·", "·", " ⊙ ", "·"
    functions: ClassVar[dict[str, str]] = {
        "sigmoid": "σ", "gamma": "Γ", "digamma": "ψ", "normal_cdf": "Φ", "normal_pdf": "φ", "cbrt": "∛",
    }  # fmt: skip
    constants: ClassVar[dict[str, str]] = {"pi": "π", "tau": "τ"}
    comparisons: ClassVar[dict[str, str]] = COMPARISONS
    words: ClassVar[dict[str, str]] = {"and": "and", "or": "or", "not": "not "}
    fences: ClassVar[dict[str, tuple[str, str]]] = {
        "abs": ("|", "|"),
        "floor": ("⌊", "⌋"),
        "ceil": ("⌈", "⌉"),
        "norm": ("‖", "‖"),
        "norm1": ("‖", "‖₁"),
    }

    def __init__(self, formulas: Formulas) -> None:
        self.formulas = formulas
        self.graph = formulas.graph
        rules: dict[str, Callable[[int], Piece]] = {
            "add": self.add, "sub": self.add, "neg": self.neg, "mul": self.mul, "div": self.div,
            "square": self.power, "pow": self.power, "reciprocal": self.reciprocal, "matmul": self.matmul,
            "dot": self.matmul, "outer": self.outer, "transpose": self.transpose, "inv": self.inv,
            "solve": self.solve, "where": self.where, "logical_not": self.logical_not, "sqrt": self.sqrt,
            "hypot": self.hypot, "full": self.full, "index": self.index, "take": self.take, "stack": self.stack,
            "exp": self.exp, "expm1": self.expm1, "log1p": self.log1p, "gaussian": self.gaussian,
            "sum": self.reduced, "diag": self.diag,
        }  # fmt: skip
        rules |= dict.fromkeys(COMPARISONS, self.comparison) | dict.fromkeys(LOGIC, self.logic)
        self.rules = rules
        self.literal: dict[str, Callable[[int], Piece]] = {
            "add": self.sum_text, "sub": self.sum_text, "neg": self.neg_text, "mul": self.product_text,
            "div": self.product_text, "reciprocal": self.product_text, "square": self.power_text,
            "pow": self.power_text, "sum": self.call, "diag": self.call,
            "log1p": self.log1p_text,
        }  # fmt: skip
        needed = self.graph.needed(line.node for line in (*formulas.definitions, *formulas.gradient))
        self.own = [Piece("", ATOM)] * len(needed)
        self.used = self.own[:]
        for i, wanted in enumerate(needed):
            if wanted:
                self.write(i)

    def write(self, i: int) -> None:
        """Node i, of what is known of its operands."""
        self.own[i] = self.written(i)
        line = self.formulas.known.get(i)
        self.used[i] = self.own[i] if line is None else Piece(self.of_line(line), self.binding_of(line))

    def line(self, line: Line) -> tuple[str, str]:
        """Both sides of an equation."""
        piece = (self.used if line.alias else self.own)[line.node]
        return self.of_line(line), self.counted(piece.text) if piece.binding <= COMPARISON else piece.text

    # Leaves

    def of_line(self, line: Line) -> str:
        """The left side; where the output is no scalar, what comes back of its upstream gradient."""
        if not line.of:
            return line.name
        slope = f"∂{self.formulas.output}/∂{line.of}"
        return f"{self.formulas.seed}·{slope}" if self.formulas.seed else slope

    def binding_of(self, line: Line) -> int:
        """How tightly a left side binds."""
        return ATOM if not line.of else PRODUCT if self.formulas.seed else POWER

    def name(self, name: str, rank: int) -> str:
        return name

    def number(self, value: float) -> str:
        return constant(value)

    def array(self, i: int) -> str:
        return constant(self.graph.constants[i])

    def rank(self, i: int) -> int:
        return len(self.graph.shape(i))

    def written(self, i: int) -> Piece:
        operation = self.graph.operations[i]
        if operation is INPUT:
            return Piece(self.name(self.graph.names[i], self.rank(i)), ATOM)
        if operation is CONSTANT:
            return self.constant(i)
        found = self.rules.get(operation.name, self.call)(i)
        if i in self.formulas.verbatim and operation.name in self.literal:
            said = self.literal[operation.name](i)
            return found._replace(text=said.text, binding=said.binding)
        return found

    def constant(self, i: int) -> Piece:
        value = self.graph.constants[i]
        if not isinstance(value, float):
            return Piece(self.array(i), ATOM)
        known = self.formulas.texts.get(i, "")
        if known.isidentifier() and known != "inf":
            return Piece(self.constants.get(known, known), ATOM)
        number = fraction(value)
        if not isfinite(value):
            endless = self.single(Piece(self.number(abs(value)), ATOM), (), (1, -len(self.graph)))
            number = endless._replace(negative=value < 0)
        return Piece(self.number(value), SIGN if value < 0 else ATOM, number)

    # Products

    def factors(self, j: int) -> Product:
        """An operand as a product."""
        piece = self.used[j]
        return self.single(piece, self.graph.shape(j), self.order(j)) if piece.product is None else piece.product

    def single(self, piece: Piece, shape: Shape, order: tuple[int, int]) -> Product:
        """A product of nothing but this."""
        return Product(above=(Factor((self.element(piece),), 1, shape, order),))

    def order(self, j: int) -> tuple[int, int]:
        """Where a factor stands: upstream gradients first, then constants, what has a name, or is an entry of it."""
        graph, known = self.graph, self.formulas.known
        line = known.get(j)
        if (line is not None and line.of) or (self.formulas.seed and graph.names.get(j) == self.formulas.seed):
            return 0, j
        if line is None and graph.operations[j].name in ("index", "take"):
            j = graph.operands[j][0]
        if graph.operations[j] is CONSTANT:
            return 1, j - len(graph)
        return (1, j) if j in known or graph.operations[j] is INPUT else (2, j)

    def element(self, piece: Piece) -> Element:
        """Something to be multiplied; a condition counts 1 or 0."""
        if piece.binding <= COMPARISON:
            return Element(self.counted(piece.text), ATOM)
        return Element(piece.text, piece.binding, terms=piece.terms)

    def counted(self, condition: str) -> str:
        return f"[{condition}]"

    def mul(self, i: int) -> Piece:
        a, b = (self.factors(j) for j in self.graph.operands[i])
        return self.multiple(i, a, b)

    def div(self, i: int) -> Piece:
        a, b = self.graph.operands[i]
        return self.multiple(i, self.factors(a), self.divisor(b))

    def multiple(self, i: int, a: Product, b: Product) -> Piece:
        """A product of two; as it stands where its number is too large or too small for a float."""
        found = a.times(b)
        if not isfinite(found.top + found.bottom) or (a.top and b.top and not found.top):
            return self.product_text(i)
        return self.product(found, self.graph.shape(i))

    def reciprocal(self, i: int) -> Piece:
        (b,) = self.graph.operands[i]
        return self.product(self.divisor(b), self.graph.shape(i))

    def divisor(self, j: int) -> Product:
        """One over an operand; where that is 0, it is left to be seen."""
        found = self.factors(j)
        if not found.top:
            found = Product(above=(Factor((Element(self.number(0.0), ATOM),), 1, (), (2, j)),))
        return found.inverse

    def product_text(self, i: int) -> Piece:
        """A product or quotient as it stands in the graph."""
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        x, y = (self.used[j] for j in operands) if len(operands) == 2 else (Piece("1", ATOM), self.used[operands[0]])
        left, right = self.bracketed(x, PRODUCT), self.bracketed(y, POWER)
        if operation.name != "mul":
            return Piece(self.quotient(left, right, self.element(x).text, self.element(y).text), PRODUCT)
        apart = all(self.rank(j) for j in operands)
        return Piece(left + self.entrywise + right if apart else self.multiplied([left, right]), PRODUCT)

    def neg_text(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return Piece(f"-{self.bracketed(self.used[x], PRODUCT)}", PRODUCT)

    def quotient(self, above: str, below: str, plain_above: str, plain_below: str) -> str:
        """A fraction, of what is in brackets where these are needed in one line, and without them."""
        return f"{above}/{below}"

    def divided(self, top: str, text: str, bottom: str) -> str:
        """A fraction of numbers, and what is multiplied by it."""
        return f"{self.multiplied([part for part in (top, text) if part])}/{bottom}"

    def multiplied(self, parts: Sequence[str]) -> str:
        """Factors in a row; a digit does not stand right behind another factor."""
        found = "".join([(self.dot if part[0].isdigit() else self.times) + part for part in parts])
        return found.removeprefix(self.dot if parts[0][0].isdigit() else self.times)

    def bracketed(self, piece: Piece, least: int) -> str:
        """The piece, in brackets unless it binds at least so tightly."""
        element = self.element(piece)
        return element.text if element.binding >= least else self.brackets(element.text)

    def brackets(self, text: str) -> str:
        return f"({text})"

    def product(self, product: Product, shape: Shape) -> Piece:
        """A product, written out; ones stand in it only where nothing else has its shape."""
        if not product.top:
            zeros = Piece(self.alike(shape, "0"), ATOM) if shape else Piece(self.number(0.0), ATOM)
            return zeros._replace(product=product)
        product = product.dense
        if product.shape != shape:
            ones = Element(self.alike(shape, "1"), ATOM, neutral=ENTRYWISE)
            product = product._replace(above=(*product.above, Factor((ones,), 1, shape, (3, 0))))
        text, binding = self.written_product(product)
        return Piece(text, binding, product)

    def written_product(self, product: Product) -> tuple[str, int]:
        """A product's text, and how tightly it binds."""
        alone = product.alone
        element = alone.element if alone is not None else None
        if element is not None and alone is not None and alone.power == 1:
            return element.text, element.binding
        if alone is not None and len(alone.chain) == 1 and self.direct(alone):
            return self.factor(alone, True), ATOM if alone.element is None else alone.element.binding
        text = self.factored(product.top, product.above, any(f.shape for f in product.below))
        if product.below:
            below = self.factored(product.bottom, product.below, False)
            plain = self.bare(product.top, product.above) or self.factored(product.top, product.above, False)
            bare = self.bare(product.bottom, product.below)
            single = len(product.below) == 1 and product.bottom == 1 and len(product.below[0].chain) == 1
            tight = single and (bare or "/" not in below)
            text = self.quotient(text, below if tight else self.brackets(below), plain, bare or below)
        elif product.bottom != 1:
            top = self.number(product.top) if product.top != 1 or not product.above else ""
            text = self.factored(1.0, product.above, False) if product.above else ""
            text = self.divided(top, text, self.number(product.bottom))
        number = not product.above and not product.below and product.bottom == 1
        if product.negative:
            return f"-{text}", SIGN if number else PRODUCT
        binding = POWER if alone is not None and len(alone.chain) == 1 else PRODUCT
        return text, ATOM if number else binding

    def bare(self, number: float, factors: Sequence[Factor]) -> str:
        """One factor without its brackets, where nothing stands beside it; else nothing."""
        if number != 1 or len(factors) != 1 or factors[0].power != 1 or len(factors[0].chain) > 1:
            return ""
        (element,) = factors[0].chain
        return "" if element.turned or element.inverse else element.text

    def factored(self, number: float, factors: Sequence[Factor], apart: bool) -> str:
        """Numbers first, then scalars, then tensors; products of matrices stand in brackets among others."""
        scalars = sorted((f for f in factors if not f.shape), key=lambda f: (len(f.chain) > 1, f.order))
        tensors = sorted((f for f in factors if f.shape), key=lambda f: f.order)
        last = (scalars + tensors)[-1:]
        parts = [self.number(number)] if number != 1 or not factors else []
        parts += [self.factor(f, [f] == last) for f in scalars]
        several = len(tensors) > 1 or apart
        whole = self.entrywise.join([self.factor(f, not several) for f in tensors])
        return self.multiplied([*parts, whole] if whole else parts)

    def factor(self, factor: Factor, open_: bool) -> str:
        """One factor; a product of matrices without brackets only where it is open."""
        power, rank = factor.power, len(factor.shape)
        if len(factor.chain) > 1:
            text = self.chained.join(map(self.marked, factor.chain))
            return text if open_ and power == 1 else self.raised(self.brackets(text), power, rank)
        (element,) = factor.chain
        if power < 0 and factor.element is not None and element.reciprocal:
            element, power = element._replace(text=element.reciprocal), -power
        if power == 1:
            return self.marked(element)
        marks = self.marks(element.turned, element.inverse)
        if marks:
            return self.raised(self.brackets(self.marked(element)), power, rank)
        return self.raised(element.text if element.binding == ATOM else self.brackets(element.text), power, rank)

    def direct(self, factor: Factor) -> bool:
        """Whether it is written without an exponent."""
        element = factor.element
        return factor.power == 1 or (factor.power == -1 and element is not None and bool(element.reciprocal))

    def raised(self, base: str, power: float, rank: int) -> str:
        """A power; of a matrix every entry is meant."""
        if power == 1:
            return base
        return self.superscript(base, Piece(self.number(power), ATOM if power > 0 else SIGN), rank)

    def superscript(self, base: str, exponent: Piece, rank: int) -> str:
        """A base in its brackets, with an exponent; of a matrix every entry is meant."""
        if exponent.text.isdecimal() and rank < 2:
            return base + raised(int(exponent.text))
        return f"{base}^{'∘' if rank > 1 else ''}{self.bracketed(exponent, ATOM)}"

    def marked(self, element: Element) -> str:
        """An element with its marks, in brackets where these need them."""
        marks = element.turned or element.inverse
        text = element.text if element.binding >= (ATOM if marks else POWER) else self.brackets(element.text)
        return text + self.marks(element.turned, element.inverse)

    def marks(self, turned: bool, inverse: bool) -> str:
        return ("⁻ᵀ" if turned else "⁻¹") if inverse else "ᵀ" if turned else ""

    # Sums

    def neg(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.product(self.factors(x).opposite, self.graph.shape(i))

    def add(self, i: int) -> Piece:
        first, second = self.graph.operands[i]
        terms = self.terms(second)
        if self.graph.operations[i].name == "sub":
            terms = [term.opposite for term in terms]
        return self.sum([*self.terms(first), *terms], self.graph.shape(i))

    def terms(self, j: int) -> list[Product]:
        """An operand as a sum."""
        found = self.factors(j)
        alone = found._replace(negative=False).alone
        element = alone.element if alone is not None and alone.power == 1 else None
        if element is None or not element.terms:
            return [found]
        return [term.opposite if found.negative else term for term in element.terms]

    def sum(self, terms: Sequence[Product], shape: Shape) -> Piece:
        """A sum, written out, a term with a plus first; its first term is spread where no term has its shape."""
        found = total(terms)
        if len(found) < 2:
            return self.product(found[0] if found else Product(top=0.0), shape)
        negative = all(term.negative for term in found)
        terms = [term.opposite for term in found] if negative else sorted(found, key=lambda term: term.negative)
        if broadcast(*[term.shape for term in terms]) != shape:
            terms[0] = self.product(terms[0], shape).product or terms[0]
        text = ""
        for term in terms:
            piece = self.product(term._replace(negative=False), term.shape)
            text += f" {'-' if term.negative else '+'} {self.bracketed(piece, PRODUCT)}"
        whole = Piece(text.removeprefix(" + "), SUM, terms=tuple(terms))
        return self.product(self.single(whole, shape, (2, len(self.own))).opposite, shape) if negative else whole

    def summand(self, j: int) -> Piece:
        """An operand of a sum that is written as it stands."""
        return self.used[j]

    def sum_text(self, i: int) -> Piece:
        """A sum or difference as it stands in the graph."""
        x, y = (self.summand(j) for j in self.graph.operands[i])
        return self.added(x, y, self.graph.operations[i].name == "sub")

    def added(self, x: Piece, y: Piece, minus: bool) -> Piece:
        """Two terms as they stand."""
        if y.binding >= PRODUCT and y.text.startswith("-"):
            minus = not minus
            y = Piece(y.text.removeprefix("-"), PRODUCT)
        right = self.bracketed(y, PRODUCT if minus or y.text.startswith("-") else SUM)
        return Piece(f"{self.bracketed(x, SUM)} {'-' if minus else '+'} {right}", SUM)

    # Powers

    def power(self, i: int) -> Piece:
        base, *rest = self.graph.operands[i]
        value = self.graph.constants.get(rest[0]) if rest else 2.0
        shape = self.graph.shape(i)
        if isinstance(value, float) and isfinite(value) and value and self.graph.shape(base) == shape:
            found = self.factors(base)
            if value.is_integer() and 2 <= value < MOST_TIMES and found.to(int(value)).top < MOST_OUTSIDE:
                return self.product(Product().times(found.to(int(value))), shape)
            single = found.alone
            if single is None or single.power != 1 or single.element is None:
                single = Factor((self.element(self.used[base]),), 1, shape, (2, i))
            return self.product(Product(above=(single._replace(power=value),)), shape)
        return self.power_text(i)

    def power_text(self, i: int) -> Piece:
        """A power as it stands in the graph."""
        base, *rest = self.graph.operands[i]
        exponent = self.used[rest[0]] if rest else Piece("2", ATOM)
        return Piece(self.superscript(self.bracketed(self.used[base], ATOM), exponent, self.rank(i)), POWER)

    def hypot(self, i: int) -> Piece:
        squares = [self.squared(j) for j in self.graph.operands[i]]
        return self.root(self.sum(squares, self.graph.shape(i)), i)

    def squared(self, j: int) -> Product:
        return Product().times(self.factors(j).to(2))

    def sqrt(self, i: int) -> Piece:
        return self.root(self.used[self.graph.operands[i][0]], i)

    def root(self, piece: Piece, i: int) -> Piece:
        """A square root, whose even powers are no roots."""
        square = piece.product or self.single(piece, self.graph.shape(i), (2, i))
        element = Element(self.radical(piece), POWER, square=square)
        return self.product(Product(above=(Factor((element,), 1, self.graph.shape(i), (2, i)),)), self.graph.shape(i))

    def radical(self, piece: Piece) -> str:
        return f"√{self.bracketed(piece, ATOM)}"

    # Matrices

    def chain(self, i: int, j: int, turned: bool = False) -> tuple[Product, tuple[Element, ...]]:
        """Operand j of a product of matrices i: what of it is a number, and the chain of the rest.

        A product that the program itself has stays together: 2·(W·x)·xᵀ.
        """
        numbers, tensors = self.factors(j).parted
        alone = tensors.alone
        if alone is not None and alone.power == 1:
            elements = alone.chain
            together = i not in self.formulas.verbatim or j != self.graph.operands[i][0]
            if len(elements) > 1 and j in self.formulas.verbatim and together:
                elements = (Element(self.chained.join(map(self.marked, elements)), PRODUCT),)
        else:
            elements = (self.element(self.product(tensors, self.graph.shape(j))),)
        if turned:
            elements = tuple(e._replace(turned=not e.turned) for e in reversed(elements))
        return numbers, elements

    def matmul(self, i: int) -> Piece:
        """Vectors are columns: v@M is Mᵀ·v, and v@w is vᵀ·w."""
        left, right = self.graph.operands[i]
        m, n = self.rank(left), self.rank(right)
        if max(m, n) > 2:
            return self.call(i)
        if m == 1 and n == 2:
            return self.chain_of(i, (right, True), (left, False))
        return self.chain_of(i, (left, m == 1), (right, False))

    def outer(self, i: int) -> Piece:
        left, right = self.graph.operands[i]
        return self.chain_of(i, (left, False), (right, True))

    def solve(self, i: int) -> Piece:
        left, right = self.graph.operands[i]
        inverse = self.inverted(left)
        numbers, elements = self.chain(i, right)
        return self.of_chain(i, numbers, (inverse, *elements))

    def inv(self, i: int) -> Piece:
        return self.of_chain(i, Product(), (self.inverted(self.graph.operands[i][0]),))

    def inverted(self, j: int) -> Element:
        alone = self.factors(j).alone
        if alone is not None and len(alone.chain) == 1 and alone.power == 1 and not alone.chain[0].inverse:
            return alone.chain[0]._replace(inverse=True)
        return self.element(self.used[j])._replace(inverse=True)

    def transpose(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        attributes = self.graph.operations[i].attributes
        if self.rank(x) != 2 or attributes["axes"] not in (None, (1, 0)):
            return self.call(i) if self.rank(x) > 1 else self.used[x]
        return self.chain_of(i, (x, True))

    def chain_of(self, i: int, *operands: tuple[int, bool]) -> Piece:
        numbers = Product()
        elements: tuple[Element, ...] = ()
        for j, turned in operands:
            more, chain = self.chain(i, j, turned)
            numbers = numbers.times(more)
            elements += chain
        return self.of_chain(i, numbers, elements)

    def of_chain(self, i: int, numbers: Product, elements: tuple[Element, ...]) -> Piece:
        """A number times a product of matrices, in which identities are left out unless the program has them."""
        if i not in self.formulas.verbatim:
            elements = tuple([e for e in elements if e.neutral != MATRICES]) or elements[:1]
        shape = self.graph.shape(i)
        return self.product(numbers.times(Product(above=(Factor(elements, 1, shape, (2, i)),))), shape)

    def diag(self, i: int) -> Piece:
        """A diagonal matrix of ones is an identity."""
        (x,) = self.graph.operands[i]
        number = self.factors(x).dense
        if self.rank(x) > 1 or number.shape:
            return self.call(i)
        shape, ones = self.graph.shape(i), self.alike(self.graph.shape(x), "1")
        identity = Element(self.called(self.graph.operations[i], [ones], ()), ATOM, neutral=MATRICES)
        return self.product(number.times(Product(above=(Factor((identity,), 1, shape, (3, 0)),))), shape)

    def full(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.call(i) if self.rank(x) else self.product(self.factors(x), self.graph.shape(i))

    def reduced(self, i: int) -> Piece:
        """A sum over axes, which scalars stand in front of; over equal entries their number."""
        (x,) = self.graph.operands[i]
        whole, shape = self.graph.shape(x), self.graph.shape(i)
        number, tensors = self.factors(x).dense.parted
        if number.top and (tensors.above or tensors.below):
            total = self.applied(i, [self.product(tensors, whole)])
            return self.product(number.times(self.single(total, shape, (2, i))), shape)
        count = Product(top=float(size(whole) // size(shape))) if size(shape) else Product()
        return self.product(number.times(count), shape)

    def alike(self, shape: Shape, number: str) -> str:
        """A tensor of zeros or ones."""
        lengths = ", ".join(map(str, shape))
        return f"{'zeros' if number == '0' else 'ones'}({lengths})"

    # Choices

    def comparison(self, i: int) -> Piece:
        x, y = (self.bracketed(self.used[j], SUM) for j in self.graph.operands[i])
        return Piece(f"{x} {self.comparisons[self.graph.operations[i].name]} {y}", COMPARISON)

    def logic(self, i: int) -> Piece:
        binding, word = LOGIC[self.graph.operations[i].name]
        x, y = (self.used[j] for j in self.graph.operands[i])
        texts = [p.text if p.binding >= binding else self.brackets(p.text) for p in (x, y)]
        return Piece(f"{texts[0]} {self.words[word]} {texts[1]}", binding)

    def logical_not(self, i: int) -> Piece:
        x = self.used[self.graph.operands[i][0]]
        return Piece(self.words["not"] + (x.text if x.binding >= COMPARISON else self.brackets(x.text)), NOT)

    def where(self, i: int) -> Piece:
        condition, x, y = self.graph.operands[i]
        if self.less_one(i):
            return self.sum([self.factors(y), self.factors(condition).opposite], self.graph.shape(i))
        then, other = (self.exact(j) for j in (x, y))
        first = (then.text, self.used[condition].text)
        return self.choice((first, *(other.choices or ((other.text, ""),))))

    def exact(self, j: int) -> Piece:
        """An operand; a half as 1/2."""
        piece = self.used[j]
        number = self.graph.operations[j] is CONSTANT and piece.product is not None
        return self.product(piece.product, ()) if number and piece.product is not None else piece

    def less_one(self, i: int) -> bool:
        """where(c, expm1(log_softmax(s)), softmax(s)), which says softmax(s) - c to the last digit."""
        graph, known = self.graph, self.formulas.known
        condition, x, y = graph.operands[i]
        if {x, y} & known.keys() or graph.operations[condition].name != "one_hot":
            return False
        if (graph.operations[x].name, graph.operations[y].name) != ("expm1", "softmax"):
            return False
        (log,) = graph.operands[x]
        same = graph.operations[log].name == "log_softmax" and graph.operands[log] == graph.operands[y]
        return same and graph.operations[log].attributes == graph.operations[y].attributes

    def choice(self, choices: tuple[tuple[str, str], ...]) -> Piece:
        text = ""
        for value, condition in reversed(choices):
            text = f"where({condition}, {value}, {text})" if condition else value
        return Piece(text, ATOM, None, choices)

    # Calls

    def call(self, i: int) -> Piece:
        """A function by its name, with the attributes that matter to a reader."""
        return self.applied(i, [self.used[j] for j in self.graph.operands[i]])

    def applied(self, i: int, pieces: Sequence[Piece]) -> Piece:
        """The function of node i, of these operands."""
        operation = self.graph.operations[i]
        texts = [self.element(piece).text for piece in pieces]
        attributes = self.arguments(operation, self.graph.operands[i])
        if operation.name in self.fences and not attributes:
            left, right = self.fences[operation.name]
            if left not in texts[0]:
                return Piece(f"{left}{texts[0]}{right}", ATOM)
        return Piece(self.called(operation, texts, attributes), ATOM)

    def arguments(self, operation: Operation, operands: Sequence[int]) -> list[str]:
        """Without the axes of what has no others, and without how the axes that are gone are kept."""
        defaults = OPERATIONS[operation.name].attributes
        if defaults is None:
            return []
        shape = self.graph.shape(operands[0])
        bound = operation.attributes
        hidden: tuple[str, ...] = ()
        if "keepdims" in defaults:
            hidden = ("axis", "keepdims") if len(axes_of(shape, bound["axis"])) == len(shape) else ()
        elif "axis" in defaults and len(shape) == 1 and not operation.joint:
            hidden = ("axis",)
        return [text for text in operation.arguments(defaults) if text.partition("=")[0] not in hidden]

    def called(self, operation: Operation, texts: Sequence[str], attributes: Sequence[str]) -> str:
        name = self.functions.get(operation.name, operation.written)
        return f"{name}({', '.join([*texts, *attributes])})"

    def function(self, name: str, text: str) -> Piece:
        return Piece(self.called(OPERATIONS[name], [text], ()), ATOM)

    def exp(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.product(self.exponential(self.factors(x), i), self.graph.shape(i))

    def exponential(self, exponent: Product, i: int) -> Product:
        """e to a power; the one with the opposite sign is its reciprocal."""
        shape = self.graph.shape(i)
        plus, minus = (self.product(exponent._replace(negative=sign), shape) for sign in (False, True))
        e = self.power_of_e(plus, shape)
        element = Element(e.text, e.binding, reciprocal=self.power_of_e(minus, shape).text)
        return Product(above=(Factor((element,), -1 if exponent.negative else 1, shape, (2, i)),))

    def power_of_e(self, exponent: Piece, shape: Shape) -> Piece:
        return self.function("exp", exponent.text)

    def expm1(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        log = self.graph.operations[x]
        shape = self.graph.shape(i)
        if log.name == "log_softmax" and x not in self.formulas.known:
            scores = self.graph.operands[x]
            texts = [self.used[scores[0]].text]
            softmax = Piece(self.called(OPERATIONS["softmax"], texts, self.arguments(log, scores)), ATOM)
            return self.sum([self.single(softmax, shape, (2, i)), Product().opposite], shape)
        return self.sum([self.exponential(self.factors(x), i), Product().opposite], shape)

    def log1p(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.function("log", self.sum([Product(), *self.terms(x)], self.graph.shape(i)).text)

    def log1p_text(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.function("log", self.added(Piece(self.number(1.0), ATOM), self.summand(x), False).text)

    def gaussian(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        return self.product(self.exponential(self.squared(x).opposite, i), self.graph.shape(i))

    def index(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        key = self.graph.operations[i].attributes["key"]
        return self.at(self.bracketed(self.used[x], ATOM), key_text(key))

    def take(self, i: int) -> Piece:
        x, at = self.graph.operands[i]
        return self.at(self.bracketed(self.used[x], ATOM), self.used[at].text)

    def at(self, base: str, places: str) -> Piece:
        return Piece(f"{base}[{places}]", ATOM)

    def stack(self, i: int) -> Piece:
        if self.graph.operations[i].attributes["axis"] != 0:
            return self.call(i)
        return Piece(self.listed([self.used[j].text for j in self.graph.operands[i]]), ATOM)

    def listed(self, texts: Sequence[str]) -> str:
        return f"[{', '.join(texts)}]"
