"""The operations, one file per family; importing this package fills the table, but for the families on tensors."""

from . import arithmetic, exponential, trigonometric, activation, choice  # noqa: F401, I001  (in the catalogue's order)
from .table import FUNCTIONS, OPERATIONS, Operation

__all__ = ["FUNCTIONS", "OPERATIONS", "Operation"]
