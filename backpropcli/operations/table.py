"""The one table: an operation is a row, and every feature reads rows.

A row says what an operation is called, how it is written, and its derivative rule, once, over an abstract number
system ``F``. Floats, NumPy arrays, mpmath and the graph itself are such systems (`backpropcli.kernels`), so the one
rule fills the table of gradients, judges itself at high precision, and writes formulas.

There are three kinds of derivative rule; all answer `Operation.local`, the local gradient towards an operand:

- elementwise operations give *partials*, numbers of the value's shape: the Jacobian is their diagonal;
- reductions give *partials* of the operand's shape: the value's gradient is spread over the axes that were reduced;
- structural operations give a *pullback*, which carries an upstream gradient back and never makes a Jacobian. One
  that is linear in an operand is its own tangent map; others name theirs in *pushforward*.

Inside a rule, ``+ - *`` and comparisons are the operators of the numbers at hand; everything else is asked of ``F`` by
operation name (``F.div``, ``F.exp``): Python's own division and powers raise or turn complex where IEEE 754 has an
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..shapes import Shape
    from .counts import Counts

Rule = Callable[..., Any]
"""``rule(F, z, *operands) -> local gradient``, where ``z`` is the operation's value."""

ShapeRule = Callable[..., "Shape"]
"""``shape(*shapes of the operands, **attributes) -> shape of the value``; it raises ShapeError."""

CostRule = Callable[..., "Counts"]
"""``cost(shape of the value, *shapes of the operands, **attributes) -> steps``."""

Interval = tuple[float, float]

REAL: Interval = (-inf, inf)
POSITIVE: Interval = (0.0, inf)

# How tightly a form binds, from loose to tight; the grammar has the same ladder.
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POWER, ATOM = range(9)


class Operation:
    """One row; or, with attributes such as an axis, one bound to them.

    Attributes:
        name: the word used in the language, in JSON and for the kernel of every number system.
        doc: one sentence.
        pattern: how the gradient flows through it, in the words of the lectures.
        operands: the operands' names; the catalogue prints rules over them.
        partials: one `Rule` per operand; a variadic row has a single rule that also takes the operand's number.
        reduces: the value has fewer axes than the operands: the row is a reduction, and its rules take the value with
            the reduced axes kept as 1.
        pullback: ``rule(F, upstream, z, *operands)`` per operand: the downstream gradient itself.
        pushforward: ``rule(F, tangent, z, *operands)`` per operand, where the row is not linear in it.
        multilinear: a factor on any operand is a factor on the value; of what has a pullback it is found out.
        joint: linear in all operands together, as joining is, not in each by itself, as a product is.
        value: the forward value by other operations, ``value(F, *operands)``; None where number systems have a kernel.
        expand: the same as a lecture would write it, in elementary gates, where that is not `value`.
        shape: the value's shape, from the operands'; they broadcast by default.
        attributes: what is no operand, by name, such as ``axis``; the defaults in the table, the values where bound.
        lengths: the attribute that whole numbers behind the operands make up, as in ``reshape(x, 2, 3)``; a `key` may
            have slices too.
        synonyms: other spellings in the language; where there is a form, the only ones that can be called.
        defaults: constants for trailing operands that may be left out.
        variadic: takes any number of operands, at least as many as `operands` names.
        form: how it is written when it is no function call, such as ``"{} + {}"``.
        binding: how tightly `form` binds.
        right: `form` groups to the right (powers).
        sign: what stands in its gate in a drawing, ``×``; by default the sign in its form, or its word.
        commutes: the order of its operands does not matter.
        written: the function's name in text, where the word is another.
        latex: how LaTeX writes it, one ``{}`` per operand, where it is no function by its name; an operand that
            stands by itself there, as in a fraction, needs no brackets.
        kink: ``kink(F, z, *operands)`` is true where no derivative exists.
        condition: its value is a truth, so no gradient passes.
        structural: where its local gradient is 0, nothing passes by construction (an unselected branch, a flat step),
            not because a number happens to be 0.
        place: ``place(*shapes)`` is the number of the operand that holds places or classes, which count as data for
            every derivative, or -1.
        held: its operand counts as a constant for every derivative, also for the judge's quotients.
        singular: of an operation on tensors: the value or a local gradient may be infinite or NaN at finite operands.
        lost: what to tell a reader where its value is not finite.
        domain: one interval per operand in which tests draw points.
        ulps: how many ulps its local gradients may be off.
        told: the derivative rules in words, for the catalogue, where the traced ones are too long to be read.
        textbook: the derivative rules as textbooks have them, one per operand, in the language over the operands, the
            value z, the upstream gradient, and n for the number of entries; "" where the rule itself reads so.
        kink_told: where there is no derivative, in words, where the traced condition is too long to be read.
        cost: what one entry of the value takes; or, of the whole value, ``cost(shape, *shapes of the operands)``. By
            default that of its formula, where it works on whole tensors, else one function call per entry.
        example: shapes of the operands, and attributes, for which the catalogue prints the rules.
        tensor: it is more than entry by entry, so that a single float is not what it works on.
        key: its kernel: the name, or name and attributes.
    """

    def __init__(
        self,
        name: str,
        doc: str,
        *,
        pattern: str,
        operands: tuple[str, ...] = ("x",),
        partials: tuple[Rule, ...] | Rule = (),
        reduces: bool = False,
        pullback: tuple[Rule, ...] | Rule = (),
        pushforward: tuple[Rule, ...] | Rule = (),
        multilinear: bool = False,
        joint: bool = False,
        value: Rule | None = None,
        expand: Rule | None = None,
        shape: ShapeRule | None = None,
        attributes: Mapping[str, Any] | None = None,
        lengths: str = "",
        synonyms: tuple[str, ...] = (),
        defaults: tuple[float, ...] = (),
        variadic: bool = False,
        form: str = "",
        binding: int = ATOM,
        right: bool = False,
        sign: str = "",
        commutes: bool = False,
        written: str = "",
        latex: str = "",
        kink: Rule | None = None,
        condition: bool = False,
        structural: bool = False,
        place: Callable[..., int] | None = None,
        held: bool = False,
        singular: bool = False,
        lost: str = "",
        domain: tuple[Interval, ...] = (),
        ulps: int = 4,
        told: tuple[str, ...] = (),
        textbook: tuple[str, ...] = (),
        kink_told: str = "",
        cost: Counts | CostRule | None = None,
        example: tuple[tuple[Shape, ...], dict[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.key: Any = name
        self.doc = doc
        self.pattern = pattern
        self.operands = operands
        self.reduces = reduces
        self.pullback = _tuple(pullback)
        self.pushforward = _tuple(pushforward)
        self.joint = joint
        self.multilinear = multilinear or (bool(self.pullback) and not self.pushforward and not joint)
        self.value = value
        self.expand = expand
        self.shape: ShapeRule | None = shape
        self.attributes: Mapping[str, Any] = attributes or {}
        self.lengths = lengths
        self.synonyms = synonyms
        self.defaults = defaults
        self.variadic = variadic
        self.form = form
        self.binding = binding
        self.right = right
        self.written = written or name
        self.latex = latex
        self.sign = sign or form.replace("{}", "").strip() or self.written
        self.commutes = commutes
        self.kink = kink
        self.condition = condition
        self.structural = structural
        self.place = place
        self.held = held
        self.singular = singular
        self.lost = lost
        self.domain = domain or (REAL,) * len(operands)
        self.ulps = ulps
        self.told = told
        self.textbook = textbook
        self.kink_told = kink_told
        self.cost = cost
        self.example = example or (((3,),) * len(operands) if reduces or pullback else ((),) * len(operands), {})
        self.rules = _tuple(partials)
        self._link()

    def _link(self) -> None:
        """Make `partials` from the rules: what they give is a number to multiply with, or a linear map."""
        self.partials: tuple[Rule, ...] = self.rules
        self.tensor = bool(self.pullback) or self.reduces
        if self.tensor:
            from .maps import MapRule, Pulled, Reduced

            kind = Pulled if self.pullback else Reduced
            self.partials = tuple(MapRule(kind, self, k) for k in range(len(self.pullback or self.rules)))

    def bind(self, **attributes: Any) -> Operation:
        """The operation with attributes, which its rules take from now on."""
        bound = Operation.__new__(Operation)
        bound.__dict__.update(self.__dict__)
        values = {**self.attributes, **attributes}
        bound.attributes = values
        bound.key = (self.name, tuple(values.items()))
        for field in ("value", "expand", "shape", "kink"):
            rule = getattr(self, field)
            setattr(bound, field, partial(rule, **values) if rule is not None else None)
        if callable(self.cost):
            bound.cost = partial(self.cost, **values)
        for field in ("rules", "pullback", "pushforward"):
            setattr(bound, field, tuple(partial(rule, **values) for rule in getattr(self, field)))
        bound._link()
        return bound

    def __repr__(self) -> str:
        return f"<operation {self.name}>"

    def shape_of(self, *shapes: Shape) -> Shape:
        """The value's shape; ShapeError where the operands' do not fit."""
        from ..shapes import broadcast

        return broadcast(*shapes) if self.shape is None else self.shape(*shapes)

    @property
    def ties(self) -> bool:
        """Whether operands or entries that attain the chosen value share its gradient."""
        return self.kink is not None and self.pattern == "gradient router"

    def local(self, F: Any, k: int, z: Any, operands: list[Any]) -> Any:
        """The local gradient, dz/d(operand k): a number or an array to multiply with, or a `LinearMap`."""
        if self.variadic:
            return self.partials[0](F, k, z, *operands)
        return self.partials[k](F, z, *operands)

    @property
    def signature(self) -> str:
        """Such as ``clip(x, lo, hi)``, ``leaky_relu(x, slope=0.01)`` or ``sum(x, axis=, keepdims=)``."""
        required = len(self.operands) - len(self.defaults)
        words = [*self.operands[:required]]
        words += [f"{name}={value:g}" for name, value in zip(self.operands[required:], self.defaults, strict=True)]
        if self.variadic:
            words.append("…")
        if self.lengths:
            words.append("key…" if self.lengths == "key" else "lengths…")
        words += [f"{name}=" for name in self.attributes or () if name != self.lengths]
        return f"{self.written}({', '.join(words)})"

    def arguments(self, defaults: Mapping[str, Any]) -> list[str]:
        """The attributes as a call writes them behind the operands, without those that are the defaults."""
        from ..shapes import key_text

        found = []
        for name, value in self.attributes.items():
            if name == self.lengths == "key":
                found += key_text(value).split(", ")
            elif name == self.lengths:
                found += [str(n) for n in (value if isinstance(value, tuple) else (value,))] or ["[]"]
            elif value != defaults.get(name, _NONE):
                found.append(f"{name}={_argument(name, value)}")
        return found


_NONE = object()


def _argument(name: str, value: Any) -> str:
    if name == "key":
        from ..shapes import key_text

        return f"[{key_text(value)}]"
    if isinstance(value, tuple):
        return str(value[0]) if name in ("axis", "into") and len(value) == 1 else f"[{', '.join(map(str, value))}]"
    return str(int(value))


def _tuple(rules: tuple[Rule, ...] | Rule) -> tuple[Rule, ...]:
    return rules if isinstance(rules, tuple) else (rules,)


class Table(dict[str, Operation]):
    """Rows by name.

    The families on tensors, which take a tenth of the time of a whole run with scalars to import, are imported when a
    name is asked for that the others do not have, or when anyone looks through the table.
    """

    def loaded(self) -> Any:
        """The rows imported so far: those on single numbers are always among them."""
        return super().items()

    def known(self, name: str) -> Operation | None:
        """The row of that name among those imported so far."""
        return super().get(name)

    def __missing__(self, name: str) -> Operation:
        load()
        if not super().__contains__(name):
            raise KeyError(name)
        return self[name]

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        load()
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        load()
        return super().__iter__()

    def __len__(self) -> int:
        load()
        return super().__len__()

    def keys(self) -> Any:
        load()
        return super().keys()

    def values(self) -> Any:
        load()
        return super().values()

    def items(self) -> Any:
        load()
        return super().items()


OPERATIONS = Table()
"""Every operation by name, in the order of the catalogue."""

FUNCTIONS = Table()
"""Every spelling that a program may call, synonyms included."""


def operation(name: str, doc: str, **fields: Any) -> Operation:
    """Add one row to the table."""
    row = OPERATIONS[name] = Operation(name, doc, **fields)
    for spelling in row.synonyms if row.form else (name, *row.synonyms):
        if dict.__contains__(FUNCTIONS, spelling):
            raise ValueError(f"two operations are called {spelling!r}")
        FUNCTIONS[spelling] = row
    return row


_asked = False


def load() -> None:
    """Import the families on tensors, once."""
    global _asked
    if not _asked:
        _asked = True
        from . import reduction, linear, loss  # noqa: F401, I001  (in the catalogue's order)
