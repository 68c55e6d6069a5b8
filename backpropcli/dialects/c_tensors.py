"""Statements on tensors in C: loops over flat arrays, and the functions that more than loops need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..graph import CONSTANT, INPUT
from ..operations import OPERATIONS, Operation
from ..shapes import Shape, axes_of, reduced, size
from . import loops
from .flat import Pattern
from .loops import Entries, Index, entry, flat_index, in_array
from .writer import CHOICE, Piece, sign_of

if TYPE_CHECKING:
    from .c import C

TEMPLATES = {
    "eliminate": """
/* Solves a*y = x for the m columns of x, of n rows, in their place; gives det(a). NaN where a is singular. */
static double eliminate(int n, int m, double *a, double *x)
{
    double det = 1.0;
    for (int c = 0; c < n; c++) {
        int pivot = c;
        for (int r = c + 1; r < n; r++)
            if (fabs(a[r*n + c]) > fabs(a[pivot*n + c]))
                pivot = r;
        det *= pivot == c ? a[c*n + c] : -a[pivot*n + c];
        for (int k = 0; pivot != c && k < n; k++) {
            double kept = a[c*n + k];
            a[c*n + k] = a[pivot*n + k];
            a[pivot*n + k] = kept;
        }
        for (int k = 0; pivot != c && k < m; k++) {
            double kept = x[c*m + k];
            x[c*m + k] = x[pivot*m + k];
            x[pivot*m + k] = kept;
        }
        if (a[c*n + c] == 0.0) {
            for (int k = 0; k < n*m; k++)
                x[k] = NAN;
            return 0.0;
        }
        for (int r = c + 1; r < n; r++) {
            double share = a[r*n + c] / a[c*n + c];
            for (int k = c + 1; k < n; k++)
                a[r*n + k] -= share * a[c*n + k];
            for (int k = 0; k < m; k++)
                x[r*m + k] -= share * x[c*m + k];
        }
    }
    for (int r = n - 1; r >= 0; r--)
        for (int k = 0; k < m; k++) {
            for (int c = r + 1; c < n; c++)
                x[r*m + k] -= a[r*n + c] * x[c*m + k];
            x[r*m + k] /= a[r*n + r];
        }
    return det;
}
""",
    "cofactors": """
/* The cofactors of a, n rows, by determinants of minors. */
static void cofactors(int n, const double *a, double *z)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double minor[(n - 1)*(n - 1) + 1], none = 0.0;
            int k = 0;
            for (int r = 0; r < n; r++)
                for (int c = 0; c < n; c++)
                    if (r != i && c != j)
                        minor[k++] = a[r*n + c];
            z[i*n + j] = ((i + j) % 2 ? -1.0 : 1.0) * eliminate(n - 1, 0, minor, &none);
        }
}
""",
    "place": """
/* The place i of n as an index, also counted from the end; -1 where there is none. */
static int place(double i, int n)
{
    return i == floor(i) && i >= -n && i < n ? (int)(i < 0 ? i + n : i) : -1;
}
""",
}


class Loops:
    """Writes statements on tensors.

    Args:
        writer: spells the entries.
        names: what the roles of a pattern are.
    """

    def __init__(self, writer: C, names: Mapping[str, Piece]) -> None:
        self.writer = writer
        self.names = names
        self.lines: list[str] = []

    def statement(self, pattern: Pattern, target: str, adds: bool) -> list[str]:
        """The lines that write a pattern into a variable, or add it there."""
        graph = pattern.graph
        uses = [0] * len(graph)
        for operands in graph.operands:
            for j in operands:
                uses[j] += 1
        found: list[Entries] = []
        for i, operation in enumerate(graph.operations):
            own = graph.shape(i)
            if operation is INPUT:
                piece = self.names[graph.names[i]]
                x = in_array(piece.text, own) if own else loops.number(piece)
            elif operation is CONSTANT:
                x = self.constant(graph.constants[i], own)
            else:
                into = target if i == pattern.root and not adds else ""
                x = self.made(operation, [found[j] for j in graph.operands[i]], own, into)
                if i != pattern.root and uses[i] > 1 and not x.array:
                    x = self.kept(operation.name, x)
            found.append(x)
        root = found[pattern.root]
        if root.array != target:
            self.store(target, root, "+=" if adds else "=")
        return self.lines

    def store(self, target: str, x: Entries, sign: str = "=") -> None:
        """Entry by entry into an array, or into a number."""
        writer = self.writer

        def value(piece: Piece) -> str:
            return writer.number(piece).text

        if not x.shape:
            self.lines.append(f"{target} {sign} {value(x.at(()))};")
        elif x.flat is not None:
            flat = x.flat
            self.lines += writer.loop((size(x.shape),), lambda i: [f"{target}[{i[0]}] {sign} {value(flat(i[0]))};"])
        else:
            self.lines += writer.loop(
                x.shape, lambda i: [f"{target}[{flat_index(i, x.shape)}] {sign} {value(x.at(i))};"]
            )

    def kept(self, word: str, x: Entries) -> Entries:
        """The entries in memory of their own."""
        if x.array:
            return x
        name = self.writer.names.numbered(word)
        self.lines += self.writer.declaration(name, x.shape)
        self.store(name, x)
        return in_array(name, x.shape) if x.shape else loops.number(Piece(name))

    def room(self, word: str, shape: Shape, into: str) -> Entries:
        """An array for a result: the target itself, or a new one."""
        name = into
        if not name:
            name = self.writer.names.numbered(word)
            self.lines += self.writer.declaration(name, shape)
        if shape:
            return in_array(name, shape)
        return Entries((), lambda index: Piece(name), None, name)

    def block(self, shape: Shape, body: Callable[[Index], Sequence[str]]) -> None:
        """The body, which has variables of its own, for every index of the shape."""
        lines = self.writer.loop(shape, body)
        self.lines += lines if shape else ["{", *[self.writer.tab + text for text in lines], "}"]

    def constant(self, value: Any, shape: Shape) -> Entries:
        """A number, or an array of its own."""
        writer = self.writer
        if not shape:
            return loops.number(writer.constant(value))
        numbers: list[str] = []
        left = [value]
        while left:
            item = left.pop()
            if isinstance(item, float):
                numbers.append(writer.literal(item))
            else:
                left += reversed(item)
        name = writer.names.numbered("entries")
        self.lines.append(f"static const double {name}[{max(len(numbers), 1)}] = {{{', '.join(numbers) or '0.0'}}};")
        return in_array(name, shape)

    def made(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """An operation on tensors."""
        maker = MAKERS.get(operation.name)
        if maker is not None:
            return maker(self, operation, operands, shape, into)
        writer = self.writer
        if not operation.tensor and not operation.attributes:
            return loops.entrywise(shape, operands, lambda pieces: writer.spell(operation, pieces))
        held = [self.kept("operand", x) if x.shape else x for x in operands]
        helper = writer.helper(operation, [x.shape for x in held])
        arguments = [x.array if x.shape else writer.number(x.at(())).text for x in held]
        if not shape:
            return loops.number(Piece(f"{helper.name}({', '.join(arguments)})"))
        out = self.room(operation.name, shape, into)
        self.lines.append(f"{helper.name}({', '.join([*arguments, out.array])});")
        return out

    # What is more than entry by entry

    def transposed(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        axes = operation.attributes["axes"] or tuple(reversed(range(len(shape))))
        return loops.transposed(x, [a % len(shape) for a in axes], shape)

    def reshaped(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        if not x.shape:
            return loops.stretched(x, shape)
        if not shape:
            return loops.number(x.at(("0",) * len(x.shape)))
        return loops.reshaped(x if x.flat is not None else self.kept("reshape", x), shape)

    def stretched(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        return loops.stretched(operands[0], shape)

    def indexed(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        return loops.indexed(operands[0], operation.attributes["key"], shape)

    def outer(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        writer = self.writer
        x, y = operands
        return loops.outer(x, y, shape, lambda pieces: times(writer, pieces))

    def diagonal(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        if len(x.shape) == 2:
            return loops.diagonal(x, shape)
        out = self.room("diag", shape, into)
        self.fill(out)
        self.put_at(out, x, lambda i: i * 2)
        return out

    def fill(self, out: Entries) -> None:
        """Zeros."""
        self.lines += self.writer.loop((size(out.shape),), lambda i: [f"{out.array}[{i[0]}] = 0.0;"])

    def reduced(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        writer, attributes, name = self.writer, operation.attributes, operation.name
        gone = axes_of(x.shape, attributes["axis"])
        keepdims = attributes["keepdims"]
        out = self.room(name, shape, into)
        start = {"sum": "0.0", "prod": "1.0", "amax": "-INFINITY", "amin": "INFINITY"}[name]

        def whole(index: Index, inner: Index) -> Index:
            outside, inside = iter(index), iter(inner)
            return tuple(next(inside) if a in gone else next(outside) for a in range(len(x.shape)))

        def step(index: Index, inner: Index, total: str) -> str:
            piece = writer.number(x.at(whole(index, inner)))
            if name in ("sum", "prod"):
                return f"{total} {'+=' if name == 'sum' else '*='} {piece.text};"
            chosen = writer.spell(OPERATIONS["max" if name == "amax" else "min"], [Piece(total), piece])
            return f"{total} = {chosen.text};"

        def body(index: Index) -> list[str]:
            place = tuple("0" if a in gone else w for a, w in enumerate(whole(index, ("0",) * len(gone))))
            total = out.at(place if keepdims else index).text if shape else out.array
            lengths = tuple(x.shape[a] for a in gone)
            return [
                f"{total} = {start};",
                *writer.loop(lengths, lambda inner: [step(index, inner, total)], len(index)),
            ]

        self.lines += writer.loop(reduced(x.shape, attributes["axis"]), body)
        return out

    def cumulated(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        attributes = operation.attributes
        axis = attributes["axis"] % len(shape)
        out = self.room("cumsum", shape, into)
        others = shape[:axis] + shape[axis + 1 :]
        n = shape[axis]

        def body(index: Index) -> list[str]:
            word = self.writer.indices[len(index)]
            at = f"{n - 1} - {word}" if attributes["reverse"] else word
            place = (*index[:axis], at, *index[axis:])
            return [
                "double total = 0.0;",
                f"for (int {word} = 0; {word} < {n}; {word}++)",
                f"    {out.at(place).text} = total += {self.writer.number(x.at(place)).text};",
            ]

        self.block(others, body)
        return out

    def placed_largest(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x = operands[0]
        attributes = operation.attributes
        if attributes["axis"] is None:
            x = loops.reshaped(x if x.flat is not None else self.kept("argmax", x), (size(x.shape),))
        axis = (attributes["axis"] or 0) % len(x.shape)
        out = self.room("argmax", shape, into)
        others = x.shape[:axis] + x.shape[axis + 1 :]
        n, keepdims = x.shape[axis], attributes["keepdims"]

        def body(index: Index) -> list[str]:
            word = self.writer.indices[len(index)]
            here = bracketed(self.writer.number(x.at((*index[:axis], word, *index[axis:]))))
            place = (*index[:axis], "0", *index[axis:]) if keepdims and attributes["axis"] is not None else index
            place = ("0",) * len(shape) if keepdims and attributes["axis"] is None else place
            total = out.at(place).text
            return [
                "double best = -INFINITY;",
                f"{total} = 0.0;",
                f"for (int {word} = 0; {word} < {n}; {word}++)",
                f"    if ({here} > best || ({here} != {here} && best == best)) {{",
                f"        best = {here};",
                f"        {total} = {word};",
                "    }",
            ]

        self.block(others, body)
        return out

    def multiplied(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        a, b = operands
        writer = self.writer
        row, column = len(a.shape) == 1, len(b.shape) == 1
        n = a.shape[-1]
        out = self.room("matmul", shape, into)

        def body(index: Index) -> list[str]:
            k = writer.indices[len(index)]
            rest = len(index) - (not row) - (not column)
            batch = index[:rest]
            at_a = (k,) if row else (*batch, index[rest], k)
            at_b = (k,) if column else (*batch, k, index[-1])
            product = times(writer, [entry(a, at_a), entry(b, at_b)])
            total = out.at(index).text if shape else out.array
            return [f"{total} = 0.0;", *writer.loop((n,), lambda _: [f"{total} += {product.text};"], len(index))]

        self.lines += writer.loop(shape, body)
        return out

    def joined(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """One behind the other along an axis."""
        axis, start = operation.attributes["axis"] % len(shape), 0
        out = self.room(operation.name, shape, into)
        for x in operands:
            self.put_at(
                out,
                x,
                lambda i, at=start: (*i[:axis], loops.stepped(i[axis], at, 1), *i[axis + 1 :]),  # type: ignore[misc]
            )
            start += x.shape[axis]
        return out

    def stacked(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """Side by side along a new axis."""
        axis = operation.attributes["axis"] % len(shape)
        out = self.room(operation.name, shape, into)
        for k, x in enumerate(operands):
            self.put_at(out, x, lambda i, k=k: (*i[:axis], str(k), *i[axis:]))  # type: ignore[misc]
        return out

    def put_at(self, out: Entries, x: Entries, place: Callable[[Index], Index]) -> None:
        """Entries to places of an array."""
        self.lines += self.writer.loop(
            x.shape, lambda i: [f"{out.at(place(i)).text} = {self.writer.number(x.at(i)).text};"]
        )

    def scattered(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        key = operation.attributes["key"]
        out = self.room("scatter", shape, into)
        self.fill(out)
        self.put_at(out, x, lambda i: loops.keyed(i, key, shape))
        return out

    def taken(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x, places = operands
        writer = self.writer
        writer.templates["place"] = None
        x = x if x.array else self.kept("take", x)
        out = self.room("take", shape, into)
        rank = len(places.shape)

        def body(index: Index) -> list[str]:
            at = writer.number(places.at(index[:rank])).text
            word = writer.indices[len(index)]
            return [
                f"int {word} = place({at}, {x.shape[0]});",
                f"{out.at(index).text} = {word} < 0 ? NAN : {x.at((word, *index[rank:])).text};",
            ]

        self.block(shape, body)
        return out

    def put(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        x, places = operands
        writer = self.writer
        writer.templates["place"] = None
        out = self.room("put", shape, into)
        self.fill(out)
        rank = len(places.shape)
        if not shape[0]:
            return out

        def body(index: Index) -> list[str]:
            word = writer.indices[len(index)]
            return [
                f"int {word} = place({writer.number(places.at(index[:rank])).text}, {shape[0]});",
                f"{out.at((f'{word} < 0 ? 0 : {word}', *index[rank:])).text} += "
                f"{word} < 0 ? NAN : {bracketed(writer.number(x.at(index)))};",
            ]

        self.block(x.shape, body)
        return out

    def one_hot(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (x,) = operands
        writer = self.writer
        writer.templates["place"] = None
        out = self.room("one_hot", shape, into)

        def body(index: Index) -> list[str]:
            at = bracketed(writer.number(x.at(index[:-1])))
            outside = f"place({at}, {shape[-1]}) < 0 || {at} < 0"
            return [f"{out.at(index).text} = {outside} ? NAN : (double)({at} == {index[-1]});"]

        self.lines += writer.loop(shape, body)
        return out

    def cofactors(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        (a,) = operands
        self.writer.templates.update(dict.fromkeys(("eliminate", "cofactors")))
        out = self.room(operation.name, shape, into)
        self.lines.append(f"cofactors({a.shape[0]}, {self.kept('operand', a).array}, {out.array});")
        return out

    def eliminated(self, a: Entries) -> Entries:
        """A copy of a matrix, for elimination in its place."""
        self.writer.templates["eliminate"] = None
        copy = self.room("copy", a.shape, "")
        self.store(copy.array, a)
        return copy

    def determinant(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        copy = self.eliminated(operands[0])
        out, none = self.room(operation.name, shape, into), self.writer.names.numbered("none")
        self.lines.append(f"double {none} = 0.0;")
        self.lines.append(f"{out.array} = eliminate({copy.shape[0]}, 0, {copy.array}, &{none});")
        return out

    def solved(self, operation: Operation, operands: list[Entries], shape: Shape, into: str) -> Entries:
        """The solution for columns, or the inverse: that for the columns of the unit matrix."""
        copy = self.eliminated(operands[0])
        out = self.room(operation.name, shape, into)
        if len(operands) == 1:
            self.lines += self.writer.loop(shape, lambda i: [f"{out.at(i).text} = {i[0]} == {i[1]};"])
        else:
            self.store(out.array, operands[1])
        self.lines.append(f"eliminate({copy.shape[0]}, {size(shape[1:])}, {copy.array}, {out.array});")
        return out


MAKERS: dict[str, Callable[..., Entries]] = {
    "transpose": Loops.transposed, "reshape": Loops.reshaped, "full": Loops.stretched, "index": Loops.indexed,
    "outer": Loops.outer, "diag": Loops.diagonal, "sum": Loops.reduced, "prod": Loops.reduced, "amax": Loops.reduced,
    "amin": Loops.reduced, "cumsum": Loops.cumulated, "argmax": Loops.placed_largest, "matmul": Loops.multiplied,
    "concat": Loops.joined, "stack": Loops.stacked, "scatter": Loops.scattered, "take": Loops.taken, "put": Loops.put,
    "one_hot": Loops.one_hot, "det": Loops.determinant, "inv": Loops.solved, "solve": Loops.solved,
    "cofactor": Loops.cofactors,
}  # fmt: skip
"""What writes the operations that are more than entry by entry."""


def times(writer: C, pieces: Sequence[Piece]) -> Piece:
    """The product of two entries."""
    product = OPERATIONS["mul"]
    return writer.infix(sign_of(product), product, pieces)


def bracketed(piece: Piece) -> str:
    return f"({piece.text})" if piece.binding == CHOICE else piece.text
