"""One language, many names."""

import pytest

from rnn_tasks.text.languages import is_language_name, language_code


@pytest.mark.parametrize(
    ("name", "code"),
    [("fr", "fr"), ("FRA", "fr"), ("fr_CA", "fr"), ("fr-CA", "fr"), (" Français ", "fr"), ("French", "fr"),
     ("zho_Hans", "zh"), ("zh-TW", "zh"), ("cmn", "zh"), ("yue", "yue"), ("tlh", "tlh"), ("xx-YY", "xx")],
)  # fmt: skip
def test_the_code_of_a_language(name, code):
    assert language_code(name) == code


def test_what_is_spelled_out_is_a_name_and_a_code_is_not():
    assert is_language_name("German")
    assert is_language_name("日本語") is False  # three characters, as a code has
    assert not is_language_name("fr")
    assert not is_language_name("house")


def test_no_name_is_that_of_two_languages():
    import tomllib
    from importlib.resources import files

    known = tomllib.loads((files("rnn_tasks.text") / "data" / "languages.toml").read_text("utf-8"))
    names = [name for code, others in known.items() for name in (code, *others)]
    assert len(set(names)) == len(names)
    assert all(name == name.casefold() for name in names)
