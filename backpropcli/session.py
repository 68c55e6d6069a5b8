"""A session: lines in, answers out. What is typed is a value, a definition, an expression or a command.

    x = 3                a value: its right side has no names in it
    q = x + y            a definition: what reads `q` follows `x` and `y` from now on
    q*z                  an expression; it, or the last definition, is the session's program
    :explain             a command

A statement means the same on a line of its own and among others. A line either happens or, where it is not in the
language, changes nothing. No terminal is known here: an answer is plain data, which a renderer shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .api import Result, evaluate
from .errors import LanguageError, OptionError, PointError, ShapeError, UnknownName, nearest
from .language import Program, Statement, parse_bindings, statements
from .language.builder import CONSTANTS, FILLED
from .language.program import Reader
from .limits import LIMITS, Limits
from .operations import FUNCTIONS
from .report import Report, Wanted, report
from .shapes import Shape, written
from .sheet import MOST_NAMES, Definition, Sheet, joined, placed
from .sweeps import forward
from .values import Value, as_value, finite, hold_sizes, ones, shapes_of, system_for

DONE, WAITING, UNVERIFIED, DISAGREES = "done", "waiting", "unverified", "disagrees"


class Answer(NamedTuple):
    """What a line is answered with.

    Attributes:
        kind: how it is shown: ``table``, ``forward`` (that pass alone), ``result`` (value and gradient alone),
            ``explanation``, ``circuit``, ``matrix``, ``names``, ``program``, ``help``, ``end``, or "" for nothing.
        content: the data.
        notes: what a reader should know.
        outcome: ``done``; ``waiting`` for values; ``unverified`` where a number is not finite or a check did not
            verify it; ``disagrees`` where a check found another number.
        target: the file that it goes to, "" for none.
    """

    kind: str = ""
    content: Any = None
    notes: tuple[str, ...] = ()
    outcome: str = DONE
    target: str = ""


class Session:
    """What was typed so far.

    Args:
        values: the values to begin with.
        limits: the limits in force.
        read: gives the value in a file, by its path and the name that it is for.
    """

    def __init__(
        self, values: Mapping[str, Value] | None = None, limits: Limits = LIMITS, read: Reader | None = None
    ) -> None:
        self.sheet = Sheet(dict(values or {}))
        self.limits = limits
        self.read = read
        self.last: Statement | None = None
        self.made: tuple[Program, list[Statement]] | None = None

    def answer(self, line: str) -> Answer:
        """The answer to a line.

        Raises:
            BackpropError: the line cannot be used, or what it asks for cannot be shown.
        """
        text = line.strip()
        return self.command(text) if text.startswith(":") else self.enter(line)

    # Statements

    def enter(self, text: str) -> Answer:
        """Take in statements, and show what they changed.

        Raises:
            LanguageError, PointError, FileProblem, LimitError: one cannot be read; then nothing has changed.
            ShapeError, LimitError: shapes do not fit; the statements hold nevertheless, so that a value can mend it.
        """
        found = statements(text, self.limits)
        if len(found) == 1 and found[0].lone and found[0].text not in self.sheet.definitions:
            known = self._word(found[0].text)
            if known is not None:
                return known
        sheet = self.sheet.copy()
        formulas, changed, notes = self._sorted(found, sheet)
        last, made = self.last, None
        if formulas:
            sheet.needed(statement.name for statement in formulas)
            last = _last(formulas, sheet)
            made = sheet.program(_target(last, sheet), self.limits)
        self.made = None  # first: an interrupt must not leave the program of other names
        self.sheet, self.last = sheet, last
        self.made = made
        if not formulas and not (self._target and changed & set(self._program()[0].inputs)):
            return Answer(notes=tuple(notes))
        answer = self._shown("table" if formulas else "result")
        return answer._replace(notes=(*notes, *answer.notes))

    def _word(self, name: str) -> Answer | None:
        """The answer to a name alone: its value, where it has one; the program stays what it is.

        Raises:
            UnknownName: a command is meant.
        """
        known = {**CONSTANTS, **self.sheet.values}
        if name in known:
            return Answer("names", ({name: known[name]}, []))
        command = SYNONYMS.get(name, name)
        if command in COMMANDS:
            raise UnknownName(f"`{name}` has no value", hint=f"the command is `:{command}`")
        return None

    def _sorted(self, found: list[Statement], sheet: Sheet) -> tuple[list[Statement], set[str], list[str]]:
        """Put the statements into the sheet; what are no values, the names that have one, and notes."""
        formulas: list[Statement] = []
        changed: set[str] = set()
        lost: dict[str, None] = {}
        defined: set[str] = set()
        for statement in found:
            name = statement.name
            constant = not any(sheet.variable(read) or read in defined for read in statement.reads)
            if name and (statement.file or constant):
                value = self._value(statement)
            elif name in statement.reads and name in sheet.values:
                value = self._computed(statement, sheet)
            else:
                formulas.append(statement)
                defined.add(name)
                lost |= dict.fromkeys(sheet.forget(name))
                continue
            lost |= dict.fromkeys(sheet.set(name, value))
            formulas = [formula for formula in formulas if formula.name != name]
            changed.add(name)
        _define(formulas, sheet, self.limits)
        notes = []
        gone = [name for name in lost if name not in sheet]
        if gone:
            are = "was" if len(gone) == 1 else "were"
            notes.append(f"{_listed(gone)} {are} defined together with another name, and {are} forgotten with it")
        if any(not statement.name for statement in formulas[:-1]):
            notes.append("a statement without a name, before the last one, is not used")
        return formulas, changed, notes

    def _value(self, statement: Statement) -> Value:
        with placed([statement]):
            return parse_bindings(statement.text, self.limits, self.read)[statement.name]

    def _computed(self, statement: Statement, sheet: Sheet) -> Value:
        """The right side of ``x = x - 0.1``, where `x` has a value: its new one."""
        right = " " * statement.equal + statement.text[statement.equal :]
        program, every = sheet.program([statement._replace(text=right, name="", equal=0)], self.limits)
        point = _point(program, sheet.values)
        with placed(every):
            program = program.over(shapes_of(point))
        hold_sizes(program.graph, self.limits)
        F = system_for(program.graph)
        with F.quiet():
            return as_value(forward(F, program.graph, point)[program.output])

    # The program

    @property
    def _target(self) -> tuple[Statement, ...]:
        """The statements that end with the program's output; none where there is no program."""
        return () if self.last is None else _target(self.last, self.sheet)

    def _program(self) -> tuple[Program, list[Statement]]:
        """The program and its statements, read again where names have changed.

        Raises:
            OptionError: there is none.
        """
        target = self._target
        if not target:
            raise OptionError("there is no program yet", hint="type an expression, such as (x+y)*z")
        if self.made is None:
            self.made = self.sheet.program(target, self.limits)
        return self.made

    def _shape(self, program: Program) -> Shape:
        """The shape of the output, with all values there.

        Raises:
            PointError: an input has no value; ShapeError: shapes do not fit.
        """
        over = program.over(shapes_of(_point(program, self.sheet.values)))
        return over.graph.shapes[over.output] or ()

    def _result(self, upstream: Value = None) -> Result:
        program, every = self._program()
        with placed(every):
            shape = self._shape(program)
            if shape and upstream is None:
                raise _no_scalar(shape)
            return evaluate(program, _point(program, self.sheet.values), upstream=upstream, limits=self.limits)

    def _shown(self, kind: str) -> Answer:
        """The program at the session's values, or what these lack."""
        program, every = self._program()
        lacking = _lacking(program, self.sheet.values)
        if lacking:
            message, hint = _mend(lacking, self.sheet.values)
            return Answer(notes=(f"{message}: {hint}",), outcome=WAITING)
        with placed(every):
            shape = self._shape(program)
        if not shape:
            return self._answer(kind, self._result())
        result = self._result(ones(shape))
        made = self._report(result)._replace(gradient={})  # of an upstream that nobody gave
        notes = [note.message for note in made.notes if note.code == "reading"]
        if kind == "table":
            notes.append(
                f"{made.output_name} has the shape {written(shape)}, and only a scalar has one gradient; "
                ":jacobian shows all derivatives"
            )
        return Answer(kind if kind == "result" else "forward", made, tuple(notes), _outcome(finite(result.value)))

    @property
    def waiting(self) -> bool:
        """Whether the program's inputs lack a value."""
        return bool(self._target) and bool(_lacking(self._program()[0], self.sheet.values))

    def _report(self, result: Result, **more: Any) -> Report:
        return report(result, wanted=Wanted(int(self.limits["text"])), **more)

    def _answer(self, kind: str, result: Result) -> Answer:
        made = self._report(result)
        return Answer(kind, made, tuple(note.message for note in made.notes), _outcome(result.finite))

    # Commands

    def command(self, text: str) -> Answer:
        """Run ``:name argument``; the beginning of a name will do where no other begins so.

        Raises:
            OptionError: there is no such command, or it cannot use the argument; whatever the command raises.
        """
        word, _, argument = text[1:].strip().partition(" ")
        found = [name for name in COMMANDS if name == word] or [name for name in COMMANDS if name.startswith(word)]
        if len(found) != 1 or not word:
            close = nearest(word, COMMANDS)
            hint = f"did you mean :{close}?" if close else ":help lists the commands"
            if word and found:
                raise OptionError(f"`:{word}` may be {', '.join(f':{name}' for name in found)}")
            raise OptionError(f"there is no command `:{word[:40]}`", hint=hint)
        command = COMMANDS[found[0]]
        argument = argument.strip()
        if argument and not command.argument:
            raise OptionError(f"`:{found[0]}` takes nothing behind it, not {argument[:40]!r}")
        return command.run(self, argument)

    def table(self, _: str = "") -> Answer:
        """The table of the program."""
        return self._shown("table")

    def explain(self, node: str = "") -> Answer:
        """Every step in words; of one node alone."""
        from .explain import explain

        result = self._result()
        steps = explain(result, "both", node or None, int(self.limits["rows"]), int(self.limits["text"]))
        return Answer("explanation", steps, tuple(note.message for note in steps.untold), _outcome(result.finite))

    def draw(self, target: str = "") -> Answer:
        """The circuit, in the terminal or for a file."""
        from .circuit import circuit, folded, told

        result = self._result()
        made = report(result, wanted=Wanted(int(self.limits["text"]), signs=True))
        whole = circuit(made)
        drawn = folded(whole, self.limits["drawn"])
        notes = [*(note.message for note in made.notes), *told(whole, drawn, self.limits["drawn"])]
        return Answer("circuit", drawn, tuple(notes), _outcome(result.finite), target)

    def check(self, _: str = "") -> Answer:
        """Value and gradient, each judged by quotients."""
        from .checks import judge

        result = self._result()
        judged = judge(result, seconds=self.limits["check"])
        made = self._report(result, check=judged)
        outcome = DISAGREES if judged.verdict == "disagree" else _outcome(result.finite and judged.agrees)
        return Answer("result", made, tuple(note.message for note in made.notes), outcome)

    def jacobian(self, _: str = "") -> Answer:
        """The derivatives of every entry of the output."""
        from .matrices import jacobian_matrix

        return self._matrix(jacobian_matrix)

    def hessian(self, _: str = "") -> Answer:
        """The second derivatives."""
        from .matrices import hessian_matrix

        return self._matrix(hessian_matrix, scalar=True)

    def _matrix(self, made_by: Callable[..., Any], scalar: bool = False) -> Answer:
        program, every = self._program()
        with placed(every):
            shape = self._shape(program)
            if scalar and shape:
                raise _no_scalar(shape)
            point = _point(program, self.sheet.values)
            matrix = made_by(program.over(shapes_of(point)), point, limits=self.limits)
        return Answer("matrix", matrix, tuple(note.message for note in matrix.notes), _outcome(matrix.finite))

    def names(self, _: str = "") -> Answer:
        """The values and the definitions."""
        sheet = self.sheet
        return Answer("names", (dict(sheet.values), [s for d in _once(sheet) for s in d.statements]))

    def program(self, _: str = "") -> Answer:
        """The program, with the definitions that it needs."""
        return Answer("program", joined(self._program()[1]))

    def unset(self, argument: str) -> Answer:
        """Take away values and definitions."""
        names = argument.replace(",", " ").split()
        if not names:
            raise OptionError("`:unset` needs names", hint="such as `:unset x, y`")
        sheet = self.sheet.copy()
        lost: list[str] = []
        for name in names:
            if name not in sheet and name not in lost:
                close = nearest(name, [*sheet.values, *sheet.definitions])
                raise UnknownName(f"`{name[:40]}` has no value", hint=f"did you mean `{close}`?" if close else "")
            lost += sheet.forget(name)
        self.sheet, self.made = sheet, None
        lost = [name for name in lost if name not in names]
        return Answer(notes=(f"{_listed(lost)} went with it",) if lost else ())

    def help(self, _: str = "") -> Answer:
        """What can be typed."""
        return Answer("help", COMMANDS)

    def end(self, _: str = "") -> Answer:
        """The end of the session."""
        return Answer("end")

    # Completion

    def completions(self, before: str, word: str) -> list[str]:
        """What the word may become, in order.

        Args:
            before: the line before it.
            word: what is typed of it.
        """
        if word.startswith(":") and not before.strip():
            return [
                f":{name}{' ' if row.argument else ''}" for name, row in COMMANDS.items() if f":{name}".startswith(word)
            ]
        names = {*self.sheet.values, *self.sheet.definitions}
        if self._target:
            names |= {name for s in self._target for name in s.reads}
        if before.lstrip().startswith(":") or not word:
            return sorted(name for name in names if name.startswith(word))
        functions = [name + "(" for name in (*FUNCTIONS, *FILLED)]
        return sorted(name for name in {*names, *CONSTANTS, *functions} if name.startswith(word))


def _last(formulas: list[Statement], sheet: Sheet) -> Statement:
    """The statement whose value is shown; of a name alone the one that defines it."""
    last = formulas[-1]
    definition = sheet.definitions.get(last.text) if last.lone else None
    if definition is not None and definition.statements[-1].name == last.text:
        return definition.statements[-1]
    return last


def _target(last: Statement, sheet: Sheet) -> tuple[Statement, ...]:
    """The statement, with those it was defined together with; none where its name means something else by now."""
    if not last.name:
        return (last,)
    definition = sheet.definitions.get(last.name)
    return definition.statements if definition is not None and definition.statements[-1] is last else ()


def _define(formulas: list[Statement], sheet: Sheet, limits: Limits) -> None:
    """Define the names of the statements.

    Raises:
        LanguageError, ShapeError: one is not in the language.
    """
    alone = Sheet(sheet.values)  # so that each is read once, without what it needs
    for group in _groups([statement for statement in formulas if statement.name]):
        first = group[0]
        if len(group) == 1 and first.name in first.reads:
            raise LanguageError(
                f"`{first.name}` is defined by itself", hint=f"type `{first.name} = 1` first, or take another name",
                source=first.source, start=first.start, end=first.start + len(first.name),
            )  # fmt: skip
        alone.program(sheet.define(group).statements, limits)
    for statement in formulas:
        if not statement.name:
            alone.program([statement], limits)


def _groups(named: list[Statement]) -> Iterator[list[Statement]]:
    """Each assignment by itself; from the first to the last of those that assign a name twice, all together."""
    last = {statement.name: at for at, statement in enumerate(named)}
    first = {named[at].name: at for at in range(len(named) - 1, -1, -1)}
    twice = [name for name in last if first[name] < last[name]]
    begin = min((first[name] for name in twice), default=len(named))
    end = max((last[name] for name in twice), default=-1)
    yield from ([statement] for statement in named[:begin])
    if twice:
        yield named[begin : end + 1]
    yield from ([statement] for statement in named[max(begin, end + 1) :])


def _point(program: Program, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of the program's inputs.

    Raises:
        PointError: one has none.
    """
    lacking = _lacking(program, values)
    if lacking:
        message, hint = _mend(lacking, values)
        raise PointError(message, hint=hint)
    return {name: values[name] for name in program.inputs}


def _lacking(program: Program, values: Mapping[str, Value]) -> list[str]:
    """The inputs that have no value."""
    return [name for name in program.inputs if name not in values]


def _mend(lacking: list[str], values: Mapping[str, Value]) -> tuple[str, str]:
    """What is wrong where inputs have no value, and what to type."""
    have = "has" if len(lacking) == 1 else "have"
    hint = f"type `{', '.join(f'{name} = 1' for name in lacking[:MOST_NAMES])}`"
    for name in lacking[:MOST_NAMES]:
        close = nearest(name, list(values)[:100])
        if close and len(name) > 1:
            hint += f"; did you mean `{close}` by `{name}`?"
    return f"{_listed(lacking)} {have} no value", hint


def _no_scalar(shape: Shape) -> ShapeError:
    return ShapeError(
        f"the program has the shape {written(shape)}, and only a scalar has one gradient",
        hint="end with a scalar such as sum(…), or type :jacobian",
    )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


def _outcome(good: bool) -> str:
    return DONE if good else UNVERIFIED


def _once(sheet: Sheet) -> Iterable[Definition]:
    return dict.fromkeys(sheet.definitions.values())


class Command(NamedTuple):
    """A command.

    Attributes:
        argument: what may stand behind it, "" for nothing.
        doc: what it shows.
        run: the session's method.
    """

    argument: str
    doc: str
    run: Callable[[Session, str], Answer]


COMMANDS = {
    "table": Command("", "the table again", Session.table),
    "explain": Command("[NODE]", "every step in words, or one node's", Session.explain),
    "draw": Command("[FILE]", "the circuit, here or in a file such as f.svg", Session.draw),
    "check": Command("", "every derivative checked by quotients", Session.check),
    "jacobian": Command("", "the derivatives of every entry", Session.jacobian),
    "hessian": Command("", "the second derivatives", Session.hessian),
    "values": Command("", "what every name means", Session.names),
    "program": Command("", "the program with its definitions", Session.program),
    "unset": Command("NAMES", "forget what names mean", Session.unset),
    "help": Command("", "this list", Session.help),
    "quit": Command("", "the end, as Ctrl-D", Session.end),
}

SYNONYMS = {"exit": "quit"}
"""Words that people type for a command."""
