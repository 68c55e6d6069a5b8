"""Formulas as mathematics writes them: what Unicode and LaTeX have in common.

The language must say what a computer does, step by step; mathematics may say what that is. So products are flattened
and their factors put in order, quotients of quotients become one fraction, and vectors are columns: outer(q, x) is
q·xᵀ, and solve(A, b) is A⁻¹·b. All of it holds for infinities too, though not for what float64 makes of very large and
very small numbers. What the program itself says stays as it is written there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from ..gradients import Formulas, Line
from ..graph import CONSTANT, INPUT
from ..operations import OPERATIONS, Operation
from ..operations.table import AND, ATOM, COMPARISON, NOT, OR, POWER, PRODUCT, SIGN, SUM
from ..shapes import axes_of, key_text
from ..text import constant
from .numbers import raised


class Element(NamedTuple):
    """What is multiplied.

    Attributes:
        text: how it is written.
        binding: how tightly that binds.
        turned: it is transposed.
        inverse: it is inverted.
    """

    text: str
    binding: int
    turned: bool = False
    inverse: bool = False


class Factor(NamedTuple):
    """A factor of a product.

    Attributes:
        chain: one element, or several whose product is one of matrices.
        power: how often it counts.
        rank: how many axes it has.
        order: where it stands among the factors: gradients, names, the rest.
    """

    chain: tuple[Element, ...]
    power: int
    rank: int
    order: tuple[int, int]


class Product(NamedTuple):
    """A product of numbers and factors, entry by entry.

    Attributes:
        negative: its sign.
        top, bottom: the number in front, as a fraction.
        above, below: the factors.
    """

    negative: bool = False
    top: float = 1.0
    bottom: float = 1.0
    above: tuple[Factor, ...] = ()
    below: tuple[Factor, ...] = ()

    @property
    def alone(self) -> Factor | None:
        """The factor that it is, where it is no more."""
        plain = not self.negative and self.top == self.bottom == 1 and not self.below
        return self.above[0] if plain and len(self.above) == 1 else None


class Piece(NamedTuple):
    """A node, written.

    Attributes:
        text: how it is written.
        binding: how tightly that binds.
        product: it is a product, which goes into a larger one factor by factor.
        choices: it is a choice: what, and under which condition.
    """

    text: str
    binding: int
    product: Product | None = None
    choices: tuple[tuple[str, str], ...] = ()


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
        self.lengths: dict[str, Element] = {}
        self.own: list[Piece] = []
        self.used: list[Piece] = []
        rules: dict[str, Callable[[int], Piece]] = {
            "add": self.sum, "sub": self.sum, "neg": self.neg, "mul": self.mul, "div": self.div,
            "square": self.power, "pow": self.power, "reciprocal": self.reciprocal, "matmul": self.matmul,
            "dot": self.matmul, "outer": self.outer, "transpose": self.transpose, "inv": self.inv,
            "solve": self.solve, "where": self.where, "logical_not": self.logical_not, "sqrt": self.sqrt,
            "hypot": self.hypot, "full": self.full, "index": self.index, "take": self.take, "stack": self.stack,
            "exp": self.exp, "expm1": self.expm1, "log1p": self.log1p, "gaussian": self.gaussian,
        }  # fmt: skip
        rules |= dict.fromkeys(COMPARISONS, self.comparison) | dict.fromkeys(LOGIC, self.logic)
        self.rules = rules
        needed = self.graph.needed(line.node for line in (*formulas.definitions, *formulas.gradient))
        nothing = Piece("", ATOM)
        for i, wanted in enumerate(needed):
            self.own.append(self.written(i) if wanted else nothing)
            line = formulas.known.get(i)
            self.used.append(self.own[i] if line is None else Piece(self.of_line(line), self.binding_of(line)))

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
        rule = self.rules.get(operation.name, self.call)
        return rule(i)

    def constant(self, i: int) -> Piece:
        value = self.graph.constants[i]
        if not isinstance(value, float):
            return Piece(self.array(i), ATOM)
        known = self.formulas.texts.get(i, "")
        if known.isidentifier() and known != "inf":
            return Piece(self.constants.get(known, known), ATOM)
        return Piece(self.number(value), ATOM if value >= 0 else SIGN, fraction(value))

    # Products

    def factors(self, j: int) -> Product:
        """An operand as a product."""
        piece = self.used[j]
        if piece.product is not None:
            return piece.product
        return Product(above=(Factor((self.element(piece),), 1, self.rank(j), self.order(j)),))

    def order(self, j: int) -> tuple[int, int]:
        """Where a factor stands: upstream gradients first, then what has a name, or is an entry of it, then others."""
        graph, known = self.graph, self.formulas.known
        line = known.get(j)
        if (line is not None and line.of) or (self.formulas.seed and graph.names.get(j) == self.formulas.seed):
            return 0, j
        if line is None and graph.operations[j].name in ("index", "take"):
            j = graph.operands[j][0]
        return (1, j) if j in known or graph.operations[j] is INPUT else (2, 0)

    def element(self, piece: Piece) -> Element:
        """Something to be multiplied; a condition counts 1 or 0."""
        if piece.binding <= COMPARISON:
            return Element(self.counted(piece.text), ATOM)
        return Element(piece.text, piece.binding)

    def counted(self, condition: str) -> str:
        return f"[{condition}]"

    def mul(self, i: int) -> Piece:
        a, b = (self.factors(j) for j in self.graph.operands[i])
        return self.multiplied(i, a, b)

    def div(self, i: int) -> Piece:
        a, b = (self.factors(j) for j in self.graph.operands[i])
        return self.multiplied(i, a, Product(b.negative, b.bottom, b.top, b.below, b.above))

    def reciprocal(self, i: int) -> Piece:
        (b,) = (self.factors(j) for j in self.graph.operands[i])
        return self.multiplied(i, Product(), Product(b.negative, b.bottom, b.top, b.below, b.above))

    def multiplied(self, i: int, a: Product, b: Product) -> Piece:
        top, bottom = reduced(a.top * b.top, a.bottom * b.bottom)
        above, below = self.gathered((*a.above, *b.above)), self.gathered((*a.below, *b.below))
        found = self.product(Product(a.negative != b.negative, top, bottom, above, below), self.rank(i))
        if i not in self.formulas.verbatim:
            return found
        return found._replace(text=self.as_written(i), binding=PRODUCT)

    def gathered(self, factors: Sequence[Factor]) -> tuple[Factor, ...]:
        """Equal factors as powers; the square of a length as a sum of squares."""
        found: dict[tuple[tuple[Element, ...], int], Factor] = {}
        for at, factor in enumerate(factors):
            key = factor.chain, at if len(factor.chain) > 1 else -1
            same = found.get(key)
            found[key] = factor if same is None else same._replace(power=same.power + factor.power)
        for key, factor in found.items():
            squares = self.lengths.get(factor.chain[0].text)
            if squares is not None and factor.power % 2 == 0:
                found[key] = factor._replace(chain=(squares,), power=factor.power // 2)
        return tuple(found.values())

    def as_written(self, i: int) -> str:
        """A product or quotient of the program itself."""
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        x, y = (self.used[j] for j in operands) if len(operands) == 2 else (Piece("1", ATOM), self.used[operands[0]])
        left, right = self.bracketed(x, PRODUCT), self.bracketed(y, POWER)
        if operation.name != "mul":
            return self.quotient(left, right, self.element(x).text, self.element(y).text)
        if all(self.rank(j) for j in operands):
            return left + self.entrywise + right
        return left + (self.dot if right[0].isdigit() else self.times) + right

    def quotient(self, above: str, below: str, plain_above: str, plain_below: str) -> str:
        """A fraction, of what is in brackets where these are needed in one line, and without them."""
        return f"{above}/{below}"

    def divided(self, top: str, text: str, bottom: str) -> str:
        """A fraction of numbers, and what is multiplied by it."""
        return f"{self.times.join(part for part in (top, text) if part)}/{bottom}"

    def bracketed(self, piece: Piece, least: int) -> str:
        """The piece, in brackets unless it binds at least so tightly."""
        element = self.element(piece)
        return element.text if element.binding >= least else self.brackets(element.text)

    def brackets(self, text: str) -> str:
        return f"({text})"

    def product(self, product: Product, rank: int) -> Piece:
        """A product, written out."""
        alone = product.alone
        if alone is not None and alone.power == 1 and len(alone.chain) == 1:
            (element,) = alone.chain
            marked = element.turned or element.inverse
            return Piece(self.marked(element), ATOM if marked else element.binding, product)
        text = self.factored(product.top, product.above, any(f.rank for f in product.below))
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
        binding = POWER if alone is not None and len(alone.chain) == 1 else PRODUCT
        number = not product.above and not product.below and product.bottom == 1
        if product.negative:
            return Piece(f"-{text}", SIGN if number else PRODUCT, product)
        return Piece(text, ATOM if number else binding, product)

    def bare(self, number: float, factors: Sequence[Factor]) -> str:
        """One factor without its brackets, where nothing stands beside it; else nothing."""
        if number != 1 or len(factors) != 1 or factors[0].power != 1 or len(factors[0].chain) > 1:
            return ""
        (element,) = factors[0].chain
        return "" if element.turned or element.inverse else element.text

    def factored(self, number: float, factors: Sequence[Factor], apart: bool) -> str:
        """Numbers first, then scalars, then tensors; products of matrices stand in brackets among others."""
        scalars = sorted((f for f in factors if not f.rank), key=lambda f: (len(f.chain) > 1, f.order))
        tensors = sorted((f for f in factors if f.rank), key=lambda f: f.order)
        last = (scalars + tensors)[-1:]
        parts = [self.number(number)] if number != 1 or not factors else []
        parts += [self.factor(f, [f] == last) for f in scalars]
        several = len(tensors) > 1 or apart
        whole = self.entrywise.join([self.factor(f, not several) for f in tensors])
        return self.times.join([*parts, whole] if whole else parts)

    def factor(self, factor: Factor, open_: bool) -> str:
        """One factor; a product of matrices without brackets only where it is open."""
        if len(factor.chain) > 1:
            text = self.chained.join(map(self.marked, factor.chain))
            return text if open_ and factor.power == 1 else self.raised(self.brackets(text), factor)
        (element,) = factor.chain
        if factor.power == 1:
            return self.marked(element)
        marks = self.marks(element.turned, element.inverse)
        if marks:
            return self.raised(self.brackets(self.marked(element)), factor)
        return self.raised(element.text if element.binding == ATOM else self.brackets(element.text), factor)

    def raised(self, base: str, factor: Factor) -> str:
        return base if factor.power == 1 else self.superscript(base, factor.power, factor.rank)

    def superscript(self, base: str, power: int, rank: int) -> str:
        """A whole power; of a matrix every entry is meant."""
        if rank > 1:
            return f"{base}^∘{power}"
        return base + raised(power)

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
        found = self.factors(x)
        return self.product(found._replace(negative=not found.negative), self.rank(i))

    def sum(self, i: int) -> Piece:
        first, second = self.graph.operands[i]
        return self.added(self.used[first], self.used[second], self.graph.operations[i].name == "sub")

    def added(self, x: Piece, y: Piece, minus: bool) -> Piece:
        if y.product is not None and y.product.negative:
            minus = not minus
            y = self.product(y.product._replace(negative=False), 1)
        right = self.bracketed(y, PRODUCT if minus or y.text.startswith("-") else SUM)
        return Piece(f"{self.bracketed(x, SUM)} {'-' if minus else '+'} {right}", SUM)

    # Powers

    def power(self, i: int) -> Piece:
        base, *rest = self.graph.operands[i]
        value = self.graph.constants.get(rest[0], 0.0) if rest else 2.0
        if isinstance(value, float) and value.is_integer() and 2 <= value < 100:
            return self.whole_power(i, base, int(value))
        exponent = self.used[rest[0]]
        return Piece(self.general_power(self.bracketed(self.used[base], ATOM), exponent), POWER)

    def whole_power(self, i: int, base: int, power: int) -> Piece:
        found = self.factors(base)
        if not found.above and found == Product(below=found.below):  # (1/x)² is 1/x²
            below = self.gathered([f._replace(power=f.power * power) for f in found.below])
            return self.product(found._replace(below=below), self.rank(i))
        factor = found.alone
        if factor is None or factor.power > 1:
            factor = Factor((self.element(self.used[base]),), 1, self.rank(base), (2, 0))
        return self.product(Product(above=self.gathered([factor._replace(power=power)])), self.rank(i))

    def general_power(self, base: str, exponent: Piece) -> str:
        return f"{base}^{self.bracketed(exponent, ATOM)}"

    def hypot(self, i: int) -> Piece:
        x, y = (self.squared(j) for j in self.graph.operands[i])
        squares = self.added(x, y, False)
        root = self.root(squares)
        self.lengths[root.text] = self.element(squares)
        return root

    def squared(self, j: int) -> Piece:
        value = self.graph.constants.get(j)
        if value in (1.0, -1.0):
            return Piece("1", ATOM)
        text = self.superscript(self.bracketed(self.used[j], ATOM), 2, self.rank(j))
        return Piece(text, POWER)

    def sqrt(self, i: int) -> Piece:
        return self.root(self.used[self.graph.operands[i][0]])

    def root(self, piece: Piece) -> Piece:
        return Piece(f"√{self.bracketed(piece, ATOM)}", POWER)

    # Matrices

    def chain(self, i: int, j: int, turned: bool = False) -> tuple[Product, tuple[Element, ...]]:
        """Operand j of a product of matrices i: what of it is a number, and the chain of the rest.

        A product that the program itself has stays together: 2·(W·x)·xᵀ.
        """
        found = self.factors(j)
        tensors = [f for f in found.above if f.rank]
        scalars = tuple(f for f in found.above if not f.rank)
        if len(tensors) == 1 and tensors[0].power == 1 and not any(f.rank for f in found.below):
            elements = tensors[0].chain
            numbers = found._replace(above=scalars)
            together = i not in self.formulas.verbatim or j != self.graph.operands[i][0]
            if len(elements) > 1 and j in self.formulas.verbatim and together:
                elements = (Element(self.chained.join(map(self.marked, elements)), PRODUCT),)
        else:
            elements = (self.element(self.used[j]),)
            numbers = Product()
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
            numbers = Product(
                numbers.negative != more.negative, *reduced(numbers.top * more.top, numbers.bottom * more.bottom),
                self.gathered((*numbers.above, *more.above)), self.gathered((*numbers.below, *more.below)),
            )  # fmt: skip
            elements += chain
        return self.of_chain(i, numbers, elements)

    def of_chain(self, i: int, numbers: Product, elements: tuple[Element, ...]) -> Piece:
        factor = Factor(elements, 1, self.rank(i), (2, 0))
        return self.product(numbers._replace(above=(*numbers.above, factor)), self.rank(i))

    def full(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        if self.rank(x):
            return self.call(i)
        zero = self.graph.constants.get(x) == 0
        ones = Factor((Element(self.alike(i, "0" if zero else "1"), ATOM),), 1, self.rank(i), (3, 0))
        found = Product() if zero else self.factors(x)
        return self.product(found._replace(above=(*found.above, ones)), self.rank(i))

    def alike(self, i: int, number: str) -> str:
        """A tensor of zeros or ones."""
        lengths = ", ".join(map(str, self.graph.shape(i)))
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
            return self.added(self.used[y], self.used[condition], True)
        then, other = (self.exact(j) for j in (x, y))
        first = (then.text, self.used[condition].text)
        return self.choice((first, *(other.choices or ((other.text, ""),))))

    def exact(self, j: int) -> Piece:
        """An operand; a half as 1/2."""
        piece = self.used[j]
        number = self.graph.operations[j] is CONSTANT and piece.product is not None
        return self.product(piece.product, 0) if number and piece.product is not None else piece

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
        operation, operands = self.graph.operations[i], self.graph.operands[i]
        texts = [self.element(self.used[j]).text for j in operands]
        attributes = self.arguments(operation, operands)
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
        if "keepdims" in defaults and len(axes_of(shape, bound["axis"])) == len(shape):
            hidden = ("axis", "keepdims")
        elif "axis" in defaults and len(shape) == 1 and len(operands) == 1:
            hidden = ("axis",)
        return [text for text in operation.arguments(defaults) if text.partition("=")[0] not in hidden]

    def called(self, operation: Operation, texts: Sequence[str], attributes: Sequence[str]) -> str:
        name = self.functions.get(operation.name, operation.written)
        return f"{name}({', '.join([*texts, *attributes])})"

    def function(self, name: str, text: str) -> Piece:
        return Piece(self.called(OPERATIONS[name], [text], ()), ATOM)

    def exp(self, i: int) -> Piece:
        return self.exponential(self.used[self.graph.operands[i][0]])

    def exponential(self, exponent: Piece) -> Piece:
        return self.function("exp", exponent.text)

    def expm1(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        log = self.graph.operations[x]
        one = self.product(Product(), 0)
        if log.name == "log_softmax" and x not in self.formulas.known:
            scores = self.graph.operands[x]
            return self.added(Piece(self.called(OPERATIONS["softmax"], [self.used[scores[0]].text],
                                                self.arguments(log, scores)), ATOM), one, True)  # fmt: skip
        return self.added(self.exponential(self.used[x]), one, True)

    def log1p(self, i: int) -> Piece:
        x = self.used[self.graph.operands[i][0]]
        return self.function("log", self.added(Piece("1", ATOM), x, False).text)

    def gaussian(self, i: int) -> Piece:
        (x,) = self.graph.operands[i]
        square = self.squared(x)
        return self.exponential(Piece(f"-{square.text}", SIGN))

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


def fraction(value: float) -> Product:
    """A number; one over a small power of two as that."""
    size = abs(value)
    if value != value or value == 0:
        return Product(top=value)
    if size in (0.5, 0.25, 0.125, 0.0625):
        return Product(value < 0, 1.0, 1.0 / size)
    return Product(value < 0, size)


def reduced(top: float, bottom: float) -> tuple[float, float]:
    """The fraction with the smaller number as 1, where they divide."""
    if top == bottom:
        return 1.0, 1.0
    if (top / bottom).is_integer() and top / bottom * bottom == top:
        return top / bottom, 1.0
    if top and (bottom / top).is_integer() and bottom / top * top == bottom:
        return 1.0, bottom / top
    return top, bottom
