import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

from rnn_tasks.errors import UserError
from rnn_tasks.text.vocabulary import EOS, GO, PAD, SPECIAL_TOKENS, UNK, Vocabulary

COUNTS = {"le": 5, "chat": 2, "a": 2, "dort": 1, "￭.": 7}


def test_special_tokens_come_first():
    assert [SPECIAL_TOKENS[i] for i in (PAD, UNK, GO, EOS)] == ["<pad>", "<unk>", "<go>", "<eos>"]
    assert Vocabulary.from_counts({}).tokens == SPECIAL_TOKENS


def test_frequent_tokens_first_equal_ones_by_code_point():
    vocabulary = Vocabulary.from_counts(COUNTS)
    assert vocabulary.tokens[4:] == ("￭.", "le", "a", "chat", "dort")
    assert vocabulary.counts == (0, 0, 0, 0, 7, 5, 2, 2, 1)


def test_size_counts_special_tokens_and_rare_ones_are_left_out():
    assert Vocabulary.from_counts(COUNTS, size=6).tokens[4:] == ("￭.", "le")
    assert Vocabulary.from_counts(COUNTS, min_count=2).tokens[4:] == ("￭.", "le", "a", "chat")


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1).filter(
    lambda word: word not in SPECIAL_TOKENS
)


@given(counts=st.dictionaries(WORDS, st.integers(0, 10**12)))
def test_saved_and_loaded(tmp_path_factory, counts):
    vocabulary = Vocabulary.from_counts(counts, min_count=0)
    assert Vocabulary.load(vocabulary.save(tmp_path_factory.mktemp("v") / "source.vocabulary")) == vocabulary


def test_one_token_and_count_a_line(tmp_path):
    path = Vocabulary.from_counts({"à": 3}).save(tmp_path / "v")
    assert path.read_text(encoding="utf-8") == "<pad>\t0\n<unk>\t0\n<go>\t0\n<eos>\t0\nà\t3\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<pad>\t0\n<unk>\t0\n<go>\t0\n<eos>\t0\nle 5\n", "line 5: found 'le 5', expected token<TAB>count"),
        ("<pad>\t0\n<unk>\t0\n<go>\t0\n<eos>\t0\nle\t-5\n", "line 5: found 'le\\t-5', expected token<TAB>count"),
        ("<pad>\t0\n<unk>\t0\n<go>\t0\n<eos>\t0\n\t5\n", "line 5: found '\\t5', expected token<TAB>count"),
        ("<pad>\t0\n<go>\t0\n<unk>\t0\n<eos>\t0\n", "line 2: found '<go>', expected '<unk>'"),
        ("<pad>\t0\n<unk>\t0\n", "2 lines, expected at least the 4 special tokens"),
        ("<pad>\t0\n<unk>\t0\n<go>\t0\n<eos>\t0\nle\t1\nle\t1\n", "line 6: 'le' stands on line 5 already"),
        ("", "line 1: found '', expected token<TAB>count"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path, text, message):
    path = tmp_path / "v"
    path.write_text(text)
    with pytest.raises(UserError, match=f"^{re.escape(str(path))}.*{re.escape(message)}$"):
        Vocabulary.load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="absent: cannot be read"):
        Vocabulary.load(tmp_path / "absent")
