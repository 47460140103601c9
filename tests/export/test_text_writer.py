"""A language model from text to text: how much of it is worked on at once changes nothing."""

import numpy as np
import pytest
import tensorflow as tf

from rnn_tasks import models, text
from rnn_tasks.export import text_writer
from rnn_tasks.text.stream_tokenizer import StreamTokenizer

LETTERS = dict.fromkeys("abcdefgh ", 1)


@pytest.fixture(scope="module")
def writer():
    tokenizer = StreamTokenizer(text.Vocabulary.from_counts(LETTERS), text.StreamConfig())
    model = models.LanguageModel(len(tokenizer.vocabulary), cell="lstm", units=8, embedding_dim=4, layers=2, seed=1)
    return text_writer.TextWriter(model, tokenizer)


@pytest.mark.parametrize(("time", "at_once"), [(3, 1 << 25), (128, 1), (128, 4 * 13 * 5)])
def test_lines_are_scored_in_parts_that_change_nothing(writer, monkeypatch, time, at_once):
    lines = tf.constant(["abc", "", "hgf edc bad cab", "a" * 9])
    whole = writer.score(lines)
    seen = []
    hidden = writer.model.hidden
    monkeypatch.setattr(text_writer, "TIME", time)
    monkeypatch.setattr(text_writer, "AT_ONCE", at_once)
    monkeypatch.setattr(writer.model, "hidden", lambda ids, states: (seen.append(ids.shape), hidden(ids, states))[1])
    parts = writer.score(lines)
    assert len(seen) > 1
    assert sum(shape[1] for shape in seen) == 16
    assert parts["tokens"].numpy().tolist() == [4, 1, 16, 10]
    np.testing.assert_allclose(parts["log_probability"], whole["log_probability"], rtol=1e-5)


class Fake:
    """A SavedModel that writes what it is told to, and how many tokens it was asked to decode at most."""

    def __init__(self, tokenizer, ids):
        self.tokenizer, self.ids, self.at, self.most = tokenizer, tf.constant(ids[None]), 1, 0

    def begin(self, prompts):
        return {"ids": self.ids[:, :1], "last": None}

    def go_on(self, tokens, *_):
        self.at += int(tokens)
        return {"ids": self.ids[:, self.at - int(tokens) : self.at], "last": None}

    def decode(self, ids):
        self.most = max(self.most, ids.shape[1])
        return {"text": self.tokenizer.decode(ids)}


@pytest.mark.parametrize("level", ["word", "wordpiece"])
def test_a_long_line_is_shown_as_it_is_written_from_a_few_tokens_at_once(tmp_path, level):
    line = "It’s the well-known 3.5 % “cat”, isn't it? (No.) unbelievable mice " * 12
    path = tmp_path / "a.txt"
    path.write_text(f"{line}\n" * 20, encoding="utf-8")
    config = text.StreamConfig(source=str(path), level=level, vocabulary_size=70)
    text.prepare_stream(text.documents_of_files(config), config, tmp_path)
    tokenizer = text.load_stream_tokenizer(tmp_path, config)
    ids = tokenizer.ids(line)
    served = Fake(tokenizer, ids)
    pieces = text_writer.written_pieces(served, "", len(ids) - 1, (1.0, 0, 1.0, 1), 1)
    written = "".join(piece for (piece,) in pieces)
    first, whole = (tokenizer.decode(tf.constant(part[None])).numpy()[0].decode() for part in (ids[:1], ids))
    assert first + written == whole
    assert len(ids) > 150
    assert served.most <= text_writer.TAIL + text_writer.PIECE
