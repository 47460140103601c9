"""docs/mnist.md: the settings it names exist, and it names every order, cell and kind of file."""

import re
from pathlib import Path
from typing import get_args

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.media.pictures import PICTURES
from rnn_tasks.tasks.mnist import MnistConfig, MnistModelConfig

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "mnist.md").read_text(encoding="utf-8")


def test_every_setting_exists():
    named = set(re.findall(r"\b(?:data|training|model)\.[a-z_]+", TEXT))
    assert len(named) > 10
    assert named <= set(dotted_keys(MnistConfig))


def test_every_order_cell_and_kind_of_file_is_there():
    fields = MnistModelConfig.model_fields
    for name in (*get_args(fields["order"].annotation), *get_args(fields["cell"].annotation), *PICTURES):
        assert f"`{name}`" in TEXT
