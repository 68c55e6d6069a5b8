"""What all targets in Python share."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Sequence
from math import inf
from types import ModuleType
from typing import ClassVar

from ..errors import printable
from .flat import GRADIENT, Flat, Pattern, Variable
from .sources import Texts
from .writer import Helper, Piece, Writer, parameter_words


class PythonWriter(Writer):
    """Code in Python.

    Attributes:
        imports: lines that the code begins with.
        infinity, not_a_number: how they are written.
        decorator: the line above the function.
        modules: our own, whose kernels the code may have.
    """

    reserved = frozenset((*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "math", "np", "jnp", "jax", "torch"))
    imports: ClassVar[tuple[str, ...]] = ()
    infinity: ClassVar[str]
    not_a_number: ClassVar[str]
    decorator: ClassVar[str] = ""
    modules: ClassVar[tuple[ModuleType, ...]] = ()

    def __init__(self, flat: Flat, function: str, taken: Iterable[str] = ()) -> None:
        super().__init__(flat, function, taken)
        self.texts = Texts(*self.modules)
        self.upstream = self.outer.name("upstream")

    @property
    def needed(self) -> set[str]:
        return self.texts.defined

    def literal(self, value: float) -> str:
        if value != value:
            return self.not_a_number
        if abs(value) == inf:
            return self.infinity if value > 0 else f"-{self.infinity}"
        return repr(value)

    def comment(self, text: str) -> str:
        return f"# {printable(text)}".rstrip()

    def helper_text(self, helper: Helper, operands: list[Piece], pattern: Pattern) -> list[str]:
        lines: list[str] = []
        roles = dict(zip(parameter_words(helper), operands, strict=True))
        result = self.number(self.expression(pattern, roles, lines))
        head = f"def {helper.name}({', '.join(x.text for x in operands)}):"
        doc = [f'"""{helper.operation.doc}"""'] if helper.operation.doc else []
        return [head, *[self.tab + text for text in (*doc, *lines, f"return {result.text}")]]

    def begin(self) -> list[str]:
        """What is done with the inputs first."""
        return []

    def first_gradient(self) -> list[str]:
        """The output's own gradient."""
        given = bool(self.flat.shape)
        return self.seeded(Piece(self.upstream, shape=self.flat.shape) if given else self.constant(1.0), given)

    def nothing(self, variable: Variable) -> str:
        """The gradient of an input that nothing reaches."""
        return "0.0"

    def unreached(self) -> list[str]:
        """Lines for the inputs that nothing reaches."""
        reached = self.assigned
        wanted = [Variable(GRADIENT, self.graph.inputs[name]) for name in self.flat.wrt]
        return [f"{self.variables[v]} = {self.nothing(v)}" for v in wanted if v not in reached]

    @property
    def gradients(self) -> list[str]:
        """The identifiers of the gradient by every input asked for."""
        return [self.variables[Variable(GRADIENT, self.graph.inputs[name])] for name in self.flat.wrt]

    def body(self) -> list[str]:
        """The lines of the function."""
        return [
            *self.begin(),
            "# forward",
            *self.forward(),
            "# backward",
            *self.first_gradient(),
            *self.backward(),
            *self.unreached(),
            f"return {self.value}, {tuple_of(self.gradients)}",
        ]

    def defined(self) -> list[list[str]]:
        """The function itself."""
        parameters = [*self.parameters, *([self.upstream] if self.flat.shape else [])]
        head = [self.decorator] if self.decorator else []
        return [[*head, f"def {self.function}({', '.join(parameters)}):", *[self.tab + text for text in self.body()]]]

    def render(self, source: str, stamp: Sequence[str]) -> str:
        functions = self.defined()
        helpers = self.written_helpers()
        imports = sorted(
            {*self.texts.import_lines(), *self.imports},
            key=lambda line: (line.startswith("from"), "numpy" in line, line),
        )
        lines = [*self.header(source, stamp), *([""] if imports else []), *imports, *self.settings()]
        for block in [*self.texts.written(), *self.vectorized(), *helpers, *functions]:
            lines += ["", "", *block]
        return "\n".join(lines) + "\n"

    def vectorized(self) -> list[list[str]]:
        """Functions of numbers made into functions of arrays."""
        return []

    def settings(self) -> list[str]:
        """Lines behind the imports."""
        return []


def tuple_of(words: Sequence[str]) -> str:
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"
