"""How far a run is, on its page in Prefect."""

from __future__ import annotations

import time

import pytest
from prefect import flow
from prefect.artifacts import ProgressArtifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from pipelines import progress_artifact
from rnn_tasks import activity
from rnn_tasks.registry import TASK_MODULES


def artifact(key):
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])))
    return (float(found[0].data), found[0].description)


def test_an_inner_activity_is_a_part_of_the_outer_ones_next_item():
    chain = [
        activity.Activity("train"),
        activity.Activity("epoch", total=4, done=1),
        activity.Activity("batch", total=10, done=5),
    ]
    assert progress_artifact.fraction(chain) == pytest.approx(0.25 + 0.25 * 0.5)
    assert progress_artifact.fraction(chain[:1]) == 0
    assert progress_artifact.fraction([activity.Activity("epoch", total=2, done=2), *chain[1:]]) == 1


def test_the_page_says_how_far_a_run_is(home, monkeypatch):
    monkeypatch.setattr(progress_artifact, "EVERY_SECONDS", 0.05)
    seen = []

    def shows(percent):
        """Its description, as soon as it does."""
        for _ in range(600):
            found, described = artifact("progress-test")
            if found == percent:
                return described
            time.sleep(0.05)
        raise AssertionError(f"{found} {described}")

    @flow
    def run():
        with progress_artifact.shown("progress-test"):
            seen.extend(shows(25.0 * number) for number in activity.each("epoch", range(4)))

    run()
    assert seen[2].startswith("epoch 2 of 4")
    assert artifact("progress-test") == (100.0, "done")


@pytest.mark.parametrize("task", TASK_MODULES)
def test_a_tasks_artifacts_have_names_that_prefect_takes(task):
    key = progress_artifact.artifact_key(task, "progress")
    assert ProgressArtifact(key=key, progress=0.0).key == key
