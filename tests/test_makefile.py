"""`make` in several terminals of a fresh clone sets up one environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Stands in for Python as far as making an environment goes, which takes minutes and a network.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/rnn-tasks;;
    *"-r requirements.lock") echo installed >> log; sleep 1; touch whole;;
    -c*) exec {python} "$@";;
    list) test -e whole && echo ready;;
esac
"""


def test_of_three_at_once_one_installs_and_the_others_wait(tmp_path):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    python.write_text(PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    extended = (tmp_path / "Makefile").read_text() + "\nlist: $(READY)\n\t@$(BIN)/rnn-tasks list\n"
    (tmp_path / "Makefile").write_text(extended)

    def make(_):
        command = ["make", f"PYTHON={python}", "list"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(make, range(3)))
    assert [(one.returncode, one.stdout) for one in made] == [(0, "ready\n")] * 3
    assert (tmp_path / "log").read_text() == "installed\n"
    assert sum("setting up .venv" in one.stderr for one in made) == 1
