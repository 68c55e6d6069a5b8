"""The operations, one file per family; importing this package fills the table."""

from . import activation, arithmetic, choice, exponential, trigonometric  # noqa: F401  (each import adds its rows)
from .table import FUNCTIONS, OPERATIONS, Operation

__all__ = ["FUNCTIONS", "OPERATIONS", "Operation"]
