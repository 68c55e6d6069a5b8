"""The words of explanations, one module per language, all with the same keys and the same names in braces."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from ..errors import OptionError

LANGUAGES = ("en", "ko")

Words = Mapping[str, str]


def words_of(language: str) -> Words:
    """The words of a language.

    Raises:
        OptionError: there are none.
    """
    if language not in LANGUAGES:
        raise OptionError(f"--lang is one of {', '.join(LANGUAGES)}, not {language!r}")
    found: Words = import_module(f".{language}", __name__).WORDS
    return found
