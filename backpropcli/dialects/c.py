"""Code in C99: tensors are flat arrays row by row, their shapes are fixed, and nothing is allocated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import inf
from typing import Any

from ..errors import printable
from ..graph import CONSTANT, INPUT
from ..operations import OPERATIONS, Operation
from ..operations.table import ATOM, PRODUCT, SIGN
from ..shapes import Shape, axes_of, size
from . import loops
from .arrays import FORMULAS
from .flat import GRADIENT, VALUE, Pattern, Variable
from .loops import Entries, Index, entry, flat_index, in_array
from .writer import CHOICE, Helper, Piece, Writer, parameter_words, sign_of

KEYWORDS = """
auto break case char const continue default do double else enum extern float for goto if inline int long register
restrict return short signed sizeof static struct switch typedef union unsigned void volatile while alignas alignof bool
constexpr false nullptr static_assert thread_local true typeof typeof_unqual asm fortran typeof main linux unix i386
and and_eq bitand bitor compl not not_eq or or_eq xor xor_eq NULL EOF errno size_t ptrdiff_t wchar_t
"""

LIBM = """
acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 frexp ilogb ldexp log log10 log1p log2
logb modf scalbn scalbln cbrt fabs hypot pow sqrt erf erfc lgamma tgamma ceil floor nearbyint rint lrint llrint round
lround llround trunc fmod remainder remquo copysign nan nextafter nexttoward fdim fmax fmin fma j0 j1 jn y0 y1 yn gamma
signgam drem finite significand scalb exp10 pow10 sincos isinf isnan isfinite isnormal signbit fpclassify isgreater
isgreaterequal isless islessequal islessgreater isunordered iscanonical issignaling issubnormal iszero iseqsig
float_t double_t math_errhandling matherr acospi asinpi atanpi cospi sinpi tanpi exp2m1 exp10m1 log2p1 log10p1 logp1
pown powr rootn rsqrt compoundn ceil floor roundeven llogb nextup nextdown canonicalize setpayload totalorder
fromfp ufromfp fromfpx ufromfpx fmaxmag fminmag fmaximum fminimum fmaximum_num fminimum_num fmaximum_mag fminimum_mag
fmaximum_mag_num fminimum_mag_num getpayload setpayloadsig totalordermag fadd fsub fmul fdiv fsqrt ffma
abs labs llabs printf malloc free exit abort memcpy memset strlen
"""

SUFFIXED = [f"{word}{suffix}" for word in LIBM.split() for suffix in ("f", "l")]

MACROS = """
INFINITY NAN HUGE_VAL HUGE_VALF HUGE_VALL FP_NAN FP_INFINITE FP_ZERO FP_SUBNORMAL FP_NORMAL FP_ILOGB0 FP_ILOGBNAN
FP_FAST_FMA FP_FAST_FMAF FP_FAST_FMAL MATH_ERRNO MATH_ERREXCEPT MAXFLOAT SNAN SNANF SNANL DOMAIN SING OVERFLOW
UNDERFLOW PLOSS TLOSS FP_INT_UPWARD FP_INT_DOWNWARD FP_INT_TOWARDZERO FP_INT_TONEARESTFROMZERO FP_INT_TONEAREST
FP_LLOGB0 FP_LLOGBNAN M_E M_LOG2E M_LOG10E M_LN2 M_LN10 M_PI M_PI_2 M_PI_4 M_1_PI M_2_PI M_2_SQRTPI M_SQRT2 M_SQRT1_2
"""

STACK = 1 << 15
"""Entries of arrays in a function, beyond which they are static: 256 KB are safe on any stack."""


def largest(F: Any, *operands: Any) -> Any:
    """The largest, NaN where one is NaN."""
    return reduce(lambda x, y: F.where(F.logical_or(y > x, F.not_equal(y, y)), y, x), operands)


def smallest(F: Any, *operands: Any) -> Any:
    return reduce(lambda x, y: F.where(F.logical_or(y < x, F.not_equal(y, y)), y, x), operands)


TEMPLATES = {
    "eliminate": """
/* Solves a*y = x for the m columns of x, of n rows, in their place; gives det(a). NaN where a is singular. */
static double eliminate(int n, int m, double *a, double *x)
{
    double det = 1.0;
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(a[r*n + c]) > fabs(a[pivot*n + c]))
                pivot = r;
        det *= pivot == c ? a[c*n + c] : -a[pivot*n + c];
        for (int k = 0; pivot != c && k < n; k++) {
            double kept = a[c*n + k];
            a[c*n + k] = a[pivot*n + k];
            a[pivot*n + k] = kept;
        }
        for (int k = 0; pivot != c && k < m; k++) {
            double kept = x[c*m + k];
            x[c*m + k] = x[pivot*m + k];
            x[pivot*m + k] = kept;
        }
        if (a[c*n + c] == 0.0) {
            for (int k = 0; k < n*m; k++)
                x[k] = NAN;
            return 0.0;
        }
        for (int r = c + 1; r < n; r++) {
            double share = a[r*n + c] / a[c*n + c];
            for (int k = c + 1; k < n; k++)
                a[r*n + k] -= share * a[c*n + k];
            for (int k = 0; k < m; k++)
                x[r*m + k] -= share * x[c*m + k];
        }
    }
    for (int r = n - 1; r >= 0; r--)
        for (int k = 0; k < m; k++) {
            for (int c = r + 1; c < n; c++)
                x[r*m + k] -= a[r*n + c] * x[c*m + k];
            x[r*m + k] /= a[r*n + r];
        }
    return det;
}
""",
    "cofactors": """
/* The cofactors of a, n rows, by determinants of minors. */
static void cofactors(int n, const double *a, double *z)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double minor[(n - 1)*(n - 1) + 1], none = 0.0;
            int k = 0;
            for (int r = 0; r < n; r++)
                for (int c = 0; c < n; c++)
                    if (r != i && c != j)
                        minor[k++] = a[r*n + c];
            z[i*n + j] = ((i + j) % 2 ? -1.0 : 1.0) * eliminate(n - 1, 0, minor, &none);
        }
}
""",
    "place": """
/* The place i of n as an index, also counted from the end; -1 where there is none. */
static int place(double i, int n)
{
    return i == floor(i) && i >= -n && i < n ? (int)(i < 0 ? i + n : i) : -1;
}
""",
}


class C(Writer):
    """Arrays and numbers of double."""

    target = "c"
    title = "C99"
    ascii = True
    reserved = frozenset((*KEYWORDS.split(), *LIBM.split(), *SUFFIXED, *MACROS.split(), *TEMPLATES))
    words = {"logical_and": "{} && {}", "logical_or": "{} || {}"}  # noqa: RUF012
    functions = {  # noqa: RUF012
        **dict.fromkeys(
            ("sqrt", "cbrt", "hypot", "floor", "ceil", "exp", "expm1", "log", "log2", "log10", "log1p", "erf", "erfc",
             "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
             "lgamma"),
            "{}",
        ),
        "abs": "fabs", "round": "rint", "gamma": "tgamma",
    }  # fmt: skip
    formulas = {  # noqa: RUF012
        **FORMULAS, "max": largest, "min": smallest,
        "sign": lambda F, x: F.where(x > 0.0, 1.0, F.where(x < 0.0, -1.0, x)),
        "square": lambda F, x: x * x,
    }  # fmt: skip

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.templates: dict[str, None] = {}
        self.declared = 0
        words = ("i", "j", "k", "l", "m", "n", *(f"i{k}" for k in range(64)))
        self.indices = [word for word in words if word not in self.outer.taken]
        self.outer.taken.update(self.indices)
        self.taken.update(self.indices)

    # Numbers

    def literal(self, value: float) -> str:
        if value != value:
            return "NAN"
        if abs(value) == inf:
            return "INFINITY" if value > 0 else "-INFINITY"
        return repr(value)

    def as_number(self, piece: Piece) -> Piece:
        return Piece(f"(double){piece.text}" if piece.binding == ATOM else f"(double)({piece.text})")

    def where(self, operation: Operation, condition: Piece, x: Piece, y: Piece) -> Piece:
        parts = [self.truth(condition), self.number(x), self.number(y)]
        texts = [f"({p.text})" if p.binding == CHOICE else p.text for p in parts]
        return Piece("{} ? {} : {}".format(*texts), CHOICE)

    def power(self, operation: Operation, x: Piece, y: Piece) -> Piece | None:
        return self.spell(OPERATIONS["square"], [x]) if y.constant == 2.0 else self.call("pow", [x, y])

    def squared(self, operation: Operation, x: Piece) -> Piece | None:
        return Piece(f"{x.text} * {x.text}", PRODUCT) if x.binding == ATOM and "(" not in x.text else None

    def denied(self, operation: Operation, x: Piece) -> Piece:
        x = self.truth(x)
        return Piece(f"!{x.text}" if x.binding == ATOM else f"!({x.text})", SIGN, truth=True)

    def held(self, operation: Operation, x: Piece) -> Piece:
        return x

    spellers = {  # noqa: RUF012
        "where": where, "pow": power, "square": squared, "logical_not": denied, "stop_gradient": held,
    }  # fmt: skip

    # Lines

    def comment(self, text: str) -> str:
        text = printable(text).encode("ascii", "backslashreplace").decode()
        return f"/* {text.replace('*/', '* /').replace('/*', '/ *').replace('??/', '? ?/')} */"

    def assignment(self, name: str, piece: Piece) -> list[str]:
        kind = "int" if piece.truth else "double"
        return [f"{kind} {name} = {piece.text};"]

    def addition(self, name: str, piece: Piece) -> list[str]:
        return [f"{name} += {piece.text};"]

    def statement(
        self, target: Variable, pattern: Pattern, names: Mapping[str, Piece], adds: bool = False
    ) -> list[str]:
        if pattern.plain:
            return super().statement(target, pattern, names, adds)
        name, shape = self.variables[target], self.shape_of(target)
        declared = [] if adds or self.is_given(target) else self.declaration(name, shape)
        return declared + Loops(self, names).statement(pattern, name, shape, adds)

    def is_given(self, variable: Variable) -> bool:
        """Whether the variable is an array that the caller gives."""
        wanted = {self.graph.inputs[name] for name in self.flat.wrt}
        return variable.kind == GRADIENT and variable.node in wanted and bool(self.shape_of(variable))

    def declaration(self, name: str, shape: Shape) -> list[str]:
        """A new variable without a value."""
        if not shape:
            return [f"double {name};"]
        self.declared += size(shape)
        return [f"{self.storage}double {name}[{max(size(shape), 1)}];"]

    storage = ""
    """``static`` where arrays would be too large for the stack."""

    def loop(self, shape: Shape, body: Callable[[Index], Sequence[str]], depth: int = 0) -> list[str]:
        """The body for every index of the shape."""
        index = tuple(self.indices[depth : depth + len(shape)])
        inner = list(body(index))
        if len(inner) > 1 and shape:
            inner = ["{", *[self.tab + text for text in inner], "}"]
        for word, n in reversed(list(zip(index, shape, strict=True))):
            head = f"for (int {word} = 0; {word} < {n}; {word}++)"
            inner = [f"{head} {{", *inner[1:]] if inner[0] == "{" else [head, *[self.tab + text for text in inner]]
        return inner

    # Functions

    def helper_text(self, helper: Helper, operands: list[Piece], pattern: Pattern) -> list[str]:
        roles = dict(zip(parameter_words(helper), operands, strict=True))
        shape = pattern.graph.shape(pattern.root)
        parameters = [f"const double *{x.text}" if x.shape else f"double {x.text}" for x in operands]
        lines: list[str] = []
        if pattern.plain:
            result = self.number(self.expression(pattern, roles, lines))
            lines.append(f"return {result.text};")
        else:
            out = self.names.name("out" if shape else "total")
            lines += [] if shape else self.declaration(out, ())
            lines += Loops(self, roles).statement(pattern, out, shape, False)
            lines += [] if shape else [f"return {out};"]
            parameters += [f"double *{out}"] if shape else []
        lines = [*unread(operands, lines), *begun(lines)]
        doc = [self.comment(helper.operation.doc)] if helper.operation.doc else []
        kind = "void" if shape else "double"
        head = f"static {kind} {helper.name}({', '.join(parameters)})"
        return [*doc, head, "{", *[self.tab + text for text in lines], "}"]

    def conventions(self) -> list[str]:
        lines = ["compile with a C99 compiler and link with -lm, such as: cc -O2 -c FILE"]
        if self.graph.tensors:
            lines.append("tensors are arrays of double, row by row; what is returned in arrays is written whole")
        if self.storage:
            lines.append("its arrays are static: only one thread at a time may call it")
        return lines

    def parameter_texts(self) -> list[str]:
        """The parameters: inputs, the upstream gradient, the value's array, and where the gradient goes."""
        graph, flat = self.graph, self.flat
        texts = []
        for i in graph.inputs.values():
            shape, name = graph.shape(i), self.variables[Variable(VALUE, i)]
            texts.append(f"const double {name}[{max(size(shape), 1)}]" if shape else f"double {name}")
        if flat.shape:
            texts.append(f"const double {self.given('upstream')}[{max(size(flat.shape), 1)}]")
            texts.append(f"double {self.given('value')}[{max(size(flat.shape), 1)}]")
        for name in flat.wrt:
            i = graph.inputs[name]
            shape, word = graph.shape(i), self.variables[Variable(GRADIENT, i)]
            texts.append(f"double {word}[{max(size(shape), 1)}]" if shape else f"double *{self.given(word)}")
        return texts

    def given(self, word: str) -> str:
        """The parameter for what the caller gives room for, or the output's gradient."""
        if word not in self.given_names:
            self.given_names[word] = self.outer.name(word if word == "upstream" else f"{word}_out")
        return self.given_names[word]

    def render(self, source: str, stamp: Sequence[str]) -> str:
        text = self.attempt(source, stamp)
        if self.declared > STACK and not self.storage:
            again = type(self)(self.flat, self.function)
            again.storage = "static "
            text = again.attempt(source, stamp)
        return text

    def attempt(self, source: str, stamp: Sequence[str]) -> str:
        self.given_names: dict[str, str] = {}
        parameters = self.parameter_texts()
        flat = self.flat
        body = [self.comment("forward"), *self.forward(), self.comment("backward"), *self.first_gradient()]
        body += [*self.backward(), *self.unreached(), *self.results()]
        used = [Piece(name) for name in self.parameters]
        body = [*unread([*used, *map(Piece, self.given_names.values())], body), *begun(body)]
        kind = "void" if flat.shape else "double"
        head = [f"{kind} {self.function}(", *folded(parameters, self.tab), ")"]
        helpers = self.written_helpers()
        templates = [TEMPLATES[name].strip().splitlines() for name in TEMPLATES if name in self.templates]
        lines = [*self.header(source, stamp), "", "#include <math.h>"]
        for block in [*templates, *helpers, [*head, "{", *[self.tab + text for text in body], "}"]]:
            lines += ["", *block]
        return "\n".join(lines) + "\n"

    def first_gradient(self) -> list[str]:
        """The output's own gradient."""
        seed = Variable(GRADIENT, self.flat.output)
        wanted = seed.node in {self.graph.inputs[name] for name in self.flat.wrt}
        if not wanted and not any(line.roles["upstream"] == seed for line in self.flat.backward):
            return []
        if not self.flat.shape:
            return self.seeded(self.constant(1.0), False)
        return self.seeded(Piece(self.given("upstream"), shape=self.flat.shape), True)

    def unreached(self) -> list[str]:
        """Zeros for the inputs that nothing reaches."""
        found = []
        for name in self.flat.wrt:
            variable = Variable(GRADIENT, self.graph.inputs[name])
            if variable in self.assigned:
                continue
            word, shape = self.variables[variable], self.shape_of(variable)
            if shape:
                found += self.loop((size(shape),), lambda i, word=word: [f"{word}[{i[0]}] = 0.0;"])  # type: ignore[misc]
            else:
                found.append(f"double {word} = 0.0;")
        return found

    def results(self) -> list[str]:
        """What goes to the caller."""
        graph, flat = self.graph, self.flat
        lines = []
        if flat.shape:
            out, value = self.given("value"), self.value
            lines += self.loop((size(flat.shape),), lambda i: [f"{out}[{i[0]}] = {value}[{i[0]}];"])
        for name in flat.wrt:
            i = graph.inputs[name]
            word = self.variables[Variable(GRADIENT, i)]
            if not graph.shapes[i]:
                lines.append(f"*{self.given(word)} = {word};")
        return lines if flat.shape else [*lines, f"return {self.value};"]


class Loops:
    """Writes statements on tensors.

    Args:
        writer: spells the entries.
        names: what the roles of a pattern are.
    """

    def __init__(self, writer: C, names: Mapping[str, Piece]) -> None:
        self.writer = writer
        self.names = names
        self.lines: list[str] = []

    def statement(self, pattern: Pattern, target: str, shape: Shape, adds: bool) -> list[str]:
        """The lines that write a pattern into a variable, or add it there."""
        graph = pattern.graph
        uses = [0] * len(graph)
        for operands in graph.operands:
            for j in operands:
                uses[j] += 1
        found: list[Entries] = []
        for i, operation in enumerate(graph.operations):
            own = graph.shape(i)
            if operation is INPUT:
                piece = self.names[graph.names[i]]
                x = in_array(piece.text, own) if own else loops.number(piece)
            elif operation is CONSTANT:
                x = self.constant(graph.constants[i], own, target if i == pattern.root and not adds else "")
            else:
                into = target if i == pattern.root and not adds else ""
                x = self.made(operation, [found[j] for j in graph.operands[i]], own, into)
                if i != pattern.root and uses[i] > 1 and not x.array:
                    x = self.kept(operation.name, x)
            found.append(x)
        root = found[pattern.root]
        if root.array != target:
            self.store(target, root, "+=" if adds else "=")
        return self.lines

    def store(self, target: str, x: Entries, sign: str = "=") -> None:
        """Entry by entry into an array, or into a number."""
        writer = self.writer

        def value(piece: Piece) -> str:
            return writer.number(piece).text

        if not x.shape:
            self.lines.append(f"{target} {sign} {value(x.at(()))};")
        elif x.flat is not None:
            flat = x.flat
            self.lines += writer.loop((size(x.shape),), lambda i: [f"{target}[{i[0]}] {sign} {value(flat(i[0]))};"])
        else:
            self.lines += writer.loop(
                x.shape, lambda i: [f"{target}[{flat_index(i, x.shape)}] {sign} {value(x.at(i))};"]
            )

    def kept(self, word: str, x: Entries) -> Entries:
        """The entries in memory of their own."""
        if x.array:
            return x
        name = self.writer.names.numbered(word)
        self.lines += self.writer.declaration(name, x.shape)
        self.store(name, x)
        return in_array(name, x.shape) if x.shape else loops.number(Piece(name))

    def room(self, word: str, shape: Shape, into: str) -> Entries:
        """An array for a result: the target itself, or a new one."""
        name = into
        if not name:
            name = self.writer.names.numbered(word)
            self.lines += self.writer.declaration(name, shape)
        if shape:
            return in_array(name, shape)
        return Entries((), lambda index: Piece(name), None, name)

    def constant(self, value: Any, shape: Shape, into: str) -> Entries:
        writer = self.writer
        if not shape:
            return loops.number(writer.constant(value))
        numbers: list[str] = []
        left = [value]
        while left:
            item = left.pop()
            if isinstance(item, float):
                numbers.append(writer.literal(item))
            else:
                left += reversed(item)
        name = writer.names.numbered("entries")
        self.lines.append(f"static const double {name}[{max(len(numbers), 1)}] = {{{', '.join(numbers) or '0.0'}}};")
        return in_array(name, shape)

    def made(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """An operation on tensors."""
        maker = MAKERS.get(operation.name)
        if maker is not None:
            return maker(self, operation, operands, shape, into)
        writer = self.writer
        if not operation.tensor and not operation.attributes:
            return loops.entrywise(shape, operands, lambda pieces: writer.spell(operation, pieces))
        held = [self.kept("operand", x) if x.shape else x for x in operands]
        helper = writer.helper(operation, [x.shape for x in held])
        arguments = [x.array if x.shape else writer.number(x.at(())).text for x in held]
        if not shape:
            return loops.number(Piece(f"{helper.name}({', '.join(arguments)})"))
        out = self.room(operation.name, shape, into)
        self.lines.append(f"{helper.name}({', '.join([*arguments, out.array])});")
        return out

    # What is more than entry by entry

    def transposed(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        axes = operation.attributes["axes"] or tuple(reversed(range(len(shape))))
        return loops.transposed(x, [a % len(shape) for a in axes], shape)

    def reshaped(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        if not x.shape:
            return loops.stretched(x, shape)
        if not shape:
            return loops.number(x.at(("0",) * len(x.shape)))
        return loops.reshaped(x if x.flat is not None else self.kept("reshape", x), shape)

    def stretched(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        return loops.stretched(operands[0], shape)

    def indexed(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        return loops.indexed(operands[0], operation.attributes["key"], shape)

    def outer(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        writer = self.writer
        x, y = operands
        return loops.outer(x, y, shape, lambda pieces: times(writer, pieces))

    def diagonal(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        if len(x.shape) == 2:
            return loops.diagonal(x, shape)
        out = self.room("diag", shape, into)
        self.fill(out)
        self.lines += self.writer.loop(
            x.shape, lambda i: [f"{out.at(i * 2).text} = {self.writer.number(x.at(i)).text};"]
        )
        return out

    def fill(self, out: Entries) -> None:
        """Zeros."""
        self.lines += self.writer.loop((size(out.shape),), lambda i: [f"{out.array}[{i[0]}] = 0.0;"])

    def reduced(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        writer, attributes, name = self.writer, operation.attributes, operation.name
        gone = axes_of(x.shape, attributes["axis"])
        keepdims = attributes["keepdims"]
        left = tuple(n for a, n in enumerate(x.shape) if a not in gone)
        out = self.room(name, shape, into)
        start = {"sum": "0.0", "prod": "1.0", "amax": "-INFINITY", "amin": "INFINITY"}[name]

        def whole(index: Index, inner: Index) -> Index:
            outside, inside = iter(index), iter(inner)
            return tuple(next(inside) if a in gone else next(outside) for a in range(len(x.shape)))

        def step(index: Index, inner: Index, total: str) -> str:
            piece = writer.number(x.at(whole(index, inner)))
            if name in ("sum", "prod"):
                return f"{total} {'+=' if name == 'sum' else '*='} {piece.text};"
            chosen = writer.spell(OPERATIONS["max" if name == "amax" else "min"], [Piece(total), piece])
            return f"{total} = {chosen.text};"

        def body(index: Index) -> list[str]:
            place = tuple("0" if a in gone else w for a, w in enumerate(whole(index, ("0",) * len(gone))))
            total = out.at(place if keepdims else index).text if shape else out.array
            lengths = tuple(x.shape[a] for a in gone)
            return [
                f"{total} = {start};",
                *writer.loop(lengths, lambda inner: [step(index, inner, total)], len(index)),
            ]

        self.lines += writer.loop(left, body)
        return out

    def cumulated(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        attributes = operation.attributes
        axis = attributes["axis"] % len(shape)
        out = self.room("cumsum", shape, into)
        others = shape[:axis] + shape[axis + 1 :]
        n = shape[axis]

        def body(index: Index) -> list[str]:
            word = self.writer.indices[len(index)]
            at = f"{n - 1} - {word}" if attributes["reverse"] else word
            place = (*index[:axis], at, *index[axis:])
            return [
                "double total = 0.0;",
                f"for (int {word} = 0; {word} < {n}; {word}++)",
                f"    {out.at(place).text} = total += {self.writer.number(x.at(place)).text};",
            ]

        lines = self.writer.loop(others, body)
        self.lines += lines if others else ["{", *[self.writer.tab + text for text in lines], "}"]
        return out

    def placed_largest(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x = operands[0]
        attributes = operation.attributes
        if attributes["axis"] is None:
            x = loops.reshaped(x if x.flat is not None else self.kept("argmax", x), (size(x.shape),))
        axis = (attributes["axis"] or 0) % len(x.shape)
        out = self.room("argmax", shape, into)
        others = x.shape[:axis] + x.shape[axis + 1 :]
        n, keepdims = x.shape[axis], attributes["keepdims"]

        def body(index: Index) -> list[str]:
            word = self.writer.indices[len(index)]
            here = bracketed(self.writer.number(x.at((*index[:axis], word, *index[axis:]))))
            place = (*index[:axis], "0", *index[axis:]) if keepdims and attributes["axis"] is not None else index
            place = ("0",) * len(shape) if keepdims and attributes["axis"] is None else place
            total = out.at(place).text
            return [
                "double best = -INFINITY;",
                f"{total} = 0.0;",
                f"for (int {word} = 0; {word} < {n}; {word}++)",
                f"    if ({here} > best || ({here} != {here} && best == best)) {{",
                f"        best = {here};",
                f"        {total} = {word};",
                "    }",
            ]

        lines = self.writer.loop(others, body)
        self.lines += lines if others else ["{", *[self.writer.tab + text for text in lines], "}"]
        return out

    def multiplied(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        a, b = operands
        writer = self.writer
        row, column = len(a.shape) == 1, len(b.shape) == 1
        n = a.shape[-1]
        out = self.room("matmul", shape, into)

        def body(index: Index) -> list[str]:
            k = writer.indices[len(index)]
            rest = len(index) - (not row) - (not column)
            batch = index[:rest]
            at_a = (k,) if row else (*batch, index[rest], k)
            at_b = (k,) if column else (*batch, k, index[-1])
            product = times(writer, [entry(a, at_a), entry(b, at_b)])
            total = out.at(index).text if shape else out.array
            return [f"{total} = 0.0;", *writer.loop((n,), lambda _: [f"{total} += {product.text};"], len(index))]

        self.lines += writer.loop(shape, body)
        return out

    def joined(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        axis = operation.attributes["axis"] % len(shape)
        out = self.room(operation.name, shape, into)
        writer, start = self.writer, 0
        for k, x in enumerate(operands):
            at = start if operation.name == "concat" else k

            def body(index: Index, x: Entries = x, at: int = at) -> list[str]:
                if operation.name == "concat":
                    place = (*index[:axis], loops.stepped(index[axis], at, 1), *index[axis + 1 :])
                else:
                    place = (*index[:axis], str(at), *index[axis:])
                return [f"{out.at(place).text} = {writer.number(x.at(index)).text};"]

            self.lines += writer.loop(x.shape, body)
            start += x.shape[axis] if operation.name == "concat" else 0
        return out

    def scattered(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        key = operation.attributes["key"]
        out = self.room("scatter", shape, into)
        self.fill(out)
        self.lines += self.writer.loop(
            x.shape,
            lambda i: [f"{out.at(loops.keyed(i, key, shape)).text} = {self.writer.number(x.at(i)).text};"],
        )
        return out

    def taken(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x, places = operands
        writer = self.writer
        writer.templates["place"] = None
        x = x if x.array else self.kept("take", x)
        out = self.room("take", shape, into)
        rank = len(places.shape)

        def body(index: Index) -> list[str]:
            at = writer.number(places.at(index[:rank])).text
            word = writer.indices[len(index)]
            return [
                f"int {word} = place({at}, {x.shape[0]});",
                f"{out.at(index).text} = {word} < 0 ? NAN : {x.at((word, *index[rank:])).text};",
            ]

        lines = writer.loop(shape, body)
        self.lines += lines if shape else ["{", *[writer.tab + text for text in lines], "}"]
        return out

    def put(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x, places = operands
        writer = self.writer
        writer.templates["place"] = None
        out = self.room("put", shape, into)
        self.fill(out)
        rank = len(places.shape)
        if not shape[0]:
            return out

        def body(index: Index) -> list[str]:
            word = writer.indices[len(index)]
            return [
                f"int {word} = place({writer.number(places.at(index[:rank])).text}, {shape[0]});",
                f"{out.at((f'{word} < 0 ? 0 : {word}', *index[rank:])).text} += "
                f"{word} < 0 ? NAN : {bracketed(writer.number(x.at(index)))};",
            ]

        lines = writer.loop(x.shape, body)
        self.lines += lines if x.shape else ["{", *[writer.tab + text for text in lines], "}"]
        return out

    def one_hot(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        writer = self.writer
        writer.templates["place"] = None
        out = self.room("one_hot", shape, into)

        def body(index: Index) -> list[str]:
            at = bracketed(writer.number(x.at(index[:-1])))
            outside = f"place({at}, {shape[-1]}) < 0 || {at} < 0"
            return [f"{out.at(index).text} = {outside} ? NAN : (double)({at} == {index[-1]});"]

        self.lines += writer.loop(shape, body)
        return out

    def algebra(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """Determinant, inverse and solution, by elimination on copies."""
        a = operands[0]
        n, writer, name = a.shape[0], self.writer, operation.name
        writer.templates["eliminate"] = None
        if name == "cofactor":
            writer.templates["cofactors"] = None
            out = self.room(name, shape, into)
            self.lines.append(f"cofactors({n}, {self.kept('operand', a).array}, {out.array});")
            return out
        copy = self.room("copy", a.shape, "")
        self.store(copy.array, a)
        out = self.room(name, shape, into)
        if name == "det":
            none = writer.names.numbered("none")
            self.lines += [f"double {none} = 0.0;", f"{out.array} = eliminate({n}, 0, {copy.array}, &{none});"]
            return out
        if name == "inv":
            self.lines += writer.loop(shape, lambda i: [f"{out.at(i).text} = {i[0]} == {i[1]};"])
        else:
            self.store(out.array, operands[1])
        m = size(shape[1:])
        self.lines.append(f"eliminate({n}, {m}, {copy.array}, {out.array});")
        return out


MAKERS: dict[str, Callable[..., Entries]] = {
    "transpose": Loops.transposed, "reshape": Loops.reshaped, "full": Loops.stretched, "index": Loops.indexed,
    "outer": Loops.outer, "diag": Loops.diagonal, "sum": Loops.reduced, "prod": Loops.reduced, "amax": Loops.reduced,
    "amin": Loops.reduced, "cumsum": Loops.cumulated, "argmax": Loops.placed_largest, "matmul": Loops.multiplied,
    "concat": Loops.joined, "stack": Loops.joined, "scatter": Loops.scattered, "take": Loops.taken, "put": Loops.put,
    "one_hot": Loops.one_hot, "det": Loops.algebra, "inv": Loops.algebra, "solve": Loops.algebra,
    "cofactor": Loops.algebra,
}  # fmt: skip
"""What writes the operations that are more than entry by entry."""


def times(writer: C, pieces: Sequence[Piece]) -> Piece:
    """The product of two entries."""
    product = OPERATIONS["mul"]
    return writer.infix(sign_of(product), product, pieces)


def bracketed(piece: Piece) -> str:
    return f"({piece.text})" if piece.binding == CHOICE else piece.text


def begun(lines: Sequence[str]) -> list[str]:
    """``double x;`` and ``x = …`` as one line."""
    found: list[str] = []
    for line in lines:
        if found and found[-1] == f"double {line.partition(' = ')[0]};":
            found[-1] = f"double {line}"
        else:
            found.append(line)
    return found


def unread(operands: Sequence[Piece], lines: Sequence[str]) -> list[str]:
    """A line for every parameter that nothing reads, so that no compiler complains."""
    words = {word for line in lines if not line.lstrip().startswith("/*") for word in re.findall(r"\w+", line)}
    return [f"(void){x.text};" for x in operands if x.text not in words]


def folded(parameters: Sequence[str], tab: str) -> list[str]:
    """Parameters, several in a line."""
    lines: list[str] = []
    for k, text in enumerate(parameters):
        text += "," if k < len(parameters) - 1 else ""
        if lines and len(lines[-1]) + len(text) < 100:
            lines[-1] += f" {text}"
        else:
            lines.append(tab + text)
    return lines or [f"{tab}void"]
