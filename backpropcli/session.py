"""A session: statements in, answers out, and a sheet of what they mean.

    x = 3                a value: its right side has no names in it
    x = x - 0.1          a new value, where `x` has one
    q = x + y            a definition: what reads `q` follows `x` and `y` from now on
    q*z                  an expression; it, or the last definition, is the session's program

A statement means the same on a line of its own and among others. A line either happens or, where it is not in the
language, changes nothing. No terminal is known here: an answer is plain data, which a renderer shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .api import Result, evaluate
from .errors import LanguageError, OptionError, PointError, ShapeError, nearest
from .language import Program, Statement, parse_bindings, statements
from .language.builder import CONSTANTS
from .limits import LIMITS, Limits
from .report import Report, Wanted, report
from .shapes import written
from .sheet import MOST_NAMES, Sheet, placed
from .sweeps import forward
from .values import Value, as_value, finite, hold_sizes, ones, shapes_of, system_for

if TYPE_CHECKING:
    from .checks import Check
    from .conventions import Note
    from .language.program import Reader
    from .shapes import Shape

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
        self.seen = False
        self.made: tuple[Program, list[Statement]] | None = None

    def enter(self, text: str) -> Answer:
        """Take in statements, and show what they changed.

        Raises:
            LanguageError, PointError, FileProblem, LimitError: one cannot be read; then nothing has changed.
            ShapeError, LimitError: shapes do not fit; the statements hold nevertheless, so that a value can mend it.
        """
        found = statements(text, self.limits)
        if len(found) == 1 and found[0].lone and found[0].text not in self.sheet.definitions:
            known = {**CONSTANTS, **self.sheet.values}
            if found[0].text in known:  # its value; the program stays what it is
                return Answer("names", ({found[0].text: known[found[0].text]}, []))
        sheet = self.sheet.copy()
        formulas, changed, notes = self._sorted(found, sheet)
        last, made = self.last, None
        if formulas:
            sheet.needed(statement.name for statement in formulas)
            last = _last(formulas, sheet)
            made = sheet.program(_target(last, sheet), self.limits)
        self.change(sheet)
        self.last, self.made = last, made
        if not formulas and not (self.target and changed & set(self.program[0].inputs)):
            return Answer(notes=tuple(notes))
        self.seen = self.seen and not formulas
        answer = self.shown("result" if self.seen else "table")
        return answer._replace(notes=(*notes, *answer.notes))

    def change(self, sheet: Sheet) -> None:
        """Take another sheet in the place of the one so far."""
        self.made = None  # first: an interrupt must not leave a program over other names
        self.sheet = sheet

    def _sorted(self, found: list[Statement], sheet: Sheet) -> tuple[list[Statement], set[str], list[str]]:
        """Put the statements into the sheet; what are no values, the names that have one, and notes."""
        formulas: list[Statement] = []
        changed: set[str] = set()
        lost: dict[str, None] = {}
        for statement in found:
            name = statement.name
            if name and (statement.file or not any(map(sheet.variable, statement.reads))):
                value = self._value(statement)
            elif name in statement.reads and name in sheet.values:
                value = self._computed(statement, sheet)
            else:
                formulas.append(statement)
                lost |= dict.fromkeys(sheet.forget(name))
                sheet.define([statement])
                continue
            lost |= dict.fromkeys(sheet.set(name, value))
            formulas = [formula for formula in formulas if formula.name != name]
            changed.add(name)
        _define(formulas, sheet, self.limits)
        notes = []
        gone = [name for name in lost if name not in sheet]
        if gone:
            are = "was" if len(gone) == 1 else "were"
            notes.append(f"{listed(gone)} {are} defined together with another name, and {are} forgotten with it")
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
    def target(self) -> tuple[Statement, ...]:
        """The statements that end with the program's output; none where there is no program."""
        return () if self.last is None else _target(self.last, self.sheet)

    @property
    def program(self) -> tuple[Program, list[Statement]]:
        """The program and its statements, read again where names have changed.

        Raises:
            OptionError: there is none.
        """
        target = self.target
        if not target:
            raise OptionError("there is no program yet", hint="type an expression, such as (x+y)*z")
        if self.made is None:
            self.made = self.sheet.program(target, self.limits)
        return self.made

    @property
    def lacking(self) -> list[str]:
        """The inputs of the program that have no value."""
        return [name for name in self.program[0].inputs if name not in self.sheet.values] if self.target else []

    def opened(self, scalar: bool = False) -> tuple[Program, dict[str, Value]]:
        """The program over the shapes of its inputs, and their values.

        Raises:
            PointError: an input has no value.
            ShapeError: shapes do not fit, or the output is no scalar and has to be one.
        """
        program, every = self.program
        point = _point(program, self.sheet.values)
        with placed(every):
            program = program.over(shapes_of(point))
        shape = _shape(program)
        if scalar and shape:
            raise ShapeError(
                f"the program has the shape {written(shape)}, and only a scalar has one gradient",
                hint="end with a scalar such as sum(…), or type :jacobian",
            )
        return program, point

    def result(self) -> Result:
        """The program's value and gradient."""
        program, point = self.opened(scalar=True)
        return evaluate(program, point, limits=self.limits)

    def report(self, result: Result, check: Check | None = None, signs: bool = False) -> Report:
        """The report of a result, within the limits."""
        return report(result, check, wanted=Wanted(int(self.limits["text"]), signs=signs))

    def shown(self, kind: str = "table") -> Answer:
        """The program's table or result; of what is no scalar its values; or the names that have none."""
        lacking = self.lacking
        if lacking:
            message, hint = _mend(lacking, self.sheet.values)
            return Answer(notes=(f"{message}: {hint}",), outcome=WAITING)
        program, point = self.opened()
        shape = _shape(program)
        self.seen = True
        if not shape:
            result = self.result()
            made = self.report(result)
            return Answer(kind, made, messages(made.notes), outcome_of(result.finite))
        result = evaluate(program, point, upstream=ones(shape), limits=self.limits)
        made = self.report(result)._replace(gradient={})  # of an upstream that nobody gave
        notes = messages(note for note in made.notes if note.code == "reading")
        if kind == "table":
            kind = "forward"
            one = f"{made.output_name} has the shape {written(shape)}, and only a scalar has one gradient"
            notes = (*notes, f"{one}; :jacobian shows all derivatives")
        return Answer(kind, made, notes, outcome_of(finite(result.value)))


def messages(notes: Iterable[Note]) -> tuple[str, ...]:
    """The notes as a person reads them."""
    return tuple(note.message for note in notes)


def outcome_of(good: bool) -> str:
    """``done``, or ``unverified`` where that is not certain."""
    return DONE if good else UNVERIFIED


def listed(names: list[str]) -> str:
    """Names in a message; of many the first."""
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
    return shown + (f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else "")


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
        if len(group) > 1:
            for name in {statement.name for statement in group}:
                sheet.forget(name)
            sheet.define(group)
        alone.program(group, limits)
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


def _shape(program: Program) -> Shape:
    """The shape of the output of a program whose shapes are known."""
    return program.graph.shape(program.output)


def _point(program: Program, values: Mapping[str, Value]) -> dict[str, Value]:
    """The values of the program's inputs.

    Raises:
        PointError: one has none.
    """
    lacking = [name for name in program.inputs if name not in values]
    if lacking:
        message, hint = _mend(lacking, values)
        raise PointError(message, hint=hint)
    return {name: values[name] for name in program.inputs}


def _mend(lacking: list[str], values: Mapping[str, Value]) -> tuple[str, str]:
    """What is wrong where inputs have no value, and what to type."""
    have = "has" if len(lacking) == 1 else "have"
    hint = f"type `{', '.join(f'{name} = 1' for name in lacking[:MOST_NAMES])}`"
    for name in lacking[:MOST_NAMES]:
        close = nearest(name, list(values)[:100])
        if close and len(name) > 1:
            hint += f"; `{close}` is given: is `{name}` meant?"
    return f"{listed(lacking)} {have} no value", hint
