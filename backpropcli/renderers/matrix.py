"""Jacobians, Hessians and their products with a direction, for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import columns as width_of
from .json import SCHEMA, check_record, encode, note_record, number, numbers, tensor
from .numbers import LINE, cell, figure, raised
from .screen import Screen
from .table import FAINT, GRADIENT, NAME, VALUE, Page

if TYPE_CHECKING:
    from ..checks import Check
    from ..directional import Product
    from ..matrices import Matrix, Structure
    from ..values import Value

WORST = 10
"""So many entries that do not agree are told one by one."""


def render(matrix: Matrix, screen: Screen, digits: int | None, most: float, quiet: bool = False) -> str:
    """The matrix with the names of its rows and columns; columns that do not fit go below.

    Args:
        matrix: the matrix.
        screen: where it will be read.
        digits: significant digits, None for all.
        most: the most rows and columns shown.
        quiet: only the value, the matrix, and what a check found.
    """
    page = Page(screen, digits, 64, tensors=True)
    _figures(page, f"{matrix.output_name} = ", matrix.value, VALUE)
    page.line("")
    output, inputs = matrix.output_name, ", ".join(matrix.wrt)
    m, n = matrix.entries.shape
    if matrix.kind == "hessian":
        page.line(f"∂²{output}/∂{_grouped(inputs)}², {m}×{n}", NAME)
    else:
        rows, across = (output, inputs) if matrix.layout == "standard" else (inputs, output)
        page.line(f"∂{output}/∂{_grouped(inputs)}, {m}×{n}: rows are entries of {rows}, columns of {across}", NAME)
    if max(m, n) > most:
        page.line(f"  not shown, but in --json; --limit jacobian={max(m, n)} shows it", FAINT)
        _figures(page, "  ", matrix.entries, GRADIENT, most=0)
    else:
        _grid(page, matrix.rows, matrix.columns, matrix.entries.tolist())
    if not quiet:
        page.line("")
        for line in told(matrix):
            page.line(line, FAINT)
    _judged(page, matrix.check, "one sweep per row")
    return page.text()


def _figures(page: Page, lead: str, value: Value, style: str, most: int = 64) -> None:
    """A value behind its lead, in lines that fit the screen."""
    page.figures(lead, cell(value, page.digits, most, min(LINE, page.width - width_of(lead))), style)


def _grouped(names: str) -> str:
    return f"({names})" if "," in names else names


def _grid(page: Page, rows: Sequence[str], columns: Sequence[str], entries: Sequence[Sequence[float]]) -> None:
    """The numbers under the names of their columns, as many at a time as fit."""
    names = [page.screen.show(name) for name in rows]
    left = max(map(width_of, names), default=0)
    heads = [page.screen.show(name) for name in columns]
    shown = [[figure(x, page.digits) for x in row] for row in entries]
    widths = [max(map(width_of, column)) for column in zip(heads, *shown, strict=True)]
    at = 0
    while at < len(heads):
        end, room = at, page.width - left
        while end < len(heads) and (end == at or widths[end] + 2 <= room):
            room -= widths[end] + 2
            end += 1
        if at:
            page.line("")
        page.spans.append((" " * left + _padded(heads[at:end], widths[at:end]), FAINT))
        page.end()
        for name, row in zip(names, shown, strict=True):
            page.spans.append((name + " " * (left - width_of(name)), FAINT))
            page.spans.append((_padded(row[at:end], widths[at:end]), GRADIENT))
            page.end()
        at = end


def _padded(texts: Sequence[str], widths: Sequence[int]) -> str:
    return "".join("  " + " " * (width - width_of(text)) + text for text, width in zip(texts, widths, strict=True))


def told(matrix: Matrix) -> list[str]:
    """What the matrix shows, and how it was found."""
    m, n = matrix.entries.shape
    passes = matrix.passes[matrix.mode]
    found = _structure(matrix.structure, m * n) if m and n else []
    if matrix.kind == "hessian":
        way = f"forward over reverse, {passes} tangent{'s' * (passes != 1)} in one pass"
        found.append(way + (f" in place of {n}: columns that share no row are found together" if passes < n else ""))
    else:
        word = {"forward": "tangent", "reverse": "upstream gradient"}[matrix.mode]
        other = "reverse" if matrix.mode == "forward" else "forward"
        way = f"{matrix.mode} mode, {passes} {word}{'s' * (passes != 1)} in one pass"
        found.append(f"{way}; {other} mode takes {matrix.passes[other]}")
    return found


def _structure(s: Structure, entries: int) -> list[str]:
    found = {
        "full": "",
        "band": f"a band, {s.bandwidth} on each side of the diagonal",
        "block diagonal": "block diagonal: " + ", ".join(f"({', '.join(block)})" for block in s.blocks or []),
        "rank one": "of rank one, an outer product",
        "zero": "zero at this point" if s.possible else "zero everywhere",
    }.get(s.kind, s.kind)
    if s.possible < entries:
        found += "; " * bool(found) + f"{s.possible:,} of {entries:,} entries can differ from 0"
    lines = [found] if found else []
    if s.eigenvalues is not None and s.curvature != "zero":
        least, most = (figure(x, 4) for x in s.eigenvalues)
        found = f"eigenvalues from {least} to {most}" if entries > 1 else f"curvature {least}"
        lines.append(f"{s.curvature}, {found}" if s.curvature else found)
    return lines


def _judged(page: Page, check: Check | None, against: str) -> None:
    """What the check found: in all, and of what does not agree."""
    if check is None:
        return
    page.line(check.summary(against), NAME)
    wrong = [c for c in check.components if not c.agrees]
    for c in wrong[:WORST]:
        page.line(f"  {c.input}: {figure(c.analytic, page.digits)}, {c.phrase()}")
    if len(wrong) > WORST:
        page.line(f"  and {len(wrong) - WORST} more")


def render_product(product: Product, screen: Screen, digits: int | None) -> str:
    """The derivatives along a direction: numbers, and the last one as a tensor for every input."""
    page = Page(screen, digits, 64, tensors=True)
    output = product.output_name
    _figures(page, f"{output} = ", product.value, VALUE)
    moving = ", ".join(f"{name} = {' '.join(cell(v, digits, 8))}" for name, v in product.direction.items())
    page.line(f"along v: {moving}", FAINT)
    page.line("")
    for n, slope in enumerate(product.along, 1):
        lead = f"{_nabla(n)}{output}·{'·'.join('v' * n)}" if product.order > 1 else f"∂{output}/∂v"
        _figures(page, f"{lead} = ", slope, GRADIENT)
    if product.products:
        page.line("")
    for name, part in product.products.items():
        lead = f"{_nabla(product.order)}{output}·{'·'.join('v' * (product.order - 1))} by {name} = "
        _figures(page, lead, part, GRADIENT)
    _judged(page, product.check, "one reverse sweep" if product.order > 1 else "one tangent sweep")
    return page.text()


def _nabla(order: int) -> str:
    return "∇" + ("" if order == 1 else raised(order))


def product_json(product: Product) -> Iterator[str]:
    """One object; every digit."""
    yield (
        encode(
            {
                "schema": SCHEMA,
                "expression": product.expression,
                "at": numbers(product.at),
                "output": product.output or None,
                "value": tensor(product.value),
                "derivative": "hvp" if product.order > 1 else "jvp",
                "order": product.order,
                "direction": numbers(product.direction),
                "along": [tensor(x) for x in product.along],
                "product": numbers(product.products),
                "check": None if product.check is None else check_record(product.check),
                "notes": [note_record(note, node) for note, node in zip(product.notes, product.note_ids, strict=True)],
            }
        )
        + "\n"
    )


def render_json(matrix: Matrix) -> Iterator[str]:
    """One object; every digit, one row a line."""
    head = {
        "schema": SCHEMA,
        "expression": matrix.expression,
        "at": numbers(matrix.at),
        "output": matrix.output or None,
        "value": tensor(matrix.value),
        "derivative": matrix.kind,
        "layout": matrix.layout,
        "rows": matrix.rows,
        "columns": matrix.columns,
    }
    yield encode(head)[:-1] + ',\n "matrix": ['
    for at, row in enumerate(matrix.entries.tolist()):
        yield (",\n  " if at else "\n  ") + encode([number(x) for x in row])
    s = matrix.structure
    tail = {
        "mode": matrix.mode,
        "passes": matrix.passes,
        "structure": {
            "kind": s.kind,
            "possible": s.possible,
            "bandwidth": s.bandwidth,
            "blocks": s.blocks,
            "curvature": s.curvature or None,
            "eigenvalues": None if s.eigenvalues is None else [number(x) for x in s.eigenvalues],
        },
        "check": None if matrix.check is None else check_record(matrix.check),
        "notes": [note_record(note, node) for note, node in zip(matrix.notes, matrix.note_ids, strict=True)],
    }
    yield "],\n " + encode(tail)[1:] + "\n"
