"""Whole runs from the command line reach the figures that the README gives; `make test-real` takes hours with them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnn_tasks.recipe import load_recipe
from rnn_tasks.registry import TASK_MODULES

REAL_DATA = Path(os.environ.get("RNN_TASKS_DATA") or Path(__file__).parents[1] / ".." / "shared" / "data").resolve()

pytestmark = [pytest.mark.real, pytest.mark.timeout(4 * 3600)]


def real(*parts):
    path = REAL_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent; set RNN_TASKS_DATA to the folder of the real data sets")
    return str(path)


@pytest.fixture
def start(tmp_path):
    """`rnn-tasks run`, with stores of its own: start("reber") -> the process."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RNN_TASKS_")}

    def run(*arguments, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "pipelines.cli", "run", *arguments, "--json"],
            env={**environment, "RNN_TASKS_HOME": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )

    return run


@pytest.fixture
def run(start):
    """The same to its end: run("reber") -> the JSON line it ends with."""

    def run_to_the_end(*arguments):
        process = start(*arguments)
        output, _ = process.communicate()
        assert process.returncode == 0
        return json.loads(output.splitlines()[-1])

    return run_to_the_end


@pytest.mark.parametrize("task", TASK_MODULES)
def test_two_devices_end_as_one_also_after_a_kill(start, run, task):
    """By the pipeline, in which others use TensorFlow before the training does."""
    tiny = [task, "--preset", "tiny", "--set", "training.strategy=mirrored"]
    one = run(*tiny)
    process = start(*tiny, "--set", "training.devices=2", stderr=subprocess.PIPE)
    said = []
    for line in process.stderr:
        said.append(line)
        if "train: epoch 1" in line:
            process.kill()
    assert process.wait() == -9
    assert any("training on 2 devices, each with its share of every batch: CPU:0, CPU:1" in line for line in said)
    two = run(*tiny, "--set", "training.devices=2")
    assert any(f"MLflow run {two['run_id']}" in line for line in said)
    compared = [name for name in one["metrics"] if name.startswith("val_loss")]
    assert [two["metrics"][name] for name in compared] == pytest.approx(
        [one["metrics"][name] for name in compared], 1e-3
    )
    assert two["metrics"].keys() == one["metrics"].keys()


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


def test_memory_quick(run):
    """Published: 74,000 sequences; measured over five seeds: 7,168 to 10,240."""
    metrics = run("memory")["metrics"]
    assert metrics["success_rate"] == 1.0
    assert metrics["sequences_until_solved"] < 24_667
    assert metrics["test_accuracy"] >= 0.998


def test_forecast_cta_rail(run):
    """The recipe's first variant; measured over five seeds: 19,049 to 19,715, a week ago 42,143."""
    recipe = load_recipe("cta-rail")
    settings = {**recipe.settings, **next(iter(recipe.variants.values())).settings}
    settings["data.source"] = real("timeseries", "cta_ridership.csv")
    result = run("forecast", *(part for key, value in settings.items() for part in ("--set", f"{key}={value}")))
    assert result["baseline"]["test_mae"] == pytest.approx(42_143, abs=1)
    assert result["metrics"]["test_mae"] < 22_062


def test_forecast_quick_on_monthly_sunspots(run):
    """Without a header, the date in two columns; measured: 1.30, the last value 1.45."""
    source = real("timeseries", "sunspots_monthly.csv")
    result = run("forecast", "--data", source, "--set", "data.targets=4")
    assert result["metrics"]["test_mase"] < 0.95 * result["baseline"]["test_mase"]


def test_mnist_quick(run):
    """One layer of 128 LSTM units; measured: 0.9916, logistic regression 0.9216."""
    metrics = run("mnist", "--data", real("mnist"))["metrics"]
    assert metrics["test_accuracy"] >= 0.987
    assert metrics["test_accuracy"] > metrics["test_logistic_accuracy"] + 0.05


def test_mnist_simple_rnn(run):
    """Measured: 0.9869."""
    assert run("mnist", "--preset", "simple_rnn", "--data", real("mnist"))["metrics"]["test_accuracy"] >= 0.975


def test_embeddings_on_two_novels(run):
    """Ranking of held-out contexts; measured: 0.704, PPMI and SVD 0.668. WordSim-353 covers a third of its pairs."""
    tests = {"similarity": "EN-WS-353-ALL.txt", "analogies": "questions-words.txt"}
    settings = [f"data.{key}={real('word_eval', name)}" for key, name in tests.items()]
    result = run("embeddings", "--data", real("books"), *(part for one in settings for part in ("--set", one)))
    assert result["metrics"]["test_ranking"] > result["baseline"]["test_ranking"] + 0.02
    assert result["metrics"]["test_similarity"] > 0.15
    assert result["metrics"]["test_analogies"] > 0.07
    assert 0.3 < result["metrics"]["test_similarity_coverage"] < 0.4


def test_embeddings_quick(run):
    """The embedded text; measured: 1.0."""
    assert run("embeddings")["metrics"]["test_class_accuracy"] >= 0.95
