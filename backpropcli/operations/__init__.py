"""The operations, one file per family; importing this package fills the table."""

from . import arithmetic, exponential, trigonometric, activation, choice, reduction, linear, loss  # noqa: F401, I001  (in the catalogue's order)
from .maps import LinearMap
from .table import FUNCTIONS, OPERATIONS, Operation

__all__ = ["FUNCTIONS", "OPERATIONS", "LinearMap", "Operation"]
