"""A result as a circuit: gates and the wires between them, ready to be drawn; large ones folded.

Every drawing reads this, and this reads the report. Constants are part of their gates. A wire that goes to several
gates is a copy gate: every branch brings a part of the gradient, and the parts add up.
"""

from __future__ import annotations

from itertools import accumulate
from typing import NamedTuple

from .report import NodeRecord, Report
from .shapes import Shape
from .values import Value, shape_of

INPUT, GATE, FOLD = "input", "gate", "fold"
LONGEST = 400
"""Characters of the program that a drawing tells."""


class Entry(NamedTuple):
    """Where a wire ends at a gate.

    Attributes:
        source: the number of the gate that it comes from.
        gradient: what comes back by it; None where no gradient is asked for.
    """

    source: int
    gradient: Value | None


class Gate(NamedTuple):
    """A gate, an input, or a part of the circuit folded into a box.

    Attributes:
        kind: ``input``, ``gate`` or ``fold``.
        id: ``n1``, ``n2``, …; of a fold that of its last node.
        name: the input's, or what the program called it, or "".
        label: a name in any case.
        sign: what stands in it; "" for an input.
        text: its expression.
        pattern: how the gradient flows through it.
        shape, value: of its value.
        gradient: what arrives from above; None where none is asked for.
        entries: its operands, without constants.
        commutes: their order does not matter.
        size: how many nodes it stands for.
        uses: how many entries its wire goes to, those folded away too.
    """

    kind: str
    id: str
    name: str
    label: str
    sign: str
    text: str
    pattern: str
    shape: Shape
    value: Value
    gradient: Value | None
    entries: tuple[Entry, ...]
    commutes: bool
    size: int = 1
    uses: int = 0


class Circuit(NamedTuple):
    """Gates, each behind its sources; the last is the output.

    Attributes:
        expression: the program's text in one line, or its beginning.
        output: the output's name.
        gates: all that the output depends on.
        left_out: the nodes that it does not depend on.
        folded: how it was folded, in words, or "".
    """

    expression: str
    output: str
    gates: list[Gate]
    left_out: int = 0
    folded: str = ""


def circuit(report: Report) -> Circuit:
    """The circuit of a report, whose nodes are used up; it must have been asked for signs.

    A program that is one constant has one gate, without entries.
    """
    expression, name = _statements(report.expression), report.output_name
    records = list(report.nodes)
    number = {record.id: i for i, record in enumerate(records)}
    gates = [_gate(record, number) for record in records]
    if report.output not in number:
        return Circuit(expression, name, [_constant(name, report.value)], len(gates))
    output = number[report.output]
    kept = [False] * len(gates)
    kept[output] = True
    for i in range(output, -1, -1):
        if kept[i]:
            for entry in gates[i].entries:
                kept[entry.source] = True
    return Circuit(expression, name, _counted(_only(gates, kept)), len(gates) - sum(kept))


def _statements(text: str) -> str:
    """A program in one line, without its comments; of a long one the beginning."""
    lines = [line.partition("#")[0].strip().rstrip(";") for line in text[: 10 * LONGEST].splitlines()]
    whole = "; ".join(line for line in lines if line)
    return whole if len(whole) <= LONGEST else whole[: LONGEST - 1] + "…"


def _constant(name: str, value: Value) -> Gate:
    """The whole of a program that is one number."""
    return Gate(INPUT, "", name, name, "", name, "constant", shape_of(value), value, None, (), False)


def _gate(record: NodeRecord, number: dict[str, int]) -> Gate:
    gradients = {edge.k: edge.downstream for edge in record.inputs}
    leaf = record.operation == "input"
    return Gate(
        kind=INPUT if leaf else GATE,
        id=record.id,
        name=record.name if record.named else "",
        label=record.name,
        sign="" if leaf else record.sign,
        text=record.text,
        pattern=record.pattern,
        shape=record.shape,
        value=record.value,
        gradient=record.upstream,
        entries=tuple(Entry(number[j], gradients.get(k)) for k, j in enumerate(record.operands) if j),
        commutes=record.commutes,
    )


def _only(gates: list[Gate], kept: list[bool]) -> list[Gate]:
    """The gates that are kept, numbered anew; entries from others go."""
    number = list(accumulate(kept, initial=0))
    return [
        gate._replace(entries=tuple(e._replace(source=number[e.source]) for e in gate.entries if kept[e.source]))
        for gate, keep in zip(gates, kept, strict=True)
        if keep
    ]


def _counted(gates: list[Gate]) -> list[Gate]:
    """The gates with their uses counted."""
    uses = [0] * len(gates)
    for gate in gates:
        for entry in gate.entries:
            uses[entry.source] += 1
    return [gate._replace(uses=count) for gate, count in zip(gates, uses, strict=True)]


def folded(found: Circuit, most: float, depth: int | None = None, statements: bool = False) -> Circuit:
    """The circuit with at most so many gates, if that can be done.

    Args:
        found: the circuit.
        most: the most gates; a circuit with more is folded by statement, then by depth.
        depth: levels of gates from the output back that are shown, whatever their number.
        statements: every named statement becomes one box in any case.
    """
    count = len(found.gates)
    ways = []
    if statements or (depth is None and count > most and sum(bool(gate.name) for gate in _gates(found)) > 1):
        by_name = by_statement(found)
        if len(by_name.gates) < count:
            found, ways = by_name, ["every named statement is one box"]
    if depth is None and len(found.gates) > most:
        depth = _deepest(found, most)
    if depth is not None:
        cut = by_depth(found, depth)
        if len(cut.gates) < len(found.gates):
            levels = "1 level" if depth == 1 else f"{depth} levels"
            ways.append(f"what is behind the last {levels} of gates is in boxes")
            found = cut
    return found._replace(folded=", ".join(ways))


def told(whole: Circuit, drawn: Circuit, most: float, depth: int | None = None) -> list[str]:
    """What is not drawn of a circuit, in words; `most` and `depth` are those it was folded by."""
    notes = []
    if whole.left_out:
        count = whole.left_out
        are = "1 node is" if count == 1 else f"{count:,} nodes are"
        notes.append(f"{are} not drawn, on which {whole.output} does not depend")
    if drawn.folded and depth is None:
        count = len(whole.gates)
        more = f"; --limit drawn={count} draws all {count:,}" if count > most else ""
        notes.append(f"folded to {len(drawn.gates)} gates and inputs: {drawn.folded}{more}")
    return notes


def _gates(found: Circuit) -> list[Gate]:
    """The gates in the narrow sense, without the output."""
    return [gate for gate in found.gates[:-1] if gate.kind == GATE]


def by_statement(found: Circuit) -> Circuit:
    """Every named statement as one box: a gate that only gates of one statement use is part of it."""
    gates = found.gates
    uses: list[set[int]] = [set() for _ in gates]
    own = list(range(len(gates)))
    for i in range(len(gates) - 1, -1, -1):
        if gates[i].kind == GATE and not gates[i].name and len(uses[i]) == 1:
            own[i] = next(iter(uses[i]))
        for entry in gates[i].entries:
            uses[entry.source].add(own[i])
    sizes = [0] * len(gates)
    wires: list[dict[int, Value | None]] = [{} for _ in gates]
    for i, gate in enumerate(gates):
        sizes[own[i]] += gate.size
        for source, gradient in gate.entries:
            if own[source] != own[i]:
                before = wires[own[i]].get(source)
                wires[own[i]][source] = gradient if before is None else before + gradient
    made = [
        gate
        if sizes[i] == gate.size
        else gate._replace(
            kind=FOLD,
            sign="",
            pattern=f"{sizes[i]} gates",
            entries=tuple(Entry(source, gradient) for source, gradient in wires[i].items()),
            commutes=False,
            size=sizes[i],
        )
        for i, gate in enumerate(gates)
    ]
    return found._replace(gates=_counted(_only(made, [own[i] == i for i in range(len(gates))])))


def by_depth(found: Circuit, depth: int) -> Circuit:
    """So many levels of gates from the output back; what they use beyond is a box without its circuit."""
    gates = found.gates
    far, near = _distances(found)
    made = [
        gate._replace(kind=FOLD, sign="", pattern="folded", entries=(), commutes=False)
        if far[i] >= depth and gate.kind != INPUT
        else gate
        for i, gate in enumerate(gates)
    ]
    return found._replace(gates=_only(made, [near[i] < depth for i in range(len(gates))]))


def _distances(found: Circuit) -> tuple[list[int], list[int]]:
    """For every gate its longest way to the output, and the least of those of the gates that use it."""
    gates = found.gates
    far, near = [0] * len(gates), [len(gates)] * len(gates)
    near[-1] = -1
    for i in range(len(gates) - 1, -1, -1):
        for entry in gates[i].entries:
            far[entry.source] = max(far[entry.source], far[i] + 1)
            near[entry.source] = min(near[entry.source], far[i])
    return far, near


def _deepest(found: Circuit, most: float) -> int:
    """The most levels that have no more gates than allowed, and at least one level."""
    _, near = _distances(found)
    at = [0] * (len(near) + 1)
    for distance in near:
        at[max(distance, 0)] += 1
    depth = 0
    for count in accumulate(at):
        if count > most:
            break
        depth += 1
    return max(depth, 1)
