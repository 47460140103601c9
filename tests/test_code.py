"""What a preparation depends on is found from the imports of the code that makes it."""

from rnn_tasks import code
from rnn_tasks.tasks import reber


def names(function):
    return {str(path.relative_to(code.PACKAGE)) for path in code.code_files(function)}


def test_the_generator_and_its_data_files_count_and_the_rest_of_the_package_does_not():
    found = names(reber.prepare)
    assert {"tasks/reber.py", "synthetic/reber.py", "grammar/automaton.py", "grammar/data/reber.toml"} <= found
    assert not {name for name in found if name.startswith(("models/", "layers/", "training/", "plots/", "export/"))}


OWN = """
from rnn_tasks import grammar, text
LIMIT = {limit}

def prepare(count: text.Vocabulary):
    return helper(count)

def helper(count):
    return grammar.named_language("reber").strings(min(count, LIMIT))

def evaluate():
    return {evaluate}
"""


def load(tmp_path, monkeypatch, name, **parts):
    (tmp_path / f"{name}.py").write_text(OWN.format(**{"limit": 3, "evaluate": 1} | parts))
    monkeypatch.syspath_prepend(tmp_path)
    return __import__(name).prepare


def test_of_its_own_module_what_the_function_reaches_counts(tmp_path, monkeypatch):
    one = load(tmp_path, monkeypatch, "own_one")
    other_evaluation = load(tmp_path, monkeypatch, "own_two", evaluate=2)
    other_limit = load(tmp_path, monkeypatch, "own_three", limit=4)
    assert code.code_digest(one) == code.code_digest(other_evaluation)
    assert code.code_digest(one) != code.code_digest(other_limit)


def test_an_annotation_is_no_dependency(tmp_path, monkeypatch):
    found = code.code_files(load(tmp_path, monkeypatch, "own_four"))
    assert code.PACKAGE / "grammar" / "automaton.py" in found
    assert not any("text" in path.parts for path in found)
