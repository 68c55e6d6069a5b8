"""PNG, of the SVG on a light page: by resvg, an extra, in a font that ships, so that it looks the same everywhere."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.resources import as_file, files

from ..errors import FileProblem, OptionError

FONTS = ("Arimo-Regular.ttf", "Arimo-Italic.ttf")
"""Arimo, by its licence (OFL.txt) free to be shipped: Latin and Greek letters and the signs of drawings, unhinted."""
FAMILY = "Arimo"
MOST_PIXELS, LEAST = 16_000, 0.5
"""In a row or column; pixels per unit below which nobody could read it."""
INSTALL = "pip install 'backpropcli[png]'"


def render(svg: str, size: tuple[float, float], scale: float = 2.0) -> bytes:
    """The picture.

    Args:
        svg: the document.
        size: its width and height.
        scale: pixels per unit; fewer where the picture would be too large.

    Raises:
        OptionError: resvg is not installed, or the drawing is too large.
        FileProblem: the font is not there.
    """
    scale = min(scale, MOST_PIXELS / max(size))
    if scale < LEAST:
        raise OptionError(
            f"a drawing of {size[0]:,.0f} × {size[1]:,.0f} is too large for a PNG",
            hint="write an .svg, or draw less of it, with --depth 5",
        )
    try:
        import resvg_py
    except ImportError:
        raise OptionError("a PNG is drawn by resvg-py, which is not installed", hint=INSTALL) from None
    with ExitStack() as stack:
        try:
            fonts = [stack.enter_context(as_file(files(__package__) / "fonts" / name)) for name in FONTS]
        except FileNotFoundError:
            fonts = []
        if not fonts or not all(font.is_file() for font in fonts):
            raise FileProblem("the font of the drawings is missing", hint=f"install anew: {INSTALL}")
        picture = resvg_py.svg_to_bytes(
            svg_string=svg,
            font_files=[str(font) for font in fonts],
            font_family=FAMILY,
            sans_serif_family=FAMILY,
            skip_system_fonts=True,
            zoom=scale,
        )
    return bytes(picture)
