"""Running text to sentences of words, whatever pieces it comes in, and what is wrong with a text in one line."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks.errors import UserError
from rnn_tasks.text import file_sentences, text_files, text_sentences, word_corpus
from rnn_tasks.text.word_config import WordCorpusConfig

LETTERS = WordCorpusConfig()


def sentences(text, config=LETTERS, pieces=None):
    return list(text_sentences(iter(pieces or [text]), config))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, [["hello", "world"], ["it's", "a", "co-op"], ["she", "said", "3", "times"], ["the", "end"]]),
        (
            {"lowercase": False},
            [["Hello", "World"], ["It's", "a", "co-op"], ["she", "said", "3", "times"], ["The", "end"]],
        ),
        (
            {"words": "spaces"},
            [["hello", "world."], ["\"it's", "a", 'co-op!"'], ["she", "said:", "3", "times"], ["the", "end"]],
        ),
        (
            {"words": "punctuation"},
            [
                ["hello", "world", "."],
                ['"', "it's", "a", "co-op", "!", '"'],
                ["she", "said", ":", "3", "times"],
                ["the", "end"],
            ],
        ),
        (
            {"sentences": "lines"},
            [["hello", "world", "it's", "a", "co-op", "she"], ["said", "3", "times"], ["the", "end"]],
        ),
    ],
)
def test_sentences_and_words(settings, found):
    text = 'Hello World. "It\'s a co-op!" she\nsaid: 3 times\n\nThe end'
    assert sentences(text, WordCorpusConfig(**settings)) == found


def test_scripts_without_spaces_and_marks():
    assert sentences("我用Keras。好吧") == [["我", "用", "keras"], ["好", "吧"]]
    assert sentences("मतलबी दुनिया। ठीक") == [["मतलबी", "दुनिया"], ["ठीक"]]
    assert sentences("Cafe\u0301 été don’t") == [["café", "été", "don't"]]  # composed, one apostrophe


@given(st.text("aé我.!\n\" -'", max_size=60), st.lists(st.integers(1, 7), min_size=1))
def test_where_pieces_are_cut_changes_nothing(text, sizes):
    pieces, place = [], 0
    while place < len(text):
        pieces.append(text[place : place + sizes[len(pieces) % len(sizes)]])
        place += len(pieces[-1])
    for settings in ({}, {"words": "punctuation"}, {"words": "spaces", "sentences": "lines"}):
        config = WordCorpusConfig(**settings)
        assert sentences(text, config, pieces) == sentences(text, config)


def test_one_line_without_an_end_is_cut_and_nothing_is_lost(monkeypatch):
    monkeypatch.setattr(word_corpus, "LONGEST_SENTENCE", 7)
    monkeypatch.setattr(word_corpus, "PIECE", 16)
    words = [f"word{number}" for number in range(30)]
    found = sentences("", pieces=[" ".join(words)])
    assert [len(one) for one in found] == [7, 7, 7, 7, 2]
    assert [word for one in found for word in one] == words
    assert sentences("", pieces=["x" * 40, "y" * 5 + " z"]) == [["x" * 40, "y" * 5, "z"]]  # a word of several pieces


def test_files_of_a_directory_in_order_and_what_is_no_text(tmp_path):
    (tmp_path / "b" / "deep").mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "b" / "deep" / "two.txt").write_text("two")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"one"))
    for note in ("README.md", ".hidden", "_about.txt"):
        (tmp_path / note).write_text("no text")
    (tmp_path / ".git" / "config").write_text("no text")
    files = text_files(str(tmp_path))
    assert [file.name for file in files] == ["a.gz", "two.txt"]
    assert list(file_sentences(files, LETTERS)) == [["one"], ["two"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "text"
    path.write_bytes("Été\r\nça. Où".encode(encoding))
    assert list(file_sentences(text_files(str(path)), LETTERS)) == [["été", "ça"], ["où"]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("un\ndeux\nété".encode("latin-1"), "line 3: invalid UTF-8 (byte 0xe9); accepted is UTF-8 text"),
        (b"one\ntwo\0three", "line 2: found a NUL character"),
        (b"\xff\xfeo\0n\0e\0x", "invalid UTF-16"),
    ],
)
def test_what_is_no_text_is_one_line(tmp_path, content, said):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        list(file_sentences(text_files(str(path)), LETTERS))
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_line_numbers_count_over_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(word_corpus, "PIECE", 5)
    path = tmp_path / "text.txt"
    path.write_bytes(b"one\ntwo\nthree\nfo\xffur\n")
    with pytest.raises(UserError, match="line 4: invalid UTF-8"):
        list(file_sentences(text_files(str(path)), LETTERS))


def test_a_line_end_between_pieces_is_one(tmp_path, monkeypatch):
    monkeypatch.setattr(word_corpus, "PIECE", 6)
    (tmp_path / "a.txt").write_bytes(b"one a\r\ntwo b\r\nsix\r\n\r\nnew\r")
    assert list(file_sentences(text_files(str(tmp_path)), LETTERS)) == [["one", "a", "two", "b", "six"], ["new"]]


def test_archives_that_are_cut_short(tmp_path):
    path = tmp_path / "text.gz"
    path.write_bytes(gzip.compress(b"some words " * 1000)[:-20])
    with pytest.raises(UserError, match="corrupt or cut short"):
        list(file_sentences(text_files(str(path)), LETTERS))


def test_sources_that_are_none(tmp_path):
    for source, said in ((tmp_path / "no", "does not exist"), (tmp_path, "has no file of text")):
        with pytest.raises(UserError, match=said):
            text_files(str(source))
