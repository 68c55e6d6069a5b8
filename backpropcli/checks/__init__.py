"""The numeric judge of gradients, and its verdicts."""

from __future__ import annotations

from .judge import judge
from .verdict import VERDICTS, Check, Component

__all__ = ["VERDICTS", "Check", "Component", "judge"]
