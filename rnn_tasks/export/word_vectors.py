"""A table of word vectors as files to look at: projector TSVs, a t-SNE picture and a t-SNE page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rnn_tasks.export.neighbours import cosine_neighbours
from rnn_tasks.export.projector import write_projector
from rnn_tasks.export.tsne import most_frequent, tsne_points
from rnn_tasks.export.tsne_page import write_tsne_page
from rnn_tasks.export.vector_files import write_binary, write_npz, write_text
from rnn_tasks.plots import embedding_scatter, save_figure


def write_word_vectors(
    directory: Path,
    name: str,
    vectors: np.ndarray,
    words: Sequence[str],
    counts: Sequence[int],
    shown: int = 600,
    seed: int = 1,
    groups: Sequence[str] | None = None,
    column: str = "group",
) -> dict[str, Path]:
    """Write into `directory/name`: `vectors.tsv` and `metadata.tsv` of all words, `tsne.png` and `tsne.html` of some.

    Also write all vectors for other programs: `vectors.txt`, `vectors.bin` (word2vec's formats, only words without
    white space) and `vectors.npz`.

    Args:
        directory: where to.
        name: of the table, such as "source".
        vectors: (words, units).
        words: one for each row; the `shown` most frequent words with a count above 0 are drawn.
        counts: number of occurrences of each word.
        shown: the largest number of words drawn.
        seed: of t-SNE.
        groups: the group of each word, shown by its colour and in the projector's metadata.
        column: title of the groups.

    Returns:
        Kind of file -> its path.
    """
    folder = directory / name
    folder.mkdir(parents=True, exist_ok=True)
    tsv, metadata, _ = write_projector(
        folder, vectors, words, counts, name, None if groups is None else {column: groups}
    )
    files = {"npz": write_npz(folder / "vectors.npz", words, vectors)}
    spaceless = [row for row, word in enumerate(words) if word and not any(letter.isspace() for letter in word)]
    for kind, write in (("text", write_text), ("binary", write_binary)):
        path = folder / f"vectors.{'txt' if kind == 'text' else 'bin'}"
        files[kind] = write(path, [words[row] for row in spaceless], vectors[spaceless])
    rows = most_frequent(counts, shown)
    chosen, labels, frequencies = vectors[rows], [words[i] for i in rows], [counts[i] for i in rows]
    members = None if groups is None else [groups[i] for i in rows]
    points = tsne_points(chosen, seed)
    title = (
        f"{'Word' if name == 'words' else f'{name.capitalize()} word'} vectors: the {len(rows)} most frequent, t-SNE"
    )
    picture = save_figure(embedding_scatter(points, labels, members, title=title), folder / "tsne.png")
    page = write_tsne_page(folder / "tsne.html", points, labels, frequencies, members, cosine_neighbours(chosen), title)
    return {
        f"{name}_vectors": tsv,
        f"{name}_metadata": metadata,
        f"{name}_tsne": picture,
        f"{name}_tsne_page": page,
        **{f"{name}_{kind}": path for kind, path in files.items()},
    }
