"""Text whose brackets and names agree."""

import numpy as np

from rnn_tasks import synthetic

PAIRS = dict(("()", "[]", "{}", "<>"))


def test_brackets_nest_and_names_return():
    for document in synthetic.agreement_documents(30, seed=1, split=0):
        for line in document.splitlines():
            opened = []
            for character in line:
                if character in PAIRS:
                    opened.append(character)
                elif character in PAIRS.values():
                    assert PAIRS[opened.pop()] == character
            assert opened == []
            assert line.split("and ")[1].startswith(line.split()[0])


def test_splits_differ_and_a_seed_gives_the_same():
    one, same, other = (list(synthetic.agreement_documents(20, seed=1, split=split)) for split in (0, 0, 2))
    assert one == same
    assert not set(one) & set(other)


def test_what_agrees_is_found_in_characters_and_in_words():
    line = "Hugo saw the old boat, and Hugo was glad (near the red barn [by the big mill too] too).\n"
    places = synthetic.agreeing(list(line))
    assert [line[i] for i in places] == ["H", "]", ")"]
    assert places[0] == line.rindex("Hugo")
    words = ["Hugo", "saw", "the", "boat", "and", "Hugo", "was", "glad", "(", "near", "the", "mill", "too", ")", "\n"]
    assert [words[i] for i in synthetic.agreeing(words)] == ["Hugo", ")"]
    lowered = [word.lower() for word in words]
    np.testing.assert_array_equal(synthetic.agreeing(lowered), synthetic.agreeing(words))
    np.testing.assert_array_equal(synthetic.agreeing(list(line.lower())), places)


def test_of_the_symbols_before_it_none_tells_which_symbol_agrees():
    """Each of the possible ones follows the same four characters about as often."""
    text = "".join(synthetic.agreement_documents(300, seed=1, split=0))
    places = synthetic.agreeing(list(text))
    closing = [text[i] for i in places if text[i] in PAIRS.values()]
    names = [text[i : i + 3] for i in places if text[i].isupper()]
    assert max(closing.count(symbol) for symbol in set(closing)) < 0.3 * len(closing)
    assert max(names.count(name) for name in set(names)) < 0.16 * len(names)
    assert {text[i - 3 : i] for i in places if text[i] in PAIRS.values()} == {"too"}
    assert np.mean([text[i - 4 : i] == "and " for i in places if text[i].isupper()]) == 1
