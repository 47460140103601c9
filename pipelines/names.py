"""Names that MLflow takes, for whatever users call their files, groups and settings."""

from __future__ import annotations

import hashlib
import re

# MLflow's limits, in characters.
DATASET_LENGTH, PARAM_LENGTH, KEY_LENGTH = 500, 6000, 250
SECTION_LENGTH = 30  # room for what is put before a name: `baseline/`
DIGITS = 8


def key(name: str) -> str:
    """A name for a metric or a tag: unchanged if MLflow takes it, else changed, with a digest that keeps it unique."""
    taken = re.sub(r"[^\w.\- :]", "-", name)[: KEY_LENGTH - SECTION_LENGTH]
    if taken == name:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:DIGITS]
    return f"{taken[: KEY_LENGTH - SECTION_LENGTH - DIGITS - 1]}-{digest}"


def shortened(text: str, limit: int) -> str:
    """`text` in at most `limit` characters; a longer text keeps its end, where paths differ."""
    return text if len(text) <= limit else f"…{text[len(text) - limit + 1 :]}"
