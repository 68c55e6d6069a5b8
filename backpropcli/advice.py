"""What to write instead where a value is not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .graph import Graph
from .text import expression_of
from .values import entries

if TYPE_CHECKING:
    from .api import Result

BEHIND = 5
"""How many operations behind an exponential may belong to its formula."""

MOVES = frozenset(("take", "index", "sum"))
"""What may stand between an exponential and the division or the logarithm of its formula."""


def advice(result: Result, i: int) -> str:
    """``; …``: what was wrong with a node's operands, or a function that does not overflow; "" where none is known."""
    graph = result.program.graph
    operation = graph.operations[i]
    if operation.lost:
        return f"; {operation.lost}"
    if operation.place is not None:
        scores, y = graph.operands[i][:2]
        classes = graph.shape(scores)[-1]
        named = graph.shape(y) != graph.shape(scores)
        if named and not all(0 <= c < classes and c.is_integer() for c in entries(result.values[y])):
            return f"; a class must be a whole number from 0 to {classes - 1}"
    if operation.name in ("square", "pow"):
        behind = [graph.operations[n].name for n in _users(graph, i)[:2]]
        return _instead("sqrt(x^2 + y^2)", "hypot(x, y)") if behind == ["add", "sqrt"] else ""
    return _of_exponential(graph, i) if operation.name == "exp" else ""


def _instead(formula: str, stable: str) -> str:
    return f"; {formula} is `{stable}`, which does not overflow"


def _users(graph: Graph, i: int) -> list[int]:
    """The first node that uses node i, the first that uses that, and so on."""
    found: list[int] = []
    for n in range(i + 1, len(graph)):
        if i in graph.operands[n]:
            found.append(n)
            i = n
    return found[:BEHIND]


def _of_exponential(graph: Graph, i: int) -> str:
    """The stable function of the formula that an exponential is part of."""
    argument = expression_of(graph, graph.operands[i][0])
    users = _users(graph, i)
    names = [graph.operations[n].name for n in users]
    if names[:1] != ["add"]:
        return _of_softmax(graph, i, users) or "; exp(x) overflows above x = 709.78"
    if any(graph.constants.get(j) == 1 for j in graph.operands[users[0]]):
        if names[1:2] == ["log"]:
            return _instead("log(1 + exp(…))", f"softplus({argument})")
        if names[1:2] == ["div"]:
            return _instead("exp(…)/(1 + exp(…))", f"sigmoid({argument})")
    return "; a logarithm of a sum of exponentials is `max(x, y) + log1p(exp(-abs(x - y)))`"


def _of_softmax(graph: Graph, i: int, users: list[int]) -> str:
    """The stable function of exponentials over their sum, or of that sum; "" for other formulas."""
    steps = [n for n in users if graph.operations[n].name not in MOVES]
    names = [graph.operations[n].name for n in steps]
    if names[:1] == ["log"]:
        total = _total(graph, graph.operands[steps[0]][0])
        return _instead("log(sum(exp(…)))", f"logsumexp({total})") if total else ""
    total = _ratio(graph, steps[0]) if names[:1] == ["div"] else ""
    if not total or (len(graph.shape(i)) > 1 and "axis=" not in total):
        return ""  # softmax is along one axis
    if names[1:2] != ["log"]:
        return _instead("exp(…)/sum(exp(…))", f"softmax({total})")
    places = [place for n in (graph.operands[i][0], *users) if (place := _place(graph, n))]
    if names[2:3] == ["neg"] and places:
        return _instead("-log(exp(…)/sum(exp(…)))", f"cross_entropy({total}, {places[0]})")
    return _instead("log(exp(…)/sum(exp(…)))", f"log_softmax({total})")


def _total(graph: Graph, i: int) -> str:
    """What the exponentials that a node adds up are taken of, and along which axis; "" where it adds up none."""
    operation, operands = graph.operations[i], graph.operands[i]
    if operation.name != "sum" or graph.operations[operands[0]].name != "exp":
        return ""
    scores = expression_of(graph, graph.operands[operands[0]][0])
    return ", ".join([scores, *operation.arguments({**operation.attributes, "axis": None})])


def _ratio(graph: Graph, i: int) -> str:
    """The total of the exponentials by which a quotient divides one of them, or each; "" for other quotients."""
    above, below = graph.operands[i]
    total = _total(graph, below)
    return total if total and _scores(graph, above) == _scores(graph, graph.operands[below][0]) else ""


def _scores(graph: Graph, i: int) -> str:
    """What a node takes exponentials of, whatever entries it picks; "" where it takes none."""
    i = _whole(graph, i)
    return expression_of(graph, _whole(graph, graph.operands[i][0])) if graph.operations[i].name == "exp" else ""


def _whole(graph: Graph, i: int) -> int:
    """What a node picks entries of."""
    while graph.operations[i].name in ("take", "index"):
        i = graph.operands[i][0]
    return i


def _place(graph: Graph, i: int) -> str:
    """The place of the one entry that a node picks; "" where it picks none."""
    operation = graph.operations[i]
    if operation.name == "take" and not graph.shape(i):
        return expression_of(graph, graph.operands[i][1])
    key: tuple[Any, ...] = operation.attributes["key"] if operation.name == "index" else ()
    return str(key[0]) if len(key) == 1 and isinstance(key[0], int) and not graph.shape(i) else ""
