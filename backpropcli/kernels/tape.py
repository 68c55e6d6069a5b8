"""A graph on tensors made ready to be evaluated again and again: all that can be known beforehand is.

Shapes are known, so the memory of every value is given out once, and to another value when nobody reads it any more; a
view, such as a transpose or a slice, is made once; a step is a NumPy function with its operands and the place of its
result. At a new point the inputs are copied in, and the list is run down: 0.1 µs per step beside NumPy's own time.

NumPy reports every infinity and NaN that comes up in its own functions; results that it does not watch are added up. A
tape that meets one gives up, for what a gradient is there is more than arithmetic, and the sweeps know it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..graph import CONSTANT, INPUT, Graph
from ..operations import Operation
from ..shapes import Axis, Shape, axes_of, reduced, size
from .arrays import TRUTHS, UFUNCS, Arrays
from .buffers import BUFFERS
from .tensors import spelled, whole

SMALL = 8192
"""Entries: an input up to this size is copied into the tape, a result up to this size out of it."""

WIDE = 4096
"""Entries: from here on the sum of products is left to a function that never writes the products down."""


def larger(x: Any, y: Any, out: Any) -> None:
    np.maximum(x, y, out=out)


def smaller(x: Any, y: Any, out: Any) -> None:
    np.minimum(x, y, out=out)


ELEMENTWISE: dict[str, Callable[..., Any]] = {**UFUNCS, **TRUTHS, "max": larger, "min": smaller}
REDUCTIONS: dict[str, Callable[..., Any]] = {"sum": np.add.reduce, "amax": np.maximum.reduce, "amin": np.minimum.reduce}
VIEWS = frozenset(("reshape", "transpose", "index", "full", "diag", "stop_gradient"))


NOTHING: Mapping[str, Any] = {}


class NotFinite(ArithmeticError):
    """A value on the tape is infinite or NaN."""


class Tape:
    """The values of some nodes of a graph, at one point after another.

    A tape serves one thread at a time.

    Args:
        F: the arrays that the values are.
        graph: all its shapes known.
        outputs: the nodes whose values are wanted.
        fixed: inputs that are the same at every point, and their values.
    """

    def __init__(self, F: Arrays, graph: Graph, outputs: Sequence[int], fixed: Mapping[str, Any] = NOTHING) -> None:
        self.outputs = list(outputs)
        with np.errstate(all="ignore"):
            plan = _Plan(F, graph, self.outputs, fixed)
            plan.write()
        moving = {name: i for name, i in graph.inputs.items() if plan.needed[i] and name not in fixed}
        self.steps, self.values = plan.steps, plan.values
        self.copied = {name: i for name, i in moving.items() if i not in plan.late}
        self.bound = {name: i for name, i in moving.items() if i in plan.late}
        self.fresh = [i for i in plan.late if graph.operations[i] is not INPUT]
        self.late, self.shapes, self.root = plan.late, graph.shapes, plan.root
        self.looked_at = [i for i in moving.values() if i not in plan.vouched]
        for i in self.late:
            self._bind(i, None)

    def __call__(self, at: Mapping[str, Any]) -> list[Any]:
        """The values of the outputs: floats, or arrays of their own.

        Args:
            at: a float or an array of float64 for every input, in its shape.

        Raises:
            NotFinite: an input, or a value on the way, is not finite.
        """
        for name, i in self.copied.items():
            self.values[i][...] = at[name]
        for name, i in self.bound.items():
            self._bind(i, at[name])
        for i in self.fresh:
            shape = self.shapes[i] or ()
            array = BUFFERS.array(shape)
            self._bind(i, np.empty(shape) if array is None else array)
        try:
            with np.errstate(over="raise", divide="raise", invalid="raise"):
                if not math.isfinite(sum([np.add.reduce(self.values[i], axis=None) for i in self.looked_at])):
                    raise NotFinite
                for function, arguments in self.steps:
                    function(*arguments)
            return self._results()
        except FloatingPointError:
            raise NotFinite from None
        finally:
            for i in self.late:
                self._bind(i, None)

    def _bind(self, i: int, array: Any) -> None:
        """Put an array in the place of a late value, and its views where they are used."""
        values = self.values
        for node, of, view, uses in self.late[i]:
            values[node] = array if of < 0 or array is None else view(values[of])
            for arguments, k in uses:
                arguments[k] = values[node]

    def _results(self) -> list[Any]:
        """Arrays that nothing else refers to."""
        found: list[Any] = []
        given = set()
        for i in self.outputs:
            value, root = self.values[i], self.root[i]
            own = root in self.fresh and root not in given and value.flags.writeable
            given.add(root)
            found.append((value if own else value.copy()) if value.ndim else float(value))
        return found


Use = tuple[list[Any], int]
"""A list of arguments, and a place in it."""


class _Plan:
    """Who writes where, and in which order.

    Attributes:
        values: the array of every node, or its place.
        steps: the functions to call, with their arguments.
        vouched: inputs that are finite if the product of matrices is, which is looked at anyway.
        late: large inputs and results, whose arrays differ from point to point: for the node itself and every view of
            it the node it is a view of, the function that makes it, and where it is an argument.
    """

    def __init__(self, F: Arrays, graph: Graph, outputs: Sequence[int], fixed: Mapping[str, Any]) -> None:
        self.F = F
        self.fixed = fixed
        self.graph = graph
        self.outputs = set(outputs)
        self.results: set[int] = set()
        self.needed = graph.needed(outputs)
        self.moving = graph.dependents([i for name, i in graph.inputs.items() if name not in fixed])
        self.values: list[Any] = [None] * len(graph)
        self.steps: list[tuple[Callable[..., Any], list[Any]]] = []
        self.late: dict[int, list[tuple[int, int, Callable[..., Any], list[Use]]]] = {}
        self.vouched: set[int] = set()
        self.uses: list[list[Use]] = [[] for _ in self.values]
        self.free: dict[int, list[Any]] = {}
        self.readers: list[list[int]] = [[] for _ in self.values]
        for i, operands in enumerate(graph.operands):
            if self.needed[i]:
                for j in operands:
                    self.readers[j].append(i)
        self.fused = self._fused()
        self.root = self._roots()
        self.results = {self.root[i] for i in outputs}
        self.last = self._last()

    def shape(self, i: int) -> Shape:
        return self.graph.shape(i)

    def _fused(self) -> dict[int, int]:
        """Sums of products whose products nobody else reads, and those products."""
        found = {}
        for i, operation in enumerate(self.graph.operations):
            if operation.name == "sum" and self.needed[i] and self.moving[i]:
                (j,) = self.graph.operands[i]
                alone = self.readers[j] == [i] and j not in self.outputs and len(self.shape(j)) < 20
                alone = alone and self.graph.operations[j].name in ("mul", "square")
                if alone and (size(self.shape(j)) >= WIDE or self._dotted(i, j)):
                    found[i] = j
        return found

    def _dotted(self, i: int, product: int) -> bool:
        """Whether a sum of products is that of rows with one vector, a product of matrices."""
        shapes = [self.shape(j) for j in self.graph.operands[product]]
        shapes = shapes if len(shapes) == 2 else shapes * 2
        axes = axes_of(self.shape(product), self.graph.operations[i].attributes["axis"])
        last = axes == (len(self.shape(product)) - 1,)
        return last and min(map(len, shapes)) == 1 and all(s and s[-1] == shapes[0][-1] for s in shapes)

    def _roots(self) -> list[int]:
        """For every node the one in whose memory its value lies: itself, or what it is a view of.

        Whether NumPy can reshape without a copy is found out on arrays without content.
        """
        graph = self.graph
        content = np.empty(max([size(self.shape(i)) for i in range(len(graph))], default=0))

        def blank(i: int) -> Any:
            return content[: size(self.shape(i))].reshape(self.shape(i))

        root = list(range(len(graph)))
        arrays: list[Any] = [None] * len(graph)
        for i, operation in enumerate(graph.operations):
            if not self.needed[i]:
                continue
            if operation.name in VIEWS and self.moving[i]:
                (j,) = graph.operands[i]
                array = self._viewed(operation)(arrays[j])
                if np.may_share_memory(array, content):
                    arrays[i], root[i] = array, root[j]
                    continue
            arrays[i] = blank(i)
        return root

    def _viewed(self, operation: Operation) -> Callable[[Any], Any]:
        if operation.name == "index":  # with an ellipsis, what has no axes left is a view as well
            key = (*spelled(operation.attributes["key"]), ...)
            return lambda x: x[key]
        return self.F.kernels[operation.key]

    def _last(self) -> list[int]:
        """For every root the last node that reads its memory; the end for results."""
        last = list(range(len(self.root)))
        for i, operands in enumerate(self.graph.operands):
            if self.needed[i]:
                for j in operands:
                    last[self.root[j]] = max(last[self.root[j]], i)
        for i, j in self.fused.items():
            for k in self.graph.operands[j]:
                last[self.root[k]] = max(last[self.root[k]], i)
        for i in self.outputs:
            last[self.root[i]] = len(last)
        return last

    def write(self) -> None:
        graph = self.graph
        inside = set(self.fused.values())
        for i, operation in enumerate(graph.operations):
            if not self.needed[i] or i in inside:
                continue
            shape, operands = self.shape(i), graph.operands[i]
            if operation is CONSTANT:
                self.values[i] = np.asarray(self.F.constant(graph.constants[i]))
            elif operation is INPUT and graph.names[i] in self.fixed:
                self.values[i] = np.array(self.fixed[graph.names[i]])
            elif operation is INPUT:
                if size(shape) > SMALL:
                    self._make_late(i)
                else:
                    self.values[i] = np.empty(shape)
            elif not self.moving[i]:
                kernel = self.F.kernels[operation.key]
                self.values[i] = np.asarray(kernel(*[self.values[j] for j in operands]), dtype=np.float64)
            elif self.root[i] != i:
                self._view(i, operation, operands[0])
            else:
                self._step(i, operation, operands)
        self.free.clear()

    def _make_late(self, i: int) -> None:
        self.values[i] = np.empty(self.shape(i))
        self.late[i] = [(i, -1, np.asarray, self.uses[i])]

    def _view(self, i: int, operation: Operation, j: int) -> None:
        kernel = self._viewed(operation)
        self.values[i] = kernel(self.values[j])
        if self.root[i] in self.late:
            self.late[self.root[i]].append((i, j, kernel, self.uses[i]))

    def _step(self, i: int, operation: Operation, operands: tuple[int, ...]) -> None:
        name = operation.name
        product = self.fused.get(i)
        if product is not None:
            a, *rest = self.graph.operands[product]
            operands = (a, *rest) if rest else (a, a)
        if i in self.results and size(self.shape(i)) > SMALL:
            self._make_late(i)
        else:
            self.values[i] = self._memory(i, operands if name in ELEMENTWISE and len(operands) < 3 else ())
        if product is not None:
            axes = operation.attributes["axis"]
            shape = reduced(self.shape(product), axes)
            if self._dotted(i, product):
                self._add(dotted, i, sorted(operands, key=lambda j: -len(self.shape(j))), shape)
            else:
                self._add(contract, i, operands, self._letters(product, axes), shape)
            self._watch(i)
        elif name in ELEMENTWISE and len(operands) < 3:
            self._add_last(ELEMENTWISE[name], i, operands)
        elif name in REDUCTIONS and self.shape(operands[0]):
            attributes = operation.attributes
            axes = axes_of(self.shape(operands[0]), attributes["axis"])
            self.steps.append((REDUCTIONS[name], [None, axes, None, None, attributes["keepdims"]]))
            self._use(operands[0], 0)
            self._use(i, 3)
        elif name == "matmul":
            self._add_last(np.matmul, i, operands)
            self._watch(i)
            if size(self.shape(i)):
                self.vouched |= {
                    self.root[j] for j in operands if size(self.shape(j)) == size(self.shape(self.root[j]))
                }
        elif name == "outer":
            self._add(crossed, i, operands)
        elif name == "where":
            self._add(choose, i, operands)
        elif name in ("take", "put") and not self.moving[operands[1]]:
            self._moved(i, operation, operands)
        elif name == "scatter":
            key = spelled(operation.attributes["key"])
            self._add(scattered, i, operands, key)
        else:
            self._generic(i, operation, operands)
        for j in {self.root[j] for j in operands}:
            if self._dies(j, i):
                array = self.values[j].reshape(-1)
                self.free.setdefault(array.size, []).append(array)

    def _memory(self, i: int, operands: Sequence[int]) -> Any:
        """An array for the value of a node: that of an operand which nobody reads afterwards, or a free one."""
        shape = self.shape(i)
        for j in operands:
            others = [k for k in operands if k != j]
            alone = self.root[j] == j and all(self.root[k] != j for k in others)
            if alone and self.shape(j) == shape and self._dies(j, i):
                self.last[j] = -1
                return self.values[j]
        free = self.free.get(size(shape))
        return (free.pop() if free else np.empty(size(shape))).reshape(shape)

    def _dies(self, j: int, i: int) -> bool:
        """Whether node i is the last to read the memory of root j, which may then hold something else."""
        leaf = self.graph.operations[j] is INPUT or not self.moving[j]
        return self.last[j] == i and not leaf and j not in self.late

    def _add(self, function: Callable[..., Any], i: int, operands: Sequence[int], *rest: Any) -> None:
        """The step ``function(result, *rest, *operands)``."""
        self.steps.append((function, [None, *rest, *[None] * len(operands)]))
        self._use(i, 0)
        for k, j in enumerate(operands, 1 + len(rest)):
            self._use(j, k)

    def _add_last(self, function: Callable[..., Any], i: int, operands: Sequence[int]) -> None:
        """The step ``function(*operands, result)``."""
        self.steps.append((function, [None] * (len(operands) + 1)))
        for k, j in enumerate((*operands, i)):
            self._use(j, k)

    def _use(self, j: int, k: int) -> None:
        """Node j is argument k of the last step."""
        arguments = self.steps[-1][1]
        arguments[k] = self.values[j]
        if self.root[j] in self.late:
            self.uses[j].append((arguments, k))

    def _watch(self, i: int) -> None:
        self._add(watched, i, ())

    def _letters(self, product: int, axes: Axis) -> str:
        """The sum of products as `numpy.einsum` writes it."""
        shape = self.shape(product)
        letters = "abcdefghijklmnopqrst"[: len(shape)]
        gone = axes_of(shape, axes)
        terms = [letters[len(shape) - len(self.shape(j)) :] for j in self.graph.operands[product]]
        terms = terms if len(terms) == 2 else terms * 2
        return f"{terms[0]},{terms[1]}->{''.join(c for a, c in enumerate(letters) if a not in gone)}"

    def _generic(self, i: int, operation: Operation, operands: tuple[int, ...]) -> None:
        self._add(stored, i, operands, self.F.kernels[operation.key])
        self._watch(i)

    def _moved(self, i: int, operation: Operation, operands: tuple[int, ...]) -> None:
        """What takes from places, or puts there, that are known beforehand."""
        x, at = operands
        name = operation.name
        length = self.shape(x if name == "take" else i)[0]
        places, valid = whole(self.values[at], length)
        places = places % max(length, 1)
        if not valid.all():
            self._generic(i, operation, operands)
        elif name == "take":
            self._add(taken, i, (x,), places)
        else:
            self._add(placed if np.unique(places).size == places.size else added, i, (x,), places)


def watched(x: Any) -> None:
    if not math.isfinite(np.add.reduce(x, axis=None)):
        raise NotFinite


def stored(out: Any, kernel: Callable[..., Any], *operands: Any) -> None:
    out[...] = kernel(*operands)


def choose(out: Any, condition: Any, x: Any, y: Any) -> None:
    np.copyto(out, np.where(condition, x, y))


def crossed(out: Any, x: Any, y: Any) -> None:
    np.multiply(x[:, None], y, out)


def contract(out: Any, letters: str, shape: Shape, x: Any, y: Any) -> None:
    np.einsum(letters, x, y, out=out.reshape(shape))


def dotted(out: Any, shape: Shape, x: Any, y: Any) -> None:
    np.matmul(x, y, out.reshape(shape))


def taken(out: Any, places: Any, x: Any) -> None:
    np.take(x, places, 0, out, "clip")


def placed(out: Any, places: Any, x: Any) -> None:
    out.fill(0.0)
    out[places] = x


def added(out: Any, places: Any, x: Any) -> None:
    out.fill(0.0)
    np.add.at(out, places, x)


def scattered(out: Any, key: Any, x: Any) -> None:
    out.fill(0.0)
    out[key] = x
