"""The computational graph: a flat, append-only list of nodes in order of evaluation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import ShapeError
from .operations import OPERATIONS, Operation

if TYPE_CHECKING:
    from .shapes import Shape

INPUT = Operation("input", "A variable.", pattern="input", operands=())
CONSTANT = Operation("constant", "A number.", pattern="constant", operands=())


class Node(NamedTuple):
    """One node, read-only: a view that `Graph.__getitem__` makes."""

    number: int
    operation: Operation
    operands: tuple[int, ...]
    shape: Shape | None
    name: str


class Graph:
    """Nodes as parallel lists, which build and sweep faster than objects: node i is entry i of each.

    Operands always stand before the node that uses them, so every pass is one loop. Nothing is folded or shared: what
    is written twice is computed twice.

    Attributes:
        operations: the operation of each node; `INPUT` and `CONSTANT` for leaves.
        operands: the node numbers of each node's operands.
        shapes: the shape of each node's value; ``()`` is a scalar, None where an input's shape is not known yet.
        tensors: whether any node is more than a scalar; if none is, floats do.
        constants: the value of each constant node: a float, or nested tuples of floats.
        inputs: the node of each input variable, in order of first appearance.
        names: names that a program assigned to nodes, and those of the inputs.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.operands: list[tuple[int, ...]] = []
        self.shapes: list[Shape | None] = []
        self.tensors = False
        self.constants: dict[int, Any] = {}
        self.inputs: dict[str, int] = {}
        self.names: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self.operations)

    def __getitem__(self, index: int) -> Node:
        return Node(index, self.operations[index], self.operands[index], self.shapes[index], self.names.get(index, ""))

    def __iter__(self) -> Iterator[Node]:
        return (self[i] for i in range(len(self)))

    def shape(self, i: int) -> Shape:
        """The shape of a node's value; of an input whose own is not known yet that of a scalar."""
        return self.shapes[i] or ()

    def gate(self, i: int) -> Operation:
        """The row whose pattern a node shows: 1/x is a quotient, and the lectures' gate of that name."""
        operation, operands = self.operations[i], self.operands[i]
        one = operation.name == "div" and self.constants.get(operands[0]) == 1.0 and operands[0] not in self.names
        return OPERATIONS["reciprocal"] if one else operation

    def append(self, operation: Operation, *operands: int) -> int:
        """Add a node and return its number.

        Raises:
            ShapeError: the operands' shapes do not fit.
        """
        shape: Shape | None = ()
        if self.tensors or operation.tensor:
            self.tensors = True
            shapes = [self.shapes[j] for j in operands]
            shape = None if None in shapes else operation.shape_of(*shapes)  # type: ignore[arg-type]
            _hold_axes(shape)
        self.operations.append(operation)
        self.operands.append(operands)
        self.shapes.append(shape)
        return len(self.shapes) - 1

    def leaf(self, operation: Operation, shape: Shape | None) -> int:
        """Add a node without operands."""
        self.operations.append(operation)
        self.operands.append(())
        self.shapes.append(shape)
        self.tensors = self.tensors or shape != ()
        return len(self.shapes) - 1

    def constant(self, value: Any, shape: Shape = ()) -> int:
        """Add a number, or a tensor as nested tuples, as a node of its own."""
        _hold_axes(shape)
        index = self.leaf(CONSTANT, shape)
        self.constants[index] = value
        return index

    def input(self, name: str, shape: Shape | None = ()) -> int:
        """The node of the input variable, added at its first appearance."""
        index = self.inputs.get(name)
        if index is None:
            index = self.inputs[name] = self.leaf(INPUT, shape)
            self.names[index] = name
        return index

    def drop_last(self) -> None:
        """Take the last node away, a constant that became part of something else."""
        index = len(self.shapes) - 1
        for nodes in (self.operations, self.operands, self.shapes):
            nodes.pop()
        self.constants.pop(index)

    @property
    def bytes(self) -> int:
        """What the values of all nodes take in float64."""
        from .shapes import size

        return 8 * sum(size(shape or ()) for shape in self.shapes)

    def extend(self, rows: Iterable[tuple[str, tuple[int, ...]]]) -> None:
        """Add many nodes of scalars at once, given as (operation name, operands): four times as fast as one by one."""
        names, operands = zip(*rows, strict=True)
        self.operations += [OPERATIONS[name] for name in names]
        self.operands += operands
        self.shapes += [()] * len(names)

    def copy(self) -> Graph:
        """A graph of the same nodes, to which others may be added."""
        new = Graph()
        new.operations, new.operands, new.shapes = self.operations[:], self.operands[:], self.shapes[:]
        new.tensors, new.constants = self.tensors, dict(self.constants)
        new.inputs, new.names = dict(self.inputs), dict(self.names)
        return new

    def free_name(self, name: str) -> str:
        """The name, with as many ``_`` behind it as make it one that no node has."""
        taken = {*self.names.values(), *self.inputs}
        while name in taken:
            name += "_"
        return name

    def copied(self, i: int, into: Graph, operands: Sequence[int]) -> int:
        """Node i, added to another graph over other operands."""
        operation = self.operations[i]
        if operation is INPUT:
            return into.input(self.names[i], self.shapes[i])
        if operation is CONSTANT:
            return into.constant(self.constants[i], self.shape(i))
        return into.append(operation, *operands)

    def needed(self, keep: Iterable[int]) -> list[bool]:
        """For each node, whether one of the nodes to keep depends on it (themselves included)."""
        reached = [False] * len(self)
        for i in keep:
            reached[i] = True
        for i in range(len(self) - 1, -1, -1):
            if reached[i]:
                for j in self.operands[i]:
                    reached[j] = True
        return reached

    def pruned(self, keep: Iterable[int]) -> tuple[Graph, list[int]]:
        """The graph without what none of the nodes to keep needs; and where every node stands in it, or -1."""
        new, place = Graph(), [-1] * len(self)
        kept = [i for i, needed in enumerate(self.needed(keep)) if needed]
        for at, i in enumerate(kept):
            place[i] = at
        new.operations = [self.operations[i] for i in kept]
        new.operands = [tuple([place[j] for j in self.operands[i]]) for i in kept]
        new.shapes = [self.shapes[i] for i in kept]
        new.tensors = self.tensors and any(self.shapes[i] != () or self.operations[i].tensor for i in kept)
        new.constants = {place[i]: value for i, value in self.constants.items() if place[i] >= 0}
        new.inputs = {name: place[i] for name, i in self.inputs.items() if place[i] >= 0}
        new.names = {place[i]: name for i, name in self.names.items() if place[i] >= 0}
        return new, place

    def moving(self, i: int) -> tuple[int, ...]:
        """The operands of a node that are not places or classes."""
        operation, operands = self.operations[i], self.operands[i]
        if operation.place is None:
            return operands
        place = operation.place(*(self.shape(j) for j in operands))
        return tuple(j for k, j in enumerate(operands) if k != place)

    def dependents(self, sources: Sequence[int], held: bool = True) -> list[bool]:
        """For each node, whether it depends on one of the sources (themselves included).

        Args:
            sources: node numbers.
            held: whether dependence goes on through operations that hold their operand constant, and through operands
                that are places or classes.
        """
        reached = [False] * len(self)
        for i in sources:
            reached[i] = True
        if not held and self.tensors:
            for i in range(len(self)):
                moving = not self.operations[i].held and any(reached[j] for j in self.moving(i))
                reached[i] = reached[i] or moving
            return reached
        for i, operands in enumerate(self.operands):
            if not reached[i] and (held or not self.operations[i].held):
                for j in operands:
                    if reached[j]:
                        reached[i] = True
                        break
        return reached


MOST_AXES = 64  # of an array in NumPy


def _hold_axes(shape: Shape | None) -> None:
    if shape is not None and len(shape) > MOST_AXES:
        raise ShapeError(f"a tensor of {len(shape)} axes, and {MOST_AXES} are the most")
