"""Corpora fetched by name."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rnn_tasks.download import fetch_files


@dataclass(frozen=True)
class NamedSource:
    """A data set as `data/sources.toml` describes it.

    Attributes:
        languages: of a corpus of sentence pairs; empty for other data.
        files: file name -> sha256 of its content.
        base: the address to which the names are added.
        advice: what to do if the site no longer serves these files.
    """

    name: str
    languages: tuple[str, ...]
    base: str
    advice: str
    files: Mapping[str, str]


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


def fetch_source(name: str, cache_dir: Path | None = None, mirror: str | None = None) -> tuple[Path, ...]:
    """The files of a named source; see `rnn_tasks.download.fetch_files`."""
    source = known_sources()[name]
    return fetch_files(name, source.files, source.base, source.advice, cache_dir, mirror)
