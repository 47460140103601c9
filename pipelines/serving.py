"""The command `rnn-tasks serve`: a task's model over HTTP, or all tasks' deployments for the Prefect UI."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

from cyclopts import Parameter, validators

from pipelines import sign_of_life, store_checks
from pipelines.launch import import_tensorflow
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.registry import get_task
from rnn_tasks.task import Task

HOST = "127.0.0.1"
PORT = 5002
EXAMPLE_LENGTH = 300


def serve(
    task: Annotated[str | None, Parameter(help="A task's name: its model answers over HTTP.")] = None,
    /,
    *,
    run: str | None = None,
    data: str | None = None,
    port: Annotated[int | None, Parameter(validator=validators.Number(gte=0, lte=65535))] = None,
    schedule: Annotated[tuple[str, ...], Parameter(show_default=False)] = (),
) -> None:
    """Serve a task's model over HTTP or, without a task, run what is started or scheduled in the Prefect UI.

    With a task, MLflow's scoring protocol on 127.0.0.1: POST /invocations, GET /ping, /health, /version; GET /example
    is a request that the model answers. Requests that come at once are answered together.

    Without a task, a deployment for each preset of each task is registered at the server of `rnn-tasks ui`. Both ways
    end at Ctrl-C.

    Parameters
    ----------
    run
        The MLflow run whose model to serve, or an alias; by default the one whose model predict uses.
    data
        A path, or the name of a data source: the champion on this data.
    port
        Where to serve; 5002 by default, 0 for any free one.
    schedule
        TASK=WHEN or TASK/PRESET=WHEN, as often as wanted: a cron expression in UTC, or every 90s (s, m, h, d). It stays
        until `serve` is started without it; schedules that are set in the Prefect UI stay in any case.
    """
    if task is not None:
        if schedule:
            raise UserError(f"--schedule {schedule[0]!r}: schedules are for serve without a task; found {task}")
        return serve_model(get_task(task), run, data, PORT if port is None else port)
    for option, value in {"--run": run, "--data": data, "--port": port}.items():
        if value is not None:
            raise UserError(f"{option} {value}: of which task? rnn-tasks serve TASK {option} {value}")
    return serve_deployments(schedule)


def serve_deployments(schedule: Sequence[str] = ()) -> None:
    """Register a deployment for each preset of each task and run what is started or scheduled, until Ctrl-C.

    Args:
        schedule: what `schedules.parse` takes.
    """
    settings = get_settings()
    store_checks.check(settings, writes=True)
    from pipelines import servers

    os.environ["PREFECT_API_URL"] = url = os.environ.get("PREFECT_API_URL") or servers.running_prefect(settings) or ""
    settings.prefect_home.mkdir(parents=True, exist_ok=True)
    from pipelines import schedules  # imports Prefect, which reads the address and looks for its home

    scheduled = schedules.parse(schedule)
    if not url:
        raise UserError("no Prefect server is running; start it in another terminal: make ui")
    from pipelines.deployments import serve_all

    serve_all(scheduled)


def serve_model(task: Task, run: str | None, data: str | None, port: int) -> None:
    """Answer HTTP requests with a task's model until Ctrl-C or SIGTERM.

    Raises:
        UserError: no such model, or the port is taken.
    """
    store_checks.check(get_settings(), writes=False)
    # asyncio switches off Nagle's algorithm (40 ms an answer) only if the socket says that it is TCP.
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with _ours(port):
            listener.bind((HOST, port))
        with sign_of_life.shown(f"serve {task.name}"):
            from pipelines import champions, model_registry

            model = champions.choose(task, run, data)
            export = model_registry.export_directory(task.name, model)
            import_tensorflow()
            from pipelines import scoring_server
            from pipelines.batcher import Batcher
        batcher = Batcher(lambda records, options: task.predict(export, records, options))
        with ThreadPoolExecutor(scoring_server.WAITING_REQUESTS) as readers, batcher:
            with sign_of_life.shown(f"serve {task.name}"):
                example = scoring_server.example_request(task, export, batcher)
            with _ours(port):
                listener.listen()
            url = f"http://{HOST}:{listener.getsockname()[1]}"

            def ready() -> None:
                described = champions.described(task, model)
                print(f"{url} answers with {described}; try: {_try_it(url, example)}", flush=True)

            app = scoring_server.app_of(scoring_server.batched_model(task, export, batcher), example, readers)
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            with contextlib.suppress(KeyboardInterrupt):
                scoring_server.Server(app, ready).run([listener])


@contextlib.contextmanager
def _ours(port: int) -> Iterator[None]:
    """Raise UserError where the system does not let us have the port."""
    try:
        yield
    except OSError as error:
        raise UserError(f"--port {port} of {HOST}: {error.strerror}; --port chooses another one") from None


def _try_it(url: str, example: str) -> str:
    """A command that sends the server its example; an example that would fill a screen is fetched from the server."""
    post = f"curl -s {url}/invocations -H 'Content-Type: application/json' -d"
    if len(example) > EXAMPLE_LENGTH:
        return f"curl -s {url}/example | {post} @-"
    return f"{post} {shlex.quote(example)}"
