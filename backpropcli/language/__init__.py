"""The expression language: text to graph."""

from __future__ import annotations

from .program import Program, parse, parse_bindings

__all__ = ["Program", "parse", "parse_bindings"]
