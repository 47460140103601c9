"""What the commands start: TensorFlow, and a task's flow."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipelines import sign_of_life
from pipelines.promoting import Policy
from pipelines.settings import get_settings
from rnn_tasks import activity
from rnn_tasks.config import TaskConfig

if TYPE_CHECKING:
    from pipelines.flow import Outcome

STDOUT, STDERR = 1, 2


@contextlib.contextmanager
def redirected(descriptor: int, target: int) -> Iterator[None]:
    """What is written to a file descriptor, in Python or in C++, goes to another one inside the block."""
    sys.stdout.flush()
    kept = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, descriptor)
        os.close(kept)


@contextlib.contextmanager
def told_that_it_goes_on() -> Iterator[None]:
    """Whoever interrupts what is done inside is told how it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        print("the same command goes on where this one stopped", file=sys.stderr)
        raise


@contextlib.contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Inside, whatever libraries print goes to standard error, where a sign of life is; nowhere if it is to be quiet.

    Args:
        what: is done, as `run translate`.
    """
    with (
        open(os.devnull, "w") as nowhere,
        redirected(STDOUT, nowhere.fileno() if quiet else STDERR),
        sign_of_life.shown(what, quiet),
        told_that_it_goes_on(),
    ):
        yield


@contextlib.contextmanager
def imported_for_good() -> Iterator[None]:
    """The garbage collector never looks again at what is imported inside.

    Otherwise it does so a thousand times while TensorFlow is imported and then while graphs are traced, which takes a
    fifth of the time of either.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def import_tensorflow() -> None:
    """Import TensorFlow without what its C++ side says on the way, which no setting silences."""
    with tempfile.TemporaryFile() as said:
        try:
            with activity.doing("importing TensorFlow"), redirected(STDERR, said.fileno()), imported_for_good():
                import tensorflow  # noqa: F401  (imported for all that follows)
        except ImportError:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
    # It warns of every function compiled for more than four shapes, which buckets of lengths ask for.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def run_flow(task: str, config: TaskConfig, fresh: bool = False, promote: Policy = "better") -> Outcome:
    """A task's whole chain on a config, in a Prefect flow run of this process."""
    # Only its log lines for the flow's page: what a user needs to read comes from our own loggers and from `main`.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from pipelines import servers

    wait_for_prefect = servers.start_prefect_api(get_settings())
    import_tensorflow()  # takes seconds, spent here while a temporary server starts
    with activity.doing("importing Prefect and MLflow"), imported_for_good():
        from pipelines import flows, tracking
    tracking.client()  # another version's store is told of before anything is prepared
    with activity.doing("starting Prefect"):
        wait_for_prefect()
    return flows.flow_of(task)(config=config, fresh=fresh, promote=promote)
