"""A real server on the dummy task: the protocol, many clients at once, what clients get wrong, and how it ends."""

from __future__ import annotations

import dataclasses
import functools
import http.client
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import dummy_task
import pytest

from pipelines import cli, model_registry, scoring_server, tracking
from pipelines.batcher import Batcher
from rnn_tasks.records import NumberRecords, TableRecords

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def model(new_home, tmp_path_factory):
    """The id of a run whose model is champion."""
    directory = tmp_path_factory.mktemp("serving")
    with new_home(directory):
        task = dummy_task.TASK
        config = task.presets["quick"]
        prepared = task.prepare(config, directory / "prepared")
        run_id = tracking.create_run(task, config, prepared)
        tracking.log_metrics(run_id, {"test_accuracy": 0.5})
        exported = task.export(config, prepared, None, directory / "export")
        model_registry.register_model(task, "dummy_task", run_id, exported)
        yield run_id


@pytest.fixture(scope="module")
def process(model, tmp_path_factory):
    """`rnn-tasks serve dummy`; `process.line` is its first line, `process.said` a file with its standard error."""
    command = [sys.executable, str(HERE / "dummy_command.py"), "serve", "dummy", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    said = tmp_path_factory.mktemp("server") / "stderr"
    with (
        said.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment) as process,
    ):
        process.line, process.said = process.stdout.readline(), said
        yield process
        process.kill()


@pytest.fixture(scope="module")
def address(process):
    return urlsplit(process.line.split()[0])


def request(address, method, path, body=None, **headers):
    """(status, answer)"""
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text


def ask(address, records, **params):
    body = json.dumps({"inputs": records, **({"params": params} if params else {})})
    status, text = request(address, "POST", "/invocations", body, content_type="application/json")
    return status, json.loads(text)


def test_the_first_line_names_the_model_and_how_to_ask_it(process, address, model):
    described = f"run {model}, preset quick, data embedded, test_accuracy 0.5"
    url, command = re.fullmatch(rf"(\S+) answers with {described}; try: (.+)\n", process.line).groups()
    assert url == f"http://127.0.0.1:{address.port}"
    assert shlex.split(command) == [
        "curl",
        "-s",
        f"{url}/invocations",
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"inputs": ["one"]}',
    ]
    assert request(address, "GET", "/example") == (200, '{"inputs": ["one"]}\n')


def test_it_speaks_mlflow_s_protocol(address):
    assert ask(address, ["one", "", "three"]) == (200, {"predictions": ["3", "0", "5"]})
    assert ask(address, ["one"], times=2, upper=True) == (200, {"predictions": ["LENGTH 3 3"]})
    split = json.dumps({"dataframe_split": {"columns": ["line"], "data": [["one"], ["three"]]}})
    for path, answer in (("/ping", "\n"), ("/health", "\n"), ("/version", scoring_server.VERSION)):
        assert request(address, "GET", path) == (200, answer)
    posted = request(address, "POST", "/invocations", split, content_type="application/json; charset=utf-8")
    assert posted == (200, '{"predictions": ["3", "5"]}')


def test_sixteen_clients_at_once_each_get_their_own_answers(address):

    def client(number):
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
        found = []
        for turn in range(10):
            lines = ["x" * (number + turn), "y" * turn]
            body = json.dumps({"inputs": lines, "params": {"times": 1 + number % 2}})
            connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
            found.append(json.loads(connection.getresponse().read())["predictions"])
        connection.close()
        return found

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(client, range(16)))
    assert answers == [
        [[" ".join([str(length)] * (1 + number % 2)) for length in (number + turn, turn)] for turn in range(10)]
        for number in range(16)
    ]


ROUTES = "accepted are POST /invocations and GET /ping, /health, /version, /example"
KINDS = "accepted is application/json"
WRONG = {
    "no JSON": ('{"inputs": ["one"', 400, "not JSON (Expecting ',' delimiter"),
    "an empty list": ('{"inputs": []}', 400, "inputs: no records; accepted is at least one"),
    "a number": ('{"inputs": ["one", 2]}', 400, "inputs: record 2 is a number; accepted is a string"),
    "a table": ('{"inputs": [["one", "two"], ["three", "four"]]}', 400, "inputs: found 2 columns"),
    "ragged rows": ('{"inputs": [["one", "two"], ["three"]]}', 400, ""),
    "nested lists": ('{"inputs": [[["one"]]]}', 400, ""),
    "an object": ('{"inputs": {"line": {"a": "one"}}}', 400, ""),
    "a split without columns": ('{"dataframe_split": {"data": ["one"], "rows": 3}}', 400, ""),
    "an unknown option": ('{"inputs": ["one"], "params": {"beam": 9}}', 400, "accepted are times, upper"),
    "an option out of bounds": ('{"inputs": ["one"], "params": {"times": 99}}', 400, "less than or equal to 9"),
    "an option of another type": ('{"inputs": ["one"], "params": {"times": "many"}}', 400, "times"),
    "ten megabytes": (json.dumps({"inputs": ["x" * 10_000_000]}), 413, "10000016 bytes in a request"),
    "a long string": (json.dumps({"inputs": ["x" * 30_000]}), 413, "30000 characters; accepted are up to 20000"),
    "many records": (json.dumps({"inputs": ["x"] * 1025}), 413, "1025 records; accepted are up to 1024 in a request"),
    "what the task refuses": ('{"inputs": ["refuse"]}', 400, "refuse: told to refuse"),
    "a fault of ours": ('{"inputs": ["fail"]}', 500, "the model failed (ZeroDivisionError)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_a_client_gets_wrong_is_one_line_of_json_and_the_server_lives_on(case, address):
    body, status, message = WRONG[case]
    failed(request(address, "POST", "/invocations", body, content_type="application/json"), status, message)
    assert ask(address, ["one"]) == (200, {"predictions": ["3"]})


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("POST", "/invocations", {"content_type": "text/html"}, 415, f"content type 'text/html'; {KINDS}"),
        ("POST", "/invocations", {}, 415, f"content type ''; {KINDS}"),
        ("POST", "/invocations", {"content_type": "application/json; charset=latin-1"}, 415, "only supports UTF-8"),
        ("POST", "/invocations", {"content_type": "text/csv"}, 415, f"content type 'text/csv'; {KINDS}"),
        ("POST", "/invocations", {"content_type": "application/vnd.apache.parquet"}, 415, KINDS),
        ("GET", "/invocations", {}, 405, f"GET /invocations: {ROUTES}"),
        ("POST", "/ping", {}, 405, f"POST /ping: {ROUTES}"),
        ("GET", "/", {}, 404, f"GET /: {ROUTES}"),
        ("POST", "/invocations/", {}, 404, f"POST /invocations/: {ROUTES}"),
        ("GET", "/docs", {}, 404, f"GET /docs: {ROUTES}"),
        ("GET", "/ping", {"host": "elsewhere.example"}, 403, "host 'elsewhere.example'; accepted are 127.0.0.1"),
        ("GET", "/ping", {"host": "127.0.0.1.elsewhere.example:80"}, 403, "host '127.0.0.1.elsewhere.example:80'"),
    ],
)
def test_another_path_method_type_or_host_is_refused(method, path, headers, status, message, address):
    body = '{"inputs": ["one"]}' if method == "POST" else None
    failed(request(address, method, path, body, **headers), status, message)
    assert request(address, "GET", "/ping", host="localhost:80")[0] == 200


def test_a_client_that_goes_before_its_request_has_come_is_no_error(process, address):
    head = (
        "POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(head.encode())
    assert ask(address, ["one"]) == (200, {"predictions": ["3"]})
    assert "Disconnect" not in process.said.read_text()


def test_a_body_that_does_not_come_to_its_end_keeps_nobody_waiting(monkeypatch):
    monkeypatch.setattr(scoring_server, "BODY_SECONDS", 0.05)
    server_ready, app = threading.Event(), scoring_server.app_of(None, "{}", None)
    server = scoring_server.Server(app, server_ready.set)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener,
        ThreadPoolExecutor() as pool,
    ):
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ended = pool.submit(server.run, [listener])
        assert server_ready.wait(60)
        with socket.create_connection(listener.getsockname(), timeout=60) as client:
            client.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
            head, _, body = b"".join(iter(lambda: client.recv(4096), b"")).decode().partition("\r\n\r\n")
        failed((int(head.split()[1]), body), 408, "1 bytes of a request came in 0.05 s, and its end did not")
        with socket.create_connection(listener.getsockname(), timeout=60) as client:
            monkeypatch.setattr(scoring_server, "BODY_SECONDS", 1.0)
            client.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{")
            server.should_exit = True
            ended.result(60)


def failed(answer, status, message):
    """One line of JSON, short, that says no more than what is wrong."""
    found, text = answer
    assert (found, text.count("\n")) == (status, 1), text
    error = json.loads(text)
    assert set(error) == {"error_code", "message"}
    assert message in error["message"]
    assert 0 < len(error["message"]) <= scoring_server.MESSAGE_LENGTH + 1
    assert "Traceback" not in text


def test_a_taken_port_and_options_without_a_task_are_one_line(dummy, home, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for arguments, line in {
            ("serve", "dummy", "--port", str(port)): (
                f"--port {port} of 127.0.0.1: Address already in use; --port chooses another one"
            ),
            ("serve", "--port", "1"): "--port 1: of which task? rnn-tasks serve TASK --port 1",
            ("serve", "dummy", "--port", "70000"): 'Invalid value "70000" for --port. Must be <= 65535.',
            ("serve", "dummy", "--port", "0"): "no model of 'dummy' is registered yet; train one: rnn-tasks run dummy",
        }.items():
            with pytest.raises(SystemExit) as exit_:
                cli.main(list(arguments))
            assert exit_.value.code == 2
            assert f"error: {line}\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("records", "example"),
    [
        (NumberRecords(good=("1 2",)), {"columns": ["numbers"], "data": [[[1.0, 2.0]]]}),
        (TableRecords(good=("1 2\n3 4",)), {"columns": ["table"], "data": [[[[1.0, 2.0], [3.0, 4.0]]]]}),
    ],
)
def test_a_task_of_numbers_is_asked_with_numbers(records, example, model):
    def predict(export_dir, asked, options):
        return [f"{record.shape} {record.sum()}" for record in asked]

    task = dataclasses.replace(dummy_task.TASK, records=records, predict=predict)
    (found,) = model_registry.registered_models(task)
    export = model_registry.export_directory("dummy", found)
    with Batcher(functools.partial(predict, export)) as batcher:
        request = scoring_server.example_request(task, export, batcher)
        served = scoring_server.batched_model(task, export, batcher)

        def answer(body):
            answered = scoring_server._scored(served, "application/json", body.encode())
            return answered.status_code, json.loads(answered.body)

        shape, total = records.parse(records.good[0], "").shape, records.parse(records.good[0], "").sum()
        assert json.loads(request) == {"dataframe_split": example}
        ((record,),) = example["data"]
        for body in ({"inputs": [record]}, {"instances": [{example["columns"][0]: record}]}):
            integers = json.dumps(body).replace(".0", "")
            assert answer(integers) == (200, {"predictions": [f"{shape} {total}"]})
        assert answer(request) == (200, {"predictions": [f"{shape} {total}"]})
        for wrong in ('"two"', "null", "true", "NaN", "[]"):
            status, error = answer(request.replace("2.0", wrong))
            assert status == 400, error


def test_it_stops_when_told_to_and_answers_first_what_it_has_accepted(process, address):
    """The last test: no server is left for others."""
    connections = [http.client.HTTPConnection(address.hostname, address.port, timeout=60) for _ in range(8)]
    for number, connection in enumerate(connections):
        body = json.dumps({"inputs": ["wait", "x" * number]})
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
    process.send_signal(signal.SIGTERM)
    answers = [json.loads(connection.getresponse().read()) for connection in connections]
    assert answers == [{"predictions": ["4", str(number)]} for number in range(8)]
    for connection in connections:
        connection.close()
    assert process.wait(60) == 0
    assert process.stdout.read() == ""
    with pytest.raises(ConnectionRefusedError), socket.create_connection((address.hostname, address.port)):
        pass
