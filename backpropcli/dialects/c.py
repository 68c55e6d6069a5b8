"""Code in C99: tensors are flat arrays row by row, their shapes are fixed, and nothing is allocated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import inf
from typing import Any

from ..errors import printable
from ..operations import OPERATIONS, Operation
from ..operations.table import ATOM, PRODUCT, SIGN
from ..shapes import Shape, size
from .arrays import FORMULAS
from .c_tensors import TEMPLATES, Loops
from .flat import GRADIENT, VALUE, Pattern, Variable
from .loops import Index
from .writer import CHOICE, Helper, Piece, Writer, parameter_words

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
pown powr rootn rsqrt compoundn roundeven llogb nextup nextdown canonicalize setpayload totalorder
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
        return declared + Loops(self, names).statement(pattern, name, adds)

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
            lines += Loops(self, roles).statement(pattern, out, False)
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
