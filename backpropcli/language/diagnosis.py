"""What is wrong with a text that is not in the language, and what to write instead."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress

from ..errors import LanguageError
from ..operations import FUNCTIONS
from .builder import CONSTANTS, FILLED
from .elsewhere import INSTEAD, PREFIXES

Token = tuple[str, str, int]

PAIRS = {")": "(", "]": "["}
OPENING, CLOSING = "([", ")]"
LONG = 40
"""Characters of the user's text that a hint repeats."""
ENDS_OPERAND = frozenset(("NUMBER", "NAME", "RPAR", "RSQB"))
POSTFIX = frozenset("²³ᵀ")
RAISED = {"²": "2", "³": "3", **{f"{sign}{n}": n for sign in ("^", "**") for n in ("2", "3", "4", "-1", "-2")}}
"""The powers that mathematics writes between a function and its argument."""
COMPARISONS = frozenset(("<", "<=", "≤", ">", ">=", "≥", "==", "!=", "≠"))
BEGINS_OPERAND = frozenset(("NUMBER", "NAME", "LPAR", "LSQB"))

CHARACTERS = {
    "|": ("`|` is not in the language", "for an absolute value write `abs(x)`, for a choice `or`"),
    "!": ("`!` is not in the language", "for a factorial write `gamma(n + 1)`, for a negation `not`"),
    "'": (
        "`'` is not in the language",
        "there are no strings, and a derivative is what backprop computes: leave it out",
    ),
    '"': ("strings are not in the language", "write numbers, names and operations"),
    "%": ("`%` is not in the language", f"for a remainder write `{INSTEAD['mod']}`"),
    "&": ("`&` is not in the language", "write `and`"),
    "~": ("`~` is not in the language", "write `not`"),
    ".": ("attributes are not in the language", "a number may begin with a point; of attributes there is only `.T`"),
    "?": ("`?` is not in the language", "write `where(condition, x, y)`"),
    "\\": ("`\\` is not in the language", "an expression goes on in the next line inside brackets"),
    "{": ("braces are not in the language", "write round brackets"),
    "}": ("braces are not in the language", "write round brackets"),
    "$": ("`$` is not in the language", "paste the formula without its dollar signs"),
    ":": ("`:` stands in no index here", "an assignment is `name = expression`"),
    "∞": ("`∞` is not in the language", "write `inf`"),
    "–": ("the dash `–` is no minus sign", "write `-`"),
    "—": ("the dash `—` is no minus sign", "write `-`"),
    "∑": ("`∑` is not in the language", "write the sum out"),
    "∂": ("`∂` is not in the language", "a derivative is what backprop computes: write the function itself"),
    "∇": ("`∇` is not in the language", "a gradient is what backprop computes: write the function itself"),
}

WORDS = {
    "lambda": "there are no functions of your own: write the expression itself",
    "if": "write `where(condition, x, y)`",
    "else": "write `where(condition, x, y)`",
    "for": "write the terms out",
    "import": "every function is there already; `backprop gates` lists them",
    "def": "there are no functions of your own: write the expression itself",
    "return": "the last statement is the output",
    "mod": f"for a remainder write `{INSTEAD['mod']}`",
    "in": "write `==`",
    "is": "write `==`",
}


def unexpected_character(text: str, place: int) -> LanguageError:
    """The error for a character that begins no token."""
    c = text[place]
    if c == "." and (found := _member(text, place)) is not None:
        return found
    if c == "!" and text[place + 1 : place + 2] == "=":
        message, hint = "`!=` is cut apart", "write `!=`"
    elif c in CHARACTERS:
        message, hint = CHARACTERS[c]
    else:
        code = f"U+{ord(c):04X}"
        name = unicodedata.name(c, "").lower()
        described = f"{code} ({name})" if name else code
        shown = f"`{c}`, " if c.isprintable() and not c.isspace() else ""
        message = f"the character {shown}{described} is not in the language"
        hint = _mend(c, text[:place])
    return LanguageError(message, hint=hint, source=text, start=place)


MEMBER = re.compile(r"\.(?:[A-Za-z_]\w*\.)*([A-Za-z_]\w*)\s*(\()?", re.ASCII)


def _member(text: str, place: int) -> LanguageError | None:
    """The error for ``np.sin(x)``, a function with a prefix, or ``x.sum()``, a method; None for any other point."""
    found = MEMBER.match(text, place)
    begin = _operand_before(text, place)
    if found is None or begin == place:
        return None
    name, opener = found.groups()
    owner = text[begin:place]
    given = _inside(text, found.end() - 1) if opener else ""
    if owner in PREFIXES and (given or name in CONSTANTS):
        message, instead = f"names have no prefix such as `{owner}.`", _called(name, given) if opener else name
    elif opener:
        first = _inside(owner, 0) if f"({_inside(owner, 0)})" == owner else owner
        message, instead = "functions are no methods", _called(name, f"{first}, {given}" if given else first)
    else:
        return None
    hint = f"write `{instead}`" if instead else "`backprop gates` lists the functions"
    return LanguageError(message, hint=hint, source=text, start=begin, end=found.end(1))


def _called(name: str, arguments: str) -> str:
    """What to write for a function of a library, or "" where there is none such."""
    if name in ("array", "asarray", "tensor", "as_tensor"):
        return arguments
    known = name in FUNCTIONS or name in FILLED
    return f"{name}({arguments})" if known else INSTEAD.get(name.lower(), "")


def _operand_before(text: str, end: int) -> int:
    """Where the name, the number or the bracket begins that ends there; the end itself where there is none."""
    begin, depth = end, 0
    while begin > 0:
        c = text[begin - 1]
        depth += (c in CLOSING) - (c in OPENING)
        if depth < 0 or (depth == 0 and not (c.isalnum() or c in "_." or c in OPENING)):
            break
        begin -= 1
    return begin


def _inside(text: str, opener: int) -> str:
    """What stands between the bracket there and the one that closes it; ``…`` where that is long."""
    depth = 0
    for at in range(opener, min(len(text), opener + LONG)):
        depth += (text[at] in OPENING) - (text[at] in CLOSING)
        if depth == 0:
            return text[opener + 1 : at]
    return "…"


def _mend(c: str, before: str) -> str:
    plain = unicodedata.normalize("NFKC", c)
    if c.isspace() or unicodedata.category(c) in ("Cf", "Zs"):
        return "delete it, or type a plain space"
    if plain.isdigit() and plain.isascii():
        if "SUPERSCRIPT" in unicodedata.name(c, ""):
            return f"write `^{plain}`"
        word = re.search(r"\w*$", before)
        return f"write `{word[0] if word else ''}{plain}`"
    if len(plain) == 1 and plain != c and plain.isascii() and plain.isprintable():
        return f"write `{plain}`"
    if c.isalpha():
        return "names take ASCII and Greek letters, digits and _"
    return "`backprop gates` lists what can be written"


def unexpected_token(
    text: str, start: str, tokens: Iterable[Token], place: int, expected: frozenset[str]
) -> LanguageError:
    """The error for the token at `place`, where one of the expected terminals had to stand.

    Args:
        text: the whole text.
        start: what it was read as, ``program`` or ``bindings``.
        tokens: its tokens.
        place: where the unexpected one begins.
        expected: the terminals that could have stood there.
    """
    seen: list[Token] = []
    following: Token = ("$END", "", len(text))
    iterator = iter(tokens)
    for token in iterator:
        seen.append(token)
        if token[2] >= place and (token[0] == "$END" or token[2] == place):
            with suppress(LanguageError):
                following = next(iterator, following)
            break
    token = seen.pop()
    explained = _explain_bindings(seen, token, following, expected) if start == "bindings" else None
    message, hint, begin, end = explained or _explain(text, seen, token, following, expected)
    return LanguageError(message, hint=hint, source=text, start=begin, end=end)


def _explain_bindings(
    before: Sequence[Token], token: Token, following: Token, expected: frozenset[str]
) -> tuple[str, str, int, int] | None:
    """Message, hint and place for what is wrong between values, not in one; None for the rest."""
    kind, word, place = token
    end = place + len(word)
    if "EQUAL" in expected and before:
        name = before[-1]
        return f"`{name[1]}` has no value", f"write `{name[1]}=1`", name[2], name[2] + len(name[1])
    if kind == "NAME" and following[0] == "EQUAL" and before:
        return "a comma is missing between two values", "write `x=1,y=2`", place, end
    if "NAME" in expected and "NUMBER" not in expected and word:
        return f"a name is missing before `{word}`", "write `x=1,y=2`", place, end
    return None


def _explain(
    text: str, before: Sequence[Token], token: Token, following: Token, expected: frozenset[str]
) -> tuple[str, str, int, int]:
    """Message, hint and place."""
    kind, word, place = token
    end = place + len(word)
    last = before[-1] if before else ("", "", 0)
    opener = _open_bracket(before)
    after_operand = last[0] in ENDS_OPERAND or last[1] in POSTFIX or last[1] == ".T"

    if not before and kind == "$END":
        return "the text is empty", "write an expression such as `(x+y)*z`", 0, 1
    if word in PAIRS:
        if opener is None:
            return f"`{word}` closes nothing", "delete it, or open a bracket before it", place, end
        if opener[1] != PAIRS[word]:
            right = ")" if opener[1] == "(" else "]"
            return f"`{opener[1]}` is closed by `{word}`", f"write `{right}`", place, end
    if kind == "$END" and opener is not None:
        right = ")" if opener[1] == "(" else "]"
        return f"`{opener[1]}` is never closed", f"add `{right}`", opener[2], opener[2] + 1
    if kind == "_END" and word == ";" and opener is not None:
        return "`;` stands inside brackets", f"close the `{opener[1]}` first", place, end
    if last[1] in WORDS or word in WORDS:
        which = token if word in WORDS else last
        return f"`{which[1]}` is not in the language", WORDS[which[1]], which[2], which[2] + len(which[1])

    if after_operand and (kind in BEGINS_OPERAND or word in ("√", "∛", "not")):
        return _powered_function(text, before, token) or _missing_product(text, before, token, following)
    if kind == "EQUAL":
        own = _own_function(text, before, end)
        if own is not None:
            return own
        if following[1] in ("<", ">") and following[2] == end:
            return f"`={following[1]}` is no comparison", f"write `{following[1]}=`", place, end + 1
        if last[1] in COMPARISONS:
            return f"`{last[1]}=` is no comparison", "write `==`", place, end
        return "`=` assigns, and only a name can be assigned", "to compare write `==`", place, end
    if last[0] == "EQUAL" and word in ("<", ">"):
        return f"`={word}` is no comparison", f"write `{word}=`", last[2], end
    if last[1] == "<" and word == ">":
        return "`<>` is no comparison", "write `!=`", last[2], end
    if word in COMPARISONS and after_operand:
        return "comparisons do not chain", "join two with `and`, as in `a < b and b < c`", place, end
    if word == ":" or (kind == "COLON"):
        return "`:` stands in no index here", "an assignment is `name = expression`", place, end
    if after_operand and word == ",":
        return "`,` stands in no call here", "statements are separated by `;`", place, end
    if kind in ("$END", "_END"):
        where = "the text" if kind == "$END" else "the line"
        hint = "put the expression in brackets to go on in the next line" if kind == "_END" and word != ";" else ""
        return f"{where} ends where an operand is missing after `{last[1]}`", hint, last[2], last[2] + len(last[1])
    if word in PAIRS:
        return f"an operand is missing between `{last[1]}` and `{word}`", "", place, end
    if last[1] and "NUMBER" in expected:
        return f"an operand is missing between `{last[1].strip() or 'the line end'}` and `{word}`", "", place, end
    if "NUMBER" in expected:
        return f"an operand is missing before `{word}`", "", place, end
    return f"`{word}` is not expected here", "", place, end


def _own_function(text: str, before: Sequence[Token], end: int) -> tuple[str, str, int, int] | None:
    """Message, hint and place for ``f(x) = x^2``, before whose right side stand the tokens; None for any other."""
    statement = list(before)
    for at, token in enumerate(before):
        if token[0] == "_END":
            statement = list(before[at + 1 :])
    kinds = [kind for kind, *_ in statement]
    names = [kind for kind in kinds[2:-1] if kind != "COMMA"]
    head = kinds[:2] == ["NAME", "LPAR"] and kinds[-1] == "RPAR" and statement[0][1] not in FUNCTIONS
    if not head or any(kind != "NAME" for kind in names):
        return None
    right = re.split(r"[;\n\r#]", text[end:], maxsplit=1)[0].strip()
    _, name, start = statement[0]
    right = right if right and len(right) <= LONG else "…"
    return "there are no functions of your own", f"write `{name} = {right}`", start, statement[-1][2] + 1


def _powered_function(text: str, before: Sequence[Token], token: Token) -> tuple[str, str, int, int] | None:
    """Message, hint and place for ``sin^2(x)``, ``sin² x`` and ``sin^-1(x)``; None for any other operand there."""
    kind, argument, place = token
    for count in range(2, min(4, len(before)) + 1):
        (first, name, start), *rest = before[-count:]
        power = RAISED.get("".join(word for _, word, _ in rest))
        if first == "NAME" and power and (name in FUNCTIONS or name.lower() in INSTEAD):
            if kind not in ("NAME", "NUMBER"):
                argument = _inside(text, place) if kind == "LPAR" else "…"
            called, inverse = _called(name, argument), f"a{name}"
            hint = f"write `{called if name in FUNCTIONS else f'({called})'}^{power}`"
            if power == "-1" and inverse in FUNCTIONS:
                hint = f"write `{inverse}({argument})` for the inverse, `1/{called}` for the reciprocal"
            return f"`{name}` takes its argument before the power", hint, start, place
    return None


def _open_bracket(tokens: Sequence[Token]) -> Token | None:
    """The innermost bracket that is still open."""
    opened: list[Token] = []
    for token in tokens:
        if token[0] in ("LPAR", "LSQB"):
            opened.append(token)
        elif token[1] in PAIRS and opened:
            opened.pop()
    return opened[-1] if opened else None


def _missing_product(text: str, before: Sequence[Token], token: Token, following: Token) -> tuple[str, str, int, int]:
    """Two operands side by side: most often a product that mathematics leaves out, sometimes a number misspelt."""
    kind, word, place = token
    last = before[-1]
    start, end = last[2], place + len(word)
    touching = last[2] + len(last[1]) == place
    if last[0] == "NUMBER" and touching:
        whole = last[1] + word
        if (kind == "NAME" and word in ("e", "E")) or (kind == "NAME" and word[0] in "eE" and word[1:].isdigit()):
            return (
                f"the exponent of `{last[1]}{word[0]}` has no digits",
                "write `1e3`, or `*` for a product",
                start,
                end,
            )
        if kind == "NAME" and word.startswith("_"):
            return "`_` does not group digits", f"write `{whole.replace('_', '')}`", start, end
        if kind == "NAME" and last[1] == "0" and word[0] in "xXbBoO" and word[1:2].isalnum():
            return "numbers are decimal", _decimal(whole), start, end
        if kind == "NUMBER":
            return f"`{whole}` is no number", "a number has one decimal point", start, end
    left = last[1] if last[0] in ("NUMBER", "NAME") else "(…)"
    right = word if kind in ("NUMBER", "NAME") else "(…)"
    if last[1] in FUNCTIONS and last[0] == "NAME":
        return f"`{last[1]}` takes its argument in brackets", f"write `{last[1]}({right})`", start, end
    if kind == "LSQB":
        return "only a name or a bracket can be indexed", "for a product write `*`", place, end
    return "there is no implicit product", f"write `{left}*{right}`", place, end


def _decimal(text: str) -> str:
    try:
        return f"write `{int(text, 0)}`"
    except ValueError:
        return "write it in decimal digits"
