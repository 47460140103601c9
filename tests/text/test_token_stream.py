"""A text as token ids: which files it is, where it is cut, and that nothing is lost."""

import gzip

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from rnn_tasks import text
from rnn_tasks.errors import UserError
from rnn_tasks.text import documents as module
from rnn_tasks.text.stream_tokenizer import StreamTokenizer

LINES = [f"The cat no. {number} said: “Don't!”\tAnd ran, über 3 fields." for number in range(200)]


def prepared(tmp_path, source, **changes):
    config = text.StreamConfig(source=str(source), **changes)
    out = tmp_path / "out"
    out.mkdir(exist_ok=True)
    counts = text.prepare_stream(text.documents_of_files(config), config, out)
    tokenizer = text.load_stream_tokenizer(out, config)
    streams = {split: text.load_stream(out, split) for split in ("train", "val", "test")}
    return counts, tokenizer, streams


def decoded(tokenizer, ids):
    return tokenizer.decode(tf.constant(np.array(ids)[None])).numpy()[0].decode()


def test_characters_of_one_file_are_cut_where_the_shares_say_and_nothing_is_lost(tmp_path):
    content = "".join(f"{line}\n" for line in LINES)
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    counts, tokenizer, streams = prepared(tmp_path, tmp_path / "a.txt", validation_fraction=0.1, test_fraction=0.1)
    parts = [decoded(tokenizer, stream.ids) for stream in streams.values()]
    assert "".join(parts) == content
    assert parts[2] == content[int(len(content) * 0.9) :]
    assert [len(part) for part in parts] == [counts[split] for split in streams]
    assert [counts[f"{split}_documents"] for split in streams] == [1, 1, 1]
    assert counts["vocabulary"] == 4 + len(set(parts[0])) - 1  # a line's end is `<eos>`


@pytest.mark.parametrize("level", ["word", "wordpiece"])
def test_words_are_cut_at_line_ends_and_nothing_is_lost(tmp_path, level):
    content = "".join(f"{line}\n" for line in LINES)
    (tmp_path / "a.txt").write_text(content, encoding="utf-8")
    _, tokenizer, streams = prepared(tmp_path, tmp_path / "a.txt", level=level, vocabulary_size=400)
    train, val, _ = (decoded(tokenizer, stream.ids) for stream in streams.values())
    assert train.endswith("\n")
    assert val.endswith("\n")
    assert content.replace("\t", " ").startswith(train + "The cat no. ")
    assert val.startswith("The cat no. ")


def test_the_penn_treebanks_words_stand_between_spaces(tmp_path):
    for split, lines in (
        ("train", " the <unk> of n't N \n mr. <unk> \n"),
        ("valid", " of \n"),
        ("test", " the fox \n"),
    ):
        (tmp_path / f"ptb.{split}.txt").write_text(lines)
    counts, tokenizer, streams = prepared(tmp_path, tmp_path, level="word", tokenized=True)
    shown = {split: [tokenizer.vocabulary.tokens[i] for i in stream.ids] for split, stream in streams.items()}
    assert shown["train"] == ["the", "<unk>", "of", "n't", "N", "<eos>", "mr.", "<unk>", "<eos>"]
    assert shown["test"] == ["the", "<unk>", "<eos>"]
    assert len(tokenizer.vocabulary.tokens) == len(set(tokenizer.vocabulary.tokens)) == 4 + 5
    assert counts["test_unknown"] == 1
    assert decoded(tokenizer, streams["train"].ids) == "the <unk> of n't N\nmr. <unk>\n"


def test_files_of_a_directory_are_documents_and_a_split_begins_one(tmp_path):
    for number in range(3):
        with gzip.open(tmp_path / f"{number}.txt.gz", "wt") as file:
            file.write("abcdefghi\n" * 10)
    (tmp_path / "README").write_text("not this")
    counts, _, streams = prepared(tmp_path, tmp_path, validation_fraction=0.2, test_fraction=0.2)
    assert [streams[split].documents.tolist() for split in streams] == [[0, 100], [0, 20], [0]]
    assert counts["train_documents"] == 2


def test_where_no_file_validates_the_end_of_the_training_text_does(tmp_path):
    (tmp_path / "train.txt").write_text("abcdefghi\n" * 100)
    (tmp_path / "test.txt").write_text("abc\n")
    counts, _, _ = prepared(tmp_path, tmp_path, validation_fraction=0.1)
    assert [counts[split] for split in ("train", "val", "test")] == [900, 100, 4]


def test_blocks_of_any_size_give_the_same(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    found = []
    for size in (1 << 18, 37):
        monkeypatch.setattr(module, "BLOCK", size)
        _, _, streams = prepared(tmp_path, tmp_path / "a.txt")
        found.append([np.array(stream.ids) for stream in streams.values()])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("level", ["character", "word"])
def test_the_graph_finds_the_ids_that_were_prepared(tmp_path, level):
    (tmp_path / "a.txt").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    _, tokenizer, _ = prepared(tmp_path, tmp_path / "a.txt", level=level, lowercase=True)
    given = "The CAT ran\nover 3 ÜBER fields.\n\nDon't ☃"
    np.testing.assert_array_equal(tokenizer.encode(tf.constant([given, ""])).to_list()[0], tokenizer.ids(given))
    assert tokenizer.encode(tf.constant([given, ""])).to_list()[1] == []


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\0"), max_size=30))
def test_any_character_survives_its_vocabulary_file(tmp_path_factory, line):
    config = text.StreamConfig()
    from rnn_tasks.text.stream_tokenizer import character_token

    path = tmp_path_factory.mktemp("vocabulary") / "v.tsv"
    text.Vocabulary.from_counts({character_token(character): 1 for character in line}).save(path)
    tokenizer = StreamTokenizer(text.Vocabulary.load(path), config)
    assert decoded(tokenizer, tokenizer.ids(f"{line}\n")) == f"{line}\n"


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        ({}, "holds no file"),
        ({"ptb.train.txt": "a b\n"}, "has no test file"),
        ({"a.txt": ""}, "empty file"),
        ({"a.txt": "\n\n\n"}, "no text but line ends"),
        ({"a.txt": "a"}, "no text"),
        ({"a.txt": b"caf\xe9\n" * 9}, "invalid UTF-8"),
        ({"a.txt": b"a\0b\n" * 9}, "NUL"),
        ({"a.txt.gz": b"no gzip"}, "corrupt"),
    ],
)
def test_what_is_no_text_is_said_in_one_line(tmp_path, files, wrong):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    out = tmp_path.with_name(tmp_path.name + "-out")
    out.mkdir()
    config = text.StreamConfig(source=str(tmp_path))
    with pytest.raises(UserError, match=wrong) as error:
        text.prepare_stream(text.documents_of_files(config), config, out)
    assert "\n" not in str(error.value)


def test_a_directory_that_vanishes_while_it_is_looked_at_is_said_in_one_line(tmp_path, monkeypatch):
    def vanished(self):
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr(type(tmp_path), "iterdir", vanished)
    with pytest.raises(UserError, match=r"cannot be read \(No such file or directory\)$"):
        text.documents_of_files(text.StreamConfig(source=str(tmp_path)))


def test_tokens_are_counted_in_parts(monkeypatch):
    monkeypatch.setattr("rnn_tasks.text.token_stream.COUNTED_AT_ONCE", 3)
    ids = np.array([3, 5, 3, 3, 4, 3, 5], np.int32)
    assert text.TokenStream(ids, np.zeros(1, np.int64)).counts(7).tolist() == [0, 0, 0, 4, 1, 2, 0]


@pytest.mark.parametrize("level", ["character", "word", "wordpiece"])
def test_a_tokens_piece_is_what_it_adds_to_the_text(tmp_path, level):
    (tmp_path / "a.txt").write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    _, tokenizer, streams = prepared(tmp_path, tmp_path / "a.txt", level=level, vocabulary_size=90)
    ids = np.array(streams["test"].ids)
    pieces = tokenizer.pieces(ids)
    assert len(pieces) == len(ids)
    assert "".join(pieces) == decoded(tokenizer, ids)
    if level == "word":
        assert pieces[:3] == ["The", " cat", " no"]


def test_a_path_that_does_not_exist_is_said_in_one_line(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        text.documents_of_files(text.StreamConfig(source=str(tmp_path / "none")))
