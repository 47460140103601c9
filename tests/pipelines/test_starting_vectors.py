"""`data.vectors=RUN_ID`: a run's id becomes the path of what it exported."""

import pytest

from pipelines import starting_vectors, tracking
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.tasks.reber import ReberConfig
from rnn_tasks.tasks.translate import TranslateConfig


def exported_by_a_run(*tables):
    """The id of a run that exported such tables, and their paths."""
    run = tracking.client().create_run(tracking.experiment_id("embeddings"))
    folder = tracking.artifact_directory(run) / "extras"
    for table in tables:
        (folder / table).mkdir(parents=True)
        (folder / table / starting_vectors.FILE).write_bytes(b"")
    return run.info.run_id, folder


def test_an_id_becomes_a_path_and_a_path_stays(home):
    run_id, folder = exported_by_a_run("words")
    config = override(TranslateConfig(), {"data.vectors": run_id, "data.target_vectors": "some/file.txt"})
    found = starting_vectors.resolved(config)
    assert found.data.vectors == str(folder / "words" / "vectors.npz")
    assert found.data.target_vectors == "some/file.txt"
    assert starting_vectors.resolved(TranslateConfig()) == TranslateConfig()
    assert starting_vectors.resolved(ReberConfig()) == ReberConfig()  # which has no such setting


def test_runs_without_one_table_are_one_line(home):
    for tables in ((), ("source", "target")):
        run_id, _ = exported_by_a_run(*tables)
        with pytest.raises(UserError, match=rf"data.vectors: run {run_id} exported {len(tables)} tables"):
            starting_vectors.resolved(override(TranslateConfig(), {"data.vectors": run_id}))
    with pytest.raises(UserError, match="data.vectors: there is no run 0{32}"):
        starting_vectors.resolved(override(TranslateConfig(), {"data.vectors": "0" * 32}))
