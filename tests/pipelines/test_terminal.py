"""Every command says what it has to say in any locale, and into streams that are closed or full."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from rnn_tasks.registry import TASK_MODULES

COMMANDS = """
import sys, warnings
warnings.simplefilter("ignore")
warnings.filterwarnings("error", category=EncodingWarning, module="pipelines|rnn_tasks")  # as the locale has it
from pipelines import cli
codes = []
for arguments in (
    ["list"], ["describe", "translate"], ["--help"], ["run", "--help"], ["predict", "--help"], ["serve", "--help"],
    ["describe", "\\u2265"], ["run", "reber", "--data", "\\u65e5\\U0001f600"],
):
    try:
        cli.main(arguments)
    except SystemExit as exit_:
        codes.append(exit_.code)
print(codes)
"""
ASCII_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.parametrize(
    ("environment", "encoding", "bounds", "unknown", "path"),
    [
        (ASCII_LOCALE, "ascii", "(int >=1 <=16)", ">=", r"\u65e5\U0001f600"),
        ({"PYTHONIOENCODING": "latin-1"}, "latin-1", "(int >=1 <=16)", ">=", r"\u65e5\U0001f600"),
        ({"LC_ALL": "C.UTF-8"}, "utf-8", "(int ≥1 ≤16)", "≥", "日😀"),
    ],
    ids=["ascii", "latin-1", "utf-8"],
)
def test_what_an_encoding_lacks_is_said_otherwise(environment, encoding, bounds, unknown, path):
    done = subprocess.run(
        [sys.executable, "-X", "warn_default_encoding", "-c", COMMANDS],
        capture_output=True,
        check=True,
        env={**{k: v for k, v in os.environ.items() if k != "LC_ALL"}, **environment},
    )
    out, unknown_task, bad_path = done.stdout.decode(encoding), *done.stderr.decode(encoding).splitlines()
    assert bounds in out
    assert out.splitlines()[-1] == "[0, 0, 0, 0, 0, 0, 2, 2]"
    assert unknown_task == f"error: unknown task '{unknown}' (tasks: {', '.join(TASK_MODULES)})"
    assert bad_path.startswith(f"error: {path}: no such file")


def test_a_whole_run_in_an_ascii_locale(command):
    done = command("run", "dummy", **ASCII_LOCALE)
    assert done.returncode == 0, done.stderr
    assert "test_accuracy" in done.stdout
    done = command("predict", "dummy", stdin="été ☃\n", **ASCII_LOCALE)
    assert (done.stdout, done.returncode) == ("5\n", 0), done.stderr


def test_closed_streams_are_no_error_and_a_full_one_is_one_line(home):
    program = """
        "$0" -m pipelines.cli list >&-; echo $?
        "$0" -m pipelines.cli list <&- | head -n 1; echo ${PIPESTATUS[0]}
        "$0" -m pipelines.cli describe nothing 2>&-; echo $?
        "$0" -m pipelines.cli list >/dev/full; echo $?
    """
    done = subprocess.run(["bash", "-c", program, sys.executable], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[0] == "0"
    assert done.stdout.split("\n")[1].split() == ["task", "shape", "what", "it", "learns"]
    assert done.stdout.split("\n")[2:] == ["0", "2", "2", ""]
    assert done.stderr == "error: standard output: No space left on device\n"
