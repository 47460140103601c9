"""Download files from their official addresses, pinned by sha256; in the cache they are whole or absent."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.files import file_digest
from rnn_tasks.locks import alone

RETRIES = 3
TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 16
PERMANENT = set(range(400, 500)) - {408, 425, 429}  # the request itself is wrong, so it would be refused again
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; rnn-tasks)"}  # some sites refuse Python's default name


class _RefusedError(Exception):
    """A failure that another attempt would repeat."""


def default_cache_dir() -> Path:
    """The directory of downloads: RNN_TASKS_CACHE from the environment, else data/cache in the working directory."""
    return Path(os.environ.get("RNN_TASKS_CACHE") or Path("data", "cache"))


def fetch_files(
    name: str,
    pinned: Mapping[str, str],
    base: str,
    advice: str,
    cache_dir: Path | None = None,
    mirror: str | None = None,
) -> tuple[Path, ...]:
    """The files of a data set, downloaded unless they are in `cache_dir/name` already.

    Args:
        name: of the data set.
        pinned: file name -> sha256 of its content.
        base: the address to which the file names are added.
        advice: what to do if the site no longer serves these files.
        cache_dir: None is `default_cache_dir()`.
        mirror: fetch `mirror/name/file` instead of the official address; None takes RNN_TASKS_MIRROR from the
            environment if it is set. The sha256 is the same.

    Raises:
        UserError: a download failed (the message says what to fetch by hand and where to put it), or a file is not the
            pinned one (the message gives both sha256).
    """
    directory = (cache_dir or default_cache_dir()) / name
    mirror = mirror or os.environ.get("RNN_TASKS_MIRROR")
    used = f"{mirror.rstrip('/')}/{name}/" if mirror else base
    for file, sha256 in pinned.items():
        path = directory / file
        if path.exists():
            if (found := file_digest(path)) != sha256:
                wrong = f"sha256 is {found}, expected {sha256}"
                raise UserError(f"{path}: {wrong}; delete the file to have it downloaded again; {advice}")
            continue
        if problem := _problem_of_download(used + file, path, sha256):
            missing = " ".join(base + each for each in pinned if not (directory / each).exists())
            by_hand = f"fetch by hand {missing} and put into {directory}"
            raise UserError(f"{used + file}: cannot be downloaded ({problem}); {by_hand}; {advice}")
    return tuple(directory / file for file in pinned)


def _problem_of_download(url: str, path: Path, sha256: str) -> str:
    """Download a file, or wait while another process does; return what prevented it, or "" if the file is there."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    folder = pooch.create(
        path.parent, "", registry={path.name: f"sha256:{sha256}"}, urls={path.name: url}, retry_if_failed=RETRIES
    )
    downloader = _Downloader(path.name)
    try:
        with alone(path.with_name(f".{path.name}.lock"), f"downloads {path.name}"):
            folder.fetch(path.name, downloader=downloader)
            path.chmod(0o644)
    except _RefusedError as error:
        return str(error)
    except requests.RequestException as error:
        return _reason(error)
    except ValueError:
        return f"sha256 is {downloader.sha256}, expected {sha256}"
    except OSError as error:  # network errors are RequestExceptions, so this is an error of the disk
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None
    return ""


class _Downloader:
    """Pooch's downloader, with a progress report and without new attempts after a refusal."""

    def __init__(self, name: str) -> None:
        self.name, self.sha256 = name, ""

    def __call__(self, url: str, output_file: Any, pooch: Any) -> None:
        import requests
        from pooch import HTTPDownloader

        with activity.doing(f"downloading {self.name}", unit="bytes") as downloading:
            shown = _Shown(downloading)
            get = HTTPDownloader(shown, chunk_size=CHUNK_BYTES, headers=HEADERS, timeout=TIMEOUT_SECONDS)
            try:
                get(url, output_file, pooch)
            except requests.HTTPError as error:
                if error.response is not None and error.response.status_code in PERMANENT:
                    raise _RefusedError(_reason(error)) from None
                raise
            except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema) as error:
                raise _RefusedError(str(error).partition(":")[0]) from None
        self.sha256 = file_digest(Path(output_file))


class _Shown:
    """An activity in the form of a progress bar, for pooch."""

    def __init__(self, shown: activity.Activity) -> None:
        self.shown = shown

    @property
    def total(self) -> int:
        return self.shown.total or 0

    @total.setter
    def total(self, count: int) -> None:
        self.shown.total = count or None  # pooch gives 0 if it does not know the size

    def update(self, amount: int) -> None:
        self.shown.advance(amount)

    def reset(self) -> None:
        self.shown.done = 0

    def close(self) -> None:
        """The activity ends by itself."""


def _reason(error: Exception) -> str:
    """The reason of a failure: the message of the innermost error that has one."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}"
    inner: Any = error
    while isinstance(following := _inner(inner), Exception):
        inner = following
    return getattr(inner, "strerror", None) or str(inner) or type(inner).__name__


def _inner(error: Exception) -> Any:
    return getattr(error, "reason", None) or error.__cause__ or next(iter(error.args[::-1]), None)
