"""Formulas in LaTeX: one align* block, for a document with amsmath.

Scalars are italic, vectors bold and italic, matrices bold. An operation is written as a function in upright letters,
unless a convention below says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

from ..gradients import Formulas, Line
from ..operations import Operation
from ..operations.table import ATOM, POWER, PRODUCT, SUM
from ..shapes import Shape
from . import latex
from .mathematics import Notation, Piece
from .readable import readable


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
    functions = latex.FUNCTIONS
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
        self.names = latex.Names()
        super().__init__(formulas)

    def of_line(self, line: Line) -> str:
        if line.of:
            output, of = (self.name(name, self.ranks.get(name, 0)) for name in (self.formulas.output, line.of))
            slope = rf"\frac{{\partial {output}}}{{\partial {of}}}"
            seed = self.formulas.seed
            return rf"{self.name(seed, self.ranks[seed])} \cdot {slope}" if seed else slope
        return self.name(line.name, self.rank(line.node))

    def name(self, name: str, rank: int) -> str:
        return self.names(name, rank)

    def number(self, value: float) -> str:
        return latex.figure(super().number(value))

    def constant(self, i: int) -> Piece:
        """A number with a power of ten is a product, where it is raised to a power."""
        piece = super().constant(i)
        return piece._replace(binding=PRODUCT) if "10^" in piece.text and piece.binding == ATOM else piece

    def array(self, i: int) -> str:
        value, shape = self.graph.constants[i], self.graph.shape(i)
        if len(shape) > 2:
            return rf"\text{{{super().array(i)}}}"
        return latex.matrix(map(self.number, row) for row in (value if len(shape) == 2 else zip(value)))

    def counted(self, condition: str) -> str:
        return rf"\left[{condition}\right]"

    def brackets(self, text: str) -> str:
        return latex.bracketed(text)

    def quotient(self, above: str, below: str, plain_above: str, plain_below: str) -> str:
        return rf"\frac{{{plain_above}}}{{{plain_below}}}"

    def divided(self, top: str, text: str, bottom: str) -> str:
        number = rf"\frac{{{top or '1'}}}{{{bottom}}}"
        return self.multiplied([number, text]) if text else number

    def superscript(self, base: str, exponent: Piece, rank: int) -> str:
        return rf"{base}^{{\circ {self.bracketed(exponent, PRODUCT)}}}" if rank > 1 else f"{base}^{{{exponent.text}}}"

    def marks(self, turned: bool, inverse: bool) -> str:
        if inverse:
            return latex.INVERSE_TRANSPOSED if turned else latex.INVERSE
        return latex.TRANSPOSED if turned else ""

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
        name = latex.function(operation)
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
        return latex.matrix([text] for text in texts)


SHORT_EXPONENT = 24


def spelled(text: str) -> str:
    """Attributes and places, which are digits, signs and words of the program's own."""
    name, sign, value = text.partition("=")
    return rf"\text{{{latex.text(name)}{sign}{value}}}" if sign else text.replace(":", "{:}")
