"""Names of languages: `fr`, `fra`, `fr-CA` and `French` are one."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib.resources import files


def language_code(name: str) -> str:
    """The short code of a language, whatever code or name it goes by; regions and scripts are left out.

    Args:
        name: `fr`, `fra`, `fr_CA`, `zho_Hans`, `French` or `français`.

    Returns:
        Two letters where ISO 639-1 has them, as far as `data/languages.toml` knows; else the name's first part.
    """
    name = name.strip().casefold()
    first = re.split(r"[-_]", name)[0]
    return _codes().get(name) or _codes().get(first) or first


def is_language_name(name: str) -> bool:
    """Whether a language is spelled out: `French`, `français`, but not `fr`, which may be a word of some language."""
    name = name.strip().casefold()
    return len(name) > 3 and name in _codes()


@functools.cache
def _codes() -> dict[str, str]:
    known = tomllib.loads((files("rnn_tasks.text") / "data" / "languages.toml").read_text("utf-8"))
    return {name: code for code, names in known.items() for name in (code, *names)}
