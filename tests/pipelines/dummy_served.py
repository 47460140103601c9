"""The dummy flow as `serve` offers it: each run is a process of its own that imports this module first."""

import dummy_command

dummy_command.install()

from dummy_task import DummyConfig  # noqa: E402
from prefect import flow  # noqa: E402

from pipelines.flow import Outcome, run_chain  # noqa: E402


@flow(name="dummy", description="Counts letters.")
def dummy(config: DummyConfig = DummyConfig(), fresh: bool = False, promote: str = "better") -> Outcome:  # noqa: B008
    return run_chain("dummy", config, fresh=fresh, promote=promote)
