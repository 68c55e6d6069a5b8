"""What a derivative is asked with: the point, the inputs to differentiate by, the upstream gradient of the output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import OptionError, PointError, ShapeError, nearest
from .language import Program, parse
from .limits import Limits
from .values import Value, as_value, shape_of, shapes_of


def point_of(at: Mapping[str, Any] | None, values: Mapping[str, Any]) -> dict[str, Value]:
    """The point, from a mapping and from keywords.

    Raises:
        PointError: a value is no number and no tensor of numbers.
    """
    return {name: as_value(value, name) for name, value in {**(at or {}), **values}.items()}


def opened(program: Program | str, point: Mapping[str, Value], limits: Limits) -> Program:
    """The program over the shapes of the point.

    Raises:
        LanguageError: the text is not in the language.
        PointError: an input has no value.
        ShapeError: shapes do not fit.
    """
    if isinstance(program, str):
        program = parse(program, shapes_of(point), limits)
    _require_values(program.inputs, point)
    return program.over(shapes_of(point))


def chosen(inputs: Sequence[str], wrt: Sequence[str] | None) -> tuple[str, ...]:
    """The inputs to differentiate by, in the order asked for; all, in order of first appearance, by default.

    Raises:
        OptionError: the program has no such input.
    """
    for name in wrt or ():
        if name not in inputs:
            raise OptionError(
                f"the program has no input `{name}` to differentiate by",
                hint=f"its inputs are: {', '.join(inputs) or 'none'}",
            )
    return tuple(inputs if wrt is None else dict.fromkeys(wrt))


def hold_scalar(program: Program, output: int, hint: str = "end with a scalar such as sum(…)") -> None:
    """Refuse an output that is no scalar.

    Raises:
        ShapeError: it is none.
    """
    shape = program.graph.shape(output)
    if shape:
        from .shapes import written
        from .text import expression_of

        raise ShapeError(
            f"the output {expression_of(program.graph, output)} has the shape {written(shape)}, and only a scalar, "
            "such as a loss, has one gradient: every entry of the output has its own",
            hint=hint,
        )


def seed_of(program: Program, output: int, upstream: Any) -> Value:
    """The upstream gradient of the output.

    Raises:
        ShapeError: the output is no scalar and has none, or one of another shape.
    """
    shape = program.graph.shape(output)
    if upstream is None:
        hold_scalar(program, output, "give --upstream with one weight per entry, or end with a scalar such as sum(…)")
        return 1.0
    seed = as_value(upstream, "upstream")
    if shape_of(seed) != shape:
        from .shapes import written

        raise ShapeError(
            f"the upstream gradient has the shape {written(shape_of(seed))}, and the output {written(shape)}",
            hint="a gradient always has the shape of its value",
        )
    return seed


def _require_values(inputs: Sequence[str], point: Mapping[str, Value]) -> None:
    missing = [name for name in inputs if name not in point]
    if not missing:
        return
    given = [name for name in point if name not in inputs]
    close = {name: nearest(name, given[:100]) for name in missing[:8]}
    meant = [f"`{found}` is given: is `{name}` meant?" for name, found in close.items() if found]
    names = ", ".join(f"`{name}`" for name in missing[:8]) + (
        f" and {len(missing) - 8} more" if len(missing) > 8 else ""
    )
    example = ",".join(f"{name}=…" for name in missing[:8])
    raise PointError(f"no value for {names}", hint=" ".join(meant) or f"add --at {example}")
