"""The lines of a session: statements, and commands that begin with a colon; and how a line may be completed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .errors import OptionError, UnknownName, nearest
from .language.builder import CONSTANTS, FILLED
from .operations import FUNCTIONS
from .session import DISAGREES, Answer, Session, listed, messages, outcome_of
from .sheet import joined


def answer(session: Session, line: str) -> Answer:
    """The answer to a line.

    Raises:
        BackpropError: the line cannot be used, or what it asks for cannot be shown.
    """
    text = line.strip()
    if text.startswith(":"):
        return run(session, text[1:])
    meant = SYNONYMS.get(text, text)
    if meant in COMMANDS and text not in session.sheet:
        raise UnknownName(f"`{text}` has no value", hint=f"the command is `:{meant}`")
    return session.enter(line)


def run(session: Session, text: str) -> Answer:
    """Run ``name argument``; the beginning of a name will do where no other begins so.

    Raises:
        OptionError: there is no such command, or it cannot use the argument; whatever the command raises.
    """
    word, argument, *_ = *text.split(maxsplit=1), "", ""
    argument = argument.strip()
    found = [word] if word in COMMANDS else [name for name in COMMANDS if word and name.startswith(word)]
    if len(found) > 1:
        raise OptionError(f"`:{word}` may be {' or '.join(f':{name}' for name in found)}")
    if not found:
        close = nearest(SYNONYMS.get(word, word), COMMANDS)
        hint = f"did you mean :{close}?" if close else ":help lists the commands"
        raise OptionError(f"there is no command `:{word[:40]}`", hint=hint)
    command = COMMANDS[found[0]]
    if argument and not command.argument:
        raise OptionError(f"`:{found[0]}` takes nothing behind it, not {argument[:40]!r}")
    return command.run(session, argument)


def completions(session: Session, before: str, word: str) -> list[str]:
    """What a word may become, in order.

    Args:
        session: the session, whose names are known.
        before: the line before the word.
        word: what is typed of it.
    """
    found: list[str] = []
    if word.startswith(":"):
        if not before.strip():
            found = [f":{name} " if row.argument else f":{name}" for name, row in COMMANDS.items()]
    else:
        found = [*session.sheet.values, *session.sheet.definitions]
        found += [name for statement in session.target for name in statement.reads]
        if word and not before.lstrip().startswith(":"):
            found += [*CONSTANTS, *(name + "(" for name in (*FUNCTIONS, *FILLED))]
    return sorted({name for name in found if name.startswith(word)})


def table(session: Session, _: str) -> Answer:
    return session.shown()


def explain(session: Session, node: str) -> Answer:
    from .explain import explain as explained

    result = session.result()
    steps = explained(result, "both", node or None, int(session.limits["rows"]), int(session.limits["text"]))
    return Answer("explanation", steps, messages(steps.untold), outcome_of(result.finite))


def draw(session: Session, target: str) -> Answer:
    from .circuit import circuit, folded, told

    result, most = session.result(), session.limits["drawn"]
    made = session.report(result, signs=True)
    whole = circuit(made)
    drawn = folded(whole, most)
    return Answer(
        "circuit", drawn, (*messages(made.notes), *told(whole, drawn, most)), outcome_of(result.finite), target
    )


def check(session: Session, _: str) -> Answer:
    from .checks import judge

    result = session.result()
    judged = judge(result, seconds=session.limits["check"])
    made = session.report(result, judged)
    outcome = DISAGREES if judged.verdict == "disagree" else outcome_of(result.finite and judged.agrees)
    return Answer("result", made, messages(made.notes), outcome)


def jacobian(session: Session, _: str) -> Answer:
    from .matrices import jacobian_matrix

    return _matrix(jacobian_matrix(*session.opened(), limits=session.limits))


def hessian(session: Session, _: str) -> Answer:
    from .matrices import hessian_matrix

    return _matrix(hessian_matrix(*session.opened(scalar=True), limits=session.limits))


def _matrix(found: Any) -> Answer:
    return Answer("matrix", found, messages(found.notes), outcome_of(found.finite))


def values(session: Session, _: str) -> Answer:
    sheet = session.sheet
    definitions = sheet.needed(sheet.definitions)
    return Answer("names", (dict(sheet.values), [s for d in definitions for s in d.statements]))


def program(session: Session, _: str) -> Answer:
    return Answer("program", joined(session.program[1]))


def unset(session: Session, argument: str) -> Answer:
    names = argument.replace(",", " ").split()
    if not names:
        raise OptionError("`:unset` needs names", hint="such as `:unset x, y`")
    sheet = session.sheet.copy()
    lost: list[str] = []
    for name in names:
        if name not in sheet and name not in lost:
            close = nearest(name, [*sheet.values, *sheet.definitions])
            raise UnknownName(f"`{name[:40]}` has no value", hint=f"did you mean `{close}`?" if close else "")
        lost += sheet.forget(name)
    session.change(sheet)
    lost = [name for name in lost if name not in names]
    return Answer(notes=(f"{listed(lost)} went with it",) if lost else ())


def show_help(_: Session, __: str) -> Answer:
    return Answer("help", COMMANDS)


def end(_: Session, __: str) -> Answer:
    return Answer("end")


class Command(NamedTuple):
    """A command.

    Attributes:
        argument: what may stand behind it, "" for nothing.
        doc: what it does.
        run: takes the session and the argument.
    """

    argument: str
    doc: str
    run: Callable[[Session, str], Answer]


COMMANDS = {
    "table": Command("", "the table again", table),
    "explain": Command("[NODE]", "every step in words, or one node's", explain),
    "draw": Command("[FILE]", "the circuit, here or in a file such as f.svg", draw),
    "check": Command("", "every derivative checked by quotients", check),
    "jacobian": Command("", "the derivatives of every entry", jacobian),
    "hessian": Command("", "the second derivatives", hessian),
    "values": Command("", "what every name means", values),
    "program": Command("", "the program with its definitions", program),
    "unset": Command("NAMES", "forget what names mean", unset),
    "help": Command("", "this list", show_help),
    "quit": Command("", "the end, as Ctrl-D", end),
}

SYNONYMS = {"exit": "quit"}
"""Words that people type for a command."""
