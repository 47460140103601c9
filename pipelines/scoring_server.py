"""A model behind MLflow's scoring protocol: `POST /invocations`, and `/ping`, `/health`, `/version`.

MLflow reads a request and checks it against the model's signature. This module adds what MLflow's own server lacks.
Requests that come at once are batched. A client's mistake is answered by one line of JSON, without a traceback. Only
requests that name this machine in the Host header are answered; the servers of the user interfaces do the same.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import logging
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import uvicorn
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import HTTPException
from mlflow.models import Model
from mlflow.pyfunc import PyFuncModel, scoring_server
from mlflow.types import DataType
from mlflow.types.schema import Array
from mlflow.version import VERSION
from starlette.requests import ClientDisconnect

from pipelines.batcher import Batcher
from pipelines.score_request import ROW, TABLE, TEXT, TooMuch, checked
from pipelines.served_model import ServedModel
from pipelines.signature import signature_of
from rnn_tasks.config import Section
from rnn_tasks.errors import UserError
from rnn_tasks.task import Task

logger = logging.getLogger(__name__)

BODY_BYTES = 8 << 20
BODY_SECONDS = 5.0  # from first to last byte; the clients are on this machine
WAITING_REQUESTS = 128  # so many are read at once; the others wait
MESSAGE_LENGTH = 500
TURNS, TURN_SECONDS = 10, 0.03  # for requests that were under way when the server was told to stop
HOSTS = ("127.0.0.1", "localhost", "[::1]")
JSON = "application/json"


class ModelError(Exception):
    """The model failed on records that it should answer."""


def batched_model(task: Task, export: Path, batcher: Batcher) -> PyFuncModel:
    """An export as MLflow's model, with the signature that the task has today, as in `rnn-tasks predict`."""

    def predict(export_dir: Path, records: Iterable[Any], options: Section) -> Iterator[str]:
        try:
            yield from batcher.ask(list(records), options)
        except UserError:
            raise
        except Exception as error:
            logger.exception("the model failed")
            raise ModelError(
                f"the model failed ({type(error).__name__}); the server's standard error says more"
            ) from error

    served = ServedModel()
    served.task, served.export = dataclasses.replace(task, predict=predict), export
    stored = Model.load(str(export.parent.parent))
    stored.signature = signature_of(task)
    return PyFuncModel(stored, SimpleNamespace(predict=functools.partial(served.predict, cast(Any, None))))


def example_request(task: Task, export: Path, batcher: Batcher) -> str:
    """The body of a request that this model answers; the model has answered it once, so it is warm.

    Raises:
        UserError: the model answers none of the task's examples.
    """
    wrong: UserError | None = None
    for line in task.examples(export) if task.examples else task.records.good:
        try:
            record = task.records.parse(line, "example")
            batcher.ask([record], task.predict_options())
        except UserError as error:
            wrong = error
            continue
        if hasattr(record, "tolist"):
            (column,) = signature_of(task).inputs.inputs
            return json.dumps({"dataframe_split": {"columns": [column.name], "data": [[record.tolist()]]}})
        return json.dumps({"inputs": [line]}, ensure_ascii=False)
    raise wrong or UserError(f"task {task.name!r} has no examples")


def app_of(model: PyFuncModel, example: str, readers: ThreadPoolExecutor) -> FastAPI:
    """The routes of the protocol, and `GET /example`: a body for `POST /invocations`.

    Args:
        readers: threads, each of which reads a request and waits for its answers.
    """
    app = FastAPI(openapi_url=None, redirect_slashes=False, dependencies=[Depends(_known_host)])

    @app.exception_handler(404)
    @app.exception_handler(405)
    async def not_found(request: Request, error: HTTPException) -> Response:
        return _failure(
            error.status_code,
            f"{request.method} {request.url.path}: accepted are POST /invocations and GET /ping, /health, /version, "
            "/example",
            error.headers,
        )

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        return _failure(error.status_code, error.detail, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: Exception) -> Response:
        return _failure(400, "the client went before its request had come")

    @app.exception_handler(Exception)  # its traceback goes to standard error
    async def our_fault(_: Request, error: Exception) -> Response:
        return _failure(500, f"{type(error).__name__}; the server's standard error says more")

    @app.get("/ping")
    @app.get("/health")
    async def health() -> Response:
        return Response("\n", media_type=JSON)

    @app.get("/version")
    async def version() -> Response:
        return Response(VERSION, media_type=JSON)

    @app.get("/example")
    async def shown_example() -> Response:
        return Response(example + "\n", media_type=JSON)

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        kind, body = request.headers.get("content-type", ""), await _body(request)
        return await asyncio.get_running_loop().run_in_executor(readers, _scored, model, kind, body)

    return app


class Server(uvicorn.Server):
    """Serves until it gets SIGTERM or SIGINT, and ends when all that it has accepted is answered.

    Args:
        app: from `app_of`.
        ready: is called once it answers.
    """

    def __init__(self, app: FastAPI, ready: Callable[[], None]):
        async def telling_when_it_ends(scope: Any, receive: Any, send: Any) -> None:
            async def sending(message: Any) -> None:
                if message["type"] == "http.response.start" and self.should_exit:
                    message = {**message, "headers": [*message["headers"], (b"connection", b"close")]}
                await send(message)

            await app(scope, receive, sending)

        super().__init__(
            uvicorn.Config(
                telling_when_it_ends, lifespan="off", log_level="warning", access_log=False, timeout_keep_alive=75
            )
        )
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self.ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take in what was sent before the signal, then refuse new connections; end when all is answered."""
        await _turns()
        for server in self.servers:
            server.close()
        await _turns()
        await super().shutdown(sockets)


async def _turns() -> None:
    """Let the event loop read what has arrived, however slow the machine is."""
    for _ in range(TURNS):
        await asyncio.sleep(TURN_SECONDS)


async def _known_host(request: Request) -> None:
    """Refuse requests to another host name: a web page may send them, if its name was made to mean this machine."""
    host = request.headers.get("host", "")
    if host not in HOSTS and host.rpartition(":")[0] not in HOSTS:
        raise HTTPException(403, f"host {host!r}; accepted are {', '.join(HOSTS)}")


async def _body(request: Request) -> bytes:
    """Read a request's body; keep no more than is accepted, and wait no longer than `BODY_SECONDS`."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                size += len(part)
                parts.append(part if size <= BODY_BYTES else b"")
    except TimeoutError:
        said = f"{size} bytes of a request came in {BODY_SECONDS:g} s, and its end did not"
        raise HTTPException(408, said, {"Connection": "close"}) from None
    if size > BODY_BYTES:
        raise HTTPException(413, f"{size} bytes in a request; accepted are up to {BODY_BYTES}")
    return b"".join(parts)


def _scored(model: PyFuncModel, content_type: str, body: bytes) -> Response:
    """MLflow's answer to a request, or one line that says what is wrong with it."""
    if content_type.partition(";")[0].strip().lower() != JSON:
        return _failure(415, f"content type {content_type!r}; accepted is {JSON}")
    signature = model.metadata.signature
    (column,) = signature.inputs.inputs
    options = [option.name for option in signature.params.params] if signature.params else []
    rows = TABLE if isinstance(column.type, Array) and isinstance(column.type.dtype, Array) else ROW
    try:
        data = checked(body, TEXT if column.type == DataType.string else rows, column.name, options)
        found = scoring_server.invocations(data, content_type.lower(), model, signature.inputs)
    except TooMuch as error:
        return _failure(413, str(error))
    except Exception as error:  # an error that is not the model's comes from what the client sent
        cause = error if isinstance(error, UserError) else error.__context__
        if isinstance(cause, ModelError):
            return _failure(500, str(cause))
        if isinstance(cause, UserError):
            return _failure(400, str(cause))
        message = getattr(error, "message", f"{type(error).__name__}: {error}")  # MlflowException puts more into str
        return _failure(400, message)
    if found.status != 200:
        return _failure(found.status, found.response)
    return Response(found.response, found.status, media_type=found.mimetype)


def _failure(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """One line of JSON with the keys of MLflow's errors."""
    line = " ".join(message.rpartition("\nError: ")[2].split())  # before this mark MLflow repeats what it was sent
    line = line if len(line) <= MESSAGE_LENGTH else f"{line[:MESSAGE_LENGTH]}…"
    content = json.dumps({"error_code": HTTPStatus(status).name, "message": line}, ensure_ascii=False)
    return Response(content + "\n", status, dict(headers or {}), JSON)
