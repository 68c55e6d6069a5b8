"""Text from files: within the limit, in UTF-8, with one clear error for everything else."""

from __future__ import annotations

from typing import IO

from .errors import FileProblem, LimitError
from .limits import Limits

PIECE = 2**20
"""Bytes read at once."""


def read_text(path: str, limits: Limits) -> str:
    """The text of a file in UTF-8.

    Raises:
        FileProblem: it cannot be read or is no text; LimitError: it is too large.
    """
    try:
        with open(path, "rb") as stream:
            return decode(bounded(stream, limits), path)
    except OSError as error:
        raise FileProblem(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:  # such as a zero byte in the path
        raise FileProblem(f"{path} is no file name: {error}") from None


def bounded(stream: IO[bytes], limits: Limits) -> bytes:
    """All bytes of a stream, if they are not too many."""
    most = int(limits["source"])
    pieces: list[bytes] = []
    left = most + 1
    while left and (piece := stream.read(min(left, PIECE))):  # a stream may make room for all that it is asked for
        pieces.append(piece)
        left -= len(piece)
    data = b"".join(pieces)
    if len(data) > most:
        raise LimitError(f"more than {most:,} bytes of text", hint=f"raise the limit with --limit source={2 * most}")
    return data


def decode(data: bytes, name: str) -> str:
    """The text, without a byte-order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileProblem(f"{name} is no UTF-8 text: byte {error.start + 1} is 0x{data[error.start]:02x}") from None
