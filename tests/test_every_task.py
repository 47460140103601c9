"""What holds for every registered task, on its "tiny" preset. A new task gets these tests by being registered.

The tasks of tests/examples are tried, too: one for each shape of recurrent learning that has a helper.
"""

import importlib
import json
import os
import re
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from new_process import Died, in_new_process
from tried_tasks import TASKS, find_task, losses, predicted, whole_chain

from rnn_tasks import code
from rnn_tasks.config import dotted_keys, override
from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import LineStream
from rnn_tasks.records import TextRecords
from rnn_tasks.registry import TASK_MODULES
from rnn_tasks.task import Exported, Prepared, Report, Trained

DECIDES_NOTHING = (  # though it runs while data are prepared
    *(f"{module}.py" for module in code.INDIFFERENT),
    "preparation.py",
)


@pytest.fixture(scope="session", params=list(TASKS))
def task(request):
    return find_task(request.param)


@pytest.fixture(scope="session")
def tiny(task):
    return task.presets["tiny"]


@pytest.fixture(scope="session")
def prepared(task, tiny, tmp_path_factory):
    return task.prepare(tiny, tmp_path_factory.mktemp(f"{task.name}-prepared"))


@pytest.fixture(scope="session")
def run(task, tiny, prepared, tmp_path_factory, all_activities):
    """The tiny preset, through every stage once.

    Mirrored, on one device: tests that compare with it hold that to be the same as no strategy, to the bit.
    """
    import tensorflow as tf

    device = "GPU:0" if tf.config.list_physical_devices("GPU") else "CPU:0"
    config = override(tiny, {"training.strategy": "mirrored", "training.devices": device})
    directory = tmp_path_factory.mktemp(f"{task.name}-run")
    with all_activities() as begun:
        trained = task.train(config, prepared, directory / "train", ())
        report = task.evaluate(config, prepared, trained, directory / "evaluated")
        exported = task.export(config, prepared, trained, directory / "exported")
    lines = list(task.records.good)
    if not task.records.whole_input:
        lines += lines[::-1]
    if isinstance(task.records, TextRecords):
        lines += ["", "\N{SNOWMAN}", "  ", "x " * 200]
    answers = list(predicted(task, exported, lines))
    return SimpleNamespace(trained=trained, report=report, exported=exported, lines=lines, answers=answers, begun=begun)


def weights(path):
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files if name != "state"}


# --- stages -----------------------------------------------------------------------------------------------------


def test_preparing_again_reuses_what_is_there(task, tiny, prepared):
    before = {path: path.stat().st_mtime_ns for path in prepared.directory.rglob("*")}
    again = task.prepare(tiny, prepared.directory.parent)
    assert not prepared.reused
    assert again == prepared.model_copy(update={"reused": True})
    assert {path: path.stat().st_mtime_ns for path in prepared.directory.rglob("*")} == before
    assert [path.name for path in prepared.directory.parent.iterdir()] == [prepared.digest]  # nothing half-written


def test_preparing_is_a_function_of_the_configs_data(task, tiny, prepared, tmp_path):
    """Made again elsewhere, and with everything else of the config changed, it is the same to the byte."""
    other = override(tiny, {"seed": tiny.seed + 1, "training.learning_rate": 0.5, "training.epochs": 99})
    elsewhere = task.prepare(other, tmp_path)
    assert (elsewhere.digest, elsewhere.test_digest) == (prepared.digest, prepared.test_digest)
    manifests = [json.loads((p.directory / "manifest.json").read_text()) for p in (prepared, elsewhere)]
    assert manifests[0] == manifests[1]


def test_what_runs_while_a_task_prepares_decides_the_digest(task, tiny, tmp_path):
    """The files of the package whose code runs, as the interpreter tells, are among those that were found."""
    import keras  # noqa: F401, for what runs when it is imported first is none of them

    ran = set()

    def watch(frame, event, _):
        if event == "call":
            ran.add(frame.f_code.co_filename)

    sys.setprofile(watch)
    try:
        prepared = task.prepare(tiny, tmp_path)
    finally:
        sys.setprofile(None)
    covered = set(json.loads((prepared.directory / "manifest.json").read_text())["code"])
    inside = {str(Path(name).relative_to(code.PACKAGE)) for name in ran if Path(name).is_relative_to(code.PACKAGE)}
    assert inside - covered <= set(DECIDES_NOTHING) | {name for name in inside if name.endswith("__init__.py")}


def test_another_seed_begins_elsewhere_and_overfits_one_batch(task, tiny, prepared, tmp_path):
    changes = {
        "seed": tiny.seed + 1,
        "training.limit_batches": 1,
        "training.epochs": task.overfit.steps,
        "training.max_steps": task.overfit.steps,
        "training.learning_rate": task.overfit.learning_rate,
        "training.decay": "none",
        "training.warmup_steps": 0,
        "training.early_stopping_patience": 0,
    }
    config = override(tiny, changes)
    ours, before = ([np.array(w) for w in task.build(each, prepared).get_weights()] for each in (tiny, config))
    assert any(np.any(a != b) for a, b in zip(ours, before, strict=True))
    trained = task.train(config, prepared, tmp_path, ())
    after = weights(trained.weights).values()
    assert [array.shape for array in after] == [array.shape for array in before]
    assert all(np.isfinite(array).all() for array in after)
    assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
    first, *_, last = losses(trained)
    assert trained.steps == task.overfit.steps
    assert last < task.overfit.loss_ratio * first


def test_the_seed_decides_the_weights(task, tiny, prepared, run, tmp_path):
    again = task.train(tiny, prepared, tmp_path, ())
    ours, same = (weights(trained.weights) for trained in (run.trained, again))
    for name, array in ours.items():
        np.testing.assert_array_equal(array, same[name])
    assert losses(run.trained) == losses(again)


def test_a_finished_training_resumed_changes_nothing(task, tiny, prepared, run):
    before = weights(run.trained.weights)
    resumed = task.train(tiny, prepared, run.trained.weights.parent, ())
    assert resumed.steps == run.trained.steps
    for name, array in weights(resumed.weights).items():
        np.testing.assert_array_equal(array, before[name])


def test_stage_results_survive_json(prepared, run):
    for result, kind in ((prepared, Prepared), (run.trained, Trained), (run.report, Report), (run.exported, Exported)):
        assert kind.model_validate_json(result.model_dump_json()) == result


def test_it_says_how_far_it_is(tiny, run):
    """Without a line of the task's own: from the loop and the machinery that it shares."""
    (epoch,) = (one for one in run.begun if one.what == "epoch")
    batches = [one for one in run.begun if one.speed_unit]
    assert (epoch.done, epoch.total) == (run.trained.epochs, tiny.training.epochs)
    assert [(one.what, one.done) for one in batches] == [("batch", one.total) for one in batches]
    assert sum(one.done for one in batches) == run.trained.steps
    assert all(one.amount > 0 and np.isfinite(one.figures["loss"]) for one in batches)
    assert {"validating", "writing the SavedModel", "loading the SavedModel"} <= {one.what for one in run.begun}


def test_the_report_is_whole(task, prepared, run):
    metrics = {metric.name: metric for metric in run.report.metrics}
    assert {task.primary_metric} <= set(task.metrics(prepared)) <= set(metrics)
    assert len(metrics) == len(run.report.metrics)
    assert metrics[task.primary_metric].higher_is_better == task.higher_is_better
    assert metrics[task.primary_metric].baseline is not None
    assert all(np.isfinite(metric.value) for metric in run.report.metrics)
    for table in (run.report.samples, *run.report.tables.values()):
        widths = {line.count("\t") for line in table.read_text(encoding="utf-8").splitlines()}
        assert len(widths) == 1, table
    for figure in run.report.figures.values():
        assert figure.read_bytes().startswith(b"\x89PNG")


# --- export -----------------------------------------------------------------------------------------------------


def test_the_keras_file_is_the_trained_model(task, tiny, prepared, run):
    """Loaded without custom_objects, it has the architecture and, to the bit, the weights of the best epoch."""
    import keras

    importlib.import_module(TASKS[task.name])
    loaded = keras.models.load_model(run.exported.keras_model)
    built = task.build(tiny, prepared)
    assert [w.shape for w in loaded.weights] == [w.shape for w in built.weights]
    for weight, array in zip(loaded.weights, weights(run.trained.weights).values(), strict=True):
        np.testing.assert_array_equal(weight.numpy(), array)
    built.set_weights(loaded.get_weights())
    batch = task.example_batch(tiny, prepared)
    example = {name: batch[name] for name in built.input} if isinstance(built.input, dict) else batch["inputs"]
    for ours, theirs in zip(_flat(built(example)), _flat(loaded(example)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _flat(outputs):
    import keras

    return [np.asarray(output) for output in keras.tree.flatten(outputs)]


def alike(answer, other):
    """Equal but for the last digit of numbers, which the batch that a record stands in may round."""
    ours, theirs = (re.split(r"[\s,]+", text) for text in (answer, other))
    for one, two in zip(ours, theirs, strict=True):
        try:
            if abs(float(one) - float(two)) > 1e-5:
                return False
        except ValueError:
            if one != two:
                return False
    return True


def test_prediction_gives_a_line_for_a_record_and_empty_for_empty(task, run):
    good = list(task.records.good)
    assert not any("\n" in answer for answer in run.answers)
    assert all(run.answers[: len(good)])
    if not task.records.whole_input:
        assert len(run.answers) == len(run.lines)
        for answer, again in zip(run.answers, run.answers[2 * len(good) - 1 : len(good) - 1 : -1], strict=False):
            assert alike(answer, again)  # whatever stands around a record
    for line, answer in zip(run.lines, run.answers, strict=False):
        if not line.strip():
            assert answer == ""


def test_what_is_no_record_is_one_line(task, run):
    for line, wrong in task.records.bad.items():
        with pytest.raises(UserError) as error:
            list(predicted(task, run.exported, [line]))
        assert wrong in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.timeout(120, func_only=True)  # an answer that is held back never comes
def test_a_line_that_comes_alone_is_answered_while_the_input_stays_open(task, run):
    if task.records.whole_input:
        return
    read, write = os.pipe()
    answers = predicted(task, run.exported, LineStream(read, "pipe"))
    for line in run.lines[: len(task.records.good)]:
        os.write(write, f"{line}\n".encode())
        assert alike(next(answers), run.answers[run.lines.index(line)])
    os.close(write)
    assert list(answers) == []
    os.close(read)


def answers_of(task_name, exported, lines):
    assert "tensorflow_text" not in sys.modules  # whoever loads the model has to import what it needs
    return list(predicted(find_task(task_name), exported, lines))


def test_the_export_answers_alike_in_a_fresh_process(task, run):
    """Which knows nothing of this run but the export's directory, and that at another place."""
    moved = run.exported.directory.rename(run.exported.directory.with_name("moved"))
    try:
        answers = in_new_process(answers_of, task.name, run.exported.model_copy(update={"directory": moved}), run.lines)
    finally:
        moved.rename(run.exported.directory)
    assert answers == run.answers


def test_the_export_was_checked_and_is_whole(run):
    assert run.exported.checked > 0
    assert run.exported.keras_model.is_file()
    assert (run.exported.saved_model / "saved_model.pb").is_file()
    assert all(Path(path).exists() for path in run.exported.extras.values())


# --- several devices ----------------------------------------------------------------------------------------------


def train_until_killed(task_name, config, prepared, work_dir, batches):
    """In a process of its own, which gets a SIGKILL when so many batches have been seen."""
    import keras

    class Kill(keras.callbacks.Callback):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            self.seen += 1
            if self.seen == batches:
                os.kill(os.getpid(), signal.SIGKILL)

    find_task(task_name).train(config, prepared, work_dir, [Kill()])


def test_two_devices_go_the_whole_chain_as_one_does_also_when_killed(task, tiny, prepared, run, tmp_path):
    if task.name not in TASK_MODULES:
        pytest.skip("costs a minute; registered tasks of the same shape are tried")
    without_dropout = override(tiny, {key: 0.0 for key in dotted_keys(task.config) if key.endswith("dropout")})
    one = run.trained if without_dropout == tiny else task.train(without_dropout, prepared, tmp_path / "one", ())
    two = {"training.strategy": "mirrored", "training.devices": "2", "training.checkpoint_minutes": 1e-9}
    config = override(without_dropout, two)
    with pytest.raises(Died, match="-9"):
        in_new_process(train_until_killed, task.name, config, prepared, tmp_path / "train", one.steps // 2)
    with np.load(tmp_path / "train" / "checkpoint.npz") as checkpoint:
        assert json.loads(checkpoint["state"].tobytes())["step"] == one.steps // 2 - 1
    trained, report = in_new_process(whole_chain, task.name, config, prepared.directory.parent, tmp_path)
    assert trained.steps == one.steps
    np.testing.assert_allclose(losses(trained), losses(one), rtol=1e-3)
    assert [metric.name for metric in report.metrics] == [metric.name for metric in run.report.metrics]
