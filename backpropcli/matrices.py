"""Jacobians and Hessians as plain data: the numbers, the names of rows and columns, and the structure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .api import Result, evaluate
from .conventions import Note, of_derivative
from .derivatives import Hessian, Jacobian
from .graph import Graph
from .language import Program
from .limits import LIMITS, Limits
from .shapes import place_text, size, unravel
from .text import ids, labels
from .values import Value, ones

if TYPE_CHECKING:
    from .checks import Check

ZERO = 1e-14
"""Relative to the largest entry: what rounding leaves of a zero."""

MOST_EIGENVALUES = 500
"""Rows up to which a Hessian is asked where it curves up and where down."""


class Structure(NamedTuple):
    """What the entries of a matrix show.

    Attributes:
        possible: how many entries can differ from 0, whatever the point.
        kind: ``zero``, ``diagonal``, ``tridiagonal``, ``band``, ``block diagonal``, ``rank one``, or ``full``.
        bandwidth: of a band, how far its entries lie from the diagonal.
        blocks: of a block diagonal, the names of each block.
        curvature: of a Hessian ``positive definite``, ``negative definite``, ``indefinite``, ``semidefinite``; or "".
        eigenvalues: of a Hessian the smallest and the largest.
    """

    possible: int
    kind: str
    bandwidth: int | None = None
    blocks: list[list[str]] | None = None
    curvature: str = ""
    eigenvalues: tuple[float, float] | None = None


class Matrix(NamedTuple):
    """A Jacobian or a Hessian at a point.

    Attributes:
        kind: ``jacobian`` or ``hessian``.
        expression: the program's text.
        at: the point.
        output: the id of the node that is differentiated.
        output_name: its name.
        value: its value.
        wrt: the inputs to differentiate by.
        layout: ``standard``, rows are the output's entries, or ``lecture``, rows are the inputs'.
        rows, columns: the entries' names.
        entries: the numbers, rows by columns.
        mode: ``forward``, ``reverse``, or ``forward over reverse``.
        passes: by mode, how many sweeps it takes.
        structure: what the entries show.
        check: the verdict, where one was asked for.
        notes: what a reader should know.
        note_ids: the node of each note.
    """

    kind: str
    expression: str
    at: dict[str, Value]
    output: str
    output_name: str
    value: Value
    wrt: tuple[str, ...]
    layout: str
    rows: list[str]
    columns: list[str]
    entries: Any
    mode: str
    passes: dict[str, int]
    structure: Structure
    check: Check | None
    notes: list[Note]
    note_ids: list[str]

    @property
    def finite(self) -> bool:
        """Whether every entry is finite."""
        import numpy as np

        return bool(np.isfinite(self.entries).all())


def entry_names(graph: Graph, names: Mapping[str, int]) -> list[str]:
    """The names of all entries of some nodes: ``x``, ``W[0, 1]``."""
    shapes = {name: graph.shape(i) for name, i in names.items()}
    return [place_text(name, unravel(k, shape)) for name, shape in shapes.items() for k in range(size(shape))]


def jacobian_matrix(
    program: Program,
    point: Mapping[str, Value],
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    layout: str = "standard",
    limits: Limits = LIMITS,
    seconds: float | None = None,
) -> Matrix:
    """The Jacobian of a program at a point.

    Args:
        program: over the shapes of the point.
        layout: ``"standard"``, rows are the output's entries, or ``"lecture"``, rows are the inputs'.
        seconds: the budget of a check; None for no check.
    """
    made = Jacobian(program, output, wrt, limits)
    graph = program.graph
    result = evaluate(
        program, point, output=output, wrt=made.wrt, upstream=ones(graph.shape(made.output)), limits=limits
    )
    entries = made(result.at)
    check = None
    if seconds is not None:
        from .checks.rows import judge_rows

        check = judge_rows(
            program, {labels(graph, made.output)[made.output]: made.output}, made.wrt, point, entries, seconds
        )
    rows = entry_names(graph, {labels(graph, made.output)[made.output]: made.output})
    columns = entry_names(graph, {name: graph.inputs[name] for name in made.wrt})
    structure = structure_of(entries, made.pattern, columns if rows == columns else [])
    if layout == "lecture":
        rows, columns, entries = columns, rows, entries.T
    return _matrix("jacobian", result, layout, rows, columns, entries, made.mode, made.passes, structure, check)


def hessian_matrix(
    program: Program,
    point: Mapping[str, Value],
    *,
    output: str | None = None,
    wrt: Sequence[str] | None = None,
    limits: Limits = LIMITS,
    seconds: float | None = None,
) -> Matrix:
    """The second derivatives of a program at a point; the arguments are those of `jacobian_matrix`."""
    made = Hessian(program, output, wrt, limits)
    graph = program.graph
    result = evaluate(program, point, output=output, wrt=made.wrt, limits=limits)
    entries = made(result.at)
    check = None
    if seconds is not None:
        from .checks.rows import judge_rows

        check = judge_rows(made.derived, made.nodes, made.wrt, point, entries, seconds)
    names = entry_names(graph, {name: graph.inputs[name] for name in made.wrt})
    structure = structure_of(entries, made.pattern, names)._replace(**_curvature(entries, _rounding(result)))
    passes = {"forward over reverse": made.columns.passes}
    found = _matrix(
        "hessian", result, "standard", names, names, entries, "forward over reverse", passes, structure, check
    )
    more = _notes_of_gradient(made, result, limits)
    return found._replace(notes=[*found.notes, *more], note_ids=[*found.note_ids, *[""] * len(more)])


def _notes_of_gradient(made: Hessian, result: Result, limits: Limits) -> list[Note]:
    """Where the gradient has no derivative of its own: what its sweeps did there."""
    graph = made.derived.graph
    gradients = [(Program("", graph, node, {}), ones(graph.shape(node))) for node in made.nodes.values()]
    return of_derivative(
        note
        for gradient, seed in gradients
        for note in evaluate(gradient, result.at, upstream=seed, limits=limits).notes
    )


def _matrix(
    kind: str,
    result: Result,
    layout: str,
    rows: list[str],
    columns: list[str],
    entries: Any,
    mode: str,
    passes: dict[str, int],
    structure: Structure,
    check: Check | None,
) -> Matrix:
    graph = result.program.graph
    identifiers = ids(graph)
    return Matrix(
        kind, result.program.source, result.at, identifiers[result.output],
        labels(graph, result.output)[result.output], result.value, result.wrt, layout, rows, columns, entries, mode,
        passes, structure, check, result.notes,
        ["" if note.node is None else identifiers[note.node] for note in result.notes],
    )  # fmt: skip


def structure_of(entries: Any, pattern: Any, names: Sequence[str]) -> Structure:
    """What a matrix shows.

    Args:
        entries: the numbers.
        pattern: for every entry whether it can differ from 0.
        names: of rows and columns alike, where they are the same; else none, and only zero and rank one are looked for.
    """
    import numpy as np

    possible = int(pattern.sum())
    if not np.isfinite(entries).all():
        return Structure(possible, "full")
    sizes = np.abs(entries)
    if not sizes.any():
        return Structure(possible, "zero")
    there = sizes > ZERO * np.minimum(sizes.max(axis=1)[:, None], sizes.max(axis=0))
    if names and len(names) > 1:
        rows, columns = np.nonzero(there)
        width = int(np.max(np.abs(rows - columns)))
        if not width:
            return Structure(possible, "diagonal")
        blocks = _blocks(there)
        if len(blocks) > 1:
            return Structure(possible, "block diagonal", blocks=[[names[i] for i in block] for block in blocks])
        if width == 1 and len(names) > 2:
            return Structure(possible, "tridiagonal", 1)
        if 4 * width < len(names):
            return Structure(possible, "band", width)
    if min(entries.shape) > 1 and _rank_one(entries):
        return Structure(possible, "rank one")
    return Structure(possible, "full")


def _blocks(there: Any) -> list[list[int]]:
    """The sets of rows that share no entry with the others."""
    left, blocks = set(range(len(there))), []
    while left:
        block, waiting = set(), [min(left)]
        while waiting:
            i = waiting.pop()
            if i not in block:
                block.add(i)
                waiting += [j for j in left if (there[i, j] or there[j, i]) and j not in block]
        left -= block
        blocks.append(sorted(block))
    return blocks


def _rank_one(entries: Any) -> bool:
    """Whether all rows are multiples of that of the largest entry, every entry up to its own rounding."""
    import numpy as np

    i, j = np.unravel_index(np.argmax(np.abs(entries)), entries.shape)
    multiples = np.outer(entries[:, j] / entries[i, j], entries[i])
    return bool(np.all(np.abs(entries - multiples) <= 1e-12 * np.abs(entries)))


def _curvature(entries: Any, rounding: Any) -> dict[str, Any]:
    """Where a function curves up and where down, by the eigenvalues of its Hessian.

    Args:
        entries: the Hessian.
        rounding: of every entry what rounding may have made of a 0; nothing is said where that decides.
    """
    import numpy as np

    if not len(entries) or len(entries) > MOST_EIGENVALUES or not np.isfinite(entries).all():
        return {}
    word = _definiteness(entries)
    if word != _definiteness(np.where(np.abs(entries) > rounding, entries, 0.0)):
        word = ""
    least, most = map(float, np.linalg.eigvalsh(entries)[[0, -1]])
    if word.endswith("semidefinite"):
        least, most = (max(least, 0.0), most) if word.startswith("positive") else (least, min(most, 0.0))
    return {"curvature": word, "eigenvalues": (least, most)}


def _definiteness(entries: Any) -> str:
    """The signs of the eigenvalues, in words.

    They are those of D·H·D for any diagonal D (Sylvester's law of inertia): with |h|^-½ of the diagonal, curvatures of
    all sizes can be told apart.
    """
    import numpy as np

    if not entries.any():
        return "zero"
    diagonal = np.abs(np.diagonal(entries))
    if entries[diagonal == 0].any():  # [[0, b], [b, c]] has the determinant -b²
        return "indefinite"
    scale = 1.0 / np.sqrt(np.where(diagonal == 0, 1.0, diagonal))
    values = np.linalg.eigvalsh(entries * scale[:, None] * scale)
    rounding = 1e-13 * np.max(np.abs(values)) * len(entries)
    up, down = bool(values[-1] > rounding), bool(values[0] < -rounding)
    if up and down:
        return "indefinite"
    definite = bool(np.all(np.abs(values) > rounding))
    return f"{'positive' if up else 'negative'} {'definite' if definite else 'semidefinite'}"


def _rounding(result: Result) -> Any:
    """About how far rounding may put a second derivative from 0: 4 ulps of a gradient's size over an input's."""
    import numpy as np

    gradient = np.concatenate([np.zeros(0), *(np.ravel(result.gradient[name]) for name in result.wrt)])
    point = np.concatenate([np.zeros(0), *(np.ravel(result.at[name]) for name in result.wrt)])
    with np.errstate(all="ignore"):
        ratio = np.abs(np.nan_to_num(gradient[:, None] / np.where(point == 0, np.inf, point)))
    return 2.0**-50 * np.maximum(ratio, ratio.T)
