"""The computational graph: a flat, append-only list of nodes in order of evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from .operations import OPERATIONS, Operation

Shape = tuple[int, ...]

INPUT = Operation("input", "A variable.", pattern="input", operands=())
CONSTANT = Operation("constant", "A number.", pattern="constant", operands=())


class Node(NamedTuple):
    """One node, read-only: a view that `Graph.__getitem__` makes."""

    number: int
    operation: Operation
    operands: tuple[int, ...]
    shape: Shape
    name: str


class Graph:
    """Nodes as parallel lists, which build and sweep faster than objects: node i is entry i of each.

    Operands always stand before the node that uses them, so every pass is one loop. Nothing is folded or shared: what
    is written twice is computed twice.

    Attributes:
        operations: the operation of each node; `INPUT` and `CONSTANT` for leaves.
        operands: the node numbers of each node's operands.
        shapes: the shape of each node's value; ``()`` is a scalar.
        constants: the value of each constant node.
        inputs: the node of each input variable, in order of first appearance.
        names: names that a program assigned to nodes, and those of the inputs.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.operands: list[tuple[int, ...]] = []
        self.shapes: list[Shape] = []
        self.constants: dict[int, float] = {}
        self.inputs: dict[str, int] = {}
        self.names: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.operations)

    def __getitem__(self, index: int) -> Node:
        return Node(index, self.operations[index], self.operands[index], self.shapes[index], self.names.get(index, ""))

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def append(self, operation: Operation, *operands: int) -> int:
        """Add a node and return its number."""
        self.operations.append(operation)
        self.operands.append(operands)
        self.shapes.append(())
        return len(self.shapes) - 1

    def constant(self, value: float) -> int:
        """Add a number as a node of its own."""
        index = self.append(CONSTANT)
        self.constants[index] = value
        return index

    def input(self, name: str) -> int:
        """The node of the input variable, added at its first appearance."""
        index = self.inputs.get(name)
        if index is None:
            index = self.inputs[name] = self.append(INPUT)
            self.names[index] = name
        return index

    def extend(self, rows: Iterable[tuple[str, tuple[int, ...]]]) -> None:
        """Add many nodes at once, given as (operation name, operands): four times as fast as one by one."""
        names, operands = zip(*rows, strict=True)
        self.operations += [OPERATIONS[name] for name in names]
        self.operands += operands
        self.shapes += [()] * len(names)

    def ancestors(self, output: int) -> list[bool]:
        """For each node up to `output`, whether the output depends on it (itself included)."""
        reached = [False] * (output + 1)
        reached[output] = True
        for i in range(output, -1, -1):
            if reached[i]:
                for j in self.operands[i]:
                    reached[j] = True
        return reached

    def dependents(self, sources: Sequence[int], held: bool = True) -> list[bool]:
        """For each node, whether it depends on one of the sources (themselves included).

        Args:
            sources: node numbers.
            held: whether dependence goes on through operations that hold their operand constant.
        """
        reached = [False] * len(self)
        for i in sources:
            reached[i] = True
        for i, operands in enumerate(self.operands):
            if not reached[i] and (held or not self.operations[i].held):
                for j in operands:
                    if reached[j]:
                        reached[i] = True
                        break
        return reached
