"""docs/forecast.md: the settings it names exist, and it names every way and output."""

import re
from pathlib import Path
from typing import get_args

import pytest

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.series import EMBEDDED
from rnn_tasks.tasks.forecast import TASK

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "forecast.md").read_text(encoding="utf-8")
MODEL = TASK.config.model_fields["model"].annotation


def test_every_setting_that_is_named_exists():
    named = set(re.findall(r"\b(?:data|model|training|evaluation)\.[a-z_]+", TEXT))
    assert named <= set(dotted_keys(TASK.config))
    assert {"data.targets", "data.missing", "model.way", "evaluation.backtest_windows"} <= named


@pytest.mark.parametrize("key", ["way", "output"])
def test_every_choice_has_a_row(key):
    for value in get_args(MODEL.model_fields[key].annotation):
        assert f"| `{value}` |" in TEXT


def test_every_embedded_series_is_named():
    assert all(name in TEXT for name in EMBEDDED)
