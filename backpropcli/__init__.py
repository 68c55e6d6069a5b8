"""backprop: see, check and ship gradients of expressions.

    from backpropcli import parse, evaluate, check

    program = parse("2*(max(z,w)+x*y)")
    result = evaluate(program, x=3, y=-4, z=2, w=-1)
    result.value, result.gradient          # -20.0, {'z': 2.0, 'w': 0.0, 'x': -8.0, 'y': 6.0}
    check(result).verdict                  # 'agree'

Names are loaded when first asked for: importing the package imports nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Result, check, evaluate
    from .derivatives import hessian, jacobian, value_and_gradient
    from .errors import BackpropError
    from .language import Program, parse

__version__ = "0.1.0"
__all__ = [
    "BackpropError",
    "Program",
    "Result",
    "__version__",
    "check",
    "evaluate",
    "hessian",
    "jacobian",
    "parse",
    "value_and_gradient",
]

_HOMES = {
    "BackpropError": ".errors",
    "Program": ".language",
    "Result": ".api",
    "check": ".api",
    "evaluate": ".api",
    "hessian": ".derivatives",
    "jacobian": ".derivatives",
    "parse": ".language",
    "value_and_gradient": ".derivatives",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'backpropcli' has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
