"""A model copied with its client: all of it or nothing, and used where this package is not."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from pipelines import champions, cli, exporting, model_registry
from rnn_tasks.errors import UserError
from rnn_tasks.series import SeriesForm, SeriesRecords

FORM = {
    "source": "s",
    "clock": {"kind": "steps", "every": 1, "start": "0", "month_end": False},
    "targets": ["b"],
    "covariates": ["a"],
    "known": [],
    "categories": {},
    "time_features": [],
    "window": 3,
    "horizon": 2,
    **dict.fromkeys(["season", "difference", "steps", "validation_start", "test_start"], 0),
    **{name: [] for name in ("mean", "deviation", "known_mean", "known_deviation", "scales")},
}


@pytest.fixture
def export_dir(tmp_path):
    """What a task's `export` leaves, in small."""
    made = tmp_path / "export"
    (made / "saved_model" / "variables").mkdir(parents=True)
    (made / "saved_model" / "saved_model.pb").write_text("graph")
    (made / "model.keras").write_text("weights")
    (made / "settings.json").write_text('{"levels": [0.1, 0.9]}')
    SeriesForm.model_validate(FORM).save(made)
    return made


@pytest.fixture
def stored(export_dir, monkeypatch, home, dummy):
    """The dummy task's only model, without a registry."""
    model = model_registry.RegisteredModel(
        run_id="1", version=1, preset="quick", data="embedded", data_path="", test_digest="", figure=0.5, competes=True
    )
    monkeypatch.setattr(champions, "choose", lambda task, run, data: model)
    monkeypatch.setattr(model_registry, "export_directory", lambda name, model: export_dir)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(list(map(str, arguments)))
    return exit_.value.code, *capsys.readouterr()


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_model_is_copied_with_its_client_into_a_new_or_an_empty_directory(stored, tmp_path, capsys):
    described = "run 1, preset quick, data embedded, test_accuracy 0.5"
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to("linked")
    for name in ("empty", "new/er", "link"):
        target = tmp_path / name
        assert run(capsys, "export", "dummy", target) == (
            0,
            f"{target}: {described}\nuse  python {target}/client.py < questions.txt\n",
            "",
        )
        assert files(target) == ["README.md", "client.py", "requirements.txt", "saved_model/saved_model.pb"]
        assert described in (target / "README.md").read_text()
        versions = [f"{name}=={metadata.version(name)}" for name in ("tensorflow", "tensorflow-text")]
        assert (target / "requirements.txt").read_text().splitlines() == versions
        assert (target / "client.py").read_text() == (exporting.CLIENTS / "lines.py").read_text()
    assert (tmp_path / "link").is_symlink()


def test_what_is_there_stays_and_nothing_is_half_written(stored, tmp_path, capsys, export_dir):
    (tmp_path / "file").write_text("mine")
    for target, why in {
        tmp_path: "is not empty; accepted is a directory that is, or a new one",
        tmp_path / "file": "Not a directory; accepted is an empty directory, or a new one",
        tmp_path / "file" / "below": "Not a directory; accepted is an empty directory, or a new one",
        Path("/proc/new"): "cannot be written (No such file or directory)",
    }.items():
        assert run(capsys, "export", "dummy", target) == (2, "", f"error: {target}: {why}\n")
    (export_dir / "saved_model" / "lost").symlink_to("nowhere")  # copying it fails
    code, _, said = run(capsys, "export", "dummy", tmp_path / "new")
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith(
        f"error: {export_dir}/saved_model/lost: cannot be copied to {tmp_path}/new ([Errno 2] No such"
    )
    assert {path.name for path in tmp_path.iterdir()} == {"file", "export", "home"}


def test_the_current_directory_is_filled_and_stays_the_one_it_is(stored, tmp_path, capsys, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    assert run(capsys, "export", "dummy", ".")[0] == 0
    assert files(Path.cwd()) == ["README.md", "client.py", "requirements.txt", "saved_model/saved_model.pb"]
    assert {path.name for path in tmp_path.iterdir()} == {"out", "export", "home"}


@pytest.mark.parametrize("there", [True, False])
def test_what_is_put_there_meanwhile_stays(there, dummy, export_dir, tmp_path, monkeypatch):
    target = tmp_path / "out"
    if there:
        target.mkdir()

    def version(name):
        target.mkdir(exist_ok=True)
        (target / "mine").write_text("kept")
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(UserError, match=r"out: cannot be written \(Directory not empty\)$"):
        exporting.write_client(dummy, "run 1", export_dir, target)
    assert [path.name for path in target.iterdir()] == ["mine"]
    assert not list(tmp_path.glob(".*"))


def test_a_forecaster_takes_its_columns_along_and_stays_where_it_needs_the_calendar(dummy, export_dir, tmp_path):
    task = dataclasses.replace(dummy, records=SeriesRecords(good=("a,b\n1,2\n",)))
    exporting.write_client(task, "run 1", export_dir, tmp_path / "out")
    assert {"client.py", "series.json", "settings.json"} < set(files(tmp_path / "out"))
    readme = " ".join((tmp_path / "out" / "README.md").read_text().split())
    assert "with the columns b, a: commas" in readme
    assert "which are the last 3. Anything else" in readme
    assert "writes the 2 steps ahead" in readme
    (export_dir / "series.json").write_text(json.dumps({**FORM, "categories": {"day": ["monday"]}}))
    with pytest.raises(UserError, match="^run 1: it reads what is known ahead"):
        exporting.write_client(task, "run 1", export_dir, tmp_path / "other")
    assert not (tmp_path / "other").exists()


ALONE = """
import importlib.util, runpy, sys
from pathlib import Path
sys.path.append(sys.argv[1])
assert not any(map(importlib.util.find_spec, ("rnn_tasks", "pipelines")))
import tensorflow as tf

def spec(dtype, *shape, name):
    return tf.TensorSpec(shape, dtype, name)

@tf.function(input_signature=[spec(tf.string, None, name="sentences")])
def shout(sentences):
    return tf.strings.upper(sentences, encoding="utf-8")

@tf.function(input_signature=[spec(tf.string, None, name="words"), spec(tf.int32, name="count")])
def neighbours(words, count):
    batch = tf.shape(words)[0]
    return {"words": tf.tile(words[:, None], [1, 2]), "cosines": tf.fill([batch, 2], tf.cast(count, tf.float32) / 8)}

@tf.function(input_signature=[spec(tf.float32, None, None, 2, name="inputs"), spec(tf.int32, None, name="lengths")])
def add(inputs, lengths):
    names = tf.strings.as_string(lengths)
    return {"a_sum": tf.reduce_sum(inputs, axis=[1, 2]), "name": names}

@tf.function(input_signature=[spec(tf.float64, None, 3, 2, name="history")])
def ahead(history):
    last = history[:, -2:, :1]
    return {"forecast": last, "quantiles": tf.stack([last - 1, last + 1], axis=-1)}

for function in (shout, neighbours, add, ahead):
    directory = Path(sys.argv[2], function.python_function.__name__)
    module = tf.Module()
    module.function = function
    tf.saved_model.save(module, str(directory / "saved_model"), signatures={"serving_default": function})
    with open(directory / "questions") as sys.stdin, open(directory / "answers", "w") as sys.stdout:
        runpy.run_path(str(directory / "client.py"), run_name="__main__")
assert not any(name.startswith(("rnn_tasks", "pipelines", "mlflow")) for name in sys.modules)
"""


def test_clients_answer_where_this_package_is_not(tmp_path):
    cases = {
        "shout": ("lines", "été\n\n" + "x\n" * 70, ["ÉTÉ", "", *"X" * 70]),
        "neighbours": ("lines", "horse\n", ["horse horse\t1.250000 1.250000"]),
        "add": ("lines", "1,2;3 4\n5 6", ["2\t10.000000", "1\t11.000000"]),
        "ahead": (
            "table",
            "date,a,b\n1,0,5\n2,0,6\n3,0,7\n4,0,8.5\n",
            ["forecast,q0.1,q0.9", "7,6,8", "8.5,7.5,9.5"],
        ),
    }
    for name, (client, questions, _) in cases.items():
        directory = tmp_path / name
        directory.mkdir()
        (directory / "client.py").write_text((exporting.CLIENTS / f"{client}.py").read_text())
        (directory / "questions").write_text(questions)
        (directory / "series.json").write_text(json.dumps({**FORM, "has_header": True}))
        (directory / "settings.json").write_text('{"levels": [0.1, 0.9]}')
    # Without `site`, no .pth file makes the package importable that this environment has installed as it is edited.
    alone = [sys.executable, "-I", "-S", "-c", ALONE, sysconfig.get_path("purelib"), str(tmp_path)]
    done = subprocess.run(alone, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert {name: (tmp_path / name / "answers").read_text().splitlines() for name in cases} == {
        name: answers for name, (_, _, answers) in cases.items()
    }
