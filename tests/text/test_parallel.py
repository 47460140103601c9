"""On which split a pair falls that comes without one."""

from hypothesis import given
from hypothesis import strategies as st

from rnn_tasks.text.parallel import split_of_sentence

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
