"""How large things may be; each limit is checked before the work, and ``--limit NAME=VALUE`` raises it."""

from __future__ import annotations

from math import inf

from .errors import LimitError, OptionError

DEFAULTS: dict[str, float] = {
    "source": 64 * 2**20,  # characters of program text
    "literal": 400,  # characters of one number
    "name": 64,  # characters of one name
    "rows": 1000,  # rows of a table; the rest is counted
    "text": 80,  # characters of a node's expression
    "entries": 64,  # entries of a tensor shown whole in a table
    "jacobian": 64,  # rows and columns of a Jacobian written out
    "drawn": 60,  # gates and inputs of a drawing; larger ones are folded
    "tensor": 256 * 2**20,  # bytes of one tensor
    "memory": 2 * 2**30,  # bytes of all values and gradients
    "check": 2.0,  # seconds that a check may take, by estimate; then random directions
}

MEANINGS = {
    "source": "characters of program text",
    "literal": "characters of one number",
    "name": "characters of one name",
    "rows": "rows of a table",
    "text": "characters of a node's expression",
    "entries": "entries of a tensor shown whole",
    "jacobian": "rows or columns of a Jacobian",
    "drawn": "gates of a drawing",
    "tensor": "bytes of one tensor",
    "memory": "bytes",
    "check": "seconds of a check, by estimate",
}


LARGEST = 2.0**62
"""More than there are bytes anywhere, and still a size that files and arrays take."""


class Limits(dict[str, float]):
    """The limits in force, by name."""

    def __init__(self, **raised: float) -> None:
        super().__init__(DEFAULTS)
        for name, value in raised.items():
            if name not in DEFAULTS:
                known = ", ".join(DEFAULTS)
                raise OptionError(f"there is no limit called {name!r}", hint=f"the limits are: {known}")
            if not (value >= 1 or (name == "check" and value > 0)) or value == inf:
                raise OptionError(f"the limit {name!r} must be a finite number of at least 1")
            self[name] = min(value, LARGEST)

    def hold(self, name: str, figure: float, of: str = "") -> None:
        """Raise LimitError where the figure, which is one of what `of` says, exceeds the limit."""
        if figure > self[name]:
            raise LimitError(
                f"{of}{_written(figure, ',')} {MEANINGS[name]}, and the limit is {self[name]:,.0f}",
                hint=f"raise it with --limit {name}={_written(figure, '')}",
            )


def _written(figure: float, grouped: str) -> str:
    return f"{int(figure):{grouped}}" if figure < 10**30 else "more than 1e30" if grouped else "1e30"


LIMITS = Limits()
