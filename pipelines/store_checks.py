"""Check at once whether the stores can be used: MLflow tries for 100 seconds to open one that it cannot open."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from pipelines.settings import Settings
from rnn_tasks.errors import UserError

ADDRESS_LENGTH = 1500  # MLflow takes addresses of 2048 characters, with the names behind ours
WAIT_SECONDS = 60.0  # another process may be writing


def check(settings: Settings, *, writes: bool) -> None:
    """Look at the stores, and at the paths that lead to them, before anything is loaded.

    Args:
        writes: the command makes runs; otherwise it reads MLflow's store.

    Raises:
        UserError: a path that has no address, something else in the place of a store, or no right to use it.
    """
    _check_address(settings)
    directories = [settings.mlflow_database.parent, settings.artifacts]
    if writes:
        directories += [settings.unfinished, settings.prefect_home, settings.prefect_log.parent, settings.prepared]
    for directory in directories:
        _check_directory(directory, writes)
    _check_database(settings.mlflow_database, "MLflow", writes)
    if writes and not os.environ.get("PREFECT_API_URL"):  # otherwise another server has it: elsewhere, or open already
        _check_database(settings.prefect_database, "Prefect", writes)


def _check_address(settings: Settings) -> None:
    for name, path in {"RNN_TASKS_HOME": settings.home, "RNN_TASKS_CACHE": settings.cache}.items():
        try:
            str(path).encode()
        except UnicodeEncodeError:
            raise UserError(f"{name}: {str(path)!r} is not UTF-8; accepted is a path that is") from None
    # SQLAlchemy takes an address as it is up to a `?`, which cannot be quoted.
    if "?" in str(settings.home):
        raise UserError(f"RNN_TASKS_HOME: {settings.home} has a '?', which the address of a database cannot have")
    if (length := len(settings.artifacts.as_uri())) > ADDRESS_LENGTH:
        raise UserError(
            f"RNN_TASKS_HOME: {settings.artifacts.as_uri()} has {length} characters; MLflow takes {ADDRESS_LENGTH}, "
            "with room for the names behind it"
        )


def _check_directory(directory: Path, writes: bool) -> None:
    """Refuse a path that is no directory and cannot be made one."""
    for place in (directory, *directory.parents):
        try:
            os.lstat(place)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise UserError(f"{place}: cannot be used ({error.strerror})") from None
        break
    if not place.is_dir():
        raise UserError(f"{place}: is no directory, which is wanted there")
    if not os.access(place, os.W_OK | os.X_OK if writes or place != directory else os.X_OK):
        raise UserError(f"{place}: no permission to {'write' if os.access(place, os.X_OK) else 'enter'} there")


def _check_database(path: Path, name: str, writes: bool) -> None:
    """Refuse a database that exists but that SQLite cannot open."""
    if not os.path.lexists(path):
        return
    if not path.is_file():
        raise UserError(f"{path}: is no file; {name}'s database is wanted there")
    writable = os.access(path, os.W_OK)
    if not os.access(path, os.R_OK) or (writes and not writable):
        raise UserError(f"{path}: no permission to {'write' if os.access(path, os.R_OK) else 'read'} {name}'s database")
    try:
        # On opening, SQLite repairs what a killed process has left half-written, if it may write.
        address = f"{path.as_uri()}?mode={'rw' if writable else 'ro'}"
        with contextlib.closing(sqlite3.connect(address, timeout=WAIT_SECONDS, uri=True)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise UserError(f"{path}: {name}'s database cannot be opened ({error})") from None
