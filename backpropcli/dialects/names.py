"""Identifiers: what a program calls things, in words that a language takes."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable


class Names:
    """Gives every thing a name of its own.

    Args:
        reserved: what means something in the language already.
        only_ascii: whether identifiers are of ASCII letters alone.
    """

    def __init__(self, reserved: Iterable[str], only_ascii: bool = False) -> None:
        self.only_ascii = only_ascii
        self.taken = set(reserved)
        self.numbers: dict[str, int] = {}

    def name(self, word: str) -> str:
        """The word as an identifier that nothing else has: with as many ``_`` behind it as that takes."""
        word = identifier(word, self.only_ascii)
        while word in self.taken:
            word += "_"
        self.taken.add(word)
        return word

    def numbered(self, word: str) -> str:
        """``word_1``, ``word_2``, … for things without a name."""
        while True:
            self.numbers[word] = self.numbers.get(word, 0) + 1
            found = f"{word}_{self.numbers[word]}"
            if found not in self.taken:
                self.taken.add(found)
                return found


def identifier(word: str, only_ascii: bool) -> str:
    """The word as languages read it.

    Python takes letters of all scripts, but takes ``ϕ`` for ``φ`` (NFKC). Where only ASCII will do, Greek letters are
    spelled out; what begins with ``_``, which C keeps for itself, gets a letter before it.
    """
    word = unicodedata.normalize("NFKC", word)
    if not only_ascii:
        return word
    word = "".join(c if c.isascii() else spelled(c) for c in word)
    return f"v{word}" if word.startswith("_") else word


def spelled(letter: str) -> str:
    """``lambda`` for λ, ``Omega`` for Ω; any other character by its code point."""
    name = unicodedata.name(letter, "")
    words = name.replace("LAMDA", "LAMBDA").split()
    if words[:1] != ["GREEK"] or "LETTER" not in words:
        return f"u{ord(letter):x}"
    found = "_".join(words[words.index("LETTER") + 1 :])
    return found.capitalize() if "CAPITAL" in words else found.lower()


def is_identifier(word: str, reserved: Collection[str]) -> bool:
    """Whether the word can name a function in every language."""
    return word.isascii() and word.isidentifier() and not word.startswith("_") and word not in reserved
