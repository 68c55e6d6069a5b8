"""The expression language: text to graph."""

from __future__ import annotations

from .program import Program, parse, parse_bindings
from .statement import Statement, statements

__all__ = ["Program", "Statement", "parse", "parse_bindings", "statements"]
