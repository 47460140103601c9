"""How far a run is, on its page in Prefect: a progress artifact that is brought up to date while the run goes on."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact

from pipelines.progress_text import Pace, status
from pipelines.repeated import repeated
from rnn_tasks import activity
from rnn_tasks.activity import Activity

EVERY_SECONDS = 5.0


def artifact_key(task: str, what: str) -> str:
    """What an artifact of a task is called in Prefect, which takes lower-case letters, digits and dashes alone."""
    return f"{task}-{what}".replace("_", "-")


@contextlib.contextmanager
def shown(key: str) -> Iterator[None]:
    """Keep an artifact that shows what goes on inside the block; begin it within a flow.

    Args:
        key: its name in Prefect: lower-case letters, digits and dashes.
    """
    with contextlib.ExitStack() as stack:
        outermost = activity.current() or stack.enter_context(activity.watched(key))
        artifact = cast("UUID", create_progress_artifact(0.0, key=key, description="begun"))
        pace = Pace()

        def update() -> None:
            said = str(status(outermost, pace, time.monotonic()))
            with contextlib.suppress(Exception):  # a server that does not answer now may answer the next time
                update_progress_artifact(artifact, 100 * fraction(outermost.chain()), said)

        with repeated(update, EVERY_SECONDS, "progress artifact"):
            yield
        update_progress_artifact(artifact, 100.0, "done")


def fraction(chain: Sequence[Activity]) -> float:
    """The done share of the outermost activity that is counted; an inner one is a part of the outer one's next item."""
    done, share = 0.0, 1.0
    for each in chain:
        if each.total:
            done += share * min(each.done / each.total, 1.0)
            share /= each.total
    return min(done, 1.0)
