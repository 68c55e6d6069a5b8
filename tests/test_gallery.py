"""The gallery in samples/: every picture is what the command above it draws. ``BACKPROP_UPDATE=1`` draws them anew."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest

from .test_cli import backprop

ROOT = Path(__file__).parent.parent
GALLERY = (ROOT / "samples" / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^backprop (draw .* -o (samples/pictures/\w+\.svg))$", GALLERY, re.MULTILINE)


@pytest.mark.parametrize(("command", "picture"), COMMANDS, ids=[picture for _, picture in COMMANDS])
def test_a_picture_is_what_its_command_draws(
    command: str, picture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    target = ROOT / picture if os.environ.get("BACKPROP_UPDATE") else tmp_path / "drawn.svg"
    done = backprop(*shlex.split(command)[:-1], str(target))
    assert done.returncode == 0, done.stderr
    assert rounded(target.read_text("utf-8")) == rounded((ROOT / picture).read_text("utf-8"))


def rounded(svg: str) -> str:
    """Without the digits in which machines differ: sums of matrix products have no fixed order there."""
    svg = re.sub(r"-?\d+\.\d{9,}(e-?\d+)?", lambda number: f"{float(number[0]):.11g}", svg)
    svg = re.sub(r"-?[\d.]+e-(1[5-9]|[2-9]\d)", "0", svg)  # a sum of what cancels
    return re.sub(" +", " ", svg)


def test_the_gallery_shows_every_picture() -> None:
    pictures = {path.name for path in (ROOT / "samples" / "pictures").iterdir()}
    assert len(pictures) >= 10
    assert {Path(picture).name for _, picture in COMMANDS} == pictures
    assert set(re.findall(r"\]\(pictures/(.*?)\)", GALLERY)) == pictures
