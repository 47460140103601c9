"""The reber task: what its stages hand on, on its own strings and on a user's."""

import numpy as np
import pytest

from rnn_tasks import dataset, grammar, text
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.tasks import reber

TASK, TINY = reber.TASK, reber.PRESETS["tiny"]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return reber.prepare(TINY, tmp_path_factory.mktemp("prepared"))


def strings_of(prepared, split):
    vocabulary = text.Vocabulary.load(prepared.directory / "vocabulary.tsv")
    examples = dataset.Examples(prepared.directory / split)
    return ["".join(vocabulary.tokens[i] for i in ids) for ids in examples["inputs"]], examples["targets"].tolist()


def test_prepared_ids_are_the_strings_and_labels_the_truth(prepared):
    everything = []
    for split, count in {"train": 200, "val": 40, "test": 60}.items():
        strings, labels = strings_of(prepared, split)
        assert len(strings) == count == prepared.counts[split]
        assert labels == [int(grammar.is_embedded_reber(string)) for string in strings]
        assert sum(labels) == count // 2 == prepared.counts[f"{split}_members"]
        everything += strings
    assert len(set(everything)) == 300
    assert prepared.counts["longest"] == max(map(len, everything))
    assert prepared.counts["shortest"] == min(map(len, everything))


def test_the_runs_seed_leaves_the_data_alone_and_the_datas_seed_does_not(prepared, tmp_path):
    assert reber.prepare(override(TINY, {"seed": 9}), tmp_path).digest == prepared.digest
    assert reber.prepare(override(TINY, {"data.seed": 9}), tmp_path).digest != prepared.digest


def test_shares_of_corruptions_must_fit():
    with pytest.raises(UserError, match="swap_share and long_range_share add up to more than 1"):
        override(TINY, {"data.swap_share": 0.7, "data.long_range_share": 0.5})


def test_the_mixture_is_the_configs(tmp_path):
    prepared = reber.prepare(override(TINY, {"data.swap_share": 1.0, "data.long_range_share": 0.0}), tmp_path)
    assert set(dataset.Examples(prepared.directory / "test")["kinds"]) == {"member", "swap"}


def test_a_missing_file_and_a_bad_line_are_one_line_and_leave_nothing(tmp_path):
    path, work_dir = tmp_path / "mine.tsv", tmp_path / "work"
    config = override(TINY, {"data.source": str(path)})
    with pytest.raises(UserError, match=r"mine\.tsv: no such file"):
        reber.inputs(config)
    with pytest.raises(UserError, match=f"{'x' * 300}: no such file"):  # whose name is too long to be looked for
        reber.inputs(override(TINY, {"data.source": "x" * 300}))
    with pytest.raises(UserError, match="null: no regular file, and it is read more than once"):
        reber.inputs(override(TINY, {"data.source": "/dev/null"}))
    path.write_text("ab\t1\nba\t0\nabab\tyes\n")
    assert reber.inputs(config) == [path]
    with pytest.raises(UserError, match=r"mine\.tsv, line 3: found 'abab\\tyes', expected string<TAB>label"):
        reber.prepare(config, work_dir)
    assert list(work_dir.iterdir()) == []


def test_learns_a_users_language_and_answers_for_it(tmp_path):
    """Strings over é, b, c whose first symbol stands at their end too; one test string has a symbol never seen."""
    rng = np.random.default_rng(3)
    strings = {"".join(rng.choice(list("ébc"), rng.integers(3, 9))) for _ in range(900)}
    path = tmp_path / "mine.tsv"
    path.write_text("".join(f"{s}\t{int(s[0] == s[-1])}\n" for s in sorted(strings)), encoding="utf-8")
    changes = {
        "data.source": str(path),
        "data.train_strings": 600,
        "data.val_strings": 100,
        "data.test_strings": 100,
        "model.units": 24,
        "model.memory": 10,
        "training.batch_size": 16,
        "training.epochs": 20,
        "training.learning_rate": 0.02,
        "training.clip_norm": 5.0,
    }
    config = override(TINY, changes)
    prepared = reber.prepare(config, tmp_path / "prepared")
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    report = TASK.evaluate(config, prepared, trained, tmp_path / "evaluated")
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_accuracy"].value > 0.97
    assert metrics["test_accuracy"].value > metrics["test_accuracy"].baseline + 0.2
    assert {"test_accuracy_member", "test_accuracy_non-member"} <= set(metrics)
    exported = TASK.export(config, prepared, trained, tmp_path / "exported")
    lines = ["écbé", "écbb", "", "bXb", " bcccb\n"]
    answers = list(TASK.predict(exported.directory, lines, TASK.predict_options()))
    assert answers[2:4] == ["", "0.000000\t-"]
    assert [float(answers[i].split("\t")[0]) > 0.5 for i in (0, 1, 4)] == [True, False, True]
    with pytest.raises(UserError, match="--next: this model was trained with data.learn=membership"):
        list(TASK.predict(exported.directory, lines, reber.PredictOptions(next=True)))


def test_a_symbol_that_training_never_saw_is_outside_the_language_in_every_stage(tmp_path):
    """The only string with an X is one of the test split; evaluation and export must agree on it."""
    strings = ["ab", "ba", "aab", "bba", "abb", "baa", "aabb", "bbaa", "abab", "baba", "aXb", "aaab"]
    path = tmp_path / "mine.tsv"
    path.write_text("".join(f"{string}\t{i % 2}\n" for i, string in enumerate(strings)))
    for seed in range(100):  # a seed that puts aXb into the test split
        splits, _ = text.split_labelled_strings(path, {"train": 8, "val": 2, "test": 2}, seed)
        if "aXb" in splits["test"].strings:
            break
    changes = {"data.source": str(path), "data.seed": seed, "data.train_strings": 8, "data.val_strings": 2}
    config = override(TINY, {**changes, "data.test_strings": 2, "training.epochs": 1})
    prepared = reber.prepare(config, tmp_path / "prepared")
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    report = TASK.evaluate(config, prepared, trained, tmp_path / "evaluated")
    row = next(line for line in report.samples.read_text().splitlines() if line.startswith("aXb"))
    assert row.split("\t")[2] == "non-member"
    assert TASK.export(config, prepared, trained, tmp_path / "exported").checked == 2


COUNTING = """
symbols = "abc"
[mine]
start = 0
end = 3
arcs = [[0, "a", 1], [0, "b", 2], [1, "b", 0], [2, "b", 2], [2, "c", 3], [1, "c", 2]]
"""


def test_learns_the_next_symbol_of_a_users_grammar_until_every_step_is_right(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(COUNTING)
    changes = {
        "data.source": str(path),
        "data.learn": "next_symbol",
        "data.train_strings": 64,
        "data.val_strings": 16,
        "data.test_strings": 16,
        "data.val_with_train": True,
        "training.batch_size": 16,
        "training.epochs": 60,
        "training.learning_rate": 0.05,
    }
    config = override(TINY, changes)
    assert TASK.inputs(config) == [path]
    prepared = TASK.prepare(config, tmp_path / "prepared")
    assert (prepared.counts["train"], prepared.counts["val"]) == (64, 80)
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    assert trained.metrics["success_rate"] == 1.0
    assert trained.metrics["strings_until_success"] == 64 * trained.epochs < 64 * 60
    report = TASK.evaluate(config, prepared, trained, tmp_path / "evaluated")
    (accuracy, *_) = report.metrics
    assert (accuracy.name, accuracy.value) == ("test_accuracy", 1.0)
    assert accuracy.baseline < 0.5
    exported = TASK.export(config, prepared, trained, tmp_path / "exported")
    judged = list(TASK.predict(exported.directory, ["abbc", "abcb", "ba"], reber.PredictOptions()))
    assert [line.split("\t")[1] for line in judged] == ["-", "3", "2"]
    (after_ab,) = TASK.predict(exported.directory, ["ab"], reber.PredictOptions(next=True))
    symbols, likely = after_ab.split()[::2], [float(number) for number in after_ab.split()[1::2]]
    assert set(symbols[:2]) == {"a", "b"}
    assert likely[1] > 0.2
    assert likely[2] < 0.1


def test_the_next_symbol_needs_a_grammar_and_a_grammar_enough_strings(tmp_path):
    with pytest.raises(UserError, match="val_with_train is for learn=next_symbol; found learn=membership"):
        override(TINY, {"data.val_with_train": True})
    with pytest.raises(UserError, match=r"learn=next_symbol needs a grammar: .* found strings.tsv"):
        override(TINY, {"data.source": "strings.tsv", "data.learn": "next_symbol"})
    path = tmp_path / "few.toml"
    path.write_text('symbols = "ab"\n[few]\nstart = 0\nend = 1\narcs = [[0, "a", 1], [0, "b", 1]]\n')
    for learn in ("membership", "next_symbol"):
        config = override(TINY, {"data.source": str(path), "data.learn": learn})
        with pytest.raises(UserError, match="few.toml: .* different strings are wanted, only 2 were found"):
            TASK.prepare(config, tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_generates_strings_with_labels_from_any_grammar(tmp_path):
    options = reber.TASK.generate_options(count=2000, valid=0.5, seed=4)
    lines = [line.split("\t") for line in TASK.generate(None, options)]
    assert len(lines) == 2000
    assert all(int(label) == grammar.is_embedded_reber(string) for string, label in lines)
    assert 900 < sum(label == "1" for _, label in lines) < 1100
    assert list(TASK.generate(None, options)) == ["\t".join(line) for line in lines]
    path = tmp_path / "mine.toml"
    path.write_text(COUNTING)
    own = [*TASK.generate(None, reber.TASK.generate_options(count=50, grammar=str(path)))]
    assert all(grammar.read_grammar(path).accepts(line.removesuffix("\t1")) for line in own)
    path.write_text('symbols = "a"\n[all]\nstart = 0\nend = 1\narcs = [[0, "a", 1]]\n')
    with pytest.raises(UserError, match="no change of 'a' leaves the language"):
        list(TASK.generate(None, reber.TASK.generate_options(grammar=str(path), valid=0.0)))
