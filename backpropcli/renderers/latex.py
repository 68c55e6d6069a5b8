"""LaTeX: formulas, names, numbers and text, each written so that nothing foreign is read as a command."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from string import Formatter

from ..errors import printable
from ..graph import CONSTANT, INPUT, Graph
from ..operations import OPERATIONS, Operation
from ..operations.table import ATOM, OR, POWER, PRODUCT, SIGN
from ..text import constant, needs_brackets

SMALL = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu"),
    *("xi", "o", "pi", "rho", "varsigma", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
CAPITAL = ("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega")
LOOKALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))
GREEK = {
    **{chr(0x3B1 + at): name for at, name in enumerate(SMALL)},
    **dict(zip("ΓΔΘΛΞΠΣΥΦΨΩ", CAPITAL, strict=True)),
    **dict(zip("ϑϕϖϰϱϵ", ("vartheta", "phi", "varpi", "varkappa", "varrho", "epsilon"), strict=True)),
}
"""Letters that LaTeX has a command for; an omicron and most capitals look like Latin letters."""

COMMANDS = frozenset((*SMALL, *CAPITAL)) - {"o", "varsigma"}
FUNCTIONS = {
    **{name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det")},
    **{name: rf"\arc{name[1:]}" for name in ("asin", "acos", "atan")},
    "amax": r"\max", "amin": r"\min", "max": r"\max", "min": r"\min", "log2": r"\log_{2}", "log10": r"\log_{10}",
    "sigmoid": r"\sigma", "gamma": r"\Gamma", "lgamma": r"\log\Gamma", "digamma": r"\psi",
    "normal_cdf": r"\Phi", "normal_pdf": r"\varphi", "trace": r"\operatorname{tr}",
}  # fmt: skip
"""Operations that mathematics has a name for; others are called by their own."""

TRANSPOSED, INVERSE, INVERSE_TRANSPOSED = r"^{\mathsf{T}}", "^{-1}", r"^{-\mathsf{T}}"
SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}", **{c: "\\" + c for c in "{}$&#_%"},
    "×": r"$\times$", "·": r"$\cdot$", "÷": r"$\div$", "−": "$-$", "√": r"$\surd$", "²": r"$^{2}$", "³": r"$^{3}$",
    "∂": r"$\partial$", "→": r"$\rightarrow$", "⊙": r"$\odot$", "∞": r"$\infty$", "ᵀ": r"$^{\mathsf{T}}$",
    "•": r"\textbullet{}",
    "…": r"\dots{}", "≤": r"$\le$", "≥": r"$\ge$",
}  # fmt: skip


def text(content: str) -> str:
    """Text outside of formulas."""
    return "".join(map(character, printable(content)))


def character(c: str) -> str:
    """A character outside of formulas."""
    return SPECIAL.get(c) or (f"${letter(c)}$" if letter(c).startswith("\\") else letter(c) or c)


def letter(c: str) -> str:
    """A Greek letter in a formula, or ""."""
    name = GREEK.get(c)
    return LOOKALIKES.get(c, "") if name is None else name if name == "o" else f"\\{name}"


def greek(word: str) -> str:
    """A Greek letter in a formula, given itself or by its name; or ""."""
    return letter(word) if len(word) == 1 else "o" if word == "omicron" else f"\\{word}" if word in COMMANDS else ""


class Names:
    """Names in formulas: scalars are italic, vectors bold and italic, matrices bold.

    One that would look like another's, as x1 and x_1 do, is written letter by letter.
    """

    def __init__(self) -> None:
        self.taken: dict[str, str] = {}

    def __call__(self, name: str, rank: int = 0) -> str:
        if self.taken.setdefault(identifier(name), name) != name:
            return rf"\mathtt{{{''.join(map(_within, name))}}}"
        return identifier(name, rank)


def identifier(name: str, rank: int = 0) -> str:
    """A name: digits and what follows an underscore as an index, several letters upright."""
    stem, *indices = [part for part in re.split(r"_+|(?<=\D)(?=\d+$)", name) if part] or ["_"]
    found = symbol(stem, rank)
    if indices:
        found += f"_{{{','.join(part if part.isdigit() else symbol(part) for part in indices)}}}"
    return found


def symbol(stem: str, rank: int = 0) -> str:
    """One letter, or a word, in the type of its rank."""
    if stem == "_" or stem.isdigit():
        return r"\_" if stem == "_" else stem
    found = greek(stem) or stem
    if len(stem) > 1 and found == stem:
        found = "".join(map(_within, stem))
        return (
            rf"\mathbf{{{found}}}"
            if rank > 1
            else rf"\boldsymbol{{\mathrm{{{found}}}}}"
            if rank
            else rf"\mathrm{{{found}}}"
        )
    if not rank:
        return found
    return rf"\mathbf{{{found}}}" if rank > 1 and not found.startswith("\\") else rf"\boldsymbol{{{found}}}"


def _within(c: str) -> str:
    """A letter among others."""
    return f"{{{letter(c)}}}" if letter(c) else character(c)


def figure(digits: str) -> str:
    """A number as written: 1e-05 as a power of ten, an infinity as its sign."""
    if digits in ("inf", "-inf"):
        return digits.replace("inf", r"\infty")
    if digits == "NaN":
        return r"\text{NaN}"
    if digits == "–":
        return r"\text{--}"
    mantissa, e, exponent = digits.partition("e")
    power = f"10^{{{int(exponent)}}}" if e else ""
    return power if mantissa == "1" and e else rf"{mantissa} \cdot {power}" if e else mantissa


def matrix(rows: Iterable[Iterable[str]], newline: str = r"\\") -> str:
    """Entries between square brackets."""
    return rf"\begin{{bmatrix}} {f' {newline} '.join(map(' & '.join, rows))} \end{{bmatrix}}"


def function(operation: Operation) -> str:
    """What a function is called."""
    return FUNCTIONS.get(operation.name) or rf"\operatorname{{{text(operation.written)}}}"


def expressions(graph: Graph, names: Mapping[int, str]) -> list[str]:
    """Every node's expression, as `backpropcli.text.expressions` has it.

    Args:
        graph: the graph.
        names: what stands for a node wherever it is an operand, in LaTeX; every leaf has one.
    """
    found: list[str] = []
    used: list[str] = []
    binding: list[int] = []
    for i, (operation, operands) in enumerate(zip(graph.operations, graph.operands, strict=True)):
        named = names.get(i, "")
        if operation is INPUT:
            written, tightness = named, tightness_of(named)
        elif operation is CONSTANT:
            written = named or figure(constant(graph.constants[i]))
            tightness = SIGN if written.startswith("-") else tightness_of(written)
        else:
            matrix = len(graph.shape(i)) > 1
            written, tightness = _applied(
                operation, [used[j] for j in operands], [binding[j] for j in operands], matrix
            )
        found.append(written)
        used.append(named or written)
        binding.append(ATOM if named and named != written else tightness)
    return found


def tightness_of(written: str) -> int:
    """A negative number, or one with a power of ten, is written in brackets where it is an operand."""
    return OR if written.startswith("-") else PRODUCT if r"\cdot" in written or "10^" in written else ATOM


def _applied(operation: Operation, operands: list[str], binding: list[int], matrix: bool) -> tuple[str, int]:
    """An operation's expression, and how tightly it binds; a power of a matrix is one of its entries."""
    arguments = operation.arguments(OPERATIONS[operation.name].attributes) if operation.attributes else []
    template = operation.latex or ("" if operation.attributes else operation.form)
    if matrix and not operation.tensor:
        template = template.replace("^{{", r"^{{\circ ")
    if template and not arguments:
        before = [literal for literal, slot, *_ in Formatter().parse(template) if slot is not None]
        shown = [
            bracketed(x) if _needs_brackets(operation, k, tightness, before[k]) else x
            for k, (x, tightness) in enumerate(zip(operands, binding, strict=True))
        ]
        if not operation.latex:
            return template.format(*shown), operation.binding
        return template.format(*shown), min(operation.binding, PRODUCT) if " {}" in template else POWER
    if operation.name == "index":
        return rf"{operands[0]}\left[{text(arguments[0].removeprefix('key=').strip('[]'))}\right]", POWER
    if operation.name == "take":
        return rf"{operands[0]}\left[{operands[1]}\right]", POWER
    if operation.name == "stack" and not arguments:
        return rf"\left[{', '.join(operands)}\right]", ATOM
    rest = [rf"\text{{{text(argument)}}}" for argument in arguments]
    return function(operation) + bracketed(", ".join([*operands, *rest])), ATOM


def _needs_brackets(operation: Operation, k: int, tightness: int, before: str) -> bool:
    if before.endswith(("{", "|")):
        return False
    return needs_brackets(operation, k, tightness) if operation.form else tightness < ATOM


def bracketed(written: str) -> str:
    return rf"\left({written}\right)"
