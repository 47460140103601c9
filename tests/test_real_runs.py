"""Whole runs from the command line reach the figures that the README gives; `make test-real` takes hours with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REAL_DATA = Path(os.environ.get("RNN_TASKS_DATA") or Path(__file__).parents[1] / ".." / "shared" / "data").resolve()

pytestmark = [pytest.mark.real, pytest.mark.timeout(4 * 3600)]


def real(*parts):
    path = REAL_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent; set RNN_TASKS_DATA to the folder of the real data sets")
    return str(path)


@pytest.fixture
def run(tmp_path):
    """`rnn-tasks run` with stores of its own: run("reber") -> the JSON line it ends with."""

    def run_to_the_end(*arguments):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("RNN_TASKS_")}
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli", "run", *arguments, "--json"],
            env={**environment, "RNN_TASKS_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 0
        return json.loads(done.stdout.splitlines()[-1])

    return run_to_the_end


def test_translate_full_on_multi30k(run):
    """Single model, lower-cased tokens; measured: 59.8."""
    result = run("translate", "--preset", "full", "--data", real("multi30k", "tok"))
    metrics, baseline = result["metrics"], result["baseline"]
    assert metrics["test_bleu"] == metrics["test_2016_flickr_bleu"] >= 50
    assert metrics["test_chrf"] >= 65
    assert metrics["test_bleu"] > baseline["test_bleu"] + 25


def test_translate_quick_on_tatoeba(run):
    """Measured: 37.3, a word-for-word dictionary 10.7."""
    result = run("translate", "--data", real("tatoeba", "fra-eng.zip"))
    assert result["metrics"]["test_bleu"] > 30
    assert result["metrics"]["test_bleu"] > result["baseline"]["test_bleu"] + 15


def test_reber_full(run):
    """Also where nothing but the second symbol, met long before, tells right from wrong."""
    metrics = run("reber", "--preset", "full")["metrics"]
    assert metrics["test_accuracy"] >= 0.999
    assert metrics["test_accuracy_long_range"] >= 0.999
