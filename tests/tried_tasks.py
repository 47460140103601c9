"""The tasks that tests try, every one of the registry and the examples, and a run through all stages of one."""

import functools
import importlib
import json
import sys
from pathlib import Path

import numpy as np

from rnn_tasks.config import dotted_keys
from rnn_tasks.registry import TASK_MODULES, get_task

EXAMPLES = Path(__file__).parent / "examples"
TASKS = {**TASK_MODULES, **{path.stem: path.stem for path in sorted(EXAMPLES.glob("*.py"))}}


def find_task(name):
    """A task of the registry, or an example, in this process or a new one."""
    if name in TASK_MODULES:
        return get_task(name)
    if str(EXAMPLES) not in sys.path:
        sys.path.insert(0, str(EXAMPLES))
    return importlib.import_module(name).TASK


def predicted(task, exported, lines):
    return task.predict(exported.directory, task.records.read(lines), task.predict_options())


def losses(trained):
    return [json.loads(line)["loss"] for line in trained.history.read_text().splitlines()]


def flat(config):
    return {key: functools.reduce(getattr, key.split("."), config) for key in dotted_keys(type(config))}


def whole_chain(task_name, config, prepared_in, work_dir):
    """In a process of its own, which has the devices that the config asks for: all stages -> what they result in."""
    from rnn_tasks import training

    training.claim_devices(config.training)
    task = find_task(task_name)
    prepared = task.prepare(config, prepared_in)
    trained = task.train(config, prepared, work_dir / "train", ())
    report = task.evaluate(config, prepared, trained, work_dir / "evaluated")
    exported = task.export(config, prepared, trained, work_dir / "exported")
    answers = list(predicted(task, exported, task.records.good))
    if task.records.whole_input:  # which may be answered by a table
        assert answers
        assert len({(answer.count(","), answer.count("\t")) for answer in answers}) == 1
    else:
        assert len(answers) == len(task.records.good)
    assert all(np.isfinite(metric.value) for metric in report.metrics)
    return trained, report
