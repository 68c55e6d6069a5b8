"""Difference quotients with shrinking steps: against hand-made ones, against mpmath, and as a command prints them.

``BACKPROP_UPDATE=1 pytest tests/test_numeric.py`` writes the expected outputs anew; read the difference then.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import pytest

from backpropcli import evaluate
from backpropcli.checks.steps import METHODS, Differences, differences, shrinking
from backpropcli.errors import LimitError, OptionError
from backpropcli.limits import Limits
from backpropcli.renderers.plot import Curve, plot

from .test_cli import answer, backprop

GOLDEN = Path(__file__).parent / "golden"
MP = mpmath.mp.clone()
MP.prec = 2000
H = [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14]


def quotients(program: str, name: str = "x", place: tuple[int, ...] = (), **at: Any) -> Differences:
    return differences(evaluate(program, at, wrt=[name]), name, place)


def test_the_lecture() -> None:
    """Row 31, recomputed here: it converges to 0.196612, then rounding ruins it."""
    forward = quotients("sigmoid(x)", x=1.0).series[0]
    shown = [f"{q.value:.4f}" for q in forward.quotients]
    assert shown[:5] == ["0.1497", "0.1920", "0.1962", "0.1966", "0.1966"]
    assert shown[-1] == "0.1887"
    assert f"{forward.quotients[7].value:.6f}" == "0.196612"
    assert [q.h for q in forward.quotients] == H
    assert [q.evaluations for q in forward.quotients] == list(range(2, 17))
    exact = MP.exp(-1) / (1 + MP.exp(-1)) ** 2
    for q in forward.quotients:
        assert q.error == pytest.approx(float(abs(MP.mpf(q.value) - exact)), rel=1e-12)
    assert forward.best is not None
    assert forward.best.h in (1e-7, 1e-8)


EXAMPLES: list[tuple[str, float, Callable[[float], float], Callable[[Any], Any], Callable[[Any], Any]]] = [
    ("sin(x)", 1.0, math.sin, MP.sin, MP.cos),
    ("exp(x)", -2.5, math.exp, MP.exp, MP.exp),
    ("x*x*x", 3.0, lambda x: x * x * x, lambda x: x**3, lambda x: 3 * x**2),
    ("1/x", 0.3, lambda x: 1 / x, lambda x: 1 / x, lambda x: -1 / x**2),
    ("sqrt(x)", 2.0, math.sqrt, MP.sqrt, lambda x: 1 / (2 * MP.sqrt(x))),
    ("log(x)", 1e6, math.log, MP.log, lambda x: 1 / x),
    ("(x+1e8)-1e8", 0.3, lambda x: (x + 1e8) - 1e8, lambda x: x, lambda x: MP.mpf(1)),
]


@pytest.mark.parametrize(("program", "x", "f", "exact", "slope"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_quotients_and_errors_are_those_of_mpmath(
    program: str, x: float, f: Callable[[float], float], exact: Callable[[Any], Any], slope: Callable[[Any], Any]
) -> None:
    found = quotients(program, x=x)
    derivative = slope(MP.mpf(x))
    assert found.derivative == float(derivative)
    compared = 0
    for series in found.series:
        method = series.method
        for q in series.quotients:
            if x - q.h <= 0 and program in ("sqrt(x)", "log(x)"):
                continue
            value = (f(x + method.end * q.h) - f(x + method.start * q.h)) / q.h / (method.end - method.start)
            ends = [exact(MP.mpf(x) + side * MP.mpf(q.h)) for side in (method.start, method.end)]
            true = (ends[1] - ends[0]) / (MP.mpf(q.h) * (method.end - method.start))
            assert q.value == value
            expected = [abs(MP.mpf(value) - derivative), abs(true - derivative), abs(MP.mpf(value) - true)]
            for told, wanted in zip((q.error, q.truncation, q.rounding), expected, strict=True):
                assert told == pytest.approx(float(wanted), rel=1e-9, abs=1e-60)
            assert q.relative == pytest.approx(float(expected[0] / abs(derivative)), rel=1e-9, abs=1e-60)
            compared += 1
    assert compared >= 30


@pytest.mark.parametrize(
    ("program", "x", "forward", "central"),
    [
        ("sin(x)", 1.0, (1, math.sin(1) / 2), (2, math.cos(1) / 6)),
        ("exp(x)", 0.0, (1, 1 / 2), (2, 1 / 6)),
        ("exp(x)", 700.0, (1, math.exp(700) / 2), (2, math.exp(700) / 6)),
        ("x^3", 2.0, (1, 6.0), (2, 1.0)),
        ("sin(x)", 0.0, (2, 1 / 6), (2, 1 / 6)),  # a point of inflection
        ("x^4 - x", 0.0, (3, 1.0), None),
        ("x^2", 5.0, (1, 1.0), None),
        ("relu(x)^2", 0.0, (1, 1.0), (1, 0.5)),  # no second derivative
        ("3*x + 1", 0.7, None, None),
        (
            "sin(1e20*x)",
            1.0,
            (1, abs(1e40 * float(MP.sin(MP.mpf(1e20))) / 2)),
            (2, abs(float(MP.cos(1e20))) * 1e60 / 6),
        ),
    ],
)
def test_truncation_follows_its_power_of_h(
    program: str, x: float, forward: tuple[float, float] | None, central: tuple[float, float] | None
) -> None:
    found = {s.method.name: s.law for s in quotients(program, x=x).series}
    for name, expected in (("forward", forward), ("central", central)):
        law = found[name]
        assert law is not None
        if expected is None:
            assert (law.order, law.coefficient, law.h, law.error) == (None, None, None, None)
        else:
            assert law.order == expected[0]
            assert law.coefficient == pytest.approx(expected[1], rel=1e-6)


def test_the_best_step_in_theory_is_where_the_sum_is_least() -> None:
    found = quotients("sin(x)", x=1.0)
    assert found.noise == pytest.approx(1.1e-16, rel=0.5)
    for series in found.series:
        law = series.law
        assert law is not None
        assert law.h is not None
        rounding = 2 * found.noise / (series.method.end - series.method.start)

        def total(h: float, law: Any = law, rounding: float = rounding) -> float:
            return float(law.coefficient * h**law.order + rounding / h)

        assert total(law.h) == pytest.approx(law.error)
        assert total(law.h) < min(total(law.h * 0.9), total(law.h * 1.1))
        assert series.best is not None
        assert 0.05 < series.best.h / law.h < 20


@pytest.mark.parametrize(
    ("program", "x", "verdict", "sides", "values"),
    [
        ("relu(x)", 0.0, "not-differentiable", (0, 1), (1, 0, 0.5)),
        ("abs(x)", 0.0, "not-differentiable", (-1, 1), (1, -1, 0)),
        ("max(x, 2*x-3)", 3.0, "not-differentiable", (1, 2), (2, 1, 1.5)),
        ("floor(x)", 0.0, "not-differentiable", (None, 0), (0, 1e14, 5e13)),
        ("sqrt(x)", 0.0, "not-differentiable", (None, math.inf), (1e7, math.nan, math.nan)),
        ("1/x", 0.0, "undefined", (None, None), (-math.inf, math.inf, 1e28)),
        ("sigmoid(x)", math.inf, "undefined", (None, None), (0, 0, 0)),
        ("x", math.nan, "undefined", (None, None), (math.nan,) * 3),
        ("log(1+exp(x))", 800.0, "undefined", (None, None), (math.nan,) * 3),
    ],
)
def test_where_there_is_no_derivative_there_is_no_error(
    program: str, x: float, verdict: str, sides: tuple[float | None, float | None], values: tuple[float, ...]
) -> None:
    found = quotients(program, x=x)
    assert (found.verdict, found.derivative, found.sure) == (verdict, None, False)
    assert found.reason
    assert (found.left, found.right) == sides
    for series, value in zip(found.series, values, strict=True):
        assert series.quotients[-1].value == pytest.approx(value, rel=0.1, nan_ok=True)
        assert {q.error for q in series.quotients} == {None}
        assert series.best is None
        assert series.law is None


def test_a_gradient_without_digits_is_no_measure() -> None:
    """The reverse sweep gives -83 here; errors are told against the true derivative, -0.5."""
    found = quotients("log(1+x)/x", x=1e-9)
    assert found.verdict == "agree-ill-conditioned"
    assert found.derivative == pytest.approx(-0.5, rel=1e-6)
    assert found.error == pytest.approx(82.7, rel=0.01)
    assert found.series[0].quotients[1].error == pytest.approx(0.5 - (1 - math.log(1.1) / 0.1) / 0.1, rel=1e-3)


def test_steps_that_lead_nowhere_are_named() -> None:
    forward, backward, central = quotients("sqrt(x)", x=0.05).series
    assert [q.remark for q in backward.quotients[:3]] == ["outside the domain", "outside the domain", ""]
    assert [q.remark for q in central.quotients[:3]] == ["outside the domain", "outside the domain", ""]
    assert not any(q.remark for q in forward.quotients)
    assert [q.error for q in backward.quotients[:2]] == [None, None]
    far = quotients("x^2", x=1e10).series[2]
    assert [q.remark for q in far.quotients[-7:]] == ["no step"] * 7
    assert all(q.value == 0 and q.relative == 1 for q in far.quotients[-7:])
    up = differences(evaluate("x^2", x=1.0), "x", (), [1e308, 1e200])
    assert [[(q.remark, q.error) for q in s.quotients] for s in up.series] == [[("infinite", None)] * 2] * 3
    over = differences(evaluate("sigmoid(x)", x=1e308), "x", (), [1e308])
    assert [s.quotients[0].remark for s in over.series] == ["infinite", "", "infinite"]


def test_poles_far_out_are_no_walk() -> None:
    """x - h is a whole negative number here, to which mpmath would walk in 1e308 steps."""
    found = differences(evaluate("polygamma(2, x)", x=1e10), "x", (), [1e308, 1e300, 1.0])
    assert found.verdict == "agree"
    assert [q.remark for q in found.series[1].quotients][2] == ""


def test_quotients_divide_by_the_step_asked_for() -> None:
    found = differences(evaluate("x", x=1.0), "x", (), [1e-15])
    assert found.taken == [1.1102230246251565e-15]
    assert found.series[0].quotients[0].value == 1.1102230246251565e-15 / 1e-15


def test_entries_of_tensors() -> None:
    tensor = quotients("sum((W@x)^2)", "W", (0, 1), W=[[1.0, 2.0], [3.0, 4.0]], x=[1.0, -1.5])
    scalar = quotients("(1 - 1.5*w)^2 + (3 - 4*1.5)^2", "w", w=2.0)
    assert (tensor.input, tensor.x, tensor.gradient, tensor.derivative) == ("W[0, 1]", 2.0, 6.0, 6.0)
    for one, other in zip(tensor.series, scalar.series, strict=True):
        for q, r in zip(one.quotients[:4], other.quotients[:4], strict=True):
            assert q.value == pytest.approx(r.value, rel=1e-10)
            assert q.truncation == pytest.approx(r.truncation, rel=1e-10, abs=1e-60)
    weighted = differences(evaluate("x^2", {"x": [1.0, 3.0]}, upstream=[10, 100]), "x", (1,), [0.5])
    assert [s.quotients[0].value for s in weighted.series] == [650, 550, 600]
    scaled = differences(evaluate("x^2", {"x": 3.0}, upstream=100), "x", (), [0.5])
    assert [s.quotients[0].value for s in scaled.series] == [650, 550, 600]
    assert scaled.series[0].quotients[0].error == 50


def test_what_counts_as_data_does_not_move() -> None:
    held = quotients("x*stop_gradient(x)", x=3.0)
    assert (held.derivative, held.verdict) == (3, "agree")
    assert held.series[0].quotients[0].value == 3
    label = quotients("cross_entropy(s, y)", "y", (0,), s=[[1.0, 2.0]], y=[1.0])
    assert (label.derivative, label.series[0].quotients[0].value) == (0, 0)


def test_a_program_too_large_for_exact_numbers_is_compared_with_its_sweep() -> None:
    result = evaluate("s = 0*x\n" + "s = s + sin(x)*x\n" * 50, x=1.0)
    quick = differences(result, "x", seconds=1e-6)
    exact = differences(result, "x", seconds=100)
    assert (quick.verdict, quick.derivative, quick.sure) == ("unjudged", result.gradient["x"], True)
    assert (quick.error, quick.noise, {s.law for s in quick.series}) == (None, None, {None})
    for one, other in zip(quick.series, exact.series, strict=True):
        assert [q.value for q in one.quotients] == [q.value for q in other.quotients]
        assert one.quotients[2].error == pytest.approx(other.quotients[2].error, rel=1e-9)
        assert one.quotients[2].truncation is None
    kink = differences(evaluate("relu(x)", x=0.0), "x", seconds=1e-9)
    assert (kink.verdict, kink.derivative, kink.sure) == ("inconclusive", None, False)


def test_evaluations_are_counted() -> None:
    result = evaluate("x^2", x=1.0)
    both = differences(result, "x", (), [1.0, 0.5, 0.25])
    assert both.evaluations == [3, 5, 7]
    assert [[q.evaluations for q in s.quotients] for s in both.series] == [[2, 3, 4], [2, 3, 4], [2, 4, 6]]
    assert differences(result, "x", (), [1.0, 0.5], ["central"]).evaluations == [2, 4]
    seen = []
    differences(result, "x", (), [1.0, 0.5], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_steps_are_decimal() -> None:
    assert shrinking() == H
    assert shrinking(1, 2**-50, 2) == [2.0**-k for k in range(51)]
    assert shrinking(0.3, 0.001, 10) == [0.3, 0.03, 0.003]
    assert shrinking(0.1, 0.1) == [0.1]
    assert shrinking(1e-300, 5e-324)[-1] == 1e-323
    assert len(shrinking(factor=1.01, limits=Limits(rows=4000))) == 3240


@pytest.mark.parametrize(
    "arguments",
    [(0, 1e-14), (-1, 1e-14), (math.nan, 1e-14), (math.inf, 1e-14), (1, 0), (1, math.nan), (1, -1e-3), (0.1, 1),
     (1, 1e-14, 1), (1, 1e-14, 0.5), (1, 1e-14, math.nan), (1, 1e-14, math.inf), (1, 1e-14, -10)],
)  # fmt: skip
def test_steps_that_do_not_shrink_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(OptionError):
        shrinking(*arguments)


def test_too_many_steps_are_refused_before_any_is_made() -> None:
    with pytest.raises(LimitError, match="rows"):
        shrinking(1, 1e-14, 1 + 1e-15)
    with pytest.raises(LimitError, match=r"10,\d\d\d rows"):
        shrinking(1, 1e-14, 1.0032)


# The command.

SMOOTH = ["numeric", "x*x*x", "--at", "x=1", "--digits", "6"]
"""A program of exact operations, so that every machine prints the same."""


@pytest.mark.parametrize("columns", ["40", "80", "200", ""])
def test_the_page(columns: str) -> None:
    environment = {"COLUMNS": columns} if columns else {}
    run = backprop(*SMOOTH, PYTHONIOENCODING="utf-8", **environment)
    assert (run.returncode, run.stderr) == (0, "")
    expected = GOLDEN / f"numeric-{columns or 'pipe'}.txt"
    if os.environ.get("BACKPROP_UPDATE"):
        expected.write_text(run.stdout, encoding="utf-8")
    assert run.stdout == expected.read_text("utf-8")


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
@pytest.mark.parametrize(
    "arguments",
    [
        ["exp(x)", "--at", "x=700"],
        ["sqrt(x)", "--at", "x=0.05", "--digits", "17"],
        ["relu(x)", "--at", "x=0"],
        ["x^2", "--at", "x=1e10", "--from", "1e300", "--to", "1e-300", "--factor", "1e20"],
        ["sum((W@x)^2)", "--at", "W=[[1,2],[3,4]],x=[1,-1]", "--wrt", "W[0,1]", "--method", "central"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_line_is_wider_than_the_terminal(columns: int, arguments: list[str]) -> None:
    run = backprop("numeric", *arguments, COLUMNS=str(columns), PYTHONIOENCODING="utf-8")
    assert run.returncode in (0, 3)
    assert max(map(len, run.stdout.splitlines())) <= columns
    assert "evaluations" in run.stdout


def test_json_has_every_digit() -> None:
    found = answer("numeric", "x*x*x", "--at", "x=1")
    (only,) = found["inputs"]
    assert (found["output"], found["value"], only["derivative"], only["verdict"]) == ("n3", 1, 3, "agree")
    assert [step["h"] for step in only["steps"]] == H
    for name, method in METHODS.items():
        for q in only["methods"][name]["quotients"]:
            ends = [1 + side * q["h"] for side in (method.start, method.end)]
            value = (ends[1] * ends[1] * ends[1] - ends[0] * ends[0] * ends[0]) / q["h"] / (method.end - method.start)
            assert q["quotient"] == value
    assert only["methods"]["central"]["theory"]["order"] == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["x*y", "--at", "x=1,y=2", "--wrt", "x,y"], 0),
        (["sum((W@x)^2)", "--at", "W=[[1,2],[3,4]],x=[1,-1]", "--wrt", "W[0,1], x[-1],W[-2,1]"], 0),
        (["W@x", "--at", "W=[[1,2],[3,4]],x=[1,-1]", "--wrt", "x[0]", "--upstream", "[1,2]"], 0),
        (["q = x^2; f = q + 1", "--at", "x=2", "--output", "q", "--method", "backward"], 0),
        (["q = x^2; 5", "--at", "x=2"], 0),
        (["-x^2", "--at", "x=2", "--from", "2^-3", "--to", "2^-30", "--factor", "2"], 0),
        (["x", "--at", "x=1", "--to", "5e-324"], 0),
        (["x", "--at", "x=1", "--from", "1e308", "--factor", "1e10"], 0),
        (["x", "--at", "x=1", "--factor", "1.0032", "--limit", "rows=11000"], 0),
        (["relu(x)", "--at", "x=0"], 3),
        (["1/x", "--at", "x=0"], 3),
        (["sqrt(x)", "--at", "x=-1"], 3),
        (["x", "--at", "x=inf"], 3),
        (["sin(1/x)", "--at", "x=0"], 3),
        (["x*y", "--at", "x=1,y=2"], 2),
        (["x*y", "--at", "x=1", "--wrt", "x"], 2),
        (["x", "--at", "x=1", "--wrt", "y"], 2),
        (["x", "--at", "x=1", "--wrt", ","], 2),
        (["x", "--at", "x=1", "--wrt", "x[0]"], 2),
        (["x", "--at", "x=1", "--wrt", "x]"], 2),
        (["x", "--at", "x=1", "--wrt", "\x1b[31m"], 2),
        (["sum(v)", "--at", "v=[1,2]"], 2),
        (["sum(v)", "--at", "v=[1,2]", "--wrt", "v[2]"], 2),
        (["sum(v)", "--at", "v=[1,2]", "--wrt", "v[0,0]"], 2),
        (["sum(v)", "--at", "v=[1,2]", "--wrt", "v[]"], 2),
        (["sum(v)", "--at", "v=[1,2]", "--wrt", "v[" + "9" * 5000 + "]"], 2),
        (["relu(v)", "--at", "v=[1,2]", "--wrt", "v[0]"], 2),
        (["5"], 2),
        (["x", "--at", "x=1", "--from", "0"], 2),
        (["x", "--at", "x=1", "--from", "-1"], 2),
        (["x", "--at", "x=1", "--from", "nan"], 2),
        (["x", "--at", "x=1", "--from", "1e400"], 2),
        (["x", "--at", "x=1", "--from", "inf"], 2),
        (["x", "--at", "x=1", "--from", "[1,2]"], 2),
        (["x", "--at", "x=1", "--from", "1e-20"], 2),
        (["x", "--at", "x=1", "--to", "x"], 2),
        (["x", "--at", "x=1", "--factor", "1"], 2),
        (["x", "--at", "x=1", "--factor", "1.0032"], 2),
        (["x", "--at", "x=1", "--method", "sideways"], 2),
        (["x", "--at", "x=1", "--nonsense"], 2),
        (["x +", "--at", "x=1"], 2),
    ],
)
def test_exit_status_and_schema(arguments: list[str], status: int) -> None:
    run = backprop("numeric", *arguments)
    assert run.returncode == status, run.stdout + run.stderr
    assert "Traceback" not in run.stderr
    assert "fault" not in run.stderr
    assert "\x1b" not in run.stdout + run.stderr
    assert ("error" in answer("numeric", *arguments)) == (status == 2)


def test_the_words_where_there_is_no_derivative() -> None:
    run = backprop("numeric", "relu(x)", "--at", "x=0", "--to", "0.1")
    assert run.stderr.startswith("note: relu(x) has a kink at x = 0")
    assert run.stdout.splitlines() == [
        "f = 0",
        "forward  = (f(x+h) - f(x))/h",
        "backward = (f(x) - f(x-h))/h",
        "central  = (f(x+h) - f(x-h))/(2h)",
        "",
        "∂f/∂x = 0 at x = 0, by the reverse sweep",
        "  no derivative to compare with: kink at relu(x): 0 on the left, 1 on the right",
        "",
        "  h  forward  backward  central  evaluations",
        "────────────────────────────────────────────",
        "  1        1         0      0.5            3",
        "0.1        1         0      0.5            5",
        "",
        "Forward quotients tend to the derivative of the right side, 1, backward ones to",
        "that of the left, 0; central ones to the mean of both, 0.5, which is the",
        "derivative of neither.",
    ]
    outside = backprop("numeric", "sqrt(x)", "--at", "x=0.05", "--to", "0.01").stdout
    told = "A step of h = 1 to 0.1 (backward, central) leads outside the domain, and the quotient has no value."
    assert told in " ".join(outside.splitlines())


def test_quiet_notes_colors_and_files(tmp_path: Path) -> None:
    quiet = backprop(*SMOOTH, "--quiet", "--at", "z=1")
    assert quiet.stderr == ""
    assert "evaluations" not in quiet.stdout
    assert "∂f/∂x = 3 at x = 1" in quiet.stdout
    assert "central    1e-06  2.48e-11" in quiet.stdout
    assert backprop(*SMOOTH, "--at", "z=1").stderr == "note: no name in the program is `z`\n"
    colored = backprop(*SMOOTH, "--color", "always").stdout
    assert "\x1b[36m>" in colored
    assert "\x1b[33mo" in colored
    target = tmp_path / "numeric.txt"
    assert backprop(*SMOOTH, "-o", str(target)).stdout == ""
    assert target.read_text("utf-8") == (GOLDEN / "numeric-pipe.txt").read_text("utf-8")


def test_ascii_where_the_encoding_has_nothing_else() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "backpropcli", "numeric", "θ^2", "--at", "θ=1e10"],
        capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=True,
    )  # fmt: skip
    assert run.stdout.isascii()
    assert b"+-+-" in run.stdout
    assert b"x +- h is x itself" in b" ".join(run.stdout.split(b"\n"))
    assert b"\\u2" not in run.stdout


def test_scalars_import_neither_numpy_nor_rich() -> None:
    code = (
        "import sys; from backpropcli.cli.main import run; status = run(sys.argv[1:]);"
        "print(status, sorted({'numpy', 'rich', 'lark'} & set(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code, *SMOOTH], capture_output=True, text=True, check=True)
    assert run.stderr == "0 []\n"


# The plot.


def page(*curves: Curve, width: int = 60, pairs: dict[str, str] | None = None) -> list[str]:
    return ["".join(text for text, _ in spans).rstrip() for spans in plot(curves, width, "dim", pairs)]


def test_a_plot_by_hand() -> None:
    lines = page(
        Curve("one", "1", "", [(1, 1.0), (0.1, 0.1), (0.01, 0.01), (0.001, 0.0)]),
        Curve("two", "2", "", [(1, 1.0), (0.1, 0.01), (0.01, 0.01), (0.001, 0.001)]),
        Curve("three", "3", "", [(0.01, 0.01)]),
        pairs={"12": "="},
    )
    assert lines == [
        "    1 ┤                               =",
        "      │",
        "  0.1 ┤                     1",
        "      │",
        " 0.01 ┤           *         2",
        "      │",
        "0.001 ┤ 2",
        "    0 ┤ 1",
        "      └─┬─────────┬─────────┬─────────┬",
        "      0.001     0.01       0.1        1",
        "  1 one  2 two  3 three  = one and two  * several",
    ]


@pytest.mark.parametrize("width", [30, 40, 80])
@pytest.mark.parametrize(
    "points",
    [
        [(1.0, 1.0)],
        [(1.0, 0.0)],
        [(1.0, 5e-324), (5e-324, 1.7e308)],
        [(2.0**-k, 2.0**-k) for k in range(1000)],
        [(1.0, 3.0), (0.999, 2.0)],
    ],
)
def test_a_plot_fits_and_shows_every_curve(width: int, points: list[tuple[float, float]]) -> None:
    lines = page(Curve("errors", "o", "", points), width=width)
    assert max(map(len, lines)) <= width
    assert len(lines) < 30
    assert any("o" in line[line.find("┤") + 1 :] for line in lines[:-3] if "┤" in line or "│" in line)


def test_nothing_to_plot() -> None:
    assert page(Curve("none", "o", "", [])) == []


def test_the_catalogue_of_methods_is_what_json_says() -> None:
    found = json.loads(backprop("numeric", "x", "--at", "x=1", "--json").stdout)
    formulas = {name: record["formula"] for name, record in found["inputs"][0]["methods"].items()}
    assert formulas == {
        "forward": "(f(x+h) - f(x))/h", "backward": "(f(x) - f(x-h))/h", "central": "(f(x+h) - f(x-h))/(2h)",
    }  # fmt: skip
