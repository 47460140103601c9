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
    """Inside the block, send what Python or C++ writes to a file descriptor to another one."""
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
    """Tell a user who interrupts the block how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        print("the same command goes on where this one stopped", file=sys.stderr)
        raise


@contextlib.contextmanager
def working(what: str, quiet: bool) -> Iterator[None]:
    """Show a sign of life on standard error; what libraries print goes there, too, or nowhere if `quiet`.

    Args:
        what: what is done, such as `run translate`.
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
    """Keep the garbage collector away from what is imported inside the block, for good.

    The collector would search these objects again and again, about a thousand times while TensorFlow is imported. That
    takes a fifth of the time of an import, and of tracing graphs later.
    """
    known = len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:  # else it would keep the garbage of what was done since
            gc.freeze()
        gc.enable()


def import_tensorflow() -> None:
    """Import TensorFlow and hide what its C++ code prints meanwhile, which no setting turns off."""
    with tempfile.TemporaryFile() as said:
        try:
            with activity.doing("importing TensorFlow"), redirected(STDERR, said.fileno()), imported_for_good():
                import tensorflow  # noqa: F401  (imported for all that follows)
        except ImportError:
            said.seek(0)
            sys.stderr.write(said.read().decode(errors="replace"))
            raise
    # TensorFlow warns of every function that is compiled for more than four shapes; buckets of lengths need more.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


def run_flow(task: str, config: TaskConfig, fresh: bool = False, promote: Policy = "better") -> Outcome:
    """A task's whole chain on a config, in a Prefect flow run of this process."""
    # Prefect's log lines are for the flow's page only: a user reads those of our loggers, and what `main` prints.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    from pipelines import servers

    wait_for_prefect = servers.start_prefect_api(get_settings())
    import_tensorflow()  # takes seconds, spent here while a temporary server starts
    with activity.doing("importing Prefect and MLflow"), imported_for_good():
        from pipelines import flows, tracking
    tracking.client()  # a store of another version is reported before anything is prepared
    with activity.doing("starting Prefect"):
        wait_for_prefect()
    return flows.flow_of(task)(config=config, fresh=fresh, promote=promote)
