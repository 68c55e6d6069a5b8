"""The steps of a sweep, one by one: what each node computes, and how the chain rule carries its gradient on.

The steps are plain data without a word of any language. Every number in them is one of the report's, and every rule is
the row's own, traced over the names of the nodes: a step needs the upstream gradient of its node, the node's rule and
the values of its operands, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import OptionError, nearest
from .formulas import UPSTREAM, Formula, downstream, local, plain, pushforward, value
from .graph import CONSTANT, INPUT
from .report import EdgeRecord, NodeRecord, Wanted, report
from .structure import alike
from .text import expressions, labels
from .values import Value, as_value, finite, is_tensor

if TYPE_CHECKING:
    from .api import Result
    from .conventions import Note
    from .graph import Graph
    from .operations import Operation
    from .shapes import Shape
    from .structure import Local

ROUTER = "gradient router"
PASSES = ("forward", "backward", "both")


class Contribution(NamedTuple):
    """A part of an upstream gradient, and the node that it comes from; "" for the output's own."""

    source: str
    value: Value


class Product(NamedTuple):
    """What a node hands down to one operand: local × upstream = downstream.

    Attributes:
        id, name: the operand.
        use: the operand's place, from 1, where the node uses it more than once; else 0.
        rule: the local gradient as a formula; None where it is no formula to be read, as at a router.
        carried: the downstream gradient as a formula over the upstream one, where there is no local gradient to
            multiply with.
        local: a number between scalars, else the structure of the Jacobian.
        downstream: the product.
        why: why it looks as it does: ``chosen``, ``not chosen`` or ``tied`` at a router, ``routed`` at one of entries;
            between tensors the kind of the structure, or the operation that carries the gradient back; else "".
        shape: the operand's shape, and the downstream gradient's.
    """

    id: str
    name: str
    use: int
    rule: Formula | None
    carried: Formula | None
    local: float | Local
    downstream: Value
    why: str
    shape: Shape


class ValueStep(NamedTuple):
    """A node's value, from those of its operands."""

    number: int
    id: str
    name: str
    formula: Formula
    value: Value
    shape: Shape
    notes: list[Note]


class GradientStep(NamedTuple):
    """The gradient that arrives at a node, and what the node hands down.

    Attributes:
        formula: what the node computes; None for an input.
        pattern: how the gradient flows through it.
        way: a special case of the pattern: ``equal``, ``swap``, ``constant``, ``exponent``, ``open``,
            ``closed``, or "".
        upstream: the gradient that arrives, the sum of the contributions.
        seed: the node is the output, where the sweep starts.
        notes: conventions that were used here.
    """

    number: int
    id: str
    name: str
    formula: Formula | None
    pattern: str
    way: str
    upstream: Value
    seed: bool
    contributions: list[Contribution]
    products: list[Product]
    shape: Shape
    notes: list[Note]


class Moved(NamedTuple):
    """What the tangent of one operand does to a node.

    Attributes:
        rule: the local gradient as a formula, between scalars.
        pushed: the node's differential as a formula over the operand's, between tensors.
        local, tangent: between scalars the numbers that are multiplied.
    """

    name: str
    rule: Formula | None
    pushed: Formula | None
    local: Any
    tangent: Any


class TangentStep(NamedTuple):
    """A node's derivative in forward mode: the sum over the operands that move.

    Attributes:
        tangents: its derivative by each input that moves it: one between scalars.
    """

    number: int
    id: str
    name: str
    moved: list[Moved]
    tangents: dict[str, Value]
    shape: Shape


class Omitted(NamedTuple):
    """Steps left out, because there are more than a limit allows."""

    steps: int


class Sweep(NamedTuple):
    """The tangent sweep of one input; of all inputs together between tensors, where `input` is ""."""

    input: str
    seed: Value
    steps: list[TangentStep | Omitted]


class Explanation(NamedTuple):
    """All steps of a result.

    Attributes:
        source: the program's text.
        given: the value of every input, data included.
        data: inputs that no gradient is asked for.
        output: the name of the node that was differentiated; `output_id` its id, "" for a constant.
        forward, backward, sweeps: the steps; a pass that was not asked for is None.
        raised, lowered, still: inputs that, raised or lowered, raise the output; inputs that do nothing here.
        formulas: between tensors the whole gradient as a formula, by input.
        notes: what a reader should know; `untold` are those that no step tells.
        names: every node's name, by number.
        values: every node's value, by number.
    """

    source: str
    given: dict[str, Value]
    data: list[str]
    output: str
    output_id: str
    mode: str
    forward: list[ValueStep | Omitted] | None
    backward: list[GradientStep | Omitted] | None
    sweeps: list[Sweep] | None
    value: Value
    seed: Value
    gradient: dict[str, Value]
    raised: list[str]
    lowered: list[str]
    still: list[str]
    formulas: dict[str, Formula]
    notes: list[Note]
    untold: list[Note]
    tensors: bool
    names: list[str]
    values: list[Value]


def explain(
    result: Result, which: str = "both", node: str | None = None, most: int = 1000, text: int = 80
) -> Explanation:
    """The steps of a result.

    Args:
        result: the result; its mode says whether gradients flow back or tangents on.
        which: the passes to explain: ``forward``, ``backward`` or ``both``.
        node: explain this node alone.
        most: the most nodes explained; those in the middle are left out.
        text: the most characters of a formula.

    Raises:
        OptionError: there is no such node or pass, or forward mode is asked for its backward pass.
    """
    if which not in PASSES:
        raise OptionError(f"a pass is one of {', '.join(PASSES)}, not {which!r}")
    if result.mode == "forward" and which == "backward":
        raise OptionError("forward mode has no backward pass", hint="leave out --pass, or --mode forward")
    graph = result.program.graph
    names = labels(graph, result.output)
    chosen = None if node is None else _chosen(graph, names, node)
    made = report(result, wanted=Wanted(text))
    steps = Steps(result, names, made.notes, most)
    first, last = most - most // 2, len(graph) - most // 2
    for record in made.nodes:
        wanted = record.node == chosen if node is not None else record.node < first or record.node >= last
        steps.take(record, wanted)
    raised, lowered, still = _directions(made.value, result.seed, made.gradient)
    reverse = result.mode == "reverse" and which != "forward"
    forward = None if which == "backward" else steps.forward()
    backward = steps.backward() if reverse else None
    explained = [step for step in (*(forward or ()), *(backward or ())) if not isinstance(step, Omitted)]
    told = {id(note) for step in explained for note in step.notes}
    return Explanation(
        source=made.expression,
        given=made.at,
        data=[name for name in graph.inputs if name not in made.gradient],
        output=made.output_name,
        output_id=made.output,
        mode=result.mode,
        forward=forward,
        backward=backward,
        sweeps=steps.sweeps() if result.mode == "forward" and which == "both" else None,
        value=made.value,
        seed=result.seed,
        gradient=made.gradient,
        raised=raised,
        lowered=lowered,
        still=still,
        formulas=_gradient_formulas(result, names, text) if reverse and len(graph) <= most else {},
        notes=made.notes,
        untold=[note for note in made.notes if id(note) not in told],
        tensors=graph.tensors,
        names=names,
        values=result.values,
    )


def _chosen(graph: Graph, names: list[str], name: str) -> int:
    """The number of the node of that name."""
    known = {label: i for i, label in enumerate(names) if graph.operations[i] is not CONSTANT}
    if name not in known:
        close = nearest(name, list(known)[:1000])
        hint = f"did you mean `{close}`?" if close else f"its nodes are: {', '.join(list(known)[:20])}"
        raise OptionError(f"the program has no node `{name}`", hint=hint)
    return known[name]


def _directions(output: Value, seed: Value, gradient: dict[str, Value]) -> tuple[list[str], list[str], list[str]]:
    """The scalar inputs to raise, and to lower, so that a scalar output rises; and those that do nothing."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    if not is_tensor(output) and finite(output) and seed:
        for name, g in gradient.items():
            if not is_tensor(g) and finite(g):
                found[2 if not g else 0 if (g > 0) == (seed > 0) else 1].append(name)
    return found


def _gradient_formulas(result: Result, names: list[str], limit: int) -> dict[str, Formula]:
    """Between tensors the gradient by each input as a formula over the nodes, where it is short and reads well.

    The reverse sweep writes it, over symbols.
    """
    from .transform.derivative import gradient

    if not result.program.graph.tensors or not (is_tensor(result.seed) or result.seed == 1):
        return {}
    graph = result.program.graph.copy()
    graph.names = {i: name for i, name in enumerate(names) if graph.operations[i] is not CONSTANT}
    derived = gradient(graph, result.output, result.wrt, result.ties).simplified()
    number = {name: i for i, name in graph.names.items()}
    whole = derived.graph
    leaves = {i: number.get(name, UPSTREAM) for i, name in whole.names.items() if i not in whole.constants}
    texts, readable = expressions(whole, whole.names, limit + 1), plain(whole, leaves)
    found = {}
    for name, root in derived.gradient.items():
        if readable[root] and len(texts[root]) <= limit:
            pruned, place = whole.pruned([root])
            own = {place[i]: node for i, node in leaves.items() if place[i] >= 0}
            found[name] = Formula(pruned, place[root], own)
    return found


class Steps:
    """The steps of a result, made from its records as they come."""

    def __init__(self, result: Result, names: list[str], notes: Sequence[Note], most: int) -> None:
        self.result = result
        self.graph = result.program.graph
        self.names = names
        self.notes: dict[int, list[Note]] = {}
        for note in notes:
            if note.node is not None:
                self.notes.setdefault(note.node, []).append(note)
        self.kept: list[tuple[NodeRecord, int, int]] = []
        self.rules: dict[tuple[int, int], Formula | None] = {}  # the same for every input that moves
        self.values = self.gradients = 0
        self.most = most

    def take(self, record: NodeRecord, wanted: bool) -> None:
        """Count the steps of a node, and keep its record if it is to be explained."""
        gate = record.operation != INPUT.name
        arrives = record.upstream is not None and bool(record.contributions or not gate)
        self.values += gate
        self.gradients += arrives
        if wanted:
            self.kept.append((record, self.values if gate else 0, self.gradients if arrives else 0))

    def forward(self) -> list[ValueStep | Omitted]:
        """The values, in order of evaluation."""
        steps = [
            ValueStep(
                number=number,
                id=record.id,
                name=record.name,
                formula=value(self.graph, record.node),
                value=record.value,
                shape=record.shape,
                notes=[note for note in self.notes.get(record.node, ()) if note.code == "not-finite"],
            )
            for record, number, _ in self.kept
            if number
        ]
        return with_gaps(steps)

    def backward(self) -> list[GradientStep | Omitted]:
        """The gradients, in the order in which they reach the nodes."""
        after = self.values + self.gradients + 1
        return with_gaps([self.gradient(record, after - rank) for record, _, rank in reversed(self.kept) if rank])

    def gradient(self, record: NodeRecord, number: int) -> GradientStep:
        """The step of one node."""
        gate = record.operation != INPUT.name
        products = [self.product(record, edge) for edge in record.inputs]
        return GradientStep(
            number=number,
            id=record.id,
            name=record.name,
            formula=value(self.graph, record.node) if gate else None,
            pattern=record.pattern,
            way=way_of(self.graph.gate(record.node), record.inputs, products),
            upstream=record.upstream,
            seed=record.node == self.result.output,
            contributions=list(map(Contribution, record.sources, record.contributions)),
            products=products,
            shape=record.shape,
            notes=[note for note in self.notes.get(record.node, ()) if note.code != "not-finite"],
        )

    def product(self, record: NodeRecord, edge: EdgeRecord) -> Product:
        """What one edge hands down, and why."""
        i, k = record.node, edge.k
        operands = self.graph.operands[i]
        operation = self.graph.operations[i]
        number = isinstance(edge.local, float)
        rule = carried = None
        if record.pattern == ROUTER and number:
            why = {1.0: "chosen", 0.0: "not chosen"}.get(edge.local, "tied")  # type: ignore[arg-type]
        else:
            hidden = operation.told or record.pattern == ROUTER
            rule = None if hidden else local(self.graph, i, k, self.result.ties)
            why = "" if isinstance(edge.local, float) else edge.local.kind
        if why == "broadcast" or not (number or edge.local.factor is not None):  # type: ignore[union-attr]
            rule, carried = None, downstream(self.graph, i, k, self.result.ties)
            why = "routed" if record.pattern == ROUTER else why if why == "broadcast" else carried.operation.name
        return Product(
            id=edge.id,
            name=edge.name,
            use=k + 1 if operands.count(operands[k]) > 1 else 0,
            rule=rule,
            carried=carried,
            local=edge.local,
            downstream=edge.downstream,
            why=why,
            shape=self.graph.shape(operands[k]),
        )

    def sweeps(self) -> list[Sweep]:
        """Forward mode: a sweep for every input, one after the other."""
        if self.graph.tensors:
            steps, _ = self.sweep(list(self.result.tangents), self.values)
            return [Sweep("", 1.0, steps)]
        found: list[Sweep] = []
        number, room = self.values, self.most
        for name in self.result.tangents:
            steps, number = self.sweep([name], number, room)
            room -= sum(isinstance(step, TangentStep) for step in steps)
            found.append(Sweep(name, self.result.seed, steps))
        return found

    def sweep(self, inputs: list[str], number: int, room: int | None = None) -> tuple[list[TangentStep | Omitted], int]:
        """The steps of the nodes that these inputs move, as many as there is room for, and the number of the last."""
        kept = {record.node: record for record, rank, _ in self.kept if rank}
        tangents = self.result.tangents
        steps: list[TangentStep] = []
        left_out = 0
        for i, edges in enumerate(self.result.edges):
            moving = [edge for edge in edges if any(tangents[name][edge.operand] is not None for name in inputs)]
            if not moving:
                continue
            number += 1
            if room is not None and len(steps) == room:
                left_out += 1
            elif i in kept:
                moved = [self.moved(i, edge, inputs[0]) for edge in moving]
                own = {name: t for name in inputs if (t := tangents[name][i]) is not None}
                steps.append(
                    TangentStep(number, kept[i].id, self.names[i], moved, self.plain(own), self.graph.shape(i))
                )
        return [*with_gaps(steps), *([Omitted(left_out)] if left_out else [])], number

    def plain(self, tangents: dict[str, Any]) -> dict[str, Value]:
        return {name: as_value(t) if self.graph.tensors else t for name, t in tangents.items()}

    def moved(self, i: int, edge: Any, name: str) -> Moved:
        """The part of a node's tangent that one operand makes."""
        ties = self.result.ties
        if self.graph.tensors:
            return Moved(self.names[edge.operand], None, pushforward(self.graph, i, edge.k, ties), None, None)
        routed = self.graph.operations[i].pattern == ROUTER
        if not routed and (i, edge.k) not in self.rules:
            self.rules[i, edge.k] = local(self.graph, i, edge.k, ties)
        rule = None if routed else self.rules[i, edge.k]
        tangent = self.result.tangents[name][edge.operand]
        return Moved(self.names[edge.operand], rule, None, edge.local, tangent)


def with_gaps(steps: Sequence[Any]) -> list[Any]:
    """The steps, with a word of those left out where their numbers jump."""
    found: list[Any] = []
    for step in steps:
        missing = step.number - found[-1].number - 1 if found else 0
        if missing:
            found.append(Omitted(missing))
        found.append(step)
    return found


def way_of(operation: Operation, edges: list[EdgeRecord], products: list[Product]) -> str:
    """The special case of a pattern, as the local gradients show it."""
    pattern = operation.pattern
    locals_ = {p.local if isinstance(p.local, float) else _same(p.local) for p in products}
    if not products:
        return ""
    if pattern == "gradient distributor" and locals_ == {1.0}:
        return "equal"
    if pattern == "swap multiplier":
        if all(p.rule is not None and p.rule.leaf is not None for p in products):
            return "swap"
        if all(p.rule is not None and not p.rule.leaves for p in products):
            return "constant"
    if pattern in ("gradient switch", "gradient blocker") and len(locals_) == 1:
        return {1.0: "open", 0.0: "closed"}.get(locals_.pop(), "")  # type: ignore[arg-type]
    if operation.name == "reciprocal":
        return "reciprocal"
    if pattern == "quotient rule" and len(edges) == 1:
        return "denominator" if edges[0].k else "numerator"
    if pattern == "power rule" and operation.form and any(edge.k for edge in edges):
        return "exponent"
    return ""


def _same(structure: Local) -> float | None:
    return None if structure.factor is None else alike(structure.factor)
