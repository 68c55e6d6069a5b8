"""The gradient as code in other languages: flat lines in the order of the lectures, one file per language."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from ..errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..graph import Graph
    from .writer import Writer

TARGETS = {
    "python": ("python", "Python"),
    "numpy": ("numpy", "Numpy"),
    "torch": ("torch", "Torch"),
    "torch-function": ("torch", "TorchFunction"),
    "jax": ("jax", "Jax"),
    "c": ("c", "C"),
}
"""Module and writer by the word of the command line."""


def writer_of(target: str) -> type[Writer]:
    """The writer of a target, imported when it is asked for."""
    module, name = TARGETS[target]
    found: type[Writer] = getattr(importlib.import_module(f".{module}", __name__), name)
    return found


class Code(NamedTuple):
    """Code for one target.

    Attributes:
        target: the word of the command line.
        function: what the function is called.
        parameters: its parameters, one for every input in order of first appearance.
        text: the code.
    """

    target: str
    function: str
    parameters: list[str]
    text: str


def code_of(
    graph: Graph,
    target: str,
    *,
    output: int,
    wrt: Sequence[str],
    ties: str = "split",
    function: str = "value_and_gradient",
    source: str = "",
    stamp: Sequence[str] = (),
) -> Code:
    """The value and the gradient of a graph's node as flat code.

    Args:
        graph: a program's graph, all shapes known.
        target: one of `TARGETS`.
        output: the node to differentiate; where it is no scalar, the code takes its upstream gradient too.
        wrt: the inputs to differentiate by.
        ties: ``split`` or ``first``.
        function: what the function is called.
        source: the program's text, for the header.
        stamp: lines of the header that say what was verified.

    Raises:
        OptionError: the language lacks tensors, or an operation.
    """
    from .flat import flat

    kind = writer_of(target)
    if graph.tensors and not kind.tensors:
        raise OptionError(
            f"code in {kind.title} is for numbers, and the program has tensors", hint="try --target numpy"
        )
    lines = flat(graph, output, wrt, ties, kind.shielded)
    taken: set[str] = set()
    while True:  # once more, if the code turned out to need definitions that have names of their own
        writer = kind(lines, function, taken)
        text = writer.render(source, stamp)
        if writer.needed <= taken:
            return Code(target, function, writer.parameters, text)
        taken |= writer.needed
