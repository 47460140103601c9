"""docs/embeddings.md: the settings it names exist, and it names every architecture and loss."""

import re
from pathlib import Path
from typing import get_args

import rnn_tasks
from rnn_tasks.config import dotted_keys
from rnn_tasks.shapes.embeddings_config import EmbeddingsConfig, EmbeddingsModelConfig
from rnn_tasks.tasks.translate import TranslateConfig

TEXT = (Path(rnn_tasks.__file__).parents[1] / "docs" / "embeddings.md").read_text(encoding="utf-8")


def test_every_setting_exists():
    named = set(re.findall(r"\b(?:data|training|model|map|evaluation)\.[a-z_]+", TEXT))
    assert len(named) > 15
    assert named <= {*dotted_keys(EmbeddingsConfig), *dotted_keys(TranslateConfig)}  # which begins with its vectors


def test_every_architecture_and_loss_is_there():
    fields = EmbeddingsModelConfig.model_fields
    for name in (*get_args(fields["architecture"].annotation), *get_args(fields["loss"].annotation)):
        assert f"`{name}`" in TEXT
