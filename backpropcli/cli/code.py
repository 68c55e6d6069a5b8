"""``backprop code``: value and gradient as flat code in another language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..dialects import TARGETS, Code, code_of
from ..errors import OptionError, nearest
from ..inputs import chosen
from ..values import hold_sizes
from .asked import Answer, ShapedQuestion
from .main import DONE, NO, UNVERIFIED
from .options import FORM_HELP, FormulaTies, names_of, one_of

if TYPE_CHECKING:
    from ..dialects.verify import Verification
    from ..language import Program
    from ..values import Value

NAMES = {"torch-function": "ValueAndGradient"}
"""What the function is called where nobody says; elsewhere `value_and_gradient`."""

HELP = """\
Value and gradient as flat code, in Python, NumPy, PyTorch, JAX or C99.

One function with both passes, a line per node and a line per edge, in the order in which gradients flow back.

Examples:

\b
  backprop code "s = w*x + b; L = sigmoid(s)" --target python
  backprop code "x*y" --target torch-function
  backprop code "sum((W@x)^2)" --shape W=2x3,x=3 --target numpy,c --verify
  backprop code samples/two_layer.bp --at-file samples/two_layer.json --target c --verify -o two_layer.c
"""


class Text(Answer):
    """The code's text, or JSON with the text in it."""

    plain = "text"
    form: Annotated[str, one_of("--format", ("text", "json"), FORM_HELP)] = ""


def command(
    question: ShapedQuestion,
    answer: Text,
    ties: FormulaTies = "split",
    targets: Annotated[
        str, typer.Option("--target", metavar="NAME[,NAME]", help=f"Any of {', '.join(TARGETS)}.")
    ] = "python",
    name: Annotated[str | None, typer.Option("--name", metavar="FUNCTION", help="What the function is called.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the code at several points and compare it with the sweep.")
    ] = False,
) -> int:
    words = _targets(targets)
    if len(words) > 1 and answer.target is not None and answer.form != "json":
        raise OptionError("-o takes the code for one target", hint="run the command once per target, or use --json")
    program, notes = question.shaped(answer.limits)
    hold_sizes(program.graph, answer.limits)
    node = program.output if question.output is None else program.node(question.output)
    names = chosen(program.inputs, question.inputs)

    def made(word: str, stamp: str = "") -> Code:
        return code_of(
            program.graph, word, output=node, wrt=names, ties=ties, function=_function(name, word),
            source=program.source, stamp=[stamp] if stamp else [],
        )  # fmt: skip

    codes = [made(word) for word in words]
    judged: dict[str, Verification] = {}
    if verify:
        point = question.point(answer.limits)
        judged, more = _verified(codes, program, point, output=question.output, wrt=names, ties=ties)
        notes += more
        codes = [made(word, _stamp(judged.get(word))) for word in words]
    wrong = [word for word, found in judged.items() if found.mismatch]
    answer.note(notes)
    if answer.form == "json":
        answer.write(_json(program, node, names, codes, judged, notes))
    else:
        for word in wrong:
            _complain(f"the code for {word} is withheld: {judged[word].mismatch}")
        if len(wrong) < len(codes):
            answer.write(_together([code for code in codes if code.target not in wrong]))
    if wrong:
        return NO
    return UNVERIFIED if verify and len([found for found in judged.values() if found.points]) < len(codes) else DONE


def _targets(text: str) -> list[str]:
    """The targets named, each once."""
    found = names_of(text) or []
    for word in found:
        if word not in TARGETS:
            close = nearest(word, TARGETS)
            hint = f"did you mean {close}?" if close else f"there are {', '.join(TARGETS)}"
            raise OptionError(f"there is no target {word!r}", hint=hint)
    if not found:
        raise OptionError("no target is named", hint=f"there are {', '.join(TARGETS)}")
    return list(dict.fromkeys(found))


def _function(name: str | None, target: str) -> str:
    """The function's name, as it was given or by default."""
    from ..dialects import writer_of
    from ..dialects.names import is_identifier

    if name is None:
        return NAMES.get(target, "value_and_gradient")
    if len(name) > 64 or not is_identifier(name, writer_of(target).reserved):
        raise OptionError(
            f"{name[:40]!r} cannot name a function in {target}", hint="use letters of ASCII, digits and _"
        )
    return name


def _verified(
    codes: list[Code], program: Program, point: dict[str, Value], **options: Any
) -> tuple[dict[str, Verification], list[str]]:
    """What running every code has shown; and notes on what could not be run."""
    from ..dialects import writer_of
    from ..dialects.verify import Missing, verify

    given = {name: point[name] for name in program.inputs if name in point}
    whole = given if len(given) == len(program.inputs) else None
    found, notes = {}, []
    if whole is None:
        notes.append("no whole point is given: the code is run at points that are drawn by a seed")
    for code in codes:
        title = writer_of(code.target).title
        try:
            found[code.target] = verify(code.target, program, code.text, code.function, point=whole, **options)
        except Missing:
            tool = "there is no C compiler" if code.target == "c" else f"{title} is not installed"
            notes.append(f"{tool}: the code for {code.target} is not verified")
            continue
        if not found[code.target].points and not found[code.target].mismatch:
            notes.append(f"the code for {code.target} is not verified: at no point tried is every value finite")
    return found, notes


def _stamp(found: Verification | None) -> str:
    return found.stamp if found is not None and found.points else "not verified"


def _complain(message: str) -> None:
    import sys

    from ..renderers.screen import screen_of
    from .main import tell

    tell(screen_of(sys.stderr).show(f"backprop: {message}"))


def _together(codes: list[Code]) -> Iterator[str]:
    """The texts, one behind the other."""
    for k, code in enumerate(codes):
        yield ("\n" if k else "") + code.text


def _record(found: Verification | None) -> dict[str, Any] | None:
    """What running the code has shown, as JSON can hold it."""
    from ..renderers.json import number

    return None if found is None else {**found._asdict(), "difference": number(found.difference)}


def _json(
    program: Program,
    node: int,
    names: Sequence[str],
    codes: list[Code],
    judged: dict[str, Verification],
    notes: list[str],
) -> Iterator[str]:
    from ..renderers.json import SCHEMA, encode

    graph = program.graph
    yield encode(
        {
            "schema": SCHEMA,
            "expression": program.source,
            "inputs": [{"name": name, "shape": list(graph.shape(i))} for name, i in graph.inputs.items()],
            "wrt": list(names),
            "shape": list(graph.shape(node)),
            "codes": [{**code._asdict(), "verified": _record(judged.get(code.target))} for code in codes],
            "notes": notes,
        }
    )
    yield "\n"
