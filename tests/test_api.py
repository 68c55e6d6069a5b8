"""The Python face."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest

from backpropcli import BackpropError, check, evaluate, parse
from backpropcli.checks.shake import digits_trusted, shaken_gradients
from backpropcli.errors import LimitError, OptionError, PointError, UnknownName
from backpropcli.graph import Graph
from backpropcli.kernels.arrays import Arrays
from backpropcli.kernels.floats import FLOATS
from backpropcli.kernels.symbols import Symbol, Symbols
from backpropcli.limits import Limits
from backpropcli.sweeps import forward, reverse


def test_evaluate_takes_a_program_or_a_text_a_mapping_or_keywords() -> None:
    program = parse("q = x*y; q + z")
    by_mapping = evaluate(program, {"x": 2, "y": 3, "z": 1})
    by_keyword = evaluate("q = x*y; q + z", {"x": 2}, y=3, z=1)
    assert by_mapping.gradient == by_keyword.gradient == {"x": 3, "y": 2, "z": 1}
    assert (by_mapping.value, program.inputs, repr(program)) == (
        7,
        ("x", "y", "z"),
        "<program of 5 nodes, inputs x, y, z>",
    )


def test_what_is_differentiated_by_what() -> None:
    program = parse("q = x*y; q + z")
    at = {"x": 2.0, "y": 3.0, "z": 1.0}
    assert evaluate(program, at, output="q").gradient == {"x": 3, "y": 2, "z": 0}
    assert evaluate(program, at, output="x").gradient == {"x": 1, "y": 0, "z": 0}
    assert evaluate(program, at, wrt=["z", "x"]).gradient == {"x": 3, "z": 1}
    assert evaluate(program, at, upstream=-2).gradient == {"x": -6, "y": -4, "z": -2}
    assert evaluate(program, at, wrt=[]).gradient == {}


@pytest.mark.parametrize(
    ("options", "kind", "message", "hint"),
    [
        ({"x": 1}, PointError, "no value for `y`", "--at y="),
        ({"x": 1, "Y": 2}, PointError, "no value for `y`", "`Y` is given: is `y` meant?"),
        ({"x": 1, "y": 2, "wrt": ["z"]}, OptionError, "no input `z`", "x, y"),
        ({"x": 1, "y": 2, "output": "z"}, UnknownName, "assigns no `z`", "write `z = …`"),
        ({"x": 1, "y": 2, "mode": "sideways"}, OptionError, "mode is one of", ""),
    ],
)
def test_errors(options: dict[str, object], kind: type[BackpropError], message: str, hint: str) -> None:
    with pytest.raises(kind) as caught:
        evaluate("x*y", **options)  # type: ignore[arg-type]
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_check_takes_a_result_or_a_text() -> None:
    assert check(evaluate("x^2", x=3)).verdict == check("x^2", {"x": 3}).verdict == "agree"


def test_importing_costs_nothing_until_a_name_is_used() -> None:
    code = (
        "import sys, backpropcli; before = [m for m in sys.modules if m.startswith('backpropcli.')];"
        "backpropcli.evaluate('x', x=1);"
        "print(before, sorted({'numpy', 'rich', 'lark', 'mpmath', 'typer'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[] []\n"


def test_a_result_in_a_notebook_is_a_table_with_everything_escaped() -> None:
    class Cells(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.tags: set[str] = set()
            self.cells: list[str] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.tags.add(tag)

        def handle_data(self, data: str) -> None:
            self.cells.append(data)

    reader = Cells()
    reader.feed(evaluate("a = x < 3; where(a, x, 2*x)", x=1)._repr_html_())
    assert reader.tags == {"table", "thead", "tbody", "tr", "th", "td", "p"}
    assert {"x < 3", "gradient router", "where(a, x, 2*x)", "upstream"} <= set(reader.cells)


def test_digits_that_rounding_leaves() -> None:
    assert digits_trusted(evaluate("x*y", x=3, y=4)) == pytest.approx({"x": 15, "y": 15}, abs=1.1)
    assert digits_trusted(evaluate("log(1+x)/x", x=1e-9))["x"] == 0
    assert 6 < digits_trusted(evaluate("sin(x)", x=1e9 + 0.3))["x"] <= 16
    assert digits_trusted(evaluate("relu(-x)*2", x=1)) == {"x": 16}
    assert shaken_gradients(evaluate("exp(x)", x=1)) == shaken_gradients(evaluate("exp(x)", x=1))


def test_limits_say_what_raises_them() -> None:
    with pytest.raises(LimitError) as caught:
        parse("x + y", limits=Limits(source=3))
    assert caught.value.hint == "raise it with --limit source=5"
    with pytest.raises(OptionError, match="no limit called 'colour'"):
        Limits(colour=3)
    with pytest.raises(OptionError, match="must be a finite number of at least 1"):
        Limits(rows=0)


@pytest.mark.parametrize(
    "text", ["2*(max(z,w)+x*y)", "1/(1+exp(-(x*y+z*w)))", "x^2*y^z + hypot(x, w)", "tanh(x)*x + x/y - z"]
)
def test_one_sweep_over_every_number_system(text: str) -> None:
    """Over arrays the sweep is many points at once; over symbols it writes the gradient, as a graph, down."""
    program = parse(text)
    graph = program.graph
    points = [{"x": 1.5, "y": 0.5, "z": -1.25, "w": 2.0}, {"x": 0.25, "y": 3.0, "z": 2.0, "w": -0.5}]
    expected = [evaluate(program, point).gradient for point in points]
    active = [True] * len(graph)

    arrays = Arrays()
    at = {name: arrays_of([point[name] for point in points]) for name in program.inputs}
    upstream = reverse(arrays, graph, forward(arrays, graph, at), program.output, arrays_of([1.0, 1.0]), active)
    for name in program.inputs:
        assert upstream[graph.inputs[name]].tolist() == pytest.approx(
            [gradient[name] for gradient in expected], rel=1e-13
        )

    written = Graph()
    symbols = Symbols(written)
    values = forward(symbols, graph, {name: Symbol(symbols, written.input(name)) for name in program.inputs})
    gradient = reverse(symbols, graph, values, program.output, 1.0, active)
    for point, numbers in zip(points, expected, strict=True):
        found = forward(FLOATS, written, point)
        for name in program.inputs:
            g = gradient[graph.inputs[name]]
            assert found[g.index] == pytest.approx(numbers[name], rel=1e-13)


def arrays_of(numbers: list[float]) -> object:
    import numpy as np

    return np.array(numbers)


def test_needed_and_dependents() -> None:
    program = parse("a = x + y; b = y*2; stop_gradient(a) + b")
    graph = program.graph
    assert sum(graph.needed([program.output])) == len(graph)
    assert sum(graph.needed([program.node("a")])) == 3
    assert graph.dependents([graph.inputs["x"]])[program.output]
    assert not graph.dependents([graph.inputs["x"]], held=False)[program.output]


def test_a_graph_reads_as_a_list_of_nodes() -> None:
    graph = parse("q = x*y; sin(q)").graph
    assert [(node.number, node.operation.name, node.operands, node.shape, node.name) for node in graph] == [
        (0, "input", (), (), "x"),
        (1, "input", (), (), "y"),
        (2, "mul", (0, 1), (), "q"),
        (3, "sin", (2,), (), ""),
    ]
