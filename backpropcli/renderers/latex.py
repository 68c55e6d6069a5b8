"""LaTeX: formulas, names, numbers and text, each written so that nothing foreign is read as a command."""

from __future__ import annotations

from collections.abc import Mapping
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
SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", "`": r"\textasciigrave{}", **{c: "\\" + c for c in "{}$&#_%"},
    "×": r"$\times$", "·": r"$\cdot$", "÷": r"$\div$", "−": "$-$", "√": r"$\surd$", "²": r"$^{2}$", "³": r"$^{3}$",
    "∂": r"$\partial$", "→": r"$\rightarrow$", "⊙": r"$\odot$", "∞": r"$\infty$", "ᵀ": r"$^{\mathsf{T}}$",
    "…": r"\ldots{}", "≤": r"$\le$", "≥": r"$\ge$",
}  # fmt: skip


def text(content: str) -> str:
    """Text outside of formulas."""
    return "".join(
        SPECIAL.get(c) or (f"${letter(c)}$" if c > "\u0370" and letter(c) else c) for c in printable(content)
    )


def letter(c: str) -> str:
    """A Greek letter in a formula, or ""."""
    name = GREEK.get(c)
    return LOOKALIKES.get(c, "") if name is None else name if name == "o" else f"\\{name}"


def identifier(name: str) -> str:
    """A name in a formula: w0 with a subscript, alpha as the letter, longer names upright."""
    head = name.rstrip("0123456789")
    digits = name[len(head) :]
    head = head.rstrip("_") or head
    subscript = f"_{{{digits}}}" if digits else ""
    if head in COMMANDS:
        return f"\\{head}{subscript}"
    if len(head) == 1 and head.isascii():
        return (head if head != "_" else r"\_") + subscript
    if len(head) == 1:
        return letter(head) + subscript
    upright = [f"{letter(c)} " if letter(c) else text(c) for c in head]
    return rf"\mathrm{{{''.join(upright).rstrip()}}}{subscript}"


def figure(digits: str) -> str:
    """A number as written: 1e-05 as a power of ten, an infinity as its sign."""
    if digits in ("inf", "-inf"):
        return digits.replace("inf", r"\infty")
    if digits == "NaN":
        return r"\text{NaN}"
    if digits == "–":
        return r"\text{--}"
    mantissa, e, exponent = digits.partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if e else digits


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
            written, tightness = _applied(operation, [used[j] for j in operands], [binding[j] for j in operands])
        found.append(written)
        used.append(named or written)
        binding.append(ATOM if named and named != written else tightness)
    return found


def tightness_of(written: str) -> int:
    """A negative number, or one with a power of ten, is written in brackets where it is an operand."""
    return OR if written.startswith("-") else PRODUCT if r"\cdot" in written else ATOM


def _applied(operation: Operation, operands: list[str], binding: list[int]) -> tuple[str, int]:
    """An operation's expression, and how tightly it binds."""
    arguments = operation.arguments(OPERATIONS[operation.name].attributes) if operation.attributes else []
    template = operation.latex or ("" if operation.attributes else operation.form)
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
    return rf"\operatorname{{{text(operation.written)}}}\left({', '.join([*operands, *rest])}\right)", ATOM


def _needs_brackets(operation: Operation, k: int, tightness: int, before: str) -> bool:
    if before.endswith(("{", "|")):
        return False
    return needs_brackets(operation, k, tightness) if operation.form else tightness < ATOM


def bracketed(written: str) -> str:
    return rf"\left({written}\right)"
