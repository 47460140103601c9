"""Shows on standard error what goes on: in a terminal one line, always up to date, elsewhere a line now and then."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.text import Text

from pipelines.progress_text import Pace, Status, status
from pipelines.repeated import repeated
from rnn_tasks import activity
from rnn_tasks.activity import Activity

LOGGERS = ("pipelines", "rnn_tasks")
SILENCE_SECONDS = 20.0  # we promise 30, and a thread may have to wait for its turn
LOOK_SECONDS = 1.0
REFRESHES_PER_SECOND = 4
BAR_CELLS = (8, 30)  # at least, at most


@contextlib.contextmanager
def shown(what: str, quiet: bool = False) -> Iterator[None]:
    """Show our log lines, and the activities that begin inside the block, on standard error.

    Args:
        what: what is started here.
        quiet: show nothing but errors.
    """
    stream = _standard_error()
    console = _Console(file=stream, soft_wrap=True)
    with activity.watched(what) as outermost, contextlib.ExitStack() as stack:
        handler: logging.Handler
        if quiet:
            handler = logging.StreamHandler(stream)
            handler.setLevel(logging.ERROR)
        elif stream.isatty() and console.is_terminal and not console.is_dumb_terminal:
            handler = _LinesAbove(console)
            line = _Line(outermost)
            stack.enter_context(
                Live(
                    console=console,
                    get_renderable=lambda: line,
                    refresh_per_second=REFRESHES_PER_SECOND,
                    transient=True,
                )
            )
        else:
            handler = _Lines(stream)
            stack.enter_context(_spoken(outermost, handler))
        handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
        stack.enter_context(_logging_to(handler))
        yield


def _standard_error() -> TextIO:
    """Standard error as it is now, although its descriptor is redirected later, to silence imports."""
    try:
        # Never closed: libraries keep what they were given as standard error when they were imported.
        return os.fdopen(os.dup(sys.stderr.fileno()), "w", 1, sys.stderr.encoding, sys.stderr.errors)
    except OSError:  # it is no file
        return sys.stderr


@contextlib.contextmanager
def _logging_to(handler: logging.Handler) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, (level, propagates) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagates


# ------------------------------------------------------------------------------------------------------ no terminal


class _Lines(logging.StreamHandler):
    """Log lines, and when the last one was written."""

    last = -float("inf")

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self.last = time.monotonic()


@contextlib.contextmanager
def _spoken(outermost: Activity, lines: _Lines) -> Iterator[None]:
    """Write a line whenever there was none for a while, also while this thread waits for something long."""
    pace = Pace()

    def look() -> None:
        now = time.monotonic()
        said = status(outermost, pace, now)
        if now - lines.last >= SILENCE_SECONDS:
            # Handed over here, not logged: a progress line is for the user who waits, not for a flow run's page.
            lines.handle(logging.makeLogRecord({"msg": "%s", "args": (said,), "levelno": logging.INFO}))

    lines.last = time.monotonic()
    with repeated(look, LOOK_SECONDS, "sign of life"):
        yield


# ------------------------------------------------------------------------------------------------------- a terminal


class _Console(Console):
    def show_cursor(self, show: bool = True) -> bool:
        return False  # always shown: a process that is killed or stopped (Ctrl-Z) could not show it again


class _LinesAbove(logging.Handler):
    """Log lines above the one that is always up to date; the terminal wraps long ones."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        self.console.print(Text(self.format(record)), soft_wrap=True)


class _Line:
    """What goes on now, in one line however narrow the terminal is."""

    def __init__(self, outermost: Activity) -> None:
        self.outermost, self.pace = outermost, Pace()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        # One cell less than there are: some terminals begin a new line when the last one is filled.
        width = max(console.width - 1, 1)
        said: Status = status(self.outermost, self.pace, time.monotonic())
        words = said.within(width)
        yield Text(words, end="", no_wrap=True, overflow="crop")
        room = min(width - len(words) - 1, BAR_CELLS[1])
        if said.fraction is not None and room >= BAR_CELLS[0]:
            yield Text(" ", end="")
            yield ProgressBar(total=1.0, completed=said.fraction, width=room)
