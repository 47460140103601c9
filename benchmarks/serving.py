"""`rnn-tasks serve` under 1, 4 and 16 clients, beside `predict` called in a loop for one line after the other.

    .venv/bin/python benchmarks/serving.py [TASK] [--run RUN_ID] [--lines FILE] [--seconds 10]

Each client sends a line, waits for its answer, and sends the next. Answers are compared with those of `predict` to the
same lines. Clients share the machine with the server.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np

from pipelines import champions, model_registry
from pipelines.launch import import_tensorflow
from rnn_tasks.errors import UserError
from rnn_tasks.registry import get_task

CLIENTS = (1, 4, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", nargs="?", default="translate")
    parser.add_argument("--run", help="the champion when not given")
    parser.add_argument("--lines", type=Path, help="text to ask with; the task's examples when not given")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each row of the table")
    options = parser.parse_args()
    task = get_task(options.task)
    lines = options.lines.read_text().splitlines() if options.lines else list(task.records.good)
    try:
        model = champions.choose(task, options.run)
    except UserError as error:  # `make bench` goes on
        print(error)
        return
    export = model_registry.export_directory(task.name, model)
    import_tensorflow()
    settings = task.predict_options()
    expected = list(task.predict(export, lines, settings))
    if len(expected) != len(lines):
        sys.exit(f"{task.name} does not answer line by line")
    print(f"{task.name}: {champions.described(task, model)}; {len(lines)} lines")
    print(f"{'':24}{'requests/s':>12}{'p50 ms':>10}{'p99 ms':>10}{'differing':>12}")
    _row(
        "predict in a loop",
        lines,
        expected,
        options.seconds,
        1,
        lambda: lambda line: next(iter(task.predict(export, [line], settings))),
    )
    command = [sys.executable, "-m", "pipelines.cli", "serve", task.name, "--run", model.run_id, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = urlsplit(server.stdout.readline().split()[0]).netloc
            for clients in CLIENTS:
                _row(f"{clients} clients", lines, expected, options.seconds, clients, lambda: _client(address))
        finally:
            server.send_signal(signal.SIGTERM)


def _client(address: str) -> Callable[[str], str]:
    connection = http.client.HTTPConnection(address)

    def ask(line: str) -> str:
        body = json.dumps({"inputs": [line]})
        connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["predictions"][0]

    return ask


def _row(
    title: str,
    lines: list[str],
    expected: list[str],
    seconds: float,
    clients: int,
    new_client: Callable[[], Callable[[str], str]],
) -> None:
    """One row: as many clients as said, each with lines of its own, for so long."""
    start = time.perf_counter()

    def work(number: int) -> tuple[list[float], int]:
        ask, spent, differing, turn = new_client(), [], 0, number
        while time.perf_counter() - start < seconds:
            before = time.perf_counter()
            answer = ask(lines[turn % len(lines)])
            spent.append(1e3 * (time.perf_counter() - before))
            differing += not _same(answer, expected[turn % len(lines)])
            turn += clients
        return spent, differing

    with ThreadPoolExecutor(clients) as pool:
        done = list(pool.map(work, range(clients)))
    took = time.perf_counter() - start
    spent = np.concatenate([each for each, _ in done])
    p50, p99 = np.percentile(spent, [50, 99])
    print(f"{title:24}{len(spent) / took:12.1f}{p50:10.1f}{p99:10.1f}{sum(wrong for _, wrong in done):12}", flush=True)


def _same(one: str, other: str) -> bool:
    """Equal; of numbers, which may differ in their last digit by what else was in the batch, nearly."""
    if one == other:
        return True
    numbers = [re.findall(r"-?\d+\.\d+", text) for text in (one, other)]
    return len(numbers[0]) == len(numbers[1]) > 0 and np.allclose(*(np.array(side, float) for side in numbers), 1e-4)


if __name__ == "__main__":
    main()
