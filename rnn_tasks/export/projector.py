"""Word vectors as files for the Embedding Projector (TensorBoard's, or projector.tensorflow.org by upload)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rnn_tasks.files import write_whole

# The projector splits at tabs and line ends only; a word with one of them must not break the table.
VISIBLE = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})

CONFIG = """\
embeddings {{
  tensor_name: "{name}"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}}
"""


def write_projector(
    directory: Path,
    vectors: np.ndarray,
    words: Sequence[str],
    counts: Sequence[int],
    name: str = "words",
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[Path, Path, Path]:
    """Write `vectors.tsv`, `metadata.tsv` (token, count, other columns) and `projector_config.pbtxt` into `directory`.

    Args:
        directory: made if it does not exist; `tensorboard --logdir` can open it.
        vectors: (words, units), written with 7 significant digits.
        words: the words, one a row. Tabs and line ends within are written as `\\t`, `\\n`, `\\r`.
        counts: how often each word occurs in the training split.
        name: the tensor's name in the projector.
        columns: title -> further information on each word; the projector can colour by any column.

    Returns:
        The paths of the three files.

    Raises:
        ValueError: the number of words or counts is not the number of vectors.
    """
    vectors = np.asarray(vectors)
    if not len(vectors) == len(words) == len(counts):
        raise ValueError(f"{len(vectors)} vectors, {len(words)} words, {len(counts)} counts")
    columns = columns or {}
    header = "\t".join(("token", "count", *columns))
    lines = zip(words, counts, *columns.values(), strict=True)
    rows = ("\t".join(f"{value:.7g}" for value in row) for row in vectors.tolist())
    metadata = ("\t".join(str(cell).translate(VISIBLE) for cell in line) for line in lines)
    return (
        write_whole(directory / "vectors.tsv", "".join(f"{line}\n" for line in rows)),
        write_whole(directory / "metadata.tsv", "".join(f"{line}\n" for line in (header, *metadata))),
        write_whole(directory / "projector_config.pbtxt", CONFIG.format(name=name)),
    )
