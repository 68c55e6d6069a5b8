"""Number systems, one file each: floats, NumPy arrays, mpmath, and the graph itself."""
