"""The metrics of each epoch that training recorded."""

from __future__ import annotations

import json
from pathlib import Path


def read_history(path: Path) -> list[dict[str, float]]:
    """The epochs of a `history.jsonl`, one mapping of metrics each."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]
