"""Corpora fetched by name: from their official addresses, pinned by sha256, whole or absent in the cache."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import http.client
import os
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.files import file_digest
from rnn_tasks.locks import alone

CHUNK_BYTES = 1 << 16
TIMEOUT_SECONDS = 30.0
BACK_OFF_SECONDS = (1.0, 2.0, 4.0)
PERMANENT = range(400, 500)  # the request itself is refused, and will be again ...
PASSING = (408, 425, 429)  # ... but for these
HEADERS = {"User-Agent": "Mozilla/5.0 (compatible; rnn-tasks)"}  # some of the sites refuse Python's own name


@dataclass(frozen=True)
class NamedSource:
    """A data set as `data/sources.toml` describes it.

    Attributes:
        languages: of a corpus of sentence pairs; empty for anything else.
        files: file name -> sha256 of its content.
        base: the address that the names are added to.
        advice: what to do when the site no longer serves these files.
    """

    name: str
    languages: tuple[str, ...]
    base: str
    advice: str
    files: Mapping[str, str]


class _BrokenDownloadError(Exception):
    """One attempt failed. `permanent`: another one would, too."""

    def __init__(self, reason: str, permanent: bool = False):
        super().__init__(reason)
        self.permanent = permanent


class _OtherContentError(_BrokenDownloadError):
    """A whole file came, but not the pinned one."""


@functools.cache
def known_sources() -> Mapping[str, NamedSource]:
    """Every source that can be fetched, by name."""
    described = tomllib.loads((files("rnn_tasks.text") / "data" / "sources.toml").read_text("utf-8"))
    return {
        name: NamedSource(
            name=name,
            languages=tuple(entry.get("languages", ())),
            base=entry["base"],
            advice=entry["advice"],
            files={file["name"]: file["sha256"] for file in entry["files"]},
        )
        for name, entry in described.items()
    }


def default_cache_dir() -> Path:
    """Where downloads are kept: the environment's RNN_TASKS_CACHE, else data/cache below the working directory."""
    return Path(os.environ.get("RNN_TASKS_CACHE") or Path("data", "cache"))


def fetch_source(
    name: str,
    cache_dir: Path | None = None,
    mirror: str | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[Path, ...]:
    """The files of a named source, downloaded unless they are in `cache_dir/name` already.

    Args:
        name: one of `known_sources()`.
        cache_dir: None is `default_cache_dir()`.
        mirror: fetch `mirror/name/file` instead of the official address; None takes the environment's
            RNN_TASKS_MIRROR where it is set. The sha256 is the same.
        sleep: waits between attempts, in seconds.

    Raises:
        UserError: what to fetch by hand and where to put it, when a download fails; expected and found sha256,
            when a file is not the pinned one.
    """
    source = known_sources()[name]
    directory = (cache_dir or default_cache_dir()) / name
    mirror = mirror or os.environ.get("RNN_TASKS_MIRROR")
    base = f"{mirror.rstrip('/')}/{name}/" if mirror else source.base
    for file, sha256 in source.files.items():
        path = directory / file
        if path.exists():
            if (found := file_digest(path)) != sha256:
                wrong = f"sha256 is {found}, expected {sha256}"
                raise UserError(f"{path}: {wrong}; delete the file to have it downloaded again; {source.advice}")
            continue
        try:
            with _downloading(path):
                if not path.exists():  # nor has another process downloaded it while this one waited
                    _download_retrying(base + file, path, sha256, sleep)
        except _OtherContentError as error:
            raise UserError(f"{base + file}: {error}; {source.advice}") from None
        except _BrokenDownloadError as error:
            missing = " ".join(source.base + name for name in source.files if not (directory / name).exists())
            by_hand = f"fetch by hand {missing} and put into {directory}"
            raise UserError(f"{base + file}: cannot be downloaded ({error}); {by_hand}; {source.advice}") from None
    return tuple(directory / file for file in source.files)


@contextlib.contextmanager
def _downloading(target: Path) -> Iterator[None]:
    """One process downloads a file while the others wait."""
    with contextlib.ExitStack() as lock:
        try:
            lock.enter_context(alone(target.with_name(f".{target.name}.lock"), f"downloads {target.name}"))
        except OSError as error:
            raise UserError(f"{target}: cannot be written ({error.strerror})") from None
        yield


def _download_retrying(url: str, target: Path, sha256: str, sleep: Callable[[float], object]) -> None:
    for seconds in BACK_OFF_SECONDS:
        try:
            return _download_once(url, target, sha256)
        except _BrokenDownloadError as error:
            if error.permanent:
                raise
            with activity.doing(f"trying {target.name} again in {seconds:.0f} s ({error})"):
                sleep(seconds)
    return _download_once(url, target, sha256)


def _download_once(url: str, target: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with _written_aside(target) as write:
        for chunk in _chunks(url, label=target.name):
            digest.update(chunk)
            write(chunk)
        if digest.hexdigest() != sha256:
            raise _OtherContentError(f"sha256 is {digest.hexdigest()}, expected {sha256}")


@contextlib.contextmanager
def _written_aside(target: Path) -> Iterator[Callable[[bytes], object]]:
    """A function that takes a file's bytes; the file bears its name only once the block has ended well."""
    aside = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(prefix=f".{target.name}-", dir=target.parent, delete=False) as file:
            aside = Path(file.name)
            yield file.write
        aside.chmod(0o644)
        os.replace(aside, target)
    except OSError as error:  # network errors come as _BrokenDownloadError, so this is the disk
        raise UserError(f"{target}: cannot be written ({error.strerror})") from None
    finally:
        if aside:
            aside.unlink(missing_ok=True)


def _chunks(url: str, label: str) -> Iterator[bytes]:
    """The body behind `url`."""
    received = 0
    try:
        request = urllib.request.Request(url, headers=HEADERS)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            length = response.headers.get("Content-Length")
            total = int(length) if length and length.isdigit() else None
            with activity.doing(f"downloading {label}", total, unit="bytes") as downloading:
                while chunk := response.read(CHUNK_BYTES):
                    received += len(chunk)
                    downloading.advance(len(chunk))
                    yield chunk
    except urllib.error.HTTPError as error:
        permanent = error.code in PERMANENT and error.code not in PASSING
        raise _BrokenDownloadError(f"HTTP {error.code} {error.reason}", permanent) from None
    except urllib.error.URLError as error:
        reason = error.reason
        raise _BrokenDownloadError(getattr(reason, "strerror", None) or str(reason)) from None
    except (http.client.HTTPException, OSError) as error:
        raise _BrokenDownloadError(str(error) or type(error).__name__) from None
    except ValueError as error:  # an address that is none
        raise _BrokenDownloadError(str(error), permanent=True) from None
    if total is not None and received != total:
        raise _BrokenDownloadError(f"the connection ended after {received} of {total} bytes")
