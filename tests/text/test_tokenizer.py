import hypothesis.strategies as st
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

from rnn_tasks.text.normalization import normalize
from rnn_tasks.text.tokenizer import Tokenizer
from rnn_tasks.text.vocabulary import EOS, GO, PAD, SPECIAL_TOKENS, UNK, Vocabulary
from rnn_tasks.text.words import JOINER, WordSplitter

SENTENCES = ["L'homme dort.", "Un chat (noir) dort.", "L'homme a un chat.", "", "Il dort ?"]


def decoded(strings):
    return [string.decode() for string in strings.numpy()]


def word_vocabulary(sentences):
    words = Tokenizer(Vocabulary.from_counts({})).words(tf.constant(sentences)).flat_values.numpy()
    return Vocabulary.from_counts({word.decode(): 1 for word in words})


def piece_vocabulary():
    letters = "abcdefghijklmnopqrstuvwxyzILU'().?-<>#0123" + JOINER
    pieces = [*letters, *(f"##{letter}" for letter in letters), "chat", "##mme", f"##'{JOINER}", f"{JOINER}."]
    return Vocabulary.from_pairs([(piece, 1) for piece in pieces])


@pytest.fixture(scope="module")
def pieces():
    return Tokenizer(piece_vocabulary(), level="wordpiece")


@pytest.fixture(params=["word", "wordpiece"])
def tokenizer(request, pieces):
    return Tokenizer(word_vocabulary(SENTENCES)) if request.param == "word" else pieces


def test_known_text_survives(tokenizer):
    ids = tokenizer.tokenize(tf.constant(SENTENCES))
    assert ids.dtype == tf.int32
    assert ids.row_lengths().numpy().tolist()[3] == 0
    assert decoded(tokenizer.detokenize(ids.to_tensor())) == SENTENCES


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text("abc12 -'().#<>", max_size=20), min_size=1, max_size=10))
def test_pieces_lose_nothing(pieces, texts):
    ids = pieces.tokenize(tf.constant(texts))
    assert UNK not in ids.flat_values.numpy()
    assert decoded(pieces.detokenize(ids.to_tensor())) == decoded(normalize(tf.constant(texts)))


def test_golden_ids():
    tokenizer = Tokenizer(Vocabulary.from_counts({"le": 9, "chat": 8, "￭.": 7}))
    assert tokenizer.tokenize(["le chat.", "le chien", ""]).to_list() == [[4, 5, 6], [4, UNK], []]
    assert decoded(tokenizer.tokens([4, PAD, EOS])) == ["le", "<pad>", "<eos>"]


def test_golden_pieces(pieces):
    tokens = pieces.tokens(pieces.tokenize(["L'homme é a.", "chats"])).to_list()
    assert [b" ".join(row).decode() for row in tokens] == ["L ##'￭ h ##o ##mme <unk> a ￭.", "chat ##s"]


def test_long_words_are_cut_not_given_up(pieces):
    assert pieces.tokenize(["ab" * 300]).row_lengths().numpy().tolist() == [600]
    assert pieces.tokenize(["ab" * 600]).to_list() == [[UNK]]


@pytest.mark.parametrize("special", SPECIAL_TOKENS)
def test_text_never_becomes_a_special_token(tokenizer, special):
    ids = tokenizer.tokenize([special, f"a{special}b", f" {special} ", special.upper()])
    assert not set(ids.flat_values.numpy()) & {PAD, GO, EOS}
    if tokenizer.level == "wordpiece":
        assert decoded(tokenizer.detokenize(ids[:1].to_tensor())) == [special]


def test_detokenize_stops_at_eos_and_drops_padding(tokenizer):
    a, b = tokenizer.tokenize(["a chat"])[0].numpy()
    rows = [[GO, a, EOS, b], [a, PAD, PAD, PAD], [EOS, a, b, b], [PAD] * 4, [GO, UNK, PAD, EOS], [a, b, b, a]]
    assert decoded(tokenizer.detokenize(rows)) == ["a", "a", "", "", "<unk>", "a chat chat a"]
    assert tokenizer.detokenize(tf.zeros((0, 3), tf.int32)).shape == (0,)
    assert decoded(tokenizer.detokenize(tf.zeros((2, 0), tf.int32))) == ["", ""]


def test_a_target_is_written_with_its_typography():
    """What `detokenize` gives is the text the vocabulary was learned from, to the character."""
    lines = ["L’homme dort\u202f!", "« Oui\u00a0», dit-il.", "l&apos; homme &quot;", "un@@ mot￭", "我用 Keras 。"]
    splitter = WordSplitter(keeps_typography=True)
    words = {word: 1 for line in decoded(splitter.split(tf.constant(lines))) for word in line.split()}
    tokenizer = Tokenizer(Vocabulary.from_counts(words), keeps_typography=True)
    ids = tokenizer.tokenize(lines)
    assert UNK not in ids.flat_values.numpy()
    assert decoded(tokenizer.detokenize(ids.to_tensor())) == lines


def test_odd_joiners_of_a_model_leave_no_mark():
    tokens = [f"({JOINER}", f"{JOINER}.", JOINER, "a", f"b{JOINER}"]
    tokenizer = Tokenizer(Vocabulary.from_pairs([(token, 1) for token in tokens]))
    assert decoded(tokenizer.detokenize([[4, 5, 6, 7, 8]])) == ["(.a b"]


def test_empty_batches(tokenizer):
    assert tokenizer.tokenize(tf.constant([], tf.string)).to_list() == []
    assert tokenizer.tokenize(tf.constant(["", " "])).to_list() == [[], []]


def test_lower_case():
    tokenizer = Tokenizer(Vocabulary.from_counts({"école": 1}), lowercase=True)
    assert tokenizer.tokenize(["ÉCOLE"]).to_list() == [[4]]


@pytest.mark.parametrize("archive", ["tensorflow", "keras"])
def test_a_saved_model_holds_all_of_it(tokenizer, archive, tmp_path):
    """Ids and strings are the same from the SavedModel, which has no vocabulary file beside it."""
    strings = tf.TensorSpec((None,), tf.string, name="strings")

    def round_trip(strings):
        return tokenizer.detokenize(tokenizer.tokenize(strings).to_tensor())

    path = str(tmp_path / "saved")
    if archive == "keras":
        export = keras.export.ExportArchive()
        export.track(tokenizer)
        export.add_endpoint("round_trip", round_trip, [strings])
        export.write_out(path, verbose=False)
    else:
        module = tf.Module()
        module.tokenizer = tokenizer
        module.round_trip = tf.function(round_trip, [strings])
        tf.saved_model.save(module, path)
    assert not list((tmp_path / "saved" / "assets").glob("*"))
    loaded = tf.saved_model.load(path)
    lines = [*SENTENCES, "L’homme   (dort) !", "<eos>", "😀"]
    np.testing.assert_array_equal(loaded.round_trip(tf.constant(lines)), round_trip(tf.constant(lines)))
    assert decoded(loaded.round_trip(tf.constant(SENTENCES))) == SENTENCES
