"""Pairs of files, archives and translation memories: what is found in them, and what is said when they are broken."""

import gzip
import zipfile

import pytest
from local_corpora import checking_error, config_of, opening_error, table

from rnn_tasks.text.corpus import open_corpus


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
