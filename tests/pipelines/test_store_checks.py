"""Stores that cannot be used are told of at once and in one line; homes of any name work, or are refused."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import urllib.request

import pytest

from pipelines import cli, model_registry, servers, store_checks, tracking
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from tests.nobody import as_nobody, let_nobody_in

READ, WRITE = ["predict", "compare"], ["run", "ui", "serve"]
ODD = """a%20b {x}$HOME&#;["é]\\ y:z@w"""  # what addresses, templates and shells read in their own way


def occupied(path, kind):
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"SQLite it is not; " * 99)


IN_THE_WAY = {
    ("", "file", *READ, *WRITE): "{home}: is no directory, which is wanted there",
    ("mlruns", "file", *READ, *WRITE): "{home}/mlruns: is no directory, which is wanted there",
    ("mlruns/artifacts", "file", *READ, *WRITE): "{home}/mlruns/artifacts: is no directory, which is wanted there",
    ("mlruns/prefect", "file", *WRITE): "{home}/mlruns/prefect: is no directory, which is wanted there",
    ("mlruns/logs", "file", *WRITE): "{home}/mlruns/logs: is no directory, which is wanted there",
    ("data/cache", "file", *WRITE): "{home}/data/cache: is no directory, which is wanted there",
    ("mlruns/mlflow.db", "directory", *READ, *WRITE): (
        "{home}/mlruns/mlflow.db: is no file; MLflow's database is wanted there"
    ),
    ("mlruns/mlflow.db", "file", *READ, *WRITE): (
        "{home}/mlruns/mlflow.db: MLflow's database cannot be opened (file is not a database)"
    ),
    ("mlruns/prefect/prefect.db", "directory", *WRITE): (
        "{home}/mlruns/prefect/prefect.db: is no file; Prefect's database is wanted there"
    ),
    ("mlruns/prefect/prefect.db", "file", *WRITE): (
        "{home}/mlruns/prefect/prefect.db: Prefect's database cannot be opened (file is not a database)"
    ),
}


@pytest.fixture
def refused(dummy, home, monkeypatch, capsys):
    """Runs the command with a home: refused("run", path) -> the one line that it says; it must import nothing."""
    for name in ("PREFECT_API_URL", "RNN_TASKS_CACHE"):
        monkeypatch.delenv(name, raising=False)

    def fail(*_):
        raise AssertionError("something was loaded, or begun")

    monkeypatch.setattr(tracking, "client", fail)
    monkeypatch.setattr(model_registry, "registered_models", fail)
    for name in ("start_prefect_api", "user_interfaces", "running_prefect"):
        monkeypatch.setattr(servers, name, fail)

    def run(command, path):
        monkeypatch.setenv("RNN_TASKS_HOME", os.fsdecode(path))
        with pytest.raises(SystemExit) as exit_:
            cli.main([command] if command in ("ui", "serve") else [command, "dummy"])
        said = capsys.readouterr()
        assert (exit_.value.code, said.out, said.err[:7], said.err[-1]) == (2, "", "error: ", "\n")
        return said.err[7:-1]

    return run


@pytest.mark.parametrize(("what", "line"), IN_THE_WAY.items(), ids=lambda what: " ".join(what[:2]))
def test_what_stands_in_the_place_of_a_store(what, line, refused, tmp_path):
    place, kind, *commands = what
    for command in commands:
        path = tmp_path / command
        occupied(path / place, kind)
        before = sorted(tmp_path.rglob("*"))
        assert refused(command, path) == line.format(home=path)
        assert sorted(tmp_path.rglob("*")) == before


def test_homes_that_have_no_address(refused, tmp_path):
    for command in READ + WRITE:
        assert refused(command, f"{tmp_path}/what?x=1") == (
            f"RNN_TASKS_HOME: {tmp_path}/what?x=1 has a '?', which the address of a database cannot have"
        )
        assert refused(command, os.fsencode(tmp_path) + b"/caf\xe9") == (
            f"RNN_TASKS_HOME: '{tmp_path}/caf\\udce9' is not UTF-8; accepted is a path that is"
        )
        assert refused(command, f"{tmp_path}/{'x' * 300}") == (
            f"{tmp_path}/{'x' * 300}/mlruns: cannot be used (File name too long)"
        )
        deep = f"{tmp_path}/{'語/' * 200}home"
        address = f"file://{tmp_path}/{'%E8%AA%9E/' * 200}home/mlruns/artifacts"
        said = refused(command, deep)
        taken = "MLflow takes 1500, with room for the names behind it"
        assert said == f"RNN_TASKS_HOME: {address} has {len(address)} characters; {taken}"
    assert not list(tmp_path.glob("what*"))


def test_variables_with_no_value_of_theirs(dummy, home, monkeypatch, capsys):
    monkeypatch.setenv("RNN_TASKS_MLFLOW_PORT", "99999")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["compare", "dummy"])
    assert (exit_.value.code, capsys.readouterr().err) == (
        2,
        "error: RNN_TASKS_MLFLOW_PORT: Input should be less than or equal to 65535 (found '99999')\n",
    )


def test_what_one_has_no_right_to(home, tmp_path):
    """Looking at runs asks for less than making them."""
    settings = get_settings()
    let_nobody_in(tmp_path)
    directories = [settings.unfinished, settings.artifacts, settings.prefect_home, home / "mlruns", home]
    for directory in directories:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o555)
    settings.mlflow_database.chmod(0o444)
    with as_nobody():
        store_checks.check(settings, writes=False)
        with pytest.raises(UserError) as error:
            store_checks.check(settings, writes=True)
    assert str(error.value) == f"{home}/mlruns: no permission to write there"
    for directory in directories:
        directory.chmod(0o777)
    with as_nobody(), pytest.raises(UserError) as error:
        store_checks.check(settings, writes=True)
    assert str(error.value) == f"{home}/mlruns/mlflow.db: no permission to write MLflow's database"
    settings.mlflow_database.chmod(0)
    with as_nobody(), pytest.raises(UserError) as error:
        store_checks.check(settings, writes=False)
    assert str(error.value) == f"{home}/mlruns/mlflow.db: no permission to read MLflow's database"


def test_a_store_of_another_version_is_named(dummy, home, capsys):
    with contextlib.closing(sqlite3.connect(home / "mlruns" / "mlflow.db")) as store, store:
        store.execute("UPDATE alembic_version SET version_num = 'of the future'")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["compare", "dummy"])
    said = capsys.readouterr().err
    start = (
        f"error: {home}/mlruns/mlflow.db: MLflow {tracking.mlflow.__version__} cannot use this database (Detected out"
    )
    assert exit_.value.code == 2
    assert said.startswith(start)
    assert "of the future" in said
    assert said.count("\n") == 1


def test_a_home_of_any_name_works(command, home, migrated_store, monkeypatch):
    """With servers of its own, whose addresses have the home's name in them, too."""
    odd = home / ODD
    shutil.copytree(home / "mlruns", odd / "mlruns")
    (odd / "mlruns" / "prefect").mkdir()
    shutil.copy(migrated_store.with_name("prefect.db"), odd / "mlruns" / "prefect")
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = [str(probe.getsockname()[1]) for probe in (one, other)]
    for name, value in zip(("HOME", "PREFECT_PORT", "MLFLOW_PORT"), (str(odd), *ports), strict=True):
        monkeypatch.setenv(f"RNN_TASKS_{name}", value)
    monkeypatch.delenv("RNN_TASKS_CACHE", raising=False)
    monkeypatch.delenv("PREFECT_API_URL")
    settings = get_settings().export_environment()
    with servers.user_interfaces(settings, tell=print):
        done = command("run", "dummy", "--json")
        assert done.returncode == 0, done.stderr
        run_id = json.loads(done.stdout)["run_id"]
        address = f"{settings.mlflow_url}/get-artifact?path=samples/samples.tsv&run_uuid={run_id}"
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.read() == b"word\tanswer\none\t[3]\n"
        count = urllib.request.Request(f"{settings.prefect_url}/api/flow_runs/count", method="POST")
        with urllib.request.urlopen(count, timeout=60) as answer:
            assert answer.read() == b"1"
    answered = command("predict", "dummy", stdin="three\n")
    assert (answered.stdout, answered.returncode) == ("5\n", 0)
    assert run_id in command("compare", "dummy").stdout
    assert command("list").returncode == 0
    with contextlib.closing(sqlite3.connect(settings.prefect_database)) as store:
        assert store.execute("SELECT count(*) FROM flow_run").fetchone() == (1,)
    assert {path.name for path in home.iterdir()} == {"mlruns", ODD}  # nothing under a name that was read wrongly
    # MLflow's own client reads %20 in a local path as a space, unless it is told where to put what it reads.
    (home / "copy").mkdir()
    loaded = tracking.mlflow.pyfunc.load_model("models:/dummy@champion", dst_path=str(home / "copy"))
    assert loaded.predict(["one"]) == ["3"]
