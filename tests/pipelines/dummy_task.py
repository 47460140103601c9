"""A task without a network: it counts letters. Its stages write the files that the contract asks for, and no more."""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

from pydantic import Field

from rnn_tasks.config import Section, TaskConfig, TrainingConfig
from rnn_tasks.errors import UserError
from rnn_tasks.files import write_whole
from rnn_tasks.line_stream import chunks
from rnn_tasks.preparation import prepare_once
from rnn_tasks.records import TextRecords
from rnn_tasks.task import Exported, Metric, Report, Task, Trained
from rnn_tasks.user_files import writing


class DataConfig(Section):
    source: str = Field("embedded", description="`embedded`, or a text file.")
    test_words: int = Field(3, ge=1, description="Size of the test split.")


class ModelConfig(Section):
    quality: float = Field(0.5, ge=0, le=1, description="What accuracy comes out.")


class DummyConfig(TaskConfig):
    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()


class Options(Section):
    times: int = Field(1, ge=1, le=9, description="Repeat the answer.")
    upper: bool = Field(False, description="In capitals.")
    also: Path | None = Field(None, description="Write the lines to this file, too.")


def inputs(config):
    if config.data.source == "embedded":
        return []
    path = Path(config.data.source)
    if not path.is_file():
        raise UserError(f"data.source: {path} is no file")
    return [path]


def prepare(config, work_dir):
    def write(directory):
        words = [p.read_text() for p in inputs(config)] or ["one", "two", "three"]
        if not "".join(words):
            raise UserError(f"{config.data.source}: no words; at least one is needed")
        (directory / "train.txt").write_text("\n".join(words))
        (directory / "test.txt").write_text("word\n" * config.data.test_words)
        with Path(os.environ.get("DUMMY_LOG", os.devnull)).open("a") as log:
            log.write("prepare\n")
        return {"train": len(words), "test": config.data.test_words}

    return prepare_once([prepare], config.data, inputs(config), work_dir, write, source=config.data.source)


def build(config, prepared):
    raise NotImplementedError("nothing in the orchestration builds a model")


def train(config, prepared, work_dir, callbacks):
    checkpoint = work_dir / "checkpoint.json"
    done = json.loads(checkpoint.read_text()) if checkpoint.exists() else []
    for callback in callbacks:
        callback.set_params({"monitor": "val_accuracy", "higher_is_better": True})
        callback.on_train_begin()
    for epoch in range(len(done), config.training.epochs):
        done.append(round(1 / (epoch + 1), 6))
        for callback in callbacks:
            callback.on_epoch_end(epoch, {"loss": done[-1], "val_accuracy": config.model.quality * (1 - done[-1] / 2)})
        write_whole(checkpoint, json.dumps(done))
        _fail_if_told("DUMMY_FAIL", epoch)
    write_whole(work_dir / "weights", str(config.model.quality))
    write_whole(work_dir / "history.jsonl", "".join(json.dumps({"loss": loss}) + "\n" for loss in done))
    return Trained(
        weights=work_dir / "weights",
        history=work_dir / "history.jsonl",
        epochs=len(done),
        steps=len(done),
        seconds=0.5,
        metrics={"val_accuracy": config.model.quality},
    )


def _fail_if_told(variable, epoch):
    """DUMMY_FAIL=kill@1 kills this process after epoch 1; other words raise."""
    how, _, when = os.environ.get(variable, "").partition("@")
    if not how or int(when) != epoch:
        return
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "user":
        raise UserError("training.epochs: told to fail")
    raise KeyboardInterrupt if how == "interrupt" else ZeroDivisionError


def evaluate(config, prepared, trained, out_dir):
    quality = float(trained.weights.read_text())
    print("a library prints to standard output")
    return Report(
        metrics=(Metric(name="test_accuracy", value=quality, baseline=0.25),),
        samples=write_whole(out_dir / "samples.tsv", "word\tanswer\none\t[3]\n"),
        tables={"lengths": write_whole(out_dir / "lengths.tsv", "length\tcount\n3\t2\n")},
        figures={"curve": write_whole(out_dir / "curve.png", b"\x89PNG")},
        notes={"signature": "dummy v1"},
    )


def export(config, prepared, trained, out_dir):
    (out_dir / "saved_model").mkdir(parents=True)
    return Exported(
        directory=out_dir,
        keras_model=write_whole(out_dir / "model.keras", "weights"),
        saved_model=out_dir / "saved_model",
        checked=2,
        extras={"page": write_whole(out_dir / "page.html", "<p>")},
    )


def predict(export_dir, lines, options):
    assert (export_dir / "model.keras").read_text() == "weights"
    with ExitStack() as stack:
        copy = stack.enter_context(writing(options.also, "--also")) if options.also else str
        for chunk in chunks(lines, 4):
            for line in chunk:
                copy(line)
                _do_if_told(line)
                answer = " ".join([str(len(line))] * options.times)
                yield f"LENGTH {answer}" if options.upper else answer


def _do_if_told(line):
    """The line `wait` takes a moment, `refuse` is the user's mistake, `fail` is ours."""
    if line == "wait":
        time.sleep(0.2)
    if line == "refuse":
        raise UserError("refuse: told to refuse")
    if line == "fail":
        raise ZeroDivisionError("told to fail")


class GenerateOptions(Section):
    letters: int = Field(3, ge=1, le=99, description="How many letters to write.")


def generate(export_dir, options):
    assert (export_dir / "model.keras").read_text() == "weights"
    yield from "abcdefghij"[: options.letters]


_quick = DummyConfig(training=TrainingConfig(epochs=3))
TASK = Task(
    name="dummy",
    shape="sequence to vector",
    summary="Counts letters.",
    config=DummyConfig,
    presets={
        "quick": _quick,
        "full": DummyConfig(training=TrainingConfig(epochs=5)),
        "tiny": DummyConfig(competes=False, training=_quick.training),
    },
    primary_metric="test_accuracy",
    records=TextRecords(good=("one", "three")),
    inputs=inputs,
    prepare=prepare,
    build=build,
    train=train,
    evaluate=evaluate,
    export=export,
    predict=predict,
    predict_options=Options,
    generate=generate,
    generate_options=GenerateOptions,
    metrics=lambda prepared: ["test_accuracy"],
    example_batch=build,
)
