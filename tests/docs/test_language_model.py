"""docs/language_model.md: the settings and options it names exist, and it names every level and metric."""

import re
from pathlib import Path
from typing import get_args

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.shapes.language_config import GenerationOptions
from rnn_tasks.tasks.language_model import TASK
from rnn_tasks.text.levels import Level

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "language_model.md").read_text(encoding="utf-8")


def test_every_setting_that_is_named_exists():
    named = set(re.findall(r"\b(?:data|model|training|evaluation)\.[a-z_]+", TEXT))
    assert named <= set(dotted_keys(TASK.config))
    assert {"data.tokenized", "model.variational", "training.truncation", "evaluation.context"} <= named


def test_every_level_and_metric_has_its_place():
    assert all(f"| `{level}`" in TEXT for level in get_args(Level))
    assert all(f"`{metric}`" in TEXT for metric in TASK.metrics(None))


def test_every_option_of_generate_is_shown():
    assert all(f"--{name.replace('_', '-')}" in TEXT for name in GenerationOptions.model_fields)
