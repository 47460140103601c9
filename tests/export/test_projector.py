import csv

import numpy as np
import pytest

from rnn_tasks import export

WORDS = ["chat", "l'", '"', "<eos>", "a\tb", "c\nd", "\u2028", "\u00a0", "#", ""]


def test_projector_files_round_trip(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(len(WORDS), 7)).astype(np.float32) * 1e-3
    counts = list(range(100, 100 + len(WORDS)))
    paths = export.write_projector(tmp_path / "projector", vectors, WORDS, counts)
    vectors_path, metadata_path, config_path = paths
    assert [path.name for path in paths] == ["vectors.tsv", "metadata.tsv", "projector_config.pbtxt"]
    np.testing.assert_allclose(np.loadtxt(vectors_path, delimiter="\t"), vectors, rtol=1e-6)
    with metadata_path.open(encoding="utf-8", newline="\n") as file:
        header, *rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
    assert header == ["token", "count"]
    shown = [word.replace("\t", "\\t").replace("\n", "\\n") for word in WORDS]
    assert rows == [[word, str(count)] for word, count in zip(shown, counts, strict=True)]
    assert 'tensor_path: "vectors.tsv"\n  metadata_path: "metadata.tsv"' in config_path.read_text()


def test_projector_files_have_a_line_a_word(tmp_path):
    vectors, metadata, _ = export.write_projector(tmp_path, np.eye(3), ["a", "b", "c"], [3, 2, 1])
    assert vectors.read_text() == "1\t0\t0\n0\t1\t0\n0\t0\t1\n"
    assert metadata.read_text() == "token\tcount\na\t3\nb\t2\nc\t1\n"


def test_projector_refuses_unequal_parts(tmp_path):
    with pytest.raises(ValueError, match="2 vectors, 1 words, 1 counts"):
        export.write_projector(tmp_path / "none", np.eye(2), ["a"], [1])
    assert not (tmp_path / "none").exists()
