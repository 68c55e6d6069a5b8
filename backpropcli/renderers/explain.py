"""Explanations aloud: every step as sentences of a language, for pages of text, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import Formatter
from typing import Any

from ..explain import Contribution, Explanation, GradientStep, Omitted, Product, Sweep, TangentStep, ValueStep
from ..formulas import TANGENT, UPSTREAM, Formula
from ..structure import alike
from ..values import Value, is_tensor
from ..words import Words
from .notation import Latex, Notation
from .pages import Code, Entry, LatexPage, MarkdownPage, Math, Parts, Section, TextPage, joined
from .screen import FILE, Screen

MOST_NAMES = 20


class Reader:
    """Reads an explanation aloud: every step as sentences of a language, in a notation."""

    def __init__(self, explanation: Explanation, words: Words, notation: Notation) -> None:
        self.explanation = explanation
        self.words = words
        self.write = notation

    def say(self, key: str, **fields: str | Parts) -> Parts:
        """The sentence of that key, with its fields filled in."""
        parts: Parts = []
        for literal, field, *_ in Formatter().parse(self.words[key]):
            if literal:
                parts.append(literal)
            if field is not None:
                found = fields[field]
                parts += found if isinstance(found, list) else [found]
        return parts

    def names(self, names: Iterable[str]) -> Parts:
        """Names in a row; of many, the first."""
        names = list(names)
        shown: list[str] = [Math(self.write.name(name)) for name in names[:MOST_NAMES]]
        return joined(", ", shown + (["…"] if len(names) > MOST_NAMES else []))

    def number(self, value: float) -> Math:
        return Math(self.write.number(value))

    def name_of(self, node: int) -> str:
        if node in (UPSTREAM, TANGENT):
            return self.write.word(self.words["upstream" if node == UPSTREAM else "tangent.word"])
        return self.write.name(self.explanation.names[node])

    def symbolic(self, formula: Formula | None) -> str:
        return "" if formula is None else self.write.formula(formula, self.name_of)

    def substituted(self, formula: Formula | None, upstream: Value = None) -> str:
        """The formula with numbers in the place of names; "" where a tensor among them is large."""
        if formula is None:
            return ""
        known = self.explanation.values
        values = {node: upstream if node == UPSTREAM else known[node] for node in formula.leaves.values()}
        if any(is_tensor(value) and value.size > self.write.most_entries for value in values.values()):
            return ""
        return self.write.formula(formula, lambda node: self.write.value(values[node]))

    def same(self, factor: Value) -> float | None:
        """The number that every entry of a local gradient is, or None."""
        return alike(factor)

    def shapes(self, formula: Formula) -> str:
        """The formula with shapes in the place of names."""
        graph = formula.graph
        shapes = {node: graph.shape(leaf) for leaf, node in formula.leaves.items()}
        return self.write.formula(formula, lambda node: self.write.shape(shapes[node]))

    # The page, from its title to its result.

    def title(self) -> Parts:
        given = self.explanation.given
        point = [Math(self.write.equation([self.write.name(n), self.write.value(v)])) for n, v in given.items()]
        if len(point) > MOST_NAMES:
            point = [*point[:MOST_NAMES], Math("…")]
        source = Code(source_line(self.explanation.source) or self.explanation.output)
        return self.say("title", output=source, point=joined(", ", point)) if point else [source]

    def sections(self, quiet: bool = False) -> Iterator[Section]:
        """The passes that were asked for, and the result; where it is to be quiet, only that."""
        if not quiet:
            yield from self.passes()
        yield Section(self.say("result"), [], self.result())

    def passes(self) -> Iterator[Section]:
        explanation, say = self.explanation, self.say
        if explanation.forward is not None:
            lead = [say("forward.lead" if explanation.forward else "forward.nothing")]
            yield Section(say("forward"), lead, map(self.value, explanation.forward))
        if explanation.backward is not None:
            lead = [say("backward.lead" if explanation.backward else "backward.nothing")]
            lead += [say("data", names=self.names(explanation.data))] if explanation.data else []
            yield Section(say("backward"), lead, map(self.gradient, explanation.backward))
        for at, sweep in enumerate(explanation.sweeps or ()):
            yield self.sweep(sweep, not at)

    def left_out(self, step: Omitted) -> Parts:
        return self.say("omitted", count=f"{step.steps:,}")

    def value(self, step: ValueStep | Omitted) -> Entry | Parts:
        if isinstance(step, Omitted):
            return self.left_out(step)
        terms = [self.write.name(step.name), self.symbolic(step.formula), self.substituted(step.formula)]
        equation = self.write.equation([*terms, self.write.value(step.value)])
        return Entry(step.number, [[Math(equation)]], [], [self.say(f"note.{note.code}") for note in step.notes])

    def gradient(self, step: GradientStep | Omitted) -> Entry | Parts:
        if isinstance(step, Omitted):
            return self.left_out(step)
        lines = [self.arrival(step)]
        if len(step.contributions) > 1:
            lines.append(self.say("adder", name=Math(self.write.name(step.name)), count=str(len(step.contributions))))
        if step.products:
            way = f"way.{step.pattern}" + (f".{step.way}" if step.way else "")
            lines.append(self.say("pattern", pattern=self.say(f"pattern.{step.pattern}"), way=self.say(way)))
        notes = [line for note in step.notes for line in self.note(note, step)]
        return Entry(step.number, lines, [self.product(step, product) for product in step.products], notes)

    def arrival(self, step: GradientStep) -> Parts:
        """The node, and where its upstream gradient comes from."""
        write, name = self.write, self.write.name(step.name)
        values = [write.value(part.value) for part in step.contributions]
        terms = [write.sum(values) if len(values) > 1 else "", write.value(step.upstream)]
        sources = self.sources(step.contributions)
        origin = self.say("from", sources=sources) if sources else []
        if step.formula is None:
            gradient = Math(write.equation([self.partial(step.name), *terms]))
            key = "input.output" if step.seed else "input" if step.contributions else "input.unused"
            fields = {"from": origin} if key == "input" else {}
            return self.say(key, name=Math(name), equation=gradient, **fields)
        equation = Math(write.equation([name, self.symbolic(step.formula)]))
        plain = not is_tensor(step.upstream) and step.upstream == 1
        key = "gate" if sources else "gate.start" if plain else "gate.given"
        fields = {"from": origin} if key == "gate" else {}
        return self.say(key, equation=equation, upstream=Math(write.equation(terms)), **fields)

    def sources(self, contributions: list[Contribution]) -> Parts:
        """The nodes that the contributions come from, each once."""
        found = dict.fromkeys(part.source for part in contributions if part.source)
        return self.names(found)

    def partial(self, name: str) -> str:
        """``∂f/∂x``, with the upstream gradient before it where that is not 1."""
        explanation, write = self.explanation, self.write
        found = write.partial(write.name(explanation.output), write.name(name))
        plain = not is_tensor(explanation.seed) and explanation.seed == 1
        return found if plain else write.word(self.words["upstream"]) + write.middle + found

    def product(self, step: GradientStep, product: Product) -> list[Parts]:
        """What one operand gets, in one line; and why it looks so."""
        write = self.write
        to: Parts = [Math(write.name(product.name))]
        if product.use:
            to = self.say("use", name=to, use=str(product.use))
        result = write.value(product.downstream)
        if product.carried is not None:
            told = None if product.why == "routed" else product.carried
            terms = [self.symbolic(told), self.substituted(told, step.upstream), result]
            line = self.say("product.only", name=to, product=Math(write.equation(terms)))
            return [line, *self.because(step, product)]
        partial = "" if product.use else write.partial(write.name(step.name), write.name(product.name))
        local, factor = self.local(product)
        times = write.times if local[-1] == factor else write.entrywise
        equation: str | Parts = Math(write.equation([partial, *local]))
        if product.why in ("chosen", "not chosen", "tied"):
            equation = self.say(product.why, local=equation)
        chain = Math(write.equation([times(factor, write.value(step.upstream)), result]))
        return [self.say("product", name=to, local=equation, product=chain), *self.because(step, product)]

    def local(self, product: Product) -> tuple[list[str], str]:
        """The local gradient from formula to numbers, a diagonal as such; and the factor that it is."""
        write, rule = self.write, product.rule
        if isinstance(product.local, float):
            factor = write.number(product.local)
            return [self.symbolic(rule), self.substituted(rule), factor], factor
        same = self.same(product.local.factor)
        factor = write.value(product.local.factor if same is None or product.why == "gradient" else same)
        terms = [self.symbolic(rule), factor] if rule is not None and rule.leaves else [factor]
        if product.why == "diagonal" and same is None:
            terms = [write.diagonal(term) for term in terms if term]
        return terms, factor

    def because(self, step: GradientStep, product: Product) -> list[Parts]:
        """Why a gradient between tensors looks as it does."""
        if isinstance(product.local, float) or (
            product.why == "diagonal" and self.same(product.local.factor) is not None
        ):
            return []
        write = self.write
        name, shape = Math(write.name(product.name)), Math(write.shape(product.shape))
        key = f"because.{product.why}"
        if key not in self.words:
            key = "because.other"
        fields: dict[str, str] = {"name": name, "shape": shape, "larger": Math(write.shape(step.shape))}
        if product.carried is not None:
            fields["shapes"] = Math(write.equation([self.shapes(product.carried), write.shape(product.shape)]))
        return [self.say(key, **fields)]

    def note(self, note: Any, step: GradientStep) -> list[Parts]:
        """A convention that was used, with the derivatives of both sides."""
        found = [self.say(f"note.{note.code}")]
        used = [p.local for p in step.products if isinstance(p.local, float)]
        if note.left is not None and used:
            sides = {"left": self.number(note.left), "right": self.number(note.right), "used": self.number(used[0])}
            found.append(self.say("note.sides", **sides))
        return found

    def sweep(self, sweep: Sweep, first: bool) -> Section:
        """The tangent sweep of an input; the first says what such a sweep is."""
        if not sweep.input:
            return Section(self.say("sweep.all"), [self.say("sweep.all.lead")], map(self.tangent, sweep.steps))
        name = Math(self.write.name(sweep.input))
        lead = [self.say("sweep.lead", input=name, seed=self.number(sweep.seed))] if first else []
        return Section(self.say("sweep", input=name), lead, map(self.tangent, sweep.steps))

    def tangent(self, step: TangentStep | Omitted) -> Entry | Parts:
        if isinstance(step, Omitted):
            return self.left_out(step)
        write, own = self.write, self.write.name(step.name)
        pushed = [(moved.name, moved.pushed) for moved in step.moved if moved.pushed is not None]
        if pushed:
            total = write.sum([self.differential(*pair) for pair in pushed])
            lines: list[Parts] = [[Math(write.equation([write.tangent(own), total]))]]
            lines += [
                [Math(write.equation([write.partial(own, write.name(name)), write.value(t)]))]
                for name, t in step.tangents.items()
            ]
            return Entry(step.number, lines, [], [])
        ((name, tangent),) = step.tangents.items()
        by = write.name(name)
        rules = []
        for moved in step.moved:
            shown = self.symbolic(moved.rule)
            rule = write.formula_factor(moved.rule, shown) if moved.rule and shown else write.number(moved.local)
            rules.append(rule + write.cross + write.partial(write.name(moved.name), by))
        products = [write.times(write.number(m.local), write.number(m.tangent)) for m in step.moved]
        terms = [write.partial(own, by), joined_sum(write, rules), joined_sum(write, products), write.number(tangent)]
        return Entry(step.number, [[Math(write.equation(terms))]], [], [])

    def differential(self, name: str, pushed: Formula) -> str:
        """What one operand's differential does, as a formula."""
        own = self.write.tangent(self.write.name(name))
        return self.write.formula(pushed, lambda node: own if node == TANGENT else self.name_of(node)) or "…"

    def result(self) -> Iterator[Parts]:
        """Value, gradient, and what the gradient is good for."""
        explanation, write = self.explanation, self.write
        yield [Math(write.equation([write.name(explanation.output), write.value(explanation.value)]))]
        gradient: Parts = [
            Math(write.equation([self.partial(name), write.value(g)])) for name, g in explanation.gradient.items()
        ]
        shown = gradient[: 50 * MOST_NAMES]
        if explanation.tensors:
            yield from ([equation] for equation in shown)
        elif shown:
            yield joined(", ", shown)
        if len(gradient) > len(shown):
            yield self.say("omitted", count=f"{len(gradient) - len(shown):,}")
        formulas: Parts = [
            Math(write.equation([self.partial(name), found]))
            for name, formula in explanation.formulas.items()
            if (found := self.symbolic(formula))
        ]
        if formulas:
            yield self.say("formulas", formulas=joined(", ", formulas))
        yield from self.moves()

    def moves(self) -> Iterator[Parts]:
        """Which inputs to move so that the output rises."""
        explanation = self.explanation
        moves = [
            self.say(key, names=self.names(names))
            for key, names in (("raise.up", explanation.raised), ("raise.down", explanation.lowered))
            if names
        ]
        if moves:
            said = moves[0] if len(moves) == 1 else [*moves[0], *self.say("raise.and"), *moves[1]]
            output, value = Math(self.write.name(explanation.output)), self.number(explanation.value)
            yield self.say("raise", output=output, value=value, moves=said)
        if explanation.still:
            yield self.say("still", names=self.names(explanation.still))


def joined_sum(write: Notation, products: list[str]) -> str:
    """A sum of products, which need no brackets."""
    return write.plus.join(products[:8]) + (f"{write.plus}…" if len(products) > 8 else "")


def source_line(source: str, limit: int = 200) -> str:
    """A program in one line, without its comments; a long one is cut."""
    lines = [line.partition("#")[0].strip().rstrip(";").rstrip() for line in source[: 50 * limit].splitlines()]
    text = "; ".join(line for line in lines if line)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def render(
    explanation: Explanation,
    words: Words,
    *,
    form: str = "text",
    screen: Screen = FILE,
    digits: int | None = 6,
    limit: int = 80,
    korean: bool = False,
    quiet: bool = False,
) -> Iterator[str]:
    """The explanation in pieces.

    Args:
        explanation: the steps.
        words: the words of a language.
        form: ``text``, ``md`` or ``latex``.
        screen: where text will be read; its width folds lines.
        digits: significant digits, None for all.
        limit: the most characters of a formula.
        korean: whether LaTeX needs its Korean package.
        quiet: only the result.
    """
    ranks = {
        name: value.ndim for name, value in zip(explanation.names, explanation.values, strict=True) if is_tensor(value)
    }
    notation: Notation
    page: TextPage | MarkdownPage | LatexPage
    if form == "text":
        notation, page = Notation(digits, limit), TextPage(screen)
    elif form == "md":
        notation, page = Latex(digits, limit, r"\cr", ranks), MarkdownPage()  # Markdown takes a backslash off a pair
    else:
        notation, page = Latex(digits, limit, ranks=ranks), LatexPage(korean)
    reader = Reader(explanation, words, notation)
    return page.page([] if quiet else reader.title(), reader.sections(quiet))
