"""The language: what is read, how it groups, and what is refused, with its place and its mend."""

from __future__ import annotations

from typing import Any

import lark
import pytest

from backpropcli import BackpropError, evaluate, parse
from backpropcli.errors import LimitError, printable
from backpropcli.language import parse_bindings
from backpropcli.language.builder import Builder
from backpropcli.language.compile import compile_tables, grammar_text, lark_parser
from backpropcli.language.elsewhere import INSTEAD
from backpropcli.language.parser import parser
from backpropcli.limits import Limits
from backpropcli.operations import FUNCTIONS
from backpropcli.text import expressions, labels

MEANINGS = {
    "-x^2": -9, "2^-1": 0.5, "2^-x^2": 2**-9, "2^3^2": 512, "(2^3)^2": 64, "-2^2": -4, "--x": 3, "-+-x": 3, "+x": 3,
    "2**3": 8, "x²": 9, "x³": 27, "√x^2": 2.9999999999999996, "√(x+6)": 3,
    "2·x": 6, "2×x": 6, "2∗x": 6, "2⊙x": 6, "2⋅x": 6, "[1,2]⋅[3,4]": 11, "6÷x": 2, "5−x": 2, "∛(x+5)": 2,
    "x≤3": 1, "x≥4": 0, "x≠3": 0, "Φ(0)": 0.5, "φ(0)*0": 0, "Γ(5)": 24, "ψ(1) < 0": 1,
    "Γ = 2; Γ*Γ(x)": 4, "Φ = 1; φ = 2; ψ = 4; Φ + φ + ψ": 7, "x*-2": -6, "x--2": 5,
    "1-2-3": -4, "8/4/2": 1, "2*x+1": 7, "2+x*2": 8, "6/2*x": 9, "3.": 3, ".5": 0.5, "1e-3": 0.001, "1E2": 100, "3": 3,
    "x<4": 1, "x<=3": 1, "x>3": 0, "x>=3": 1, "x==3": 1, "x!=3": 0, "1+1==2": 1, "not x": 0, "not 0": 1,
    "not x==4": 1, "1 and 0 or 1": 1, "1 or 0 and 0": 1, "not 1 or 1": 1, "x>1 and x<4": 1, "(x>1)*x": 3,
    "pi": 3.141592653589793, "π": 3.141592653589793, "tau": 6.283185307179586, "e": 2.718281828459045, "1/inf": 0,
    "σ(0)": 0.5, "σ = 2; σ*σ(0)": 1, "sigmoid(0)": 0.5, "expit(0)": 0.5, "ln(e)": 1, "arctan(0)": 0, "max(1,x,2)": 3,
    "maximum(1,2)": 2, "clamp(5,0,1)": 1, "where(x>1, 10, 20)": 10, "pow(2,3)": 8, "square(3)": 9,
    "leaky_relu(-1)": -0.01, "leaky_relu(-1, 0.5)": -0.5, "leaky_relu(-1, slope=0.5)": -0.5, "swish(0)": 0,
    "clip(5, hi=1, lo=0)": 1,
    "a = 1; b = 2\n\n;a + b": 3, "a = x\na = a + 1\na*2": 8, "(1 +\n 2)": 3, "max(1,\n\n x # largest\n)": 3,
    "# a comment\nx # another\n# last": 3, "x;": 3, "\n\n x": 3, "x\r\n": 3, "a=1\rb=2\ra+b": 3, "gamma(5)": 24,
    "λ = 2; λ*x": 6, "Δx = 2; Δx": 2, "_a1 = 4; _a1": 4, "((((x))))": 3, "f = 2*x; f": 6, "x/0": float("inf"),
    "max = 3; max + max(1, 2)": 5, "T = 2; T": 2, "not_x = 1; not_x": 1, "1e308*10": float("inf"), "0^0": 1,
}  # fmt: skip


@pytest.mark.parametrize("text", MEANINGS)
def test_meaning(text: str) -> None:
    assert evaluate(text, {"x": 3}).value == MEANINGS[text]


REFUSED: list[tuple[str, int, int, str, str]] = [
    ("2x", 1, 2, "no implicit product", "write `2*x`"),
    ("x y", 1, 3, "no implicit product", "write `x*y`"),
    ("(a)(b)", 1, 4, "no implicit product", "write `(…)*(…)`"),
    ("2(x)", 1, 2, "no implicit product", "write `2*(…)`"),
    ("x 2", 1, 3, "no implicit product", "write `x*2`"),
    ("|x|", 1, 1, "`|`", "abs(x)"),
    ("3!", 1, 2, "`!`", "gamma(n + 1)"),
    ("x'", 1, 2, "`'`", "leave it out"),
    ("a<b<c", 1, 4, "do not chain", "a < b and b < c"),
    ("a≤b≤c", 1, 4, "do not chain", "a < b and b < c"),
    ("(x+y", 1, 1, "`(` is never closed", "add `)`"),
    ("max(x, (y)", 1, 4, "`(` is never closed", "add `)`"),
    ("x+y)", 1, 4, "`)` closes nothing", "delete it"),
    ("(x]", 1, 3, "`(` is closed by `]`", "write `)`"),
    ("sni(x)", 1, 1, "no function `sni`", "did you mean `sin`?"),
    ("tanhh(x)", 1, 1, "no function `tanhh`", "did you mean `tanh`?"),
    ("x = 1; x(3)", 1, 8, "`x` is a variable", "write `x*(…)`"),
    ("max()", 1, 1, "does not take 0 arguments", "max(x, y, …)"),
    ("sin(x, y)", 1, 1, "does not take 2 arguments", "sin(x)"),
    ("sin()", 1, 1, "does not take 0 arguments", "sin(x)"),
    ("clip(x, a=1)", 1, 1, "no argument called `a`", "clip(x, lo, hi)"),
    ("x +", 1, 3, "the text ends where an operand is missing", ""),
    ("x +\ny", 1, 3, "the line ends where an operand is missing", "in brackets"),
    ("x + * y", 1, 5, "an operand is missing between `+` and `*`", ""),
    ("* y", 1, 1, "an operand is missing before `*`", ""),
    ("()", 1, 2, "an operand is missing between", ""),
    ("", 1, 1, "the text is empty", "(x+y)*z"),
    ("# nothing", 1, 1, "the text is empty", ""),
    ("1_000", 1, 1, "does not group digits", "write `1000`"),
    ("0x10", 1, 1, "decimal", "write `16`"),
    ("1e", 1, 1, "has no digits", "1e3"),
    ("1.2.3", 1, 1, "is no number", "one decimal point"),
    ("1e999", 1, 1, "larger than any float64", "inf"),
    ('"text"', 1, 1, "strings are not", ""),
    ("x.y", 1, 2, "attributes are not", ""),
    ("__class__", 1, 1, "`__class__` is not in the language", ""),
    ("__import__(x)", 1, 1, "`__import__` is not in the language", ""),
    ("sin x", 1, 1, "takes its argument in brackets", "write `sin(x)`"),
    ("leaky_relu(x, 1, slope=2)", 1, 1, "given twice", ""),
    ("leaky_relu(x, slope=1, slope=2)", 1, 1, "given twice", ""),
    ("lambda x: x", 1, 1, "`lambda` is not in the language", ""),
    ("x if y else z", 1, 3, "`if` is not in the language", "where(condition, x, y)"),
    ("x => 3", 1, 3, "is no comparison", "write `>=`"),
    ("x <> 3", 1, 3, "is no comparison", "write `!=`"),
    ("x = = 3", 1, 5, "`=` assigns", "write `==`"),
    ("2 = x", 1, 3, "`=` assigns", ""),
    ("y = x; x = 2", 1, 8, "an earlier statement read it as an input", "another name"),
    ("x = x + 1", 1, 1, "an earlier statement read it as an input", ""),
    ("x₀", 1, 2, "U+2080", "write `x0`"),
    ("x⁴", 1, 2, "U+2074", "write `^4`"),
    ("𝑥 + 1", 1, 1, "U+1D465", "write `x`"),
    ("x\u00a0+ 1", 1, 2, "U+00A0", "plain space"),
    ("x – 1", 1, 3, "no minus sign", "write `-`"),
    ("x % 2", 1, 3, "`%`", "floor"),
    ("x & y", 1, 3, "`&`", "and"),
    ("{x}", 1, 1, "braces", "round brackets"),
    ("a\nb\n c ? d", 3, 4, "`?`", "where"),
    ("é + 1", 1, 1, "U+00E9", "Greek letters"),
    ("y + [[1, 2], [3]]", 1, 5, "`[[1, 2], [3]]`: entry 1 has the shape 1, and entry 0 2", "equally long"),
    ("[1, 2] @ [1, 2, 3]", 1, 1, "the shapes 2 and 3 do not fit a matrix product", ""),
    ("[[1, 2, 3]] @ [[1, 2, 3]]", 1, 1, "3 columns against 1 rows", "transposed"),
    ("2 @ [1, 2]", 1, 1, "the shapes are scalar and 2", "write `*`"),
    ("sum([1, 2], axis=1)", 1, 1, "there is no axis 1 in the shape 2", "axes go from 0 to 0"),
    ("sum([1, 2], axis=y)", 1, 1, "a whole number must stand here", "shapes are known"),
    ("sum([1, 2], 0)", 1, 1, "`sum` does not take 2 arguments", "axis="),
    ("sum([1, 2], axis=0, axis=0)", 1, 1, "given twice", ""),
    ("[1, 2, 3][3]", 1, 1, "the index 3 is outside axis 0 of the shape 3", "from 0 to 2"),
    ("[1, 2, 3][0, 0]", 1, 1, "2 indices for the shape 3", ""),
    ("[1, 2, 3][::0]", 1, 1, "a slice cannot step by 0", ""),
    ("[1, 2, 3] + [1, 2]", 1, 1, "`[1, 2, 3] + [1, 2]`: the shapes 3 and 2 do not broadcast", ""),
    ("reshape([1, 2, 3], 2, 2)", 1, 1, "3 entries of the shape 3 do not make the shape 2×2", ""),
    ("reshape([1, 2])", 1, 1, "needs lengths", "reshape(x, lengths…)"),
    ("zeros()", 1, 1, "`zeros` takes lengths", "zeros(2, 3)"),
    ("zeros(-1)", 1, 1, "a length is negative", ""),
    ("inv([1, 2])", 1, 1, "a square matrix is needed", ""),
    ("max([])", 1, 1, "of no entries none is the largest", ""),
    ("cross_entropy([1, 2], [0, 1, 1])", 1, 1, "do not fit", "one class number"),
    ("dot([1, 2], [[1, 2]])", 1, 1, "two vectors of one length", "A@B"),
    ("concat([1, 2], [[1, 2]])", 1, 1, "do not join along axis 0", ""),
    ("stack([1, 2], 3)", 1, 1, "entry 1 has the shape scalar", ""),
    ("a, b", 1, 2, "`,` stands in no call", ""),
    ("(a; b)", 1, 3, "`;` stands inside brackets", ""),
    ("sin^2(x)", 1, 1, "`sin` takes its argument before the power", "write `sin(x)^2`"),
    ("2*cos²(x + (y))", 1, 3, "`cos` takes its argument before the power", "write `cos(x + (y))^2`"),
    ("sin^-1(x)", 1, 1, "`sin` takes its argument", "`asin(x)` for the inverse, `1/sin(x)`"),
    ("exp**-1 (x)", 1, 1, "`exp` takes its argument", "write `exp(x)^-1`"),
    ("sin² x", 1, 1, "`sin` takes its argument before the power", "write `sin(x)^2`"),
    ("sin^2 √x", 1, 1, "`sin` takes its argument before the power", "write `sin(…)^2`"),
    ("sec^2(x)", 1, 1, "`sec` takes its argument before the power", "write `(1/cos(x))^2`"),
    ("g(x)", 1, 1, "no function `g`", "`backprop gates` lists the functions"),
    ("x^2(3)", 1, 4, "no implicit product", ""),
    ("f(x)=x^2", 1, 1, "there are no functions of your own", "write `f = x^2`"),
    ("a = 1; f(x, y) = x*y; f(a, 2)", 1, 8, "there are no functions of your own", "write `f = x*y`"),
    ("f(2) = 3", 1, 6, "`=` assigns", ""),
    ("sin(x) = 3", 1, 8, "`=` assigns", "write `==`"),
    ("mod(x, 2)", 1, 1, "no function `mod`", "write `x - y*floor(x/y)`"),
    ("x mod 2", 1, 3, "`mod` is not in the language", "write `x - y*floor(x/y)`"),
    ("logit(x)", 1, 1, "no function `logit`", "write `log(p/(1 - p))`"),
    ("arctan2(y, x)", 1, 1, "no function `arctan2`", "write `atan2(y, x)`"),
    ("zyx(x)", 1, 1, "no function `zyx`", "`backprop gates` lists the functions"),
    ("np.sin(x)", 1, 1, "names have no prefix such as `np.`", "write `sin(x)`"),
    ("2*torch.nn.functional.relu(x[0])", 1, 3, "names have no prefix", "write `relu(x[0])`"),
    ("np.pi*x", 1, 1, "names have no prefix", "write `pi`"),
    ("np.mod(x, 2)", 1, 1, "names have no prefix", "write `x - y*floor(x/y)`"),
    ("np.array([1, 2]) @ x", 1, 1, "names have no prefix", "write `[1, 2]`"),
    ("np.foo(x)", 1, 1, "names have no prefix", "`backprop gates` lists the functions"),
    ("x.sum()", 1, 1, "functions are no methods", "write `sum(x)`"),
    ("3*(x + 1).sum(axis=0)", 1, 3, "functions are no methods", "write `sum(x + 1, axis=0)`"),
    ("F.sum()", 1, 1, "functions are no methods", "write `sum(F)`"),
    ("x.T.mean()", 1, 1, "functions are no methods", "write `mean(x.T)`"),
    ("x[1:].shape", 1, 6, "attributes are not in the language", ""),
    ("x" * 65, 1, 1, "a name of 65 characters", "--limit name=65"),
]


@pytest.mark.parametrize(("text", "line", "column", "message", "hint"), REFUSED)
def test_refused(text: str, line: int, column: int, message: str, hint: str) -> None:
    with pytest.raises(BackpropError) as caught:
        parse(text)
    error = caught.value
    assert (error.line, error.column) == (line, column), error.render()
    assert message in error.message
    assert hint in error.hint
    shown = error.render().splitlines()
    assert shown[0].startswith(f"backprop: line {line}, column {column}: ")
    assert set(shown[2]) <= {" ", "^"}
    assert not any(name in error.render() for name in ("LPAR", "RPAR", "LSQB", "_END", "ANON", "NUMBER", "$END"))


def test_the_caret_stands_under_the_place_whatever_stands_before() -> None:
    for text, marked in (("x\t+ ?", "?"), ("日本 ? 1", "日"), ("\x1b ? 1", "\\u{1b}"), ("a" * 300 + " + ?", "?")):
        with pytest.raises(BackpropError) as caught:
            parse(text, limits=Limits(name=1000))
        _, line, caret, *_ = caught.value.render(60).splitlines()
        place = caret.index("^")
        assert line[place:].startswith(marked), caught.value.render(60)
        assert len(line) <= 62


def test_a_literal_that_is_too_long_is_refused() -> None:
    with pytest.raises(LimitError, match="401 characters of one number, and the limit is 400"):
        parse("1" * 401)


def test_names_given_shadow_constants() -> None:
    assert evaluate("2*e", {"e": 5}).gradient == {"e": 2}
    assert evaluate("2*e").gradient == {}


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("x=1", {"x": 1}),
        ("x=-2,y=5, z = -4", {"x": -2, "y": 5, "z": -4}),
        ("x=pi/4", {"x": 0.7853981633974483}),
        ("x=1e-3,", {"x": 0.001}),
        ("a=2^10, b=sqrt(2)", {"a": 1024, "b": 2**0.5}),
        ("x=inf", {"x": float("inf")}),
        ("e=3,x=e", {"e": 3, "x": 2.718281828459045}),
        ("x=1,\ny=2\n", {"x": 1, "y": 2}),
    ],
)
def test_bindings(text: str, point: dict[str, float]) -> None:
    assert parse_bindings(text) == point


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x=1,x=2", "`x` is given twice"),
        ("x=y", "a value cannot use the name `y`"),
        ("x", "`x` has no value"),
        ("", "no values are given"),
        ("x=", "an operand is missing"),
        ("x:1", "`x` has no value"),
        ("x=1;y=2", "a comma is missing"),
        ("2=x", "a name is missing before `2`"),
        ("x=1 y=2", "a comma is missing"),
        ("W=@w.npy", "values from files cannot be read here"),
        ("x=[1,[2]]", "entry 1 has the shape 1"),
    ],
)
def test_bindings_refused(text: str, message: str) -> None:
    with pytest.raises(BackpropError, match=message.replace("(", r"\(")):
        parse_bindings(text)


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        (" + ".join(["x"] * 100_000), 100_000),
        ("(" * 100_000 + "x" + ")" * 100_000, 1),
        ("-" * 100_000 + "x", 100_001),
        ("^".join(["x"] * 100_000), 100_000),
        ("not " * 100_000 + "x", 100_001),
        ("sin(" * 100_000 + "x" + ")" * 100_000, 100_001),
        ("a = x\n" + "a = a + x\n" * 100_000, 100_001),
        ("√" * 100_000 + "x", 100_001),
        ("x" + "²" * 100_000, 100_001),
    ],
    ids=["terms", "parentheses", "minuses", "powers", "nots", "calls", "statements", "roots", "squares"],
)
def test_a_hundred_thousand(text: str, nodes: int) -> None:
    result = evaluate(text, x=1.0)
    assert len(result.values) == nodes


def test_texts_of_a_doubling_program_stay_short() -> None:
    program = parse("a = x\n" + "a = a*a\n" * 40)
    assert max(map(len, expressions(program.graph, {}))) <= 80


def test_expressions_read_back_as_what_they_were_written_from() -> None:
    for text in MEANINGS:
        program = parse(text, {"x"})
        again = expressions(program.graph, {}, 10_000)[program.output]
        assert evaluate(again, {"x": 3}).value == MEANINGS[text], (text, again)
        same = parse(again, {"x"})
        assert expressions(same.graph, {}, 10_000)[same.output] == again


def test_labels_are_unique() -> None:
    program = parse("c = a; c = c + 1; c = c + 2; c_1 = 3*n3; c_1 + c*f_1; f_1*2")
    graph = program.graph
    names = [name for i, name in enumerate(labels(graph, program.output)) if i not in graph.constants]
    assert len(set(names)) == len(names)


def test_the_tables_are_those_of_the_grammar() -> None:
    import json
    from importlib.resources import files

    shipped = json.loads((files("backpropcli.language") / "tables.json").read_text("utf-8"))
    assert shipped == json.loads(json.dumps(compile_tables(grammar_text()))), (
        "run python -m backpropcli.language.compile"
    )


def test_the_grammar_has_no_conflicts() -> None:
    """Lark settles a shift/reduce conflict in silence; its strict mode raises instead."""
    pytest.importorskip("interegular")
    lark_parser(grammar_text(), lexer="basic", strict=True)


class OurLexer(lark.lexer.Lexer):
    """Our tokens as Lark's."""

    def __init__(self, _: Any) -> None:
        pass

    def lex(self, state: Any, parser_state: Any = None) -> Any:
        text = state if isinstance(state, str) else state.text.text
        for kind, word, place in parser().tokens(text):
            if kind != "$END":
                yield lark.Token(kind, word, start_pos=place)


def through_lark(text: str) -> Builder:
    """The text through Lark's own parser, with the same builder."""
    builder = Builder(text, {"x"})

    def calling(method: Any) -> Any:
        return lambda self, children: method(*children)

    def word(self: Any, token: Any) -> tuple[str, int]:
        return str(token), token.start_pos

    methods = {rule[3]: calling(builder.callback(rule[3])) for rule in parser().rules if rule[3]}
    adapter = type("Adapter", (lark.Transformer,), methods | {"NUMBER": word, "NAME": word, "FILE": word})
    lark_parser(grammar_text(), lexer=OurLexer, transformer=adapter()).parse(text, start="program")
    return builder


@pytest.mark.parametrize("text", MEANINGS)
def test_our_parser_builds_what_lark_builds(text: str) -> None:
    ours, larks = parse(text, {"x"}), through_lark(text)
    assert ours.graph.operations == larks.graph.operations
    assert ours.graph.operands == larks.graph.operands
    assert ours.graph.constants == larks.graph.constants
    assert (ours.output, ours.assigned, ours.notes) == (larks.output, larks.assigned, larks.notes)


@pytest.mark.parametrize("name", INSTEAD)
def test_what_to_write_instead_is_in_the_language(name: str) -> None:
    program = parse(INSTEAD[name])
    vectors = "dot(" in INSTEAD[name] or "max(" in INSTEAD[name]
    at = {key: [[2, 1], [1, 3]] if key.isupper() else [0.25, 0.5] if vectors else 0.75 for key in program.inputs}
    assert name not in FUNCTIONS
    assert evaluate(f"sum({INSTEAD[name]})", at).gradient


@pytest.mark.parametrize("text", [case[0] for case in REFUSED])
def test_lark_refuses_what_we_refuse(text: str) -> None:
    with pytest.raises((lark.exceptions.LarkError, BackpropError)):
        through_lark(text)


def test_printable_spells_out_what_steers_a_terminal() -> None:
    assert printable("a\x1b[31m\u202eb\x00\x9b\n") == "a\\u{1b}[31m\\u{202e}b\\u{0}\\u{9b}\\n"
    assert printable("σ ∂ 日本 é") == "σ ∂ 日本 é"
