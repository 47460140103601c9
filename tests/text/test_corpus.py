"""Which files make up a corpus, how a single file is split, and what is said about what is missing."""

import gzip
import os
import subprocess
import sys
import zipfile
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks.config import override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import corpus_inputs, open_corpus, split_of_sentence

REAL_DATA = Path(os.environ.get("RNN_TASKS_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data").resolve()


def config_of(source, **changes) -> ParallelDataConfig:
    return ParallelDataConfig(source=str(source), **changes)


def fill(directory, *names):
    """Files of two lines, each naming its file."""
    directory.mkdir(exist_ok=True)
    for name in names:
        content = f"{name} one\n{name} two\n".encode()
        (directory / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return directory


def table(path, pairs: int, repeat: int = 1):
    lines = (f"Sentence number {i // repeat}.\tPhrase {i}\n" for i in range(pairs))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def opening_error(config) -> str:
    with pytest.raises(UserError) as caught:
        open_corpus(config)
    with pytest.raises(UserError) as also_caught:
        corpus_inputs(config)
    text = str(caught.value)
    assert text == str(also_caught.value)
    assert "\n" not in text
    return text


def checking_error(config) -> str:
    with pytest.raises(UserError) as caught:
        open_corpus(config).check()
    return str(caught.value)


# --- config ---


def test_config_round_trips_and_names_the_key_of_a_bad_value():
    assert ParallelDataConfig.model_validate_json(ParallelDataConfig().model_dump_json()) == ParallelDataConfig()
    with pytest.raises(UserError, match=r"^target_language: must differ from source_language \(found 'en'\)$"):
        override(ParallelDataConfig(), {"target_language": "en"})
    with pytest.raises(UserError, match=r"^source_language: .*\(found 'English'\)$"):
        validate(ParallelDataConfig, {"source_language": "English"})


# --- directories ---


def test_a_directory_gives_each_split_and_test_set_by_name(tmp_path):
    names = ("train.en", "train.fr.gz", "dev.en", "dev.fr", "test_2017.en", "test_2017.fr", "test_2016_flickr.en.gz")
    directory = fill(tmp_path / "c", *names, "test_2016_flickr.fr", "train.de", "README.md", "train.en.bak")
    corpus = open_corpus(config_of(directory))
    corpus.check()
    assert corpus.name == str(directory)
    assert list(corpus.splits) == ["train", "val", "test_2016_flickr", "test_2017"]
    assert list(corpus.splits["train"]) == [("train.en one", "train.fr.gz one"), ("train.en two", "train.fr.gz two")]
    assert next(iter(corpus.splits["val"])) == ("dev.en one", "dev.fr one")
    assert [path.name for path in corpus.inputs] == [
        "train.en",
        "train.fr.gz",
        "dev.en",
        "dev.fr",
        "test_2016_flickr.en.gz",
        "test_2016_flickr.fr",
        "test_2017.en",
        "test_2017.fr",
    ]
    assert corpus_inputs(config_of(directory)) == corpus.inputs


def test_a_split_can_be_read_again_and_given_up_halfway(tmp_path):
    names = [f"{split}.{language}" for split in ("train", "val", "test") for language in ("en", "fr")]
    train = open_corpus(config_of(fill(tmp_path / "c", *names))).splits["train"]
    assert len(list(islice(train, 1))) == 1
    assert len(list(train)) == len(list(train)) == 2


def test_the_direction_is_the_config_s(tmp_path):
    names = [f"{split}.lc.norm.tok.{language}.gz" for split in ("train", "val", "test") for language in ("en", "fr")]
    config = config_of(fill(tmp_path / "c", *names), source_language="fr", target_language="en")
    test = open_corpus(config).splits["test"]
    assert next(iter(test)) == ("test.lc.norm.tok.fr.gz one", "test.lc.norm.tok.en.gz one")


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["train.en", "train.fr", "test.en", "test.fr"], "no val.en and no val.fr"),
        (["train.en", "train.fr", "val.en", "val.fr"], "no test.en and no test.fr"),
        (["train.en", "val.en", "val.fr", "test.en", "test.fr"], "no train.fr"),
        (["train.en", "train.fr", "val.en", "val.fr", "test.en", "test.fr", "test_b.en"], "no test_b.fr"),
    ],
)
def test_missing_files_are_named_beside_what_was_found_and_is_accepted(tmp_path, names, missing):
    directory = fill(tmp_path / "c", *names)
    assert opening_error(config_of(directory)) == (
        f"{directory}: {missing}; found {', '.join(sorted(names))}; "
        "accepted are train, val (or valid, dev) and test... files in both "
        "languages, plain or .gz, such as train.en, val.fr.gz, test_2016.lc.tok.en"
    )


def test_an_empty_directory_is_an_error(tmp_path):
    assert "no train.en and no train.fr; found no files;" in opening_error(config_of(tmp_path))


@pytest.mark.parametrize("twin", ["train.en.gz", "train.tok.en"])
def test_two_files_for_one_side_are_ambiguous(tmp_path, twin):
    directory = fill(tmp_path / "c", "train.en", twin, "train.fr")
    first, second = sorted(["train.en", twin])
    assert opening_error(config_of(directory)) == (
        f"{directory}: {first} and {second} are both 'train' in 'en'; keep one"
    )


def test_val_and_dev_together_are_ambiguous(tmp_path):
    directory = fill(tmp_path / "c", "val.en", "dev.en")
    assert opening_error(config_of(directory)) == f"{directory}: dev.en and val.en are both 'val' in 'en'; keep one"


def test_check_finds_unequal_counts_in_any_split(tmp_path):
    names = [f"{split}.{language}" for split in ("train", "val", "test") for language in ("en", "fr")]
    directory = fill(tmp_path / "c", *names)
    (directory / "test.fr").write_text("un\ndeux\ntrois\n")
    assert checking_error(config_of(directory)) == (
        f"{directory / 'test.en'} has 2 lines but {directory / 'test.fr'} has 3; "
        "accepted are files that translate each other line by line"
    )


# --- single files ---


def test_a_table_is_split_whatever_it_is_packed_in(tmp_path):
    plain = table(tmp_path / "pairs.tsv", pairs=2_000)
    content = plain.read_bytes()
    (tmp_path / "pairs.txt").write_bytes(content)
    (tmp_path / "pairs.tsv.gz").write_bytes(gzip.compress(content))
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as archive:
        archive.writestr("pairs.txt", content)
    expected = {split: list(pairs) for split, pairs in open_corpus(config_of(plain)).splits.items()}
    assert list(expected) == ["train", "val", "test"]
    assert sum(map(len, expected.values())) == 2_000
    for name in ("pairs.txt", "pairs.tsv.gz", "pairs.zip"):
        corpus = open_corpus(config_of(tmp_path / name))
        corpus.check()
        assert corpus.inputs == (tmp_path / name,)
        assert {split: list(pairs) for split, pairs in corpus.splits.items()} == expected


def test_the_shares_are_the_config_s(tmp_path):
    config = config_of(table(tmp_path / "a.tsv", 20_000), validation_fraction=0.1, test_fraction=0.3)
    counts = {split: sum(1 for _ in pairs) for split, pairs in open_corpus(config).splits.items()}
    # Binomial: six standard deviations around n p.
    for split, share in {"train": 0.6, "val": 0.1, "test": 0.3}.items():
        assert abs(counts[split] - 20_000 * share) < 6 * (20_000 * share * (1 - share)) ** 0.5


def test_no_source_sentence_stands_on_two_sides(tmp_path):
    config = config_of(table(tmp_path / "a.tsv", 3_000, repeat=3), validation_fraction=0.2, test_fraction=0.2)
    sides = defaultdict(set)
    for split, pairs in open_corpus(config).splits.items():
        for source, _ in pairs:
            sides[source].add(split)
    assert len(sides) == 1_000
    assert all(len(splits) == 1 for splits in sides.values())


letters = st.text(alphabet="abcdefghijklmnopqrstuvwxyzàâçéèêëîïôùûœß'", min_size=1, max_size=8)
seeds = st.integers(0, 2**31 - 1)


@given(
    words=st.lists(letters, min_size=1, max_size=6),
    marks=st.lists(st.sampled_from(" .,!?…\u202f\u00a0«»-")),
    seed=seeds,
)
def test_case_punctuation_and_spacing_do_not_move_a_sentence(words, marks, seed):
    def split(text):
        return split_of_sentence(text, validation_fraction=0.3, test_fraction=0.3, seed=seed)

    plain = " ".join(words)
    assert split(plain) == split(plain.upper()) == split(plain.capitalize())
    assert split(plain) == split("".join(marks) + " \u00a0".join(words) + "".join(marks))


def test_a_sentence_s_split_is_fixed_for_all_machines_and_depends_on_the_seed():
    sentences = ["Go.", "Run!", "I see.", "Help me!", "Who knows?", "Ça va ?", "", "?!"]
    split = [split_of_sentence(text, 0.3, 0.3, seed=1) for text in sentences]
    assert split == ["test", "test", "val", "test", "val", "train", "val", "val"]
    assert split != [split_of_sentence(text, 0.3, 0.3, seed=2) for text in sentences]
    assert split_of_sentence("e\u0301te\u0301", 0.3, 0.3, 1) == split_of_sentence("été", 0.3, 0.3, 1)


def test_check_finds_what_is_wrong_with_a_table(tmp_path):
    path = table(tmp_path / "a.tsv", 500)
    with path.open("a") as file:
        file.write("no tab here\n")
    assert checking_error(config_of(path)) == (
        f"{path}, line 501: no TAB in 'no tab here'; accepted is source<TAB>target[<TAB>...] on every line"
    )


def test_check_finds_an_empty_split(tmp_path):
    path = table(tmp_path / "a.tsv", 30, repeat=30)
    assert checking_error(config_of(path)) == (
        f"{path}: of 30 pairs none falls into test and val; "
        "give more pairs or set data.validation_fraction and data.test_fraction"
    )


def test_an_anki_archive_has_english_first_and_is_turned_round_on_demand(tmp_path):
    path = tmp_path / "fra-eng.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fra.txt", "".join(f"Go {i}.\tVa {i} !\tCC-BY\n" for i in range(100)))
    forward = open_corpus(config_of(path))
    backward = open_corpus(config_of(path, source_language="fr", target_language="en"))
    assert all(source.startswith("Go") for source, _ in forward.splits["train"])
    assert all(source.startswith("Va") for source, _ in backward.splits["train"])
    assert opening_error(config_of(path, source_language="de")) == (
        f"data.source_language, data.target_language: found de-fr; one side of {path} is en"
    )


def test_a_file_of_unknown_kind_is_an_error(tmp_path):
    path = table(tmp_path / "pairs.csv", 10)
    assert opening_error(config_of(path)) == (
        f"data.source: {path} is no corpus; accepted are a directory, .tsv, .txt, .tsv.gz, .txt.gz, .zip"
    )


# --- names ---


def test_an_unknown_source_names_the_nearest_and_what_is_accepted():
    assert opening_error(config_of("multi3k")) == (
        "data.source: 'multi3k' does not exist; did you mean 'multi30k'?; accepted are embedded, multi30k, tatoeba, "
        "a directory, or a file ending in .tsv, .txt, .tsv.gz, .txt.gz, .zip"
    )
    assert "did you mean" not in opening_error(config_of("/nowhere/at/all"))


@pytest.mark.parametrize(
    ("source", "has"),
    [
        ("embedded", "the embedded corpus has en-fr and fr-en"),
        ("multi30k", "multi30k has en-fr and fr-en"),
        ("tatoeba", "tatoeba has en-fr and fr-en"),
    ],
)
def test_languages_that_a_source_does_not_have_are_an_error(source, has):
    assert opening_error(config_of(source, target_language="de")) == (
        f"data.source_language, data.target_language: found en-de; {has}"
    )


def test_named_sources_have_no_inputs_of_the_user_and_need_no_network_to_say_so():
    assert corpus_inputs(config_of("embedded")) == ()
    assert corpus_inputs(config_of("multi30k")) == ()
    assert corpus_inputs(config_of("tatoeba", source_language="fr", target_language="en")) == ()


def test_the_embedded_corpus_counts_repeats_and_turns_round():
    config = config_of("embedded", embedded_pairs=400)
    forward = open_corpus(config, seed=3)
    forward.check()
    pairs = {split: list(pairs) for split, pairs in forward.splits.items()}
    assert {split: len(found) for split, found in pairs.items()} == {"train": 400, "val": 20, "test": 20}
    assert pairs["train"] == list(forward.splits["train"])
    assert pairs["train"] != list(open_corpus(config, seed=4).splits["train"])
    backward = open_corpus(override(config, {"source_language": "fr", "target_language": "en"}), seed=3)
    assert [(source, target) for target, source in backward.splits["test"]] == pairs["test"]


def test_reading_corpora_loads_no_tensorflow(tmp_path):
    code = "import sys, rnn_tasks.text.corpus; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0


# --- real data ---


def real(*parts) -> Path:
    path = REAL_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is absent; set RNN_TASKS_DATA to the folder of the real data sets")
    return path


@pytest.mark.real
@pytest.mark.parametrize("folder", ["raw", "tok"])
def test_real_multi30k_has_the_published_sizes(folder):
    corpus = open_corpus(config_of(real("multi30k", folder)))
    corpus.check()
    counts = {split: sum(1 for _ in pairs) for split, pairs in corpus.splits.items()}
    assert counts == {"train": 29_000, "val": 1_014, "test_2016_flickr": 1_000}


@pytest.mark.real
def test_real_tatoeba_is_split_by_its_english_sentences():
    corpus = open_corpus(config_of(real("tatoeba", "fra-eng.zip")))
    corpus.check()
    sources = {split: [source for source, _ in pairs] for split, pairs in corpus.splits.items()}
    assert sum(map(len, sources.values())) == 142_787
    distinct = {split: set(found) for split, found in sources.items()}
    assert sum(map(len, distinct.values())) == len(set().union(*distinct.values())) == 98_659
