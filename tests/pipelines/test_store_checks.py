"""Stores that cannot be used are told of at once and in one line."""

from __future__ import annotations

import contextlib
import os
import sqlite3

import pytest

from pipelines import cli, model_registry, servers, store_checks, tracking
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from tests.nobody import as_nobody, let_nobody_in

READ, WRITE = ["predict", "compare"], ["run", "ui", "serve"]


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
