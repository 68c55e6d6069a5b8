"""The gradient as code in other languages: flat lines in the order of the lectures, one file per language."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .flat import Flat
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


def written(flat: Flat, target: str, function: str, source: str = "", stamp: Sequence[str] = ()) -> Code:
    """A program's flat code in one language.

    Args:
        flat: the code, in no language yet.
        target: one of `TARGETS`.
        function: what the function is called.
        source: the program's text, for the header.
        stamp: lines of the header that say what was verified.

    Raises:
        OptionError: the language lacks an operation.
    """
    taken: set[str] = set()
    while True:  # once more, if the code turned out to need definitions that have names of their own
        writer = writer_of(target)(flat, function, taken)
        text = writer.render(source, stamp)
        if writer.needed <= taken:
            return Code(target, function, writer.parameters, text)
        taken |= writer.needed
