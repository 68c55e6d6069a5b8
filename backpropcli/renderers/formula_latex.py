"""Formulas in LaTeX: one align* block, for a document with amsmath.

Scalars are italic, vectors bold and italic, matrices bold. An operation is written as a function in upright letters,
unless a convention below says otherwise.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import ClassVar

from ..gradients import Formulas, Line
from ..operations import Operation
from ..operations.table import ATOM, POWER, PRODUCT, SUM
from ..shapes import Shape
from ..text import constant
from .mathematics import Notation, Piece
from .readable import readable

GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega",
))  # fmt: skip
VARIANTS = {
    "ς": r"\varsigma", "ϑ": r"\vartheta", "ϕ": r"\phi", "ϖ": r"\varpi", "ϰ": r"\varkappa", "ϱ": r"\varrho",
    "ϵ": r"\epsilon",
}  # fmt: skip
LATIN = {"alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M",
         "nu": "N", "omicron": "O", "rho": "P", "tau": "T", "chi": "X"}  # fmt: skip
"""Capitals that look like Latin ones and have no command."""


def render(formulas: Formulas, quiet: bool = False) -> Iterator[str]:
    """The definitions and the gradient, an equation a line."""
    formulas = readable(formulas, quiet)
    notation, definitions = Latex(formulas), formulas.definitions
    yield "\\begin{align*}\n"
    last = len(definitions) + len(formulas.gradient)
    for at, line in enumerate((*definitions, *formulas.gradient), 1):
        end = "" if at == last else r" \\[1ex]" if at == len(definitions) else r" \\"
        yield f"  {' &= '.join(notation.line(line))}{end}\n"
    yield "\\end{align*}\n"


class Latex(Notation):
    """Writes the formulas in LaTeX."""

    times, dot, entrywise, chained = r"\,", r" \cdot ", r" \odot ", r"\,"
    functions: ClassVar[dict[str, str]] = {
        **{name: rf"\{name}" for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "det")},
        "amax": r"\max", "amin": r"\min", "max": r"\max", "min": r"\min",
        "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan",
        "sigmoid": r"\sigma", "gamma": r"\Gamma", "digamma": r"\psi", "normal_cdf": r"\Phi", "normal_pdf": r"\varphi",
        "trace": r"\operatorname{tr}", "log2": r"\log_{2}", "log10": r"\log_{10}", "lgamma": r"\log\Gamma",
    }  # fmt: skip
    fences: ClassVar[dict[str, tuple[str, str]]] = {
        "abs": (r"\left|", r"\right|"), "floor": (r"\left\lfloor ", r"\right\rfloor"),
        "ceil": (r"\left\lceil ", r"\right\rceil"), "norm": (r"\left\|", r"\right\|"),
        "norm1": (r"\left\|", r"\right\|_{1}"),
    }  # fmt: skip
    constants: ClassVar[dict[str, str]] = {"pi": r"\pi", "π": r"\pi", "tau": r"\tau", "e": r"\mathrm{e}"}
    comparisons: ClassVar[dict[str, str]] = {
        "less": "<", "less_equal": r"\le", "greater": ">", "greater_equal": r"\ge", "equal": "=", "not_equal": r"\ne",
    }  # fmt: skip
    words: ClassVar[dict[str, str]] = {"and": r"\land", "or": r"\lor", "not": r"\lnot "}

    def __init__(self, formulas: Formulas) -> None:
        self.ranks = formulas.ranks
        self.taken: dict[str, str] = {}
        super().__init__(formulas)

    def of_line(self, line: Line) -> str:
        if line.of:
            output, of = (self.name(name, self.ranks.get(name, 0)) for name in (self.formulas.output, line.of))
            slope = rf"\frac{{\partial {output}}}{{\partial {of}}}"
            seed = self.formulas.seed
            return rf"{self.name(seed, self.ranks[seed])} \cdot {slope}" if seed else slope
        return self.name(line.name, self.rank(line.node))

    def name(self, name: str, rank: int) -> str:
        """The name; one that would look like another's, as x1 and x_1 do, letter by letter."""
        if self.taken.setdefault(written_name(name, 0), name) != name:
            return rf"\mathtt{{{''.join(greek_text(c) for c in escaped(name))}}}"
        return written_name(name, rank)

    def number(self, value: float) -> str:
        return written_number(value)

    def array(self, i: int) -> str:
        value = self.graph.constants[i]
        shape = self.graph.shape(i)
        if len(shape) == 1:
            return self.listed([written_number(x) for x in value])
        if len(shape) == 2:
            rows = r" \\ ".join(" & ".join(map(written_number, row)) for row in value)
            return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"
        return rf"\text{{{constant(value)}}}"

    def counted(self, condition: str) -> str:
        return rf"\left[{condition}\right]"

    def brackets(self, text: str) -> str:
        return rf"\left({text}\right)"

    def quotient(self, above: str, below: str, plain_above: str, plain_below: str) -> str:
        return rf"\frac{{{plain_above}}}{{{plain_below}}}"

    def divided(self, top: str, text: str, bottom: str) -> str:
        number = rf"\frac{{{top or '1'}}}{{{bottom}}}"
        return self.multiplied([number, text]) if text else number

    def superscript(self, base: str, exponent: Piece, rank: int) -> str:
        return rf"{base}^{{\circ {self.bracketed(exponent, PRODUCT)}}}" if rank > 1 else f"{base}^{{{exponent.text}}}"

    def marks(self, turned: bool, inverse: bool) -> str:
        return (r"^{-\top}" if turned else "^{-1}") if inverse else r"^{\top}" if turned else ""

    def radical(self, piece: Piece) -> str:
        return rf"\sqrt{{{piece.text}}}"

    def alike(self, shape: Shape, number: str) -> str:
        lengths = r" \times ".join(map(str, shape))
        return rf"\mathbf{{{number}}}_{{{lengths}}}"

    def choice(self, choices: tuple[tuple[str, str], ...]) -> Piece:
        rows = [rf"{value} & \text{{if }} {condition}" for value, condition in choices[:-1]]
        rows.append(rf"{choices[-1][0]} & \text{{otherwise}}")
        text = r" \\ ".join(rows)
        return Piece(rf"\begin{{cases}} {text} \end{{cases}}", SUM, None, choices)

    def summand(self, j: int) -> Piece:
        """Cases have no fence on the right: in a sum they stand in brackets, or what follows reads as a condition."""
        piece = self.used[j]
        return Piece(self.brackets(piece.text), ATOM) if piece.choices else piece

    def called(self, operation: Operation, texts: Sequence[str], attributes: Sequence[str]) -> str:
        name = self.functions.get(operation.name) or rf"\operatorname{{{escaped(operation.written)}}}"
        axis = [text.removeprefix("axis=") for text in attributes if text.startswith("axis=")]
        rest = [spelled(text) for text in attributes if not text.startswith(("axis=", "keepdims="))]
        if axis:
            name += rf"_{{\text{{axis {axis[0].strip('[]')}}}}}"
        return name + self.brackets(", ".join([*texts, *rest]))

    def power_of_e(self, exponent: Piece, shape: Shape) -> Piece:
        if len(exponent.text) <= SHORT_EXPONENT and "\\frac" not in exponent.text and len(shape) < 2:
            return Piece(f"e^{{{exponent.text}}}", POWER)
        return super().power_of_e(exponent, shape)

    def at(self, base: str, places: str) -> Piece:
        return Piece(f"{{{base}}}_{{{spelled(places)}}}", ATOM)

    def listed(self, texts: Sequence[str]) -> str:
        rows = r" \\ ".join(texts)
        return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}"


SHORT_EXPONENT = 24


def written_name(name: str, rank: int) -> str:
    """A name of the language: digits and what follows an underscore as an index, several letters upright."""
    stem, *indices = [part for part in re.split(r"_+|(?<=\D)(?=\d+$)", name) if part] or ["_"]
    found = symbol(stem, rank)
    if indices:
        found += f"_{{{','.join(part if part.isdigit() else symbol(part, 0) for part in indices)}}}"
    return found


def symbol(stem: str, rank: int) -> str:
    """One letter, or a word, in the type of its rank."""
    if stem == "_" or stem.isdigit():
        return r"\_" if stem == "_" else stem
    letter = greek(stem)
    if len(stem) > 1 and letter is None:
        text = "".join(map(greek_text, stem))
        if rank > 1:
            return rf"\mathbf{{{text}}}"
        return rf"\boldsymbol{{\mathrm{{{text}}}}}" if rank else rf"\mathrm{{{text}}}"
    letter = letter or stem
    if rank == 0:
        return letter
    return rf"\boldsymbol{{{letter}}}" if rank == 1 or letter.startswith("\\") else rf"\mathbf{{{letter}}}"


def greek_text(letter: str) -> str:
    """A letter among others, a Greek one by its command."""
    command = greek(letter)
    return letter if command is None else f"{{{command}}}"


def greek(word: str) -> str | None:
    """The command of a Greek letter, given itself or by its name; None for anything else."""
    if word in VARIANTS:
        return VARIANTS[word]
    name = word
    if len(word) == 1:
        if not "\u0370" <= word <= "\u03ff":
            return None
        name = unicodedata.name(word, "").rpartition(" LETTER ")[2].lower()
        name = {"lamda": "lambda"}.get(name, name)
        if word.isupper():
            return LATIN.get(name) or "\\" + name.capitalize()
    if name == "omicron":
        return "o"
    return "\\" + name if name in GREEK else None


def written_number(value: float) -> str:
    if value in (float("inf"), float("-inf")):
        return r"\infty" if value > 0 else r"-\infty"
    mantissa, _, exponent = constant(value).partition("e")
    if not exponent:
        return mantissa
    power = f"10^{{{int(exponent)}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def escaped(text: str) -> str:
    return text.replace("_", r"\_")


def spelled(text: str) -> str:
    """Attributes and places, which are digits, signs and words of the program's own."""
    name, sign, value = text.partition("=")
    return rf"\text{{{escaped(name)}{sign}{value}}}" if sign else text.replace(":", "{:}")
