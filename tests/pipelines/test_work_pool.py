"""`prefect.yaml` offers what `serve` offers, to workers of a process pool; `rnn-tasks prefect` reaches these stores."""

import sys
from importlib import metadata

import pytest
import yaml
from prefect.flows import load_flow_from_entrypoint

from pipelines import cli, flows
from pipelines.settings import PROJECT


def test_prefect_yaml_has_every_preset_of_every_task():
    declared = yaml.safe_load((PROJECT / "prefect.yaml").read_text())
    found = {}
    for deployment in declared["deployments"]:
        flow = load_flow_from_entrypoint(deployment["entrypoint"])
        found[flow.name, deployment["name"].removesuffix("-pool")] = flow
        assert deployment["work_pool"] == {"name": "rnn-tasks"}
        assert deployment["name"].endswith("-pool")  # else `deploy` would take over what `serve` has registered
    assert found == flows.all_flows()
    assert len(declared["deployments"]) == len(found)


@pytest.mark.parametrize(("given", "running", "reached"), [("a", "b", "a"), (None, "b", "b"), (None, None, None)])
def test_prefects_command_line_runs_with_the_address_of_the_server(home, monkeypatch, given, running, reached):
    monkeypatch.delenv("PREFECT_API_URL")
    if given:
        monkeypatch.setenv("PREFECT_API_URL", given)
    monkeypatch.setattr("pipelines.servers.running_prefect", lambda settings: running)
    called = []
    monkeypatch.setattr("os.execv", lambda *call: called.append((*call, cli.os.environ.get("PREFECT_API_URL"))))
    assert cli._exit_code(["prefect", "worker", "start", "--pool", "rnn-tasks"]) == 0
    assert called == [
        (sys.executable, [sys.executable, "-m", "prefect", "worker", "start", "--pool", "rnn-tasks"], reached)
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["deployment", "run", "-h"]])
def test_help_and_version_behind_prefect_are_prefects_own(home, monkeypatch, arguments):
    called = []
    monkeypatch.setattr("os.execv", lambda _, command: called.append(command[3:]))
    assert cli._exit_code(["prefect", *arguments]) == 0
    assert called == [arguments]


def test_the_version_is_the_package_s(capsys):
    assert cli._exit_code(["--version"]) == 0
    assert capsys.readouterr().out == f"{metadata.version('rnn-tasks')}\n"
