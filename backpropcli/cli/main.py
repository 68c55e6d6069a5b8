"""The command ``backprop``: from arguments to an exit status, whatever happens.

| Status | Meaning |
|---|---|
| 0 | done; with --check, every component agrees |
| 1 | the answer is no: a check found a disagreement, or generated code gives other numbers |
| 2 | the input cannot be used |
| 3 | an answer is printed, but it is not finite or could not be verified |
| 70 | a fault of the program |
| 130 | interrupted |
| 141 | the reader closed the pipe |
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

DONE, NO, UNUSABLE, UNVERIFIED, FAULT, INTERRUPTED, PIPE_CLOSED = 0, 1, 2, 3, 70, 130, 141


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with its status."""
    status = run(sys.argv[1:] if arguments is None else arguments)
    # Whatever could not be written stays unwritten: the interpreter must not try again at its end, and complain.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run the command and return its status; nothing is raised, and standard output is flushed."""
    try:
        if sys.stdout is None:
            return _complain("standard output is closed", PIPE_CLOSED)
        from .app import dispatch

        status = dispatch(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except OSError as error:
        return _output_failed(error)
    except Exception as error:
        return fault(error)


def fault(error: Exception) -> int:
    """Tell of an error that is not the user's, and return its status; with BACKPROP_DEBUG it is raised."""
    if isinstance(error, MemoryError):
        return _complain("there is not enough memory", UNUSABLE)
    if os.environ.get("BACKPROP_DEBUG"):
        raise error
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{os.path.basename(where.tb_frame.f_code.co_filename)}:{where.tb_lineno}" if where else "?"
    return _complain(f"this is a fault of backprop, please report it: {type(error).__name__} at {place}", FAULT)


def _output_failed(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):
        return _complain("the reader closed the pipe", PIPE_CLOSED)
    return _complain(f"the result cannot be written: {error.strerror or error}", UNUSABLE)


def _complain(message: str, status: int) -> int:
    tell(f"backprop: {message}")
    return status


def tell(text: str) -> None:
    """A line on standard error, which may be closed or full: then nobody can be told."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr, flush=True)
