"""What value and gradient cost, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..conventions import Note
from ..cost import Cost, NodeCost
from ..operations.counts import Counts
from ..shapes import written
from .json import SCHEMA, encode, note_record
from .numbers import count, in_bytes
from .screen import Screen
from .table import FAINT, GRADIENT, NAME, VALUE, Page

KINDS = (
    ("×", "multiplications, divisions"),
    ("+", "additions, subtractions"),
    ("f", "function calls"),
    ("<", "comparisons"),
)
"""The signs of the four kinds of steps, in the order of `Counts`, and what they mean."""

LEFT = frozenset(("node", "expression", "shape", "pass", "Jacobian"))
STYLES = {"node": NAME, "shape": FAINT, "value": VALUE, "reverse": GRADIENT, "tangent": GRADIENT}

MOST_SHARED = 6
"""So many shared products are named in a sentence."""

MOST_INTEGER = 10**300
"""A larger integer is a text in JSON, where readers that make it a float would find infinity."""


def render(cost: Cost, screen: Screen, most: int, quiet: bool = False) -> str:
    """The steps node by node, in all, the Jacobians' bytes, and what follows.

    Args:
        cost: what was counted.
        screen: where it will be read; its width decides the layout.
        most: the most nodes and Jacobians shown; the rest is counted.
        quiet: only the steps in all.
    """
    page = Page(screen, None, 0, tensors=True)
    if not quiet:
        _nodes(page, cost, most)
    _passes(page, cost)
    if not quiet:
        _jacobians(page, cost, most)
        page.prose(sentences(cost))
    return page.text()


def _nodes(page: Page, cost: Cost, most: int) -> None:
    """A line per node that takes steps or carries a gradient, in the widest layout that fits."""
    nodes = [node for node in cost.nodes if node.edges or any(counts.total for counts in _counts(node))]
    if not nodes:
        return
    shown, rest = _ends(nodes, most)
    shared = {node.id for node in cost.shared}
    passes = zip(*map(_counts, shown), strict=True)
    columns = {
        "node": [node.name for node in shown],
        "expression": [node.text for node in shown],
        "shape": [written(node.shape) for node in shown] if any(node.shape for node in cost.nodes) else [],
        **dict(zip(("value", "reverse", "tangent"), map(aligned, passes), strict=True)),
        "shared by": [str(node.derivatives) if node.id in shared else "" for node in shown] if shared else [],
    }
    gates = [node.gate for node in shown]
    for layout in (columns, columns | {"expression": gates}, columns | {"expression": gates, "shape": []}):
        if _grid(page, layout, len(shown) - len(shown) // 2 if rest else -1, f"{rest:,} nodes not shown"):
            break
    else:
        _blocks(page, shown, shared, rest)
    page.line("")


def _counts(node: NodeCost) -> tuple[Counts, Counts, Counts]:
    return node.value, node.reverse, node.tangent


def _ends(items: Sequence[Any], most: int) -> tuple[Sequence[Any], int]:
    """The first and the last, and how many are left out between them."""
    if len(items) <= most:
        return items, 0
    return [*items[: most - most // 2], *items[len(items) - most // 2 :]], len(items) - most


def _grid(page: Page, columns: dict[str, list[str]], gap: int, left_out: str) -> bool:
    """Columns under their heads, if they fit; those that have nothing are left out."""
    heads = [head for head, column in columns.items() if any(column)]
    rows = [list(row) for row in zip(*[columns[head] for head in heads], strict=True)]
    if gap >= 0:
        rows.insert(gap, ["…", left_out, *[""] * (len(heads) - 2)])
    return page.grid(heads, rows, [STYLES.get(head, "") for head in heads], LEFT)


def _blocks(page: Page, nodes: Sequence[NodeCost], shared: set[str], rest: int) -> None:
    """For narrow screens: a block per node."""
    for at, node in enumerate(nodes):
        if rest and at == len(nodes) - len(nodes) // 2:
            page.line(f"… {rest:,} nodes not shown", FAINT)
        page.line(node.name if node.gate == node.name else f"{node.name} = {node.gate}", NAME)
        for head, counts in zip(("value", "reverse", "tangent"), _counts(node), strict=True):
            if counts.total:
                page.line(f"  {head} {told(counts)}", STYLES[head])
        if node.id in shared:
            page.line(f"  shared by {node.derivatives} derivatives", FAINT)


def told(counts: Counts) -> str:
    """``14× 3f``; ``0`` for nothing; behind a ``~`` where it is an estimate."""
    found = " ".join(f"{count(n)}{sign}" for n, (sign, _) in zip(counts, KINDS, strict=False) if n)
    return "~" * counts.estimated + (found or "0")


def aligned(column: Sequence[Counts]) -> list[str]:
    """Every entry as `told` says it, each kind of step below its like."""
    kinds = []
    for (sign, _), steps in zip(KINDS, zip(*[counts[:4] for counts in column], strict=True), strict=True):
        if any(steps):
            cells = [f"{count(n)}{sign}" if n else "" for n in steps]
            width = max(map(len, cells))
            kinds.append([f"{cell:>{width}}" for cell in cells])
    if not kinds:
        return [""] * len(column)
    lines = [" ".join(cells) for cells in zip(*kinds, strict=True)]
    if any(counts.estimated for counts in column):
        lines = [("~" if counts.estimated else " ") + line for counts, line in zip(column, lines, strict=True)]
    return lines


def _passes(page: Page, cost: Cost) -> None:
    """The value pass, and the whole Jacobian by either mode; what the signs mean."""
    rows = [("value", 1, cost.value)]
    if cost.inputs:
        rows += [("reverse sweep", 1, cost.reverse), ("tangent sweep", 1, cost.tangent)]
        name = "gradient" if cost.outputs == 1 else "Jacobian"
        if cost.outputs > 1:
            rows.append((f"{name}, reverse mode", cost.outputs, cost.all_reverse))
        rows.append((f"{name}, forward mode", cost.inputs, cost.all_tangent))
    kinds = [at for at in range(4) if any(counts[at] for _, _, counts in rows)]
    columns = {
        "pass": [name for name, _, _ in rows],
        "sweeps": ["" if name == "value" else count(sweeps) for name, sweeps, _ in rows],
        **{KINDS[at][0]: [count(counts[at]) for _, _, counts in rows] for at in kinds},
        "steps": ["~" * counts.estimated + count(counts.total) for _, _, counts in rows],
    }
    without = {head: column for head, column in columns.items() if head != "steps"}
    if not (_grid(page, columns, -1, "") or _grid(page, without, -1, "")):
        for name, sweeps, counts in rows:
            page.line(name + (f", {count(sweeps)} sweeps" if sweeps > 1 else ""), NAME)
            page.line(f"  {told(counts)}")
    signs = [f"{KINDS[at][0]} {KINDS[at][1]}" for at in kinds]
    if any(counts.estimated for _, _, counts in rows):
        signs.append("~ by the usual n³ formulas")
    if signs:
        page.line("; ".join(signs), FAINT)


def _jacobians(page: Page, cost: Cost, most: int) -> None:
    """What every Jacobian between tensors would take, and what is multiplied with instead."""
    found = [(node, edge) for node in cost.nodes for edge in node.edges if node.shape or edge.columns > 1]
    shown, rest = _ends(found, most)
    if found:
        page.line("")
        columns = {
            "Jacobian": [f"∂{node.name}/∂{edge.name}" for node, edge in shown],
            "rows × columns": [f"{count(edge.rows)} × {count(edge.columns)}" for _, edge in shown],
            "written out": [in_bytes(edge.explicit) for _, edge in shown],
            "numbers multiplied with": [in_bytes(edge.implicit) if edge.implicit else "none" for _, edge in shown],
        }
        gap = len(shown) - len(shown) // 2 if rest else -1
        if not _grid(page, columns, gap, f"{rest:,} more"):
            for row in zip(*columns.values(), strict=True):
                page.line(f"{row[0]}, {row[1]}", NAME)
                page.line(f"  written out {row[2]}")
                page.line(f"  numbers multiplied with {row[3]}")
    page.line("")
    if cost.inputs:
        shape = f"{count(cost.outputs)} × {count(cost.inputs)}"
        page.line(f"the whole {_derivative(cost)}, {shape}: {in_bytes(cost.jacobian)}")
    kept = f"; the reverse sweep needs {in_bytes(cost.kept)} of them again"
    page.line(f"all values: {in_bytes(cost.values)}" + kept * bool(cost.inputs))


def _derivative(cost: Cost) -> str:
    """``∂f/∂(x, y)``."""
    names = ", ".join(cost.wrt[:MOST_SHARED]) + ", …" * (len(cost.wrt) > MOST_SHARED)
    return f"∂{cost.output_name}/∂{names if len(cost.wrt) == 1 else f'({names})'}"


def sentences(cost: Cost) -> Iterator[str]:
    """Forward against reverse mode, and what is shared, in the numbers of this problem."""
    if not cost.inputs:
        yield "There is no derivative: the output depends on no input, or only by steps and places."
        return
    yield (
        f"One reverse sweep carries an upstream gradient from {cost.output_name} back to {_all(cost.inputs, 'input')}: "
        f"{_steps(cost.reverse)}. One tangent sweep carries a direction of the inputs on to "
        f"{_all(cost.outputs, 'output')}: {_steps(cost.tangent)}."
    )
    sides = {
        "reverse": (_many(cost.outputs, "sweep"), cost.all_reverse.total),
        "forward": (_many(cost.inputs, "sweep"), cost.all_tangent.total),
    }
    if cost.cheaper == "equal":
        yield f"All derivatives take {_many(cost.all_reverse.total, 'step')} in either mode."
    else:
        dearer = "forward" if cost.cheaper == "reverse" else "reverse"
        (sweeps, steps), (others, more) = sides[cost.cheaper], sides[dearer]
        factor = f" by a factor of {_factor(more, steps)}" if steps else ""
        yield (
            f"All derivatives take {sweeps} and {_many(steps, 'step')} in {cost.cheaper} mode, {others} and "
            f"{_many(more, 'step')} in {dearer} mode: {cost.cheaper} mode is cheaper{factor}."
        )
    yield from _crossover(cost)
    yield from _shared(cost)


def _crossover(cost: Cost) -> Iterator[str]:
    """From how many entries on the one mode is cheaper, and the other."""
    told = []
    for mode, n, what, start, other in (
        ("reverse", cost.outputs, "output", cost.reverse_from, "input"),
        ("forward", cost.inputs, "input", cost.forward_from, "output"),
    ):
        if start is not None:
            told.append(f"{mode} mode is cheaper for {_many(n, what)} from {_many(start, other)} on")
    if told:
        yield f"At these costs of a sweep, {', and '.join(told)}."


def _shared(cost: Cost) -> Iterator[str]:
    """The upstream gradients that several derivatives begin with, and what it would take to compute each anew."""
    if not cost.shared:
        return
    named = [node for node in cost.shared if node.assigned] or cost.shared
    shown = named[:MOST_SHARED]
    names = _and([f"∂{cost.output_name}/∂{node.name}" for node in shown])
    numbers = _and([count(node.derivatives) for node in shown])
    if len(shown) == len(cost.shared) == 1:
        yield f"One product is shared: {names}, which {numbers} derivatives begin with, is computed once."
    else:
        among = "" if len(shown) == len(cost.shared) else "among them "
        yield (
            f"{_many(len(cost.shared), 'product')} of local gradients are shared, {among}{names}, which {numbers} "
            f"derivatives begin with: each is computed once."
        )
    if cost.unshared > cost.reverse.multiplications:
        yield (
            f"Every derivative by itself, along each of its paths, would take {count(cost.unshared)} multiplications "
            f"in place of {count(cost.reverse.multiplications)}."
        )


def _and(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _steps(counts: Counts) -> str:
    multiplications = _many(counts.multiplications, "multiplication") if counts.multiplications else "no multiplication"
    return f"{'about ' * counts.estimated}{multiplications}, {_many(counts.total, 'step')} in all"


def _many(n: int, what: str) -> str:
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def _all(n: int, what: str) -> str:
    return f"the one {what}" if n == 1 else f"all {count(n)} {what}s"


def _factor(more: int, less: int) -> str:
    """How many times more, to two digits."""
    tenths = 10 * more // less
    return f"{tenths / 10:.1f}" if tenths < 100 else count(tenths // 10)


def render_json(cost: Cost) -> Iterator[str]:
    """One object, one node a line."""
    head = {
        "schema": SCHEMA,
        "expression": cost.expression,
        "shapes": {name: list(shape) for name, shape in cost.shapes.items()},
        "output": cost.output or None,
        "wrt": list(cost.wrt),
        "outputs": _integer(cost.outputs),
        "inputs": _integer(cost.inputs),
        "value": _record(cost.value),
        "reverse": _record(cost.reverse),
        "tangent": _record(cost.tangent),
        "steps": {"reverse": _integer(cost.all_reverse.total), "forward": _integer(cost.all_tangent.total)},
        "cheaper": cost.cheaper,
        "reverse_from_inputs": _integer(cost.reverse_from),
        "forward_from_outputs": _integer(cost.forward_from),
        "bytes": {
            "values": _integer(cost.values),
            "kept": _integer(cost.kept),
            "jacobian": _integer(cost.jacobian),
        },
        "multiplications_unshared": _integer(cost.unshared),
        "shared": [node.id for node in cost.shared],
    }
    yield encode(head)[:-1] + ',\n "nodes": ['
    for at, node in enumerate(cost.nodes):
        yield (",\n  " if at else "\n  ") + encode(_node(node))
    notes = [note_record(Note("reading", text), "") for text in cost.notes]
    yield "],\n " + encode({"notes": notes})[1:] + "\n"


def _node(node: NodeCost) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "operation": node.operation,
        "text": node.text,
        "shape": list(node.shape),
        "value": _record(node.value),
        "reverse": _record(node.reverse),
        "tangent": _record(node.tangent),
        "derivatives": node.derivatives,
        "kept": node.kept,
        "inputs": [
            {
                "id": edge.id,
                "rows": _integer(edge.rows),
                "columns": _integer(edge.columns),
                "multiplications": _integer(edge.multiplications),
                "bytes": _integer(edge.explicit),
                "implicit_bytes": _integer(edge.implicit),
            }
            for edge in node.edges
        ],
    }


def _record(counts: Counts) -> dict[str, Any]:
    return {
        "multiplications": _integer(counts.multiplications),
        "additions": _integer(counts.additions),
        "calls": _integer(counts.calls),
        "comparisons": _integer(counts.comparisons),
        "estimated": counts.estimated,
    }


def _integer(n: int | None) -> int | str | None:
    """An integer; as a text such as ``1.2e+345`` where no float is as large."""
    return n if n is None or n < MOST_INTEGER else count(n)
