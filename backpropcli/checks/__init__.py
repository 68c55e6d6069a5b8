"""The numeric judge of gradients, and its verdicts."""

from __future__ import annotations

from .judge import judge
from .verdict import RIGHT, VERDICTS, Check, Component

__all__ = ["RIGHT", "VERDICTS", "Check", "Component", "judge"]
