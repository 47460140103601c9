"""Which files make up a corpus, how a single file is split, and what is said about what is missing."""

import gzip
import os
import zipfile
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest
from local_corpora import checking_error, config_of, fill, opening_error, table

from rnn_tasks.text.corpus import corpus_inputs, open_corpus

REAL_DATA = Path(os.environ.get("RNN_TASKS_DATA") or Path(__file__).parents[2] / ".." / "shared" / "data").resolve()


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


def test_other_names_of_splits_are_theirs(tmp_path):
    names = (f"{split}.{language}" for split in ("training", "validation", "test") for language in ("en", "fr"))
    splits = open_corpus(config_of(fill(tmp_path / "c", *names))).splits
    assert {split: next(iter(pairs))[0] for split, pairs in splits.items()} == {
        "train": "training.en one",
        "val": "validation.en one",
        "test": "test.en one",
    }


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
        "languages, plain or .gz, such as train.en, val.fr.gz, test_2016.lc.tok.en, "
        "or one pair of files, such as corpus.en, corpus.fr"
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
        f"data.source_language, data.target_language: found de-fr; {path} has en-fr and fr-en"
    )
    assert opening_error(config_of(path, target_language="ja")) == (
        f"data.source_language, data.target_language: found en-ja; {path} has en-fr and fr-en"
    )
    assert list(open_corpus(config_of(path, source_language="eng", target_language="fra")).splits["test"])
    columns = open_corpus(config_of(path, source_language="de", source_column=2, target_column=3)).splits["train"]
    assert all(source.startswith("Va") and target == "CC-BY" for source, target in columns)


def test_a_file_of_unknown_kind_is_an_error(tmp_path):
    path = table(tmp_path / "pairs.json", 10)
    assert opening_error(config_of(path)) == (
        f"data.source: {path} is no corpus; accepted are a directory, "
        ".tsv, .txt, .csv, .tsv.gz, .txt.gz, .csv.gz, .tmx, .tmx.gz, .zip"
    )


# --- what is no sentence a line ---


def sides(directory, english: str, french: str):
    directory.mkdir(exist_ok=True)
    for split in ("train", "val", "test"):
        (directory / f"{split}.en").write_text(english, encoding="utf-8")
        (directory / f"{split}.fr").write_text(french, encoding="utf-8")
    return directory


@pytest.mark.parametrize(
    ("french", "wrong"),
    [
        ("1276\n77\n3\n", "nothing but numbers (1276, 77, 3)"),
        ("fr\nfr\nfr\n", "nothing but codes of a language (fr, fr, fr)"),
        ("7\tbon\n8\tva\n9\tvu\n", "a TAB in every line"),
        ('"bon"\n"va"\n"vu"\n', "quotation marks around every line"),
        ("\n \n\n", "nothing but white space ()"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, french, wrong):
    directory = sides(tmp_path / "c", "a\nb\nc\n", french)
    assert opening_error(config_of(directory)) == (
        f"{directory}/train.fr: {wrong}; accepted is a sentence a line; "
        "of a table, data.source_column and data.target_column take any column"
    )


def test_columns_are_those_of_tables(tmp_path):
    directory = sides(tmp_path / "c", "a\nb\nc\n", "a\nb\nc\n")
    assert opening_error(config_of(directory, target_column=2)) == (
        f"data.target_column: found '2'; {directory}/train.en is no table"
    )


@pytest.mark.parametrize(
    ("target", "declared", "languages"),
    [
        ("我喜欢喝茶。", "fr", "zh, ja, yue, wuu, lzh"),
        ("お茶が好きです。", "zh", "ja"),
        ("차를 좋아해요.", "fr", "ko"),
        ("ฉันชอบชา", "fr", "th"),
    ],
)
def test_a_target_in_the_characters_of_another_language_is_refused(tmp_path, target, declared, languages):
    """For its language decides how it is scored, and French is the default."""
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"I like tea {i}.\t{target}\n" for i in range(100)), encoding="utf-8")
    assert opening_error(config_of(path, target_language=declared)) == (
        f"data.target_language: found {declared!r}; the characters of {path} are those of {languages}"
    )
    for language in (*languages.split(", "), "tlh"):
        assert corpus_inputs(config_of(path, target_language=language)) == (path,)


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
