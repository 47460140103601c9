"""An interactive map of word vectors in one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnn_tasks.export.neighbours import Neighbours
from rnn_tasks.files import write_whole
from rnn_tasks.plots.canvas import group_colours

TEMPLATE = Path(__file__).with_name("tsne_page.html")


def write_tsne_page(
    path: Path,
    points: np.ndarray,
    words: Sequence[str],
    counts: Sequence[int],
    groups: Sequence[str] | None = None,
    neighbours: Neighbours | None = None,
    title: str = "Word vectors",
) -> Path:
    """Write a page with pan, zoom and search; it labels as many words as there is room for.

    `page.html#word` opens it at a word.

    Args:
        path: the HTML file.
        points: (words, 2) coordinates, from `tsne_points`.
        words: the words, in any characters.
        counts: how often each occurs; frequent words get their label first.
        groups: each word's group (source and target, for instance): a colour and a legend entry each.
        neighbours: each word's nearest words among these, from `cosine_neighbours`; shown beside the map.
        title: stands above the map.

    Returns:
        `path`.

    Raises:
        ValueError: the numbers of points, words, counts, groups and neighbours differ.
    """
    points = np.asarray(points, float)
    parts = {"points": points, "words": words, "counts": counts, "groups": groups}
    parts["neighbours"] = None if neighbours is None else neighbours.indices
    sizes = {name: len(part) for name, part in parts.items() if part is not None}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"unequally many: {', '.join(f'{size} {name}' for name, size in sizes.items())}")
    names = list(dict.fromkeys(groups)) if groups is not None else [""]
    data = {
        "words": list(words),
        "x": points[:, 0].round(3).tolist(),
        "y": points[:, 1].round(3).tolist(),
        "counts": [int(count) for count in counts],
        "groups": names,
        "colours": group_colours(names),
        "group": [names.index(group) for group in groups] if groups is not None else [0] * len(words),
        "neighbours": [] if neighbours is None else neighbours.indices.tolist(),
        "cosines": [] if neighbours is None else neighbours.similarities.astype(float).round(3).tolist(),
    }
    content = {"TITLE": html.escape(title), "DATA": _script_json(data)}
    # In one pass, so that a title or word that looks like a placeholder stays what it is.
    page = re.sub(r"\{\{(TITLE|DATA)\}\}", lambda match: content[match[1]], TEMPLATE.read_text(encoding="utf-8"))
    return write_whole(path, page)


def _script_json(data: Any) -> str:
    """JSON that cannot end the script element it stands in: no `<` (`</script>`, `<!--`) is left in it."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
