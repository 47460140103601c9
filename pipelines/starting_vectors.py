"""`data.vectors=RUN_ID`: the word vectors that a run exported, by the run's id instead of the path of a file."""

from __future__ import annotations

import re
from pathlib import Path

from pipelines.provenance import flat
from rnn_tasks.config import ConfigType, override
from rnn_tasks.errors import UserError

KEYS = ("data.vectors", "data.target_vectors")
FILE = "vectors.npz"


def resolved(config: ConfigType) -> ConfigType:
    """The config with paths where it has ids of runs.

    Raises:
        UserError: no such run, or one that exported no word vectors, or several tables of them.
    """
    settings = flat(config.model_dump())
    ids = {key: settings[key] for key in KEYS if re.fullmatch(r"[0-9a-f]{32}", settings.get(key, ""))}
    return override(config, {key: str(_vectors_of(key, run)) for key, run in ids.items()}) if ids else config


def _vectors_of(key: str, run_id: str) -> Path:
    from pipelines import tracking  # imports MLflow, which a path does not need

    try:
        directory = tracking.artifact_directory(tracking.get_run(run_id))
    except tracking.MlflowException:
        raise UserError(
            f"{key}: there is no run {run_id}; rnn-tasks compare embeddings shows those there are"
        ) from None
    found = sorted((directory / "extras").glob(f"*/{FILE}"))
    if len(found) != 1:
        names = ", ".join(str(path) for path in found) or "none"
        raise UserError(f"{key}: run {run_id} exported {len(found)} tables of word vectors ({names}); accepted is one")
    return found[0]
