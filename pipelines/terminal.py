"""Standard streams as the command finds them: in any encoding, or closed."""

from __future__ import annotations

import codecs
import io
import os
import sys

# What we print ourselves beyond ASCII. Other characters come from the user, and are shown by their code.
SUBSTITUTES = {"≥": ">=", "≤": "<=", "…": "...", "·": "-", "–": "-", "—": "-", "→": "->", "×": "x", "’": "'"}


def prepare_streams() -> None:
    """Make standard output and error accept every text, and keep files from taking the place of a closed one."""
    _open_closed()
    codecs.register_error("readable", _readable)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="readable")


def _readable(error: UnicodeError) -> tuple[str, int]:
    """Characters that an encoding lacks, written in ASCII: `≥` as `>=`, `日` as `\\u65e5`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(SUBSTITUTES.get(c) or c.encode("ascii", "backslashreplace").decode() for c in lacking), error.end


def _open_closed() -> None:
    """Open closed streams: after `rnn-tasks list >&-`, the next file that is opened would become standard output."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115  (open as long as we run)
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115  (so is this)
