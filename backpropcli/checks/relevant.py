"""What of a program makes its output at a point: not what stands in a branch that is not taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..graph import CONSTANT, INPUT
from ..operations.counts import FREE
from ..values import Value

if TYPE_CHECKING:
    from ..api import Result


def relevant(result: Result) -> dict[int, Value]:
    """The values that make the output, by node.

    Of a tensor of which only some entries count, the others are 0 here.
    """
    if result.program.graph.tensors:
        return _relevant_entries(result)
    graph, values, F = result.program.graph, result.values, result.system
    found = {result.output}
    for i in range(result.output, -1, -1):
        if i not in found or graph.operations[i] in (INPUT, CONSTANT):
            continue
        operation, operands = graph.operations[i], graph.operands[i]
        shut = operation.structural and not operation.condition
        xs = [values[j] for j in operands]
        for k, j in enumerate(operands):
            taken = not shut or graph.operations[j].condition or operation.local(F, k, values[i], xs) != 0
            # A step's operand makes its value although its slope is 0; a branch not taken does not.
            if taken or len(operands) == 1:
                found.add(j)
    return {i: values[i] for i in found}


def _relevant_entries(result: Result) -> dict[int, Value]:
    import numpy as np

    graph, values = result.program.graph, result.values
    F: Any = result.system
    masks: dict[int, Any] = {result.output: np.ones(np.shape(result.value), dtype=bool)}
    with F.quiet():
        for i in range(result.output, -1, -1):
            if i not in masks or not graph.operands[i]:
                continue
            operation, operands = graph.operations[i], graph.operands[i]
            xs = [values[j] for j in operands]
            for k, j in enumerate(operands):
                shape = graph.shape(j)
                mask = np.ones(shape, dtype=bool)
                if operation.tensor:
                    if operation.pullback and operation.cost == FREE and operation.place is None:  # it moves entries
                        local = operation.local(F, k, values[i], xs)
                        mask = np.not_equal(F.downstream(local, masks[i].astype(np.float64), values[i], xs[k], True), 0)
                else:
                    taken = masks[i]
                    shut = operation.structural and not operation.condition and len(operands) > 1
                    if shut and not graph.operations[j].condition:
                        taken = taken & np.not_equal(operation.local(F, k, values[i], xs), 0)
                    mask = np.not_equal(F.sum_to(taken.astype(np.float64), shape), 0)
                masks[j] = masks[j] | mask if j in masks else mask
    return {i: np.where(mask, values[i], 0.0) if mask.shape else values[i] for i, mask in masks.items() if mask.any()}
