"""The three sweeps along a graph. Each is one loop over the flat list, over any number system.

    forward    zᵢ = opᵢ(operands)                              values
    reverse    x̄ += local × z̄    from the output back          upstream gradients, all inputs at once
    tangent    ż  = Σ local × ẋ   from the inputs on           one directional derivative

Numbers may be tensors: then a local gradient is a linear map, and × is what the number system's `downstream` and
`pushforward` make of it.

``None`` among the upstream gradients says that the output does not depend on the node: a structural zero.
Nodes of one and two operands, nearly all there are, are unrolled: a loop over operands with argument lists takes 1.7
times as long over a graph of 100,000 nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .graph import Graph
from .kernels.system import NumberSystem


def forward(F: NumberSystem, graph: Graph, at: Mapping[str, Any]) -> list[Any]:
    """The value of every node.

    Args:
        F: the number system.
        graph: the graph.
        at: a value of F for every input variable, by name.

    Raises:
        KeyError: an input has no value.
    """
    values: list[Any] = [None] * len(graph)
    for name, i in graph.inputs.items():
        values[i] = at[name]
    for i, number in graph.constants.items():
        values[i] = F.constant(number)
    kernels = F.kernels
    for i, (operation, operands) in enumerate(zip(graph.operations, graph.operands, strict=True)):
        if len(operands) == 2:
            j, k = operands
            values[i] = kernels[operation.key](values[j], values[k])
        elif len(operands) == 1:
            values[i] = kernels[operation.key](values[operands[0]])
        elif operands:
            values[i] = kernels[operation.key](*[values[j] for j in operands])
    return values


def reverse(F: NumberSystem, graph: Graph, values: list[Any], output: int, seed: Any, active: list[bool]) -> list[Any]:
    """The upstream gradient of every node, d(output)/d(node) × seed.

    Args:
        F: the number system of the values.
        graph: the graph.
        values: what `forward` returned.
        output: the node that is differentiated.
        seed: its upstream gradient, 1 for a plain gradient.
        active: the nodes that depend on a variable of interest; no rule is evaluated towards any other, so that the
            exponent of x^2 never asks for log(x).
    """
    upstream: list[Any] = [None] * len(graph)
    upstream[output] = seed
    operations, nodes, downstream = graph.operations, graph.operands, F.downstream
    for i in range(output, -1, -1):
        g = upstream[i]
        operands = nodes[i]
        if g is None or not operands or not active[i]:
            continue
        z = values[i]
        operation = operations[i]
        structural = operation.structural
        if len(operands) == 2 and not operation.variadic:
            j, k = operands
            x, y = values[j], values[k]
            if active[j]:
                d = downstream(operation.partials[0](F, z, x, y), g, z, x, structural)
                upstream[j] = d if upstream[j] is None else upstream[j] + d
            if active[k]:
                d = downstream(operation.partials[1](F, z, x, y), g, z, y, structural)
                upstream[k] = d if upstream[k] is None else upstream[k] + d
        elif len(operands) == 1 and not operation.variadic:
            j = operands[0]
            x = values[j]
            d = downstream(operation.partials[0](F, z, x), g, z, x, structural)
            upstream[j] = d if upstream[j] is None else upstream[j] + d
        else:
            xs = [values[j] for j in operands]
            for k, j in enumerate(operands):
                if active[j]:
                    d = downstream(operation.local(F, k, z, xs), g, z, xs[k], structural)
                    upstream[j] = d if upstream[j] is None else upstream[j] + d
    return upstream


def tangent(F: NumberSystem, graph: Graph, values: list[Any], direction: Mapping[int, Any]) -> list[Any]:
    """The derivative of every node along a direction.

    Args:
        F: the number system of the values.
        graph: the graph.
        values: what `forward` returned.
        direction: the tangent of each leaf that moves, by node number.

    Returns:
        The tangent of every node; ``None`` for nodes that do not move.
    """
    tangents: list[Any] = [None] * len(graph)
    for i, t in direction.items():
        tangents[i] = t
    for i, operands in enumerate(graph.operands):
        moving = [k for k, j in enumerate(operands) if tangents[j] is not None]
        if not moving:
            continue
        operation = graph.operations[i]
        z = values[i]
        xs = [values[j] for j in operands]
        for k in moving:
            local = operation.local(F, k, z, xs)
            contribution = F.pushforward(local, tangents[operands[k]], z, xs[k], operation.structural)
            tangents[i] = contribution if tangents[i] is None else tangents[i] + contribution
    return tangents
