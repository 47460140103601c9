"""Which columns of a table are sentences, told by its layout, its header or the config; and what is refused."""

import gzip

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.lines import TextFile
from rnn_tasks.text.tables import open_table

PAIRS = [("Go.", "Va !"), ("Run!", "Cours !"), ("Hi there, you.", "Salut !"), ("3", "Trois")]


def table_of(path, content: str | bytes, **config):
    data = content if isinstance(content, bytes) else content.encode()
    path.write_bytes(gzip.compress(data) if path.name.endswith(".gz") else data)
    return open_table(TextFile(path), ParallelDataConfig(**config))


def lines(*rows, separator="\t"):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows)


def error(path, content: str | bytes, **config) -> str:
    with pytest.raises(UserError) as caught:
        list(table_of(path, content, **config))
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith((str(path), "data."))
    return text.removeprefix(str(path))


TWO = lines(*PAIRS)
ANKI = lines(*((*pair, "CC-BY 2.0 (France) Attribution: tatoeba.org #1") for pair in PAIRS))
TATOEBA = lines(*((1276 + i, source, 77 * i, target) for i, (source, target) in enumerate(PAIRS, 1)))
QUOTED = lines(*((f'"{source}"', f'"{target}"') for source, target in PAIRS))
LANGUAGES = lines(*((i, french, english) for i, (english, french) in enumerate(PAIRS)))


@pytest.mark.parametrize("name", ["a.tsv", "a.txt.gz"])
@pytest.mark.parametrize(
    "content",
    [
        TWO,
        ANKI,
        TATOEBA,
        QUOTED,
        lines(("source", "target")) + TWO,
        lines(("English", "French")) + TWO,
        lines(("", "sentence_en", "sentence_fr")) + lines(*((i, *pair) for i, pair in enumerate(PAIRS))),
        lines(("id", "fr", "en")) + LANGUAGES,
        lines(("fr", "en")) + lines(*(pair[::-1] for pair in PAIRS)),
        lines(('"id"', '"sentence"', '"translation"'))
        + lines(*((i, f'"{source}"', f'"{target}"') for i, (source, target) in enumerate(PAIRS))),
        lines(("id", "sentence", "id", "translation")) + TATOEBA,
        TWO.replace("\n", "\n\n") + " \t\n\n",
        TWO.replace("\n", "\r"),
        TWO.replace("\n", "\r\n").encode("utf-16"),
        TWO.encode("utf-8-sig"),
    ],
    ids=["two", "Anki", "tatoeba.org", "quoted", "header", "languages", "index", "ids, other order", "other order",
         "quoted with ids", "tatoeba.org with a header", "blank lines", "CR", "UTF-16", "BOM"],
)  # fmt: skip
def test_known_layouts_give_the_same_pairs(tmp_path, name, content):
    assert list(table_of(tmp_path / name, content)) == PAIRS


def test_comma_separated_values_are_read_as_spreadsheets_write_them(tmp_path):
    expected = [('He said "Go", twice.', "Il a dit « Va »"), ("Two lines.", "Deux lignes.")]
    comma = 'English words/sentences,French words/sentences\n"He said ""Go"", twice.",Il a dit « Va »\n'
    comma += 'Two lines.,"Deux\nlignes."\n'
    semicolon = '"He said ""Go"", twice.";"Il a dit « Va »"\n"Two lines.";"Deux lignes."\n'
    assert list(table_of(tmp_path / "a.csv", comma)) == expected
    assert list(table_of(tmp_path / "b.csv.gz", semicolon)) == expected
    assert error(tmp_path / "c.csv", 'a,b\n"x"y,z\n') == (
        ", line 2: ',' expected after '\"'; a quotation mark in a cell is doubled"
    )
    assert error(tmp_path / "d.csv", "just\nwords\n") == (
        ", line 1: no comma in 'just'; accepted is source<comma>target[<comma>...] on every line"
    )


def test_quotation_marks_of_the_text_stay(tmp_path):
    pairs = [('"Go!" he said. "Now!"', "« Va ! »"), ('"Go!"', "« Va ! »"), ("plain", "simple")]
    assert list(table_of(tmp_path / "a.tsv", lines(*pairs))) == pairs
    escaped = [('"""Go!"" he said."', "x"), ("plain", "y")]
    assert list(table_of(tmp_path / "b.tsv", lines(*escaped))) == [('"Go!" he said.', "x"), ("plain", "y")]


def test_cells_in_quotation_marks_may_hold_tabs_and_line_ends(tmp_path):
    rows = [(f'"a ""{i}"""', f'"b{i}"') for i in range(20)]
    content = lines(*rows) + '"with\ttab"\t"with\nline end"\n'
    pairs = list(table_of(tmp_path / "a.tsv", content))
    assert pairs[:1] + pairs[-1:] == [('a "0"', "b0"), ("with\ttab", "with line end")]


@pytest.mark.parametrize(
    ("columns", "chosen"),
    [((2, 4), PAIRS), ((4, 2), [pair[::-1] for pair in PAIRS]), ((3, 2), None)],
)
def test_columns_by_number(tmp_path, columns, chosen):
    """Whoever asks for numbers gets them."""
    source, target = columns
    table = table_of(tmp_path / "a.tsv", TATOEBA, source_column=source, target_column=target)
    assert list(table) == (chosen or [(str(77 * i), source) for i, (source, _) in enumerate(PAIRS, 1)])


def test_columns_by_name(tmp_path):
    content = lines(("key", "Kind of text", "Other")) + lines(*((i, *pair) for i, pair in enumerate(PAIRS)))
    table = table_of(tmp_path / "a.tsv", content, source_column="kind of text", target_column="Other")
    assert list(table) == PAIRS
    assert list(table_of(tmp_path / "a.tsv", ANKI, target_column=2)) == PAIRS


@pytest.mark.parametrize(
    ("content", "config", "wrong"),
    [
        (
            lines(*((i, *pair) for i, pair in enumerate(PAIRS))),
            {},
            ": column 1 holds nothing but numbers (0, 1, 2); data.source_column and data.target_column choose others, "
            "such as data.source_column=2 data.target_column=3",
        ),
        (
            lines(*((source, f"0.{i}", target) for i, (source, target) in enumerate(PAIRS))),
            {},
            ": column 2 holds nothing but numbers (0.0, 0.1, 0.2); data.source_column and data.target_column choose "
            "others, such as data.source_column=1 data.target_column=3",
        ),
        (
            lines(*(("eng", "fra", *pair) for pair in PAIRS)),
            {},
            ": column 1 holds nothing but codes of a language (eng, eng, eng); data.source_column and "
            "data.target_column choose others, such as data.source_column=3 data.target_column=4",
        ),
        (
            lines(*(("http://a.b/c", "https://d.e", *pair) for pair in PAIRS)),
            {},
            ": column 1 holds nothing but web addresses (http://a.b/c, http://a.b/c, http://a.b/c); data.source_column "
            "and data.target_column choose others, such as data.source_column=3 data.target_column=4",
        ),
        (
            lines((1, "one"), (2, "two")),
            {},
            ": column 1 holds nothing but numbers (1, 2); data.source_column and data.target_column choose others",
        ),
        (lines(("en", "fr")), {}, ": column 1 holds nothing but white space (); data.source_column and "
         "data.target_column choose others"),
        (TWO, {"target_column": 3}, "data.target_column: found '3'; the columns of {path} are 1 'Go.', 2 'Va !'"),
        (TWO, {"source_column": "English"}, "data.source_column: found 'English'; the columns of {path} are 1 'Go.', "
         "2 'Va !'"),
        (TWO, {"source_column": 0}, "data.source_column: found '0'; the columns of {path} are 1 'Go.', 2 'Va !'"),
        (TWO, {"target_column": 1}, ": column 1 is source and target; data.source_column and data.target_column choose "
         "others, such as data.source_column=1 data.target_column=2"),
        (TWO + "Wait.\n", {}, ", line 5: no TAB in 'Wait.'; accepted is source<TAB>target[<TAB>...] on every line"),
        (TATOEBA + "7\tWait.\t8\n", {}, ", line 5: 3 columns in '7\\tWait.\\t8'; column 4 is read"),
        ("\n\n \n", {}, ": empty lines alone; accepted is one pair a line"),
        (QUOTED * 5 + '"Oh\t"Ah"\n', {},
         ", line 21: '\t' expected after '\"'; a quotation mark in a cell is doubled"),
        (lines(("English", "German")) + TWO, {}, "data.target_language: found 'fr'; column 2 of {path} is 'German', "
         "accepted is de"),
        (lines(("en", "de")) + TWO, {}, "data.target_language: found 'fr'; column 2 of {path} is 'de', accepted is de"),
    ],
)  # fmt: skip
def test_what_is_no_pair_of_sentences_is_refused_with_the_remedy(tmp_path, content, config, wrong):
    path = tmp_path / "a.tsv"
    assert error(path, content, **config) == wrong.replace("{path}", str(path))


def test_a_first_pair_of_short_words_is_no_header(tmp_path):
    pairs = [("No", "no"), ("It is so.", "Lo è.")]
    assert list(table_of(tmp_path / "a.tsv", lines(*pairs), target_language="es")) == pairs
