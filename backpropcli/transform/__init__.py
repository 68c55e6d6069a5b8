"""Graph to graph: gates taken apart and put together; the gradient as a graph, and what is made of it."""

from .gates import expand, fuse

__all__ = ["expand", "fuse"]
