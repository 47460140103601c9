import random
from collections import Counter

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.preparation import prepare_once
from rnn_tasks.text import pairs as pairs_module
from rnn_tasks.text.batching import PairBatches
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import ParallelCorpus
from rnn_tasks.text.pairs import load_pairs, load_sentences, load_tokenizers, prepare_pairs
from rnn_tasks.text.vocabulary import EOS, GO, PAD

CONFIG = ParallelDataConfig(max_tokens=6)
SPLITS = {
    "train": [
        ("A cat.", "Un chat."),
        ("A dog.", "Un chien."),
        ("A\u00a0dog.", "Un  chien."),  # repeats once normalised
        ("A dog.", "Un toutou."),  # another pair
        ("The test.", "Tout autre chose."),  # leaks by its source
        ("The test.", "Tout autre chose."),
        ("Quite", "Le test."),  # a target may be known
        (" ", "Rien"),
        ("one two three four five six seven", "trop"),
        ("one two three four five six", "juste"),
    ],
    "val": [("A bird.", "Un oiseau."), ("", ""), ("A bird.", "Un oiseau.")],
    "test_b": [("The test.", "L’autre test ?"), ("seven six five four three two one", "sept")],
}


def corpus_of(splits, check=lambda: None):
    return ParallelCorpus("small", (), splits, check)


def prepared(directory, splits=None, **changes):
    config = CONFIG.model_copy(update=changes)
    directory.mkdir(exist_ok=True)
    return config, prepare_pairs(corpus_of(splits or SPLITS), config, directory)


def sentences(directory, config, split):
    """The stored ids turned back into pairs of sentences."""
    sides = zip(load_tokenizers(directory, config), load_pairs(directory, split), strict=True)
    texts = []
    for tokenizer, store in sides:
        padded = store.padded(np.arange(len(store)), 20)
        texts.append([text.decode() for text in tokenizer.detokenize(padded).numpy()])
    return list(zip(*texts, strict=True))


@pytest.mark.parametrize("level", ["word", "wordpiece"])
def test_what_stays_and_why_the_rest_does_not(tmp_path, level):
    config, counts = prepared(tmp_path, level=level, vocabulary_size=200, max_tokens=6)
    assert sentences(tmp_path, config, "train") == [
        ("A cat.", "Un chat."),
        ("A dog.", "Un chien."),
        ("A dog.", "Un toutou."),
        ("Quite", "Le test."),
        ("one two three four five six", "juste"),
    ]
    assert counts["train_read"] == 10
    assert counts["train_pairs"] == 5
    assert [counts[f"train_{why}"] for why in ("leaking", "repeated", "empty", "too_long")] == [2, 1, 1, 1]
    assert counts["train_source_tokens"] == 16
    assert counts["train_source_unknown"] == counts["train_target_unknown"] == 0
    assert (counts["val_pairs"], counts["test_b_pairs"]) == (3, 2)


def test_other_splits_keep_every_pair_and_their_text_as_it_is(tmp_path):
    odd = [("A\u00a0 bird\u2028 &amp;", " L’un\u202f: «\u00a0x »\r\t\u0085 \x0b"), ("", "")]
    prepared(tmp_path, {**SPLITS, "val": odd})
    assert load_sentences(tmp_path, "val", "source") == [source for source, _ in odd]
    assert load_sentences(tmp_path, "val", "target") == [target for _, target in odd]
    prepared(tmp_path)
    assert load_sentences(tmp_path, "val", "source") == ["A bird.", "", "A bird."]
    assert load_sentences(tmp_path, "test_b", "target") == ["L’autre test ?", "sept"]
    assert [len(load_pairs(tmp_path, "val")[side]) for side in (0, 1)] == [3, 3]
    assert load_pairs(tmp_path, "test_b")[0].lengths.tolist() == [3, 7]
    assert not (tmp_path / "train.source.txt").exists()


def test_only_what_is_promised_is_left(tmp_path):
    prepared(tmp_path)
    stores = {
        f"{s}.{side}.{end}" for s in SPLITS for side in ("source", "target") for end in ("values", "offsets", "json")
    }
    texts = {f"{s}.{side}.txt" for s in ("val", "test_b") for side in ("source", "target")}
    assert {file.name for file in tmp_path.iterdir()} == stores | texts | {"source.vocabulary", "target.vocabulary"}


def test_vocabularies_come_from_the_training_pairs_that_stay(tmp_path):
    config, counts = prepared(tmp_path)
    source, target = (tokenizer.vocabulary for tokenizer in load_tokenizers(tmp_path, config))
    expected = Counter(
        {"￭.": 3, "A": 3, "dog": 2, "cat": 1, "Quite": 1}
        | dict.fromkeys(["one", "two", "three", "four", "five", "six"], 1)
    )
    assert dict(zip(source.tokens[4:], source.counts[4:], strict=True)) == expected
    assert not {"test", "bird", "seven"} & set(source.tokens)
    assert "oiseau" not in target.tokens
    assert (counts["source_vocabulary"], counts["target_vocabulary"]) == (len(source), len(target))


def test_the_target_is_learned_as_it_was_written_and_the_source_in_one_spelling(tmp_path):
    train = [("Say “it’s”.", "Dis «\u00a0l’un\u00a0» &quot;\u202f!"), ("x", "y")]
    config, _ = prepared(tmp_path, {**SPLITS, "train": train}, max_tokens=20)
    assert sentences(tmp_path, config, "train") == [('Say "it\'s".', train[0][1]), ("x", "y")]
    config, _ = prepared(tmp_path, {**SPLITS, "train": train}, max_tokens=20, normalize_target=True)
    assert sentences(tmp_path, config, "train") == [('Say "it\'s".', "Dis « l'un » \" !"), ("x", "y")]


def test_words_of_a_script_without_spaces_are_its_characters(tmp_path):
    train = [("I love Keras.", "我爱 Keras。"), ("I love you.", "我爱你。")]
    config, counts = prepared(tmp_path, {**SPLITS, "train": train}, target_language="zh", max_tokens=20)
    assert sentences(tmp_path, config, "train") == train
    assert set(load_tokenizers(tmp_path, config)[1].vocabulary.tokens[4:]) == {*"我爱你。", "Keras", "％0020"}
    assert counts["train_target_tokens"] == 9
    config, _ = prepared(tmp_path, {**SPLITS, "train": [("I", "我 爱 北京")]}, segmented=True)
    assert set(load_tokenizers(tmp_path, config)[1].vocabulary.tokens[4:]) == {"我", "爱", "北京"}


@pytest.mark.parametrize("level", ["word", "wordpiece"])
def test_shared_vocabulary(tmp_path, level):
    config, _ = prepared(tmp_path, shared_vocabulary=True, level=level, vocabulary_size=200)
    source, target = (tokenizer.vocabulary for tokenizer in load_tokenizers(tmp_path, config))
    assert source == target
    assert dict(zip(source.tokens, source.counts, strict=True))["￭."] == 7


def test_size_min_count_and_case(tmp_path):
    config, counts = prepared(tmp_path, min_count=2, lowercase=True)
    assert load_tokenizers(tmp_path, config)[0].vocabulary.tokens[4:] == ("a", "￭.", "dog")
    assert counts["train_source_unknown"] == 8
    assert load_sentences(tmp_path, "val", "target") == ["Un oiseau.", "", "Un oiseau."]  # what is scored


def test_duplicates_stay_when_asked(tmp_path):
    _, counts = prepared(tmp_path, remove_duplicates=False)
    assert (counts["train_pairs"], counts["train_repeated"], counts["train_leaking"]) == (6, 0, 2)


def test_pieces_decide_what_is_too_long(tmp_path):
    draw = random.Random(1)
    lines = [" ".join("".join(draw.choices("abc", k=6)) for _ in range(draw.randint(1, 4))) for _ in range(200)]
    lines = list(dict.fromkeys(lines))
    splits = {"train": [(line, "x") for line in lines], "val": [("v", "v")], "test": [("t", "t")]}
    config, counts = prepared(tmp_path, splits, level="wordpiece", vocabulary_size=50, max_tokens=9)
    pieces = load_tokenizers(tmp_path, config)[0].tokenize(lines).row_lengths().numpy()
    assert 20 < np.sum(pieces <= 9) < 180
    assert load_pairs(tmp_path, "train")[0].lengths.tolist() == pieces[pieces <= 9].tolist()
    assert counts["train_too_long"] == np.sum(pieces > 9)


def test_small_batches_and_forgotten_words_change_nothing_but_rare_words(tmp_path, monkeypatch):
    draw = random.Random(1)
    words = [f"w{n}" for n in range(300)]
    lines = [" ".join(words[int(300 * draw.random() ** 3)] for _ in range(5)) for _ in range(900)]
    splits = {"train": list(zip(lines, lines[::-1], strict=True)), "val": [("v", "v")], "test": [("t", "t")]}
    config, counts = prepared(tmp_path / "plain", splits, vocabulary_size=60)
    monkeypatch.setattr(pairs_module, "_PAIRS_AT_ONCE", 7)
    monkeypatch.setattr(pairs_module, "_DISTINCT_WORDS", 200)
    _, bounded = prepared(tmp_path / "bounded", splits, vocabulary_size=60)
    unknown = ("train_source_unknown", "train_target_unknown")
    assert {**counts, **dict.fromkeys(unknown)} == {**bounded, **dict.fromkeys(unknown)}
    plain, forgetful = (set(load_tokenizers(tmp_path / d, config)[0].vocabulary.tokens) for d in ("plain", "bounded"))
    assert len(plain & forgetful) > 50


def test_batches_of_what_was_prepared(tmp_path):
    config, _ = prepared(tmp_path)
    source, target = load_tokenizers(tmp_path, config)
    stores = load_pairs(tmp_path, "train")
    [batch] = PairBatches(*stores, tokens_per_batch=8 * 7, reverse_source=True, max_shapes=1).ordered()
    row = batch["index"].tolist().index(1)
    assert source.tokens(batch["source"][row]).numpy().tolist()[:4] == ["￭.".encode(), b"dog", b"A", b"<pad>"]
    assert batch["target_in"][row, 0] == GO
    assert batch["target_out"][row, 3:].tolist() == [EOS] + [PAD] * (batch["target_out"].shape[1] - 4)
    assert target.detokenize(batch["target_out"])[row].numpy() == b"Un chien."


def test_the_same_files_every_time(tmp_path):
    manifests = []
    for name in ("one", "two"):
        result = prepare_once(
            [], CONFIG, [], tmp_path / name, lambda at: prepare_pairs(corpus_of(SPLITS), CONFIG, at), source="small"
        )
        manifests.append((result.directory / "manifest.json").read_text())
    assert manifests[0] == manifests[1]


@pytest.mark.parametrize(
    ("splits", "changes", "message"),
    [
        (
            {**SPLITS, "train": [("The test.", "a"), ("", "b")]},
            {},
            "of 2 training pairs none is left .1 leaking, 1 empty.",
        ),
        ({**SPLITS, "val": []}, {}, "small: no pairs in 'val'"),
        (SPLITS, {"min_count": 99}, "data.min_count: no word of the training split is seen 99 times"),
    ],
)
def test_nothing_left_is_one_clear_line(tmp_path, splits, changes, message):
    with pytest.raises(UserError, match=message):
        prepared(tmp_path, splits, **changes)


def test_the_corpus_is_checked_before_anything_is_written(tmp_path):
    def check():
        raise UserError("line 7")

    with pytest.raises(UserError, match="line 7"):
        prepare_pairs(corpus_of(SPLITS, check), CONFIG, tmp_path)
    assert not list(tmp_path.iterdir())
