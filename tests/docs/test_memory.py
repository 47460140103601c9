"""docs/memory.md: the settings it names exist, and it names every problem, cell and figure."""

import re
from pathlib import Path
from typing import get_args

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.shapes.config import RecurrentConfig
from rnn_tasks.shapes.lags_config import LagsConfig, MemoryConfig

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "memory.md").read_text(encoding="utf-8")


def test_every_setting_exists():
    named = set(re.findall(r"\b(?:data|training|model|beside)\.[a-z_]+", TEXT))
    assert len(named) > 10
    assert named <= set(dotted_keys(MemoryConfig))


def test_every_problem_and_cell_is_there():
    problems = get_args(LagsConfig.model_fields["source"].annotation)
    for name in (*problems, *get_args(RecurrentConfig.model_fields["cell"].annotation)):
        assert f"`{name}`" in TEXT
