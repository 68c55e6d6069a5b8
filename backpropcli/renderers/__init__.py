"""Renderers: each reads a report and writes one form of it; one file, one ``render``."""
