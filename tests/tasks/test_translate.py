"""What is special to translate: corpora of one's own, several test sets, options of predict."""

import json
import subprocess
import sys

import pytest

from rnn_tasks import export as exporting
from rnn_tasks.config import override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.shapes.config import DecodingOptions
from rnn_tasks.tasks.translate import PRESETS, TASK, TranslateConfig

# With the typography of French print: U+2019, U+202F.
WHO = [("the cat", "le chat"), ("the dog", "le chien"), ("the man", "l’homme"), ("Anna", "Anna")]
DOES = [("sleeps", "dort"), ("eats", "mange"), ("sees us", "nous voit"), ("runs", "court")]
PAIRS = [(f"{who} {does}, right?", f"{qui} {fait}, n’est-ce pas\u202f?") for who, qui in WHO for does, fait in DOES]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A directory with two test sets; one training pair stands in a test set, one stands twice."""
    directory = tmp_path_factory.mktemp("corpus")
    splits = {
        "train": [*PAIRS[:12], PAIRS[0], PAIRS[13], ("", "")],
        "val": PAIRS[12:14],
        "test_b": PAIRS[13:15],
        "test_a": PAIRS[14:],
    }
    for split, pairs in splits.items():
        for side, language in enumerate(("en", "fr")):
            path = directory / f"{split}.{language}"
            path.write_text("".join(pair[side] + "\n" for pair in pairs), encoding="utf-8")
    return directory


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory, all_activities):
    work = tmp_path_factory.mktemp("run")
    config = override(
        PRESETS["tiny"], {"data.source": str(corpus), "data.level": "wordpiece", "data.vocabulary_size": 120}
    )
    with all_activities() as begun:
        prepared = TASK.prepare(config, work / "prepared")
        trained = TASK.train(config, prepared, work / "train", ())
        report = TASK.evaluate(config, prepared, trained, work / "evaluated")
        exported = TASK.export(config, prepared, trained, work / "exported")
    return prepared, trained, report, exported, begun


def test_leaks_and_repeats_are_counted(run):
    prepared = run[0]
    assert prepared.counts["train_read"] == 15
    assert prepared.counts["train_leaking"] == 1
    assert prepared.counts["train_repeated"] == 1
    assert prepared.counts["train_empty"] == 1
    assert prepared.counts["train_pairs"] == 12


def test_every_test_set_is_reported_and_the_first_by_name_is_the_test_set(run):
    metrics = {metric.name: metric for metric in run[2].metrics}
    for kind in ("bleu", "chrf", "perplexity"):
        assert metrics[f"test_{kind}"].value == metrics[f"test_a_{kind}"].value
        assert f"test_b_{kind}" in metrics
    assert metrics["test_bleu"].baseline is not None
    assert {"val_bleu", "train_target_tokens_per_second", "decode_sentences_per_second"} <= set(metrics)
    assert run[2].notes["test_a_bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a")


def test_what_takes_long_is_named(run):
    begun = list(dict.fromkeys((one.what, one.done, one.unit) for one in run[4]))
    for expected in (
        ("checking the corpus", 0, ""),
        ("cutting train into words", 15, "pairs"),
        ("counting words in", 15, "pairs"),
        ("learning the word pieces", 0, ""),
        ("writing test_b ids", 2, "pairs"),
        ("translating", 2, "sentences"),
        ("scoring", 0, ""),
        ("fitting the dictionary, round", 5, ""),
        ("tracing the endpoint translate", 0, ""),
    ):
        assert expected in begun
    assert [what for what, *_ in begun if what.startswith("t-SNE of ")]


def test_the_score_is_the_user_s(run, corpus, tmp_path):
    """`sacrebleu test.fr < out.txt`, of what `predict` writes and the user's own file."""
    answers = TASK.predict(run[3].directory, (corpus / "test_a.en").read_text().splitlines(), DecodingOptions())
    (tmp_path / "out.txt").write_text("".join(f"{answer}\n" for answer in answers), encoding="utf-8")
    command = [sys.executable, "-m", "sacrebleu", corpus / "test_a.fr", "-m", "bleu", "chrf", "-w", "6", "-i"]
    done = subprocess.run([*command, tmp_path / "out.txt"], capture_output=True, text=True, check=True)
    bleu, chrf = json.loads(done.stdout)
    metrics = {metric.name: metric.value for metric in run[2].metrics}
    assert metrics["test_bleu"] > 0
    assert bleu["score"] == pytest.approx(metrics["test_bleu"], abs=1e-5)
    assert chrf["score"] == pytest.approx(metrics["test_chrf"], abs=1e-5)
    assert "test_bleu_normalized" in metrics  # the references are not in one spelling


def test_an_export_answers_as_it_was_tested(run, monkeypatch):
    """With tiny's beam of 2, where nothing else is asked for."""
    asked = []

    def search(translate, lines, width, alpha):
        asked.append((width, alpha))
        return iter(())

    monkeypatch.setattr(exporting, "translate_lines", search)
    for options in ({}, {"n_best": 3}, {"beam": 7, "length_penalty": 0}):
        list(TASK.predict(run[3].directory, ["the cat"], DecodingOptions(**options)))
    assert asked == [(2, 1.0), (3, 1.0), (7, 0.0)]


def test_n_best_and_alignments(run, tmp_path):
    options = DecodingOptions(beam=3, n_best=2, alignments=tmp_path / "links.tsv")
    lines = list(TASK.predict(run[3].directory, ["the cat eats.", "a man runs."], options))
    assert [line.split(" ||| ")[0] for line in lines] == ["0", "0", "1", "1"]
    scores = [float(line.split(" ||| ")[2]) for line in lines]
    assert scores[0] >= scores[1]
    assert scores[2] >= scores[3]
    links = (tmp_path / "links.tsv").read_text(encoding="utf-8").splitlines()
    assert len(links) == 2
    for row in links:
        source, target, pairs = (part.split() for part in row.split("\t"))
        assert [int(pair.split("-")[1]) for pair in pairs] == list(range(len(target)))
        assert all(0 <= int(pair.split("-")[0]) < len(source) for pair in pairs)


@pytest.mark.parametrize(
    ("config", "values", "message"),
    [
        (DecodingOptions, {"beam": 4, "n_best": 5}, "n_best: 5 hypotheses do not come out of a beam of 4"),
        (DecodingOptions, {"alignments": "."}, "alignments: . is a directory; a file is wanted"),
        (
            TranslateConfig,
            {"model": {"attention": "none", "input_feeding": True}},
            "model: input_feeding feeds attention",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused_at_once(config, values, message):
    with pytest.raises(UserError, match=message):
        validate(config, values)


@pytest.mark.parametrize(
    "changes",
    [
        {"model.cell": "gru", "model.attention": "luong", "model.input_feeding": True},
        {"model.attention": "none", "model.tied": False, "training.sampled_softmax": 8},
        {"data.shared_vocabulary": True, "training.precision": "mixed_bfloat16", "training.monitor": "loss"},
    ],
    ids=["gru with feeding", "sampled, no attention", "bfloat16"],
)
def test_every_switch_trains(changes, corpus, tmp_path):
    config = override(PRESETS["tiny"], {"data.source": str(corpus), "training.max_steps": 2, **changes})
    prepared = TASK.prepare(config, tmp_path / "prepared")
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    assert trained.steps == 2
    assert trained.metrics["val_loss"] < 20


def test_samples_that_no_vocabulary_can_have_are_refused_before_anything_is_read():
    def config(samples):
        return validate(TranslateConfig, {"data": {"vocabulary_size": 60}, "training": {"sampled_softmax": samples}})

    assert config(59).training.sampled_softmax == 59
    wanted = "^training.sampled_softmax: found 60; data.vocabulary_size is 60, accepted is less$"
    with pytest.raises(UserError, match=wanted):
        config(60)


def test_more_samples_than_the_words_that_were_found_is_refused(corpus, tmp_path):
    config = override(PRESETS["tiny"], {"data.source": str(corpus), "training.sampled_softmax": 500})
    prepared = TASK.prepare(config, tmp_path / "prepared")
    with pytest.raises(UserError, match=r"training.sampled_softmax: found 500; the target vocabulary has \d+"):
        TASK.train(config, prepared, tmp_path / "train", ())
