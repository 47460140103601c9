"""What stands on standard error while work goes on: in a terminal (a pseudo-terminal here), and elsewhere."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
import time

import pytest

from pipelines import sign_of_life
from pipelines.launch import STDERR, redirected
from rnn_tasks import activity

logger = logging.getLogger("pipelines.anything")


def without_times(text):
    return re.sub(r"\b\d\d:\d\d:\d\d\b", "hh:mm:ss", text)


def test_a_line_in_a_terminal_is_always_up_to_date_below_what_is_said(open_terminal):
    terminal = open_terminal()
    long = "a path of 100 characters " + "x" * 75
    with sign_of_life.shown("run x"):
        with activity.doing("train"), activity.doing("epoch", 3), activity.doing("batch", 8) as batch:
            terminal.wait_for("train: epoch 1 of 3, batch 0 of 8")
            logger.info("train: epoch 1 and [brackets] and 100 %")
            print("some.py:3: UserWarning: careful", file=sys.stderr)  # as a library does
            logger.info(long)
            batch.advance(4)
            terminal.wait_for("train: epoch 1 of 3, batch 4 of 8")
            during = terminal.screen()
        logger.info("last")
    said = ["hh:mm:ss  train: epoch 1 and [brackets] and 100 %", "some.py:3: UserWarning: careful", f"hh:mm:ss  {long}"]
    assert [without_times(line) for line in during[:-1]] == said
    assert re.fullmatch(r"train: epoch 1 of 3, batch 4 of 8, 0:0\d so far ━+[╸╺]?━+", during[-1])
    assert len(during[-1]) <= 59
    assert [without_times(line) for line in terminal.screen()] == [*said, "hh:mm:ss  last"]


def test_a_terminal_is_left_clean_by_an_interruption(open_terminal):
    terminal = open_terminal()
    with contextlib.suppress(KeyboardInterrupt), sign_of_life.shown("run x"), activity.doing("train"):
        terminal.wait_for("train")
        raise KeyboardInterrupt
    assert terminal.screen() == [""]
    assert "\x1b[?25l" not in terminal.written  # the cursor was never hidden
    assert sys.stderr is terminal.file


def test_standard_error_that_is_pointed_elsewhere_hides_no_sign_of_life(open_terminal, capfd, monkeypatch):
    """As while TensorFlow is imported, whose own words nobody needs."""
    terminal = open_terminal()
    with (
        redirected(STDERR, terminal.file.fileno()),
        open(STDERR, "w", closefd=False) as stderr,
        open(os.devnull, "w") as nowhere,
    ):
        monkeypatch.setattr(sys, "stderr", stderr)
        with sign_of_life.shown("run x"), redirected(STDERR, nowhere.fileno()), activity.doing("importing"):
            terminal.wait_for("importing")
        monkeypatch.undo()


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(sign_of_life, "SILENCE_SECONDS", 0.05)
    monkeypatch.setattr(sign_of_life, "LOOK_SECONDS", 0.01)


def wait_for(text, capfd, said=""):
    deadline = time.monotonic() + 60
    while text not in said:
        assert time.monotonic() < deadline, said
        said += capfd.readouterr().err
        time.sleep(0.01)
    return said


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_without_a_terminal_a_line_is_said_now_and_then(impatient, capfd, monkeypatch, term):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")  # what makes rich believe in a terminal
    with sign_of_life.shown("run x"):
        logger.info("first")
        with activity.doing("train"), activity.doing("epoch", 3), activity.doing("batch", 8):
            said = wait_for("batch 0 of 8", capfd)
        with activity.doing("building"):
            said = wait_for("building", capfd, said)
    lines = without_times(said).splitlines()
    assert lines[0] == "hh:mm:ss  first"
    assert "hh:mm:ss  train: epoch 1 of 3, batch 0 of 8, 0:00 so far" in lines
    assert lines[-1].startswith("hh:mm:ss  building, 0:0")
    assert all(line.startswith("hh:mm:ss  ") for line in lines)
    capfd.readouterr()
    time.sleep(0.2)
    assert capfd.readouterr() == ("", "")


def test_a_line_that_is_said_puts_the_next_off(capfd, monkeypatch):
    monkeypatch.setattr(sign_of_life, "LOOK_SECONDS", 0.001)
    with sign_of_life.shown("run x"), activity.doing("train"):
        logger.info("a line")
        time.sleep(0.2)
    assert without_times(capfd.readouterr().err) == "hh:mm:ss  a line\n"


def test_quiet_says_errors_alone(impatient, open_terminal):
    terminal = open_terminal()
    with sign_of_life.shown("run x", quiet=True), activity.doing("train"):
        logger.info("a line")
        logger.error("broken")
        time.sleep(0.4)
    assert [without_times(line) for line in terminal.screen()] == ["hh:mm:ss  broken"]


def test_loggers_are_left_as_they_were(capfd):
    def state():
        return [(log.level, log.propagate, list(log.handlers)) for log in map(logging.getLogger, sign_of_life.LOGGERS)]

    before = state()
    with contextlib.suppress(ZeroDivisionError), sign_of_life.shown("run x"):
        assert state() != before
        raise ZeroDivisionError
    assert state() == before
    assert not [thread for thread in threading.enumerate() if thread.name == "sign of life"]
