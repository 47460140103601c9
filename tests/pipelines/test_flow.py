"""The chain on the dummy task: what is stored, what is reused, what is resumed, who is champion."""

from __future__ import annotations

import contextlib
import dataclasses
import getpass
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import dummy_task
import pytest
from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import Failed

from pipelines import champions, comparison, model_registry, provenance, tracking, workspace
from pipelines import flow as chain
from pipelines.flow import run_chain
from pipelines.settings import PROJECT, get_settings
from rnn_tasks.config import override
from rnn_tasks.errors import UserError


def prepared_directory():
    (directory,) = (path for path in (get_settings().prepared / "dummy").iterdir() if path.is_dir())
    return directory


@flow(name="dummy")
def dummy_flow(config: dummy_task.DummyConfig, fresh: bool = False, promote: str = "better"):
    return run_chain("dummy", config, fresh=fresh, promote=promote)


@pytest.fixture
def run(home, dummy, monkeypatch):
    """Runs the flow: run({"model.quality": 0.7}, fail="bug@1") -> Outcome."""

    def start(changes=None, *, fresh=False, fail="", promote="better"):
        monkeypatch.setenv("DUMMY_FAIL", fail)
        return dummy_flow(override(dummy.presets["quick"], changes or {}), fresh=fresh, promote=promote)

    return start


def test_everything_about_a_run_is_in_the_store(run, dummy, home):
    outcome = run({"model.quality": 0.75})
    stored = tracking.get_run(outcome.run_id)
    client = tracking.client()
    config = override(dummy.presets["quick"], {"model.quality": 0.75})
    assert stored.info.status == "FINISHED"
    assert (
        stored.data.params.items()
        >= {key: str(value) for key, value in provenance.flat(config.model_dump(mode="json")).items()}.items()
    )
    history = client.get_metric_history(outcome.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 1.0), (2, 0.5), (3, 0.333333)]
    assert stored.data.metrics["test_accuracy"] == 0.75
    assert stored.data.metrics["val_accuracy"] == 0.75
    assert stored.data.metrics["baseline/test_accuracy"] == 0.25
    assert {f"seconds/{stage}" for stage in tracking.STAGES} <= set(stored.data.metrics)
    assert stored.data.tags["preset"] == "quick+1"
    assert stored.data.tags["note.signature"] == "dummy v1"
    assert stored.data.tags["mlflow.user"] == getpass.getuser()
    assert stored.data.tags["mlflow.note.content"] == (
        "| metric | value | baseline |\n| --- | ---: | ---: |\n| `test_accuracy` | 0.75 | 0.25 |\n\n"
        "| word | answer |\n| --- | --- |\n| one | &#91;3&#93; |\n\n"
        f"![curve](get-artifact?path=figures%2Fcurve.png&run_uuid={outcome.run_id})"
    )
    assert not [name for name in stored.data.metrics if name.startswith("system/")]
    assert provenance.lower_is_better(stored.data.tags) == {"test_accuracy": False}
    assert stored.data.tags["version.keras"].startswith("3.")
    head = subprocess.run(["git", "-C", PROJECT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    assert stored.data.tags["mlflow.source.git.commit"] == (head.stdout.strip() or "unknown")
    (data,) = stored.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("embedded", prepared_directory().name)
    assert json.loads(data.dataset.profile) == {"train": 3, "test": 3}
    files = {str(path.relative_to(outcome.artifact_dir)) for path in outcome.artifact_dir.rglob("*") if path.is_file()}
    assert files == {
        "training/history.jsonl",
        "samples/samples.tsv",
        "tables/lengths.tsv",
        "figures/curve.png",
        "extras/page.html",
    }
    assert outcome.artifact_dir.is_relative_to(home / "mlruns" / "artifacts" / "dummy")
    assert not list(get_settings().unfinished.iterdir())


def test_what_the_machine_does_is_recorded_while_it_trains(run, monkeypatch):
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.05")
    published = threading.Event()
    publish, recorded = SystemMetricsMonitor.publish_metrics, tracking.system_metrics

    def publish_and_tell(*arguments):
        publish(*arguments)
        published.set()

    @contextlib.contextmanager
    def until_it_is_published(run_id):
        with recorded(run_id):
            yield  # the dummy's training ends at once
            assert published.wait(60)

    monkeypatch.setattr(SystemMetricsMonitor, "publish_metrics", publish_and_tell)
    monkeypatch.setattr(tracking, "system_metrics", until_it_is_published)
    metrics = tracking.get_run(run({"training.system_metrics": True}).run_id).data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert metrics["system/system_memory_usage_megabytes"] > 0


def test_the_same_data_is_prepared_once(run, home, caplog):
    log = Path(home.parent / "dummy.log")
    first = run()
    caplog.clear()
    second = run()
    assert first.run_id != second.run_id
    assert log.read_text() == "prepare\n"
    (line,) = [record.message for record in caplog.records if record.message.startswith("prepare:")]
    assert line == f"prepare: reused {prepared_directory()}"
    run({"training.epochs": 1})
    assert log.read_text() == "prepare\n"
    run({"data.test_words": 4})
    assert log.read_text() == "prepare\n" * 2


def test_prepared_files_that_somebody_deleted_are_made_again(run, home):
    run()
    prepared = prepared_directory()
    (prepared / "manifest.json").unlink()
    run()
    assert (prepared / "manifest.json").exists()
    assert (home.parent / "dummy.log").read_text() == "prepare\n" * 2


@pytest.mark.parametrize(
    ("failure", "error", "status"),
    [("bug@1", ZeroDivisionError, "FAILED"), ("interrupt@1", KeyboardInterrupt, "KILLED")],
)
def test_an_interrupted_run_is_resumed(run, dummy, failure, error, status):
    with pytest.raises(error):
        run(fail=failure)
    (row,) = comparison.runs(dummy)
    assert tracking.get_run(row.run_id).info.status == status
    outcome = run()
    assert outcome.run_id == row.run_id
    assert [point.step for point in tracking.client().get_metric_history(row.run_id, "loss")] == [1, 2, 3]
    assert run().run_id != row.run_id


def test_fresh_forgets_what_was_left(run, dummy):
    with pytest.raises(ZeroDivisionError):
        run(fail="bug@1")
    outcome = run(fresh=True)
    assert [point.step for point in tracking.client().get_metric_history(outcome.run_id, "loss")] == [1, 2, 3]
    newest, oldest = comparison.runs(dummy)
    assert newest.run_id == outcome.run_id
    assert (newest.status, oldest.status) == ("finished", "interrupted")


def test_other_data_does_not_resume(run, home):
    path = home / "words.txt"
    path.write_text("a b")
    with pytest.raises(ZeroDivisionError):
        run({"data.source": str(path)}, fail="bug@1")
    path.write_text("a b c")
    outcome = run({"data.source": str(path)})
    assert [point.step for point in tracking.client().get_metric_history(outcome.run_id, "loss")] == [1, 2, 3]


def test_a_mistake_in_training_leaves_nothing_to_resume(run, dummy):
    with pytest.raises(UserError, match="told to fail"):
        run(fail="user@1")
    assert not list(get_settings().unfinished.iterdir())
    assert [row.status for row in comparison.runs(dummy)] == ["failed"]


def test_a_device_that_is_not_there_is_told_before_anything_is_done(run, home):
    with pytest.raises(UserError, match=r"^training\.devices: there is no GPU:7 here; found "):
        run({"training.strategy": "mirrored", "training.devices": "GPU:7"})
    assert not (home / "data").exists()
    assert not (home / "mlruns" / "unfinished").exists()
    assert tracking.runs_of("dummy") == []


def test_two_identical_runs_at_once_are_refused(run, dummy):
    directory = workspace.work_directory(get_settings().unfinished, "dummy", dummy.presets["quick"])
    with workspace.claimed(directory), pytest.raises(UserError) as error:
        run()
    assert str(error.value) == (
        f"{directory}: the same task with the same config is being run by another process; "
        "wait for it, or change a setting (--seed, say)"
    )
    assert run().status == "FINISHED"


def test_the_champion_is_the_best_on_the_data_of_the_run_that_finished_last(run, dummy, home):
    words = str(home / "words.txt")
    (home / "words.txt").write_text("a b")
    first = run({"model.quality": 0.6})
    assert first.champion == "models:/dummy/1 is now dummy@champion: the first on embedded"
    worse = run({"model.quality": 0.5})
    against = f"test_accuracy 0.5 against 0.6 of run {first.run_id}"
    assert worse.champion == f"models:/dummy/2 is not dummy@champion: {against}"
    other = run({"model.quality": 0.1, "data.source": words, "data.test_words": 4})
    assert other.champion == f"models:/dummy/3 is now dummy@champion: the first on {words}"
    for trial in ({"competes": False}, {"training.limit_batches": 1}):
        debugged = run({"model.quality": 0.9, **trial})
        assert debugged.champion.endswith("is not dummy@champion: trial runs do not compete")
    assert model_registry.aliases("dummy") == {
        "champion": other.run_id,
        "champion-embedded": first.run_id,
        f"champion-{champions.slug(words)}": other.run_id,
    }
    models = [champions.choose(dummy, data=data) for data in (None, words, "words.txt", "embedded")]
    assert [model.run_id for model in models] == [other.run_id] * 3 + [first.run_id]
    assert model_registry.export_directory("dummy", models[0]) == model_registry.export_directory(
        "dummy", champions.choose(dummy, run=other.run_id)
    )
    tracking.client().delete_run(other.run_id)
    assert champions.choose(dummy).run_id == first.run_id
    rows = comparison.runs(dummy)
    assert [row.competes for row in rows] == [False, False, True, True]
    assert [row.run_id for row in rows if row.answers] == [first.run_id]
    shutil.rmtree(model_registry.export_directory("dummy", champions.choose(dummy)))
    with pytest.raises(UserError, match=f"the model of run {first.run_id} was deleted"):
        model_registry.export_directory("dummy", champions.choose(dummy))


def test_who_is_promoted_is_kept_in_the_store(run, dummy):
    good = run({"model.quality": 0.75})
    worse = run({"model.quality": 0.25}, promote="always")
    held_back = run({"model.quality": 0.9}, promote="never")
    assert champions.choose(dummy).run_id == worse.run_id
    tags = [tracking.get_run(outcome.run_id).data.tags for outcome in (good, worse, held_back)]
    assert [each["promotion.decision"] for each in tags] == ["promoted", "promoted", "not promoted"]
    champions.promote(dummy, good.run_id)
    assert champions.choose(dummy).run_id == model_registry.aliases("dummy")["champion"] == good.run_id


def test_a_store_from_before_trials_were_told_apart_still_answers(run, dummy):
    tiny, limited, quick = run({"competes": False}), run({"training.limit_batches": 1}), run({"model.quality": 0.25})
    for outcome, preset in ((tiny, "tiny"), (limited, "quick+1"), (quick, "quick+1")):
        tracking.client().delete_tag(outcome.run_id, "competes")
        tracking.client().set_tag(outcome.run_id, "preset", preset)
    model_registry.set_alias("dummy", "champion", 1)
    assert champions.choose(dummy).run_id == quick.run_id
    assert [row.competes for row in comparison.runs(dummy)] == [True, False, False]
    better = run({"model.quality": 0.3})
    assert better.champion.endswith(f"now dummy@champion: test_accuracy 0.3 against 0.25 of run {quick.run_id}")


def test_the_served_model_answers_in_a_fresh_process(run):
    outcome = run()
    program = (
        "import mlflow, sys\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "print(model.predict(['one', '', 'three']))\n"
        "print(model.predict(['one'], params={'times': 3, 'upper': True}))\n"
        "print(model.input_example, 'pipelines' in sys.modules)\n"
        "import rnn_tasks; print(rnn_tasks.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, outcome.model_uri],
        capture_output=True,
        text=True,
        check=True,
        cwd=get_settings().home,
        env={**os.environ, "PYTHONPATH": str(Path(dummy_task.__file__).parent)},
    )
    *answers, package = done.stdout.splitlines()
    assert answers == ["['3', '0', '5']", "['LENGTH 3 3 3']", "['one', 'three'] False"]
    assert Path(package).is_relative_to(get_settings().artifacts)
    required = {line.split("==")[0] for line in (Path(package).parents[2] / "requirements.txt").read_text().split()}
    assert required >= {"tensorflow", "tensorflow-text", "keras"}
    assert not required & {"prefect", "sqlalchemy", "fastapi", "pydocket", "cyclopts"}


def test_prefect_shows_the_result_and_the_way_to_mlflow(run):
    outcome = run({"model.quality": 0.625})
    with get_client(sync_client=True) as client:
        newest = client.read_artifacts(sort=ArtifactSort.CREATED_DESC, limit=2)
    artifacts = {artifact.key: artifact.data for artifact in newest}
    assert "| `test_accuracy` | 0.625 | 0.25 |" in artifacts["dummy-result"]
    assert outcome.run_id in artifacts["dummy-mlflow-run"]


@pytest.mark.parametrize(
    ("error", "again"),
    [(ConnectionResetError(), True), (TimeoutError(), True), (UserError("no"), False), (FileNotFoundError(), False)],
    ids=lambda value: type(value).__name__,
)
def test_only_a_network_is_tried_again(error, again):
    assert chain._is_network_error(None, None, Failed(data=error)) is again


def test_a_primary_metric_that_no_evaluation_gives_fails_before_training(run, dummy, monkeypatch):
    broken = dataclasses.replace(dummy, metrics=lambda prepared: ["test_loss", "test_f1"])
    monkeypatch.setattr(chain, "get_task", lambda name: broken)
    with pytest.raises(ValueError, match="task 'dummy': primary_metric 'test_accuracy' is none of test_loss, test_f1"):
        run()
    assert comparison.runs(dummy) == []


def test_stages_of_older_runs_have_their_seconds_too(home):
    run_id = tracking.client().create_run(tracking.experiment_id("dummy")).info.run_id
    tracking.log_metrics(run_id, {"seconds.prepare": 1.5, "seconds/train": 2.5})  # as one that was resumed since
    assert tracking.stage_seconds(tracking.get_run(run_id)) == {"prepare": 1.5, "train": 2.5}
