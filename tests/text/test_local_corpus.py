"""Which files make up a corpus, how a single file is split, and what is said about what is missing."""

import gzip
import os
import zipfile
from collections import defaultdict
from itertools import islice
from pathlib import Path

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import corpus_inputs, open_corpus

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


# --- pairs of files, archives, translation memories ---


def zipped(path, members: dict[str, bytes]):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


ENGLISH = "".join(f"Sentence number {i}.\n" for i in range(300)).encode()
FRENCH = "".join(f"Phrase {i}\n" for i in range(300)).encode()


def test_a_pair_of_files_is_split_wherever_it_lies(tmp_path):
    """As Europarl and OPUS give them: `<name>.en`, `<name>.fr`, and notes."""
    directory = tmp_path / "opus"
    directory.mkdir()
    (directory / "OPUS.en-fr.en").write_bytes(ENGLISH)
    (directory / "OPUS.en-fr.fr.gz").write_bytes(gzip.compress(FRENCH))
    (directory / "OPUS.en-fr.xml").write_text("<x/>")
    (directory / "README").write_text("x")
    members = {
        "OPUS.en-fr.en": ENGLISH,
        "OPUS.en-fr.fr": FRENCH,
        "OPUS.en-fr.ids": b"x",
        "LICENSE": b"x",
        "a.txt": b"x",
    }
    archive = zipped(tmp_path / "en-fr.txt.zip", members)
    both = [open_corpus(config_of(path)) for path in (directory, archive)]
    tables = open_corpus(config_of(table(tmp_path / "t.tsv", 300)))
    for corpus in both:
        corpus.check()
        assert {split: list(pairs) for split, pairs in corpus.splits.items()} == {
            split: list(pairs) for split, pairs in tables.splits.items()
        }
    assert both[0].inputs == (directory / "OPUS.en-fr.en", directory / "OPUS.en-fr.fr.gz")
    assert both[1].inputs == (archive,)
    (directory / "other.en").write_bytes(ENGLISH)
    assert open_corpus(config_of(directory)).inputs == both[0].inputs
    (directory / "other.fr").write_bytes(FRENCH)
    assert opening_error(config_of(directory)) == (f"{directory}: found 2 pairs of files (OPUS.en-fr, other); keep one")


def test_files_a_split_may_stand_in_an_archive(tmp_path):
    members = {f"c/{split}.{language}": f"{split} {language} {i}\n".encode() * 2 for i, split in
               enumerate(("train", "val", "test_a")) for language in ("en", "fr")}  # fmt: skip
    path = zipped(tmp_path / "c.zip", members)
    corpus = open_corpus(config_of(path))
    corpus.check()
    assert {split: next(iter(pairs)) for split, pairs in corpus.splits.items()} == {
        "train": ("train en 0", "train fr 0"),
        "val": ("val en 1", "val fr 1"),
        "test_a": ("test_a en 2", "test_a fr 2"),
    }
    assert corpus.inputs == (path,)


def test_a_directory_of_one_table_is_that_table(tmp_path):
    directory = tmp_path / "fra-eng"
    directory.mkdir()
    (directory / "_about.txt").write_text("notes")
    file = table(directory / "fra.txt", 100)
    corpora = [open_corpus(config_of(path)) for path in (directory, file)]
    assert list(corpora[0].splits["train"]) == list(corpora[1].splits["train"])


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({}, "no files"),
        ({"_about.txt": b"x"}, "_about.txt"),
        ({"a.txt": b"x\ty\n", "b.tsv": b"x\ty\n"}, "a.txt, b.tsv"),
        ({"a.json": b"x,y\n"}, "a.json"),
    ],
)
def test_an_archive_of_something_else_is_an_error(tmp_path, members, found):
    path = zipped(tmp_path / "a.zip", members)
    assert opening_error(config_of(path)).startswith(
        f"{path}: no train.en and no train.fr; found {found}; accepted are train, val"
    )


def test_a_translation_memory_is_split(tmp_path):
    units = "".join(
        f'<tu><tuv xml:lang="en"><seg>Number {i}.</seg></tuv><tuv xml:lang="fr"><seg>N° {i}</seg></tuv></tu>'
        for i in range(200)
    )
    content = f"<?xml version='1.0'?><tmx version='1.4'><header/><body>{units}</body></tmx>".encode()
    (tmp_path / "m.tmx").write_bytes(content)
    (tmp_path / "m.tmx.gz").write_bytes(gzip.compress(content))
    paths = [tmp_path / "m.tmx", tmp_path / "m.tmx.gz", zipped(tmp_path / "m.zip", {"m.tmx": content})]
    for path in paths:
        corpus = open_corpus(config_of(path))
        corpus.check()
        assert sum(len(list(pairs)) for pairs in corpus.splits.values()) == 200
        assert all(target == source.replace("Number", "N°")[:-1] for source, target in corpus.splits["train"])
    assert (
        opening_error(config_of(paths[0], source_column="en"))
        == f"data.source_column: found 'en'; {paths[0]} is no table"
    )


CONTENT = b"".join(b"sentence %d of many\ttarget %d\n" % (i, i * i) for i in range(5_000))


def broken_files(folder):
    def written(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    packed = gzip.compress(CONTENT)
    middle = len(packed) // 2
    archive = zipped(folder / "whole.zip", {"a.txt": CONTENT}).read_bytes()
    return [
        written("text.tsv.gz", CONTENT),
        written("cut.tsv.gz", packed[:middle]),
        written("damaged.tsv.gz", packed[:middle] + bytes(64) + packed[middle + 64 :]),
        written("trailing.tsv.gz", packed + b"rubbish"),
        written("text.zip", CONTENT),
        written("cut.zip", archive[: len(archive) // 2]),
        written("damaged.zip", archive[:2_000] + bytes(64) + archive[2_064:]),
    ]


def test_corrupt_archives_are_errors_of_one_line_that_name_the_file(tmp_path):
    for path in broken_files(tmp_path):
        text = checking_error(config_of(path))
        assert text.startswith(f"{path}"), path
        assert ": corrupt or cut short (" in text, path
        assert text.endswith("; fetch or pack it again"), path


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
