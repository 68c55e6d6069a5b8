"""Graph to text: what a node computes, in the language itself, within a bound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .graph import CONSTANT, INPUT, Graph
from .operations import OPERATIONS, Operation
from .operations.table import ATOM, COMPARISON, NOT, OR, POWER, PRODUCT, SIGN, SUM

MOST_ENTRIES = 16


def number(value: float) -> str:
    """A float as the language reads it back, without a trailing ``.0``."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def constant(value: Any, most: float = MOST_ENTRIES) -> str:
    """A constant as the language reads it back; of a tensor of more than `most` entries the first."""
    if isinstance(value, float):
        return number(value)
    pieces: list[str] = []
    left: list[Any] = [value]
    shown = 0
    while left and shown <= most:  # a walk with its own stack: literals may be nested as deeply as one likes
        item = left.pop()
        if isinstance(item, str):
            pieces.append(item)
        elif isinstance(item, float):
            pieces.append(number(item))
            shown += 1
        else:
            left.append("]")
            for at, part in enumerate(reversed(item)):
                left += [part] if at == len(item) - 1 else [part, ", "]
            left.append("[")
    return "".join(pieces) + ("…" if left else "")


def labels(graph: Graph, output: int = -1) -> list[str]:
    """A name for every node: the assigned one, else ``n`` and its number among the nodes that are no constants.

    An output without a name is ``f``, where the program has no other. A name assigned more than once belongs to the
    last of its nodes, as in the program; the earlier ones are ``c_1``, ``c_2``. No two nodes have one name.
    """
    taken = set(graph.names.values())
    names = dict(graph.names)
    if output >= 0 and output not in names and "f" not in taken:
        names[output] = "f"
    last = {name: i for i, name in names.items() if graph.operations[i] is not CONSTANT}
    prefix = "n"
    while any(_numbered(name, prefix) for name in taken):
        prefix += "_"
    found: list[str] = []
    earlier: dict[str, int] = {}
    count = 0
    for i, operation in enumerate(graph.operations):
        name = names.get(i)
        if operation is CONSTANT:
            found.append(name or constant(graph.constants[i]))
            continue
        count += 1
        if name is None:
            name = f"{prefix}{count}"
        elif last[name] != i:
            again = name
            while again in taken:
                earlier[name] = earlier.get(name, 0) + 1
                again = f"{name}_{earlier[name]}"
            taken.add(again)
            name = again
        found.append(name)
    return found


def ids(graph: Graph) -> list[str]:
    """``n1``, ``n2``, … for the nodes that are no constants, "" for those."""
    found, count = [], 0
    for operation in graph.operations:
        count += operation is not CONSTANT
        found.append("" if operation is CONSTANT else f"n{count}")
    return found


def _numbered(name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name[len(prefix) :].isdigit()


def expressions(graph: Graph, names: Mapping[int, str], limit: float = 80) -> list[str]:
    """The expression of every node, of at most `limit` characters.

    Args:
        graph: the graph.
        names: nodes that stand for themselves, by the name they have, wherever they are operands.
        limit: longer expressions end in ``…``.
    """
    own: list[str] = []
    used: list[str] = []
    binding: list[int] = []
    for i in range(len(graph)):
        text, tightness = expression(graph, i, names, used, binding)
        own.append(text if len(text) <= limit else text[: int(limit) - 1] + "…")
        named = names.get(i)
        used.append(own[-1] if named is None else named)
        leaf = graph.operations[i] is CONSTANT
        binding.append(tightness if named is None or leaf else tightness_of(named))
    return own


def expression(
    graph: Graph,
    i: int,
    names: Mapping[int, str],
    used: Sequence[str],
    binding: Sequence[int],
    entries: float = MOST_ENTRIES,
) -> tuple[str, int]:
    """What one node computes, as the language reads it, and how tightly that binds.

    Args:
        graph: the graph.
        i: the node.
        names: the names of leaves.
        used: the text of every node before it, as an operand.
        binding: how tightly each of these binds.
        entries: of a tensor constant with more entries the first.
    """
    operation, operands = graph.operations[i], graph.operands[i]
    if operation is INPUT:
        return names.get(i, graph.names[i]), ATOM
    if operation is CONSTANT:
        text = names.get(i) or constant(graph.constants[i], entries)
        return text, SIGN if text.startswith("-") else ATOM
    if operation.attributes:
        return _with_attributes(operation, [used[j] for j in operands], [binding[j] for j in operands]), ATOM
    if operation.name == "take" and operands[1] not in graph.constants:  # x[2] would be an index
        x, at = (used[j] for j in operands)
        return f"{x if binding[operands[0]] == ATOM else f'({x})'}[{at}]", ATOM
    if operation.form:
        texts = [
            f"({used[j]})" if needs_brackets(operation, k, binding[j]) else used[j] for k, j in enumerate(operands)
        ]
        return operation.form.format(*texts), operation.binding
    return f"{operation.written}({', '.join([used[j] for j in operands])})", ATOM


def _with_attributes(operation: Operation, operands: list[str], binding: list[int]) -> str:
    """What carries attributes: an index, a tensor of expressions, a call with keywords."""
    arguments = operation.arguments(OPERATIONS[operation.name].attributes)
    if operation.name == "index":
        (x,) = operands
        return f"{x if binding[0] == ATOM else f'({x})'}{arguments[0].removeprefix('key=')}"
    if operation.name == "stack" and not arguments:
        return f"[{', '.join(operands)}]"
    if operation.name == "transpose" and not arguments:
        (x,) = operands
        return f"{x if binding[0] == ATOM else f'({x})'}ᵀ"
    return f"{operation.written}({', '.join([*operands, *arguments])})"


HOLE = "·"
"""Where an operand goes."""


def sign(graph: Graph, i: int, names: list[str], limit: int = 20) -> str:
    """What stands in the gate of a node: its sign or its word, with the constants that are part of it.

    Such as ``×``, ``+1``, ``×2``, ``1/·``, ``exp``, ``max(0, ·)`` or ``[0]``. An operand in front goes without saying.

    Args:
        graph: the graph.
        i: the node.
        names: of all nodes, as `labels` gives them.
        limit: longer signs end in ``…``.
    """
    operation, operands = graph.operations[i], graph.operands[i]
    constants = [graph.operations[j] is CONSTANT for j in operands]
    parts = [names[j] if part else HOLE for j, part in zip(operands, constants, strict=True)]
    if operation.attributes:
        text = _with_attributes(operation, parts, [ATOM] * len(parts))
        text = operation.written if text == f"{operation.written}({', '.join(parts)})" else text
        found = text[1:] if text.startswith((HOLE + "[", HOLE + "ᵀ")) else text
    elif not any(constants):
        found = operation.sign
    elif len(parts) == 2 and operation.form:
        x, y = (f"({part})" if part.startswith("-") and operation.binding < PRODUCT else part for part in parts)
        x, y = (HOLE, x) if operation.commutes and y == HOLE else (x, y)
        space = " " if operation.sign.isalpha() or (x != HOLE and " " in operation.form) else ""
        found = space.join([x, operation.sign, y]).removeprefix(HOLE + space)
    elif operation.form:
        found = operation.form.format(*parts)
    else:
        found = f"{operation.written}({', '.join(parts)})"
    return found if len(found) <= limit else found[: limit - 1] + "…"


def expression_of(graph: Graph, i: int, limit: int = 60) -> str:
    """The expression of one node, by the names of its named operands."""
    names = labels(graph)
    return expressions(graph, {j: names[j] for j in graph.names if j != i}, limit)[i]


def tightness_of(name: str) -> int:
    """How tightly a name binds: a negative number in its place is written in brackets, as in 3*(-4)."""
    return OR if name.startswith("-") else ATOM


def needs_brackets(operation: Operation, k: int, tightness: int) -> bool:
    """Whether operand k, whose own form binds as tightly as given, is written in brackets."""
    binding = operation.binding
    if not operation.form.startswith("{}"):  # a prefix: -x, not x
        return tightness < binding or (tightness == binding and binding != NOT)
    if k == 0:
        return tightness < binding or (tightness == binding and binding in (COMPARISON, POWER))
    if operation.right:
        return tightness < SIGN
    return tightness <= binding or (tightness == SIGN and binding in (SUM, PRODUCT))
