"""The embeddings task: classes found in the embedded text, a user's texts and questions, what is refused."""

import json

import numpy as np
import pytest

from rnn_tasks import export, text
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.shapes import word_report
from rnn_tasks.shapes.word_training import batches
from rnn_tasks.tasks import embeddings

TASK, TINY = embeddings.TASK, embeddings.PRESETS["tiny"]
SMALL = {
    "data.embedded_sentences": 12_000,
    "data.min_count": 5,
    "model.dim": 32,
    "training.epochs": 3,
    "training.noise_words": 32,
    "training.positions": 1024,
    "training.batch_words": 8_192,
}


def run(config, directory):
    """(prepared, trained, metrics, exported)"""
    prepared = TASK.prepare(config, directory / "prepared")
    trained = TASK.train(config, prepared, directory / "trained", ())
    report = TASK.evaluate(config, prepared, trained, directory / "evaluated")
    exported = TASK.export(config, prepared, trained, directory / "exported")
    return prepared, trained, {metric.name: metric for metric in report.metrics}, exported, report


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    return run(override(TINY, SMALL), tmp_path_factory.mktemp("embedded"))


def asked(exported, lines, **options):
    return list(TASK.predict(exported.directory, TASK.records.read(lines), TASK.predict_options(**options)))


def test_words_of_a_class_lie_together(embedded):
    metrics = embedded[2]
    assert metrics["test_class_accuracy"].value >= 0.95
    assert metrics["test_class_purity"].value >= 0.9
    assert metrics["test_odd_one_out"].value >= 0.95
    assert metrics["test_class_coverage"].value == 1
    assert metrics["test_ranking"].value > metrics["test_ranking"].baseline > 0.8
    assert {"test_analogies", "test_analogies_coverage", "train_words_per_second"} <= set(metrics)


def test_nearest_words(embedded):
    exported = embedded[3]
    near, empty, unknown = asked(exported, ["Monday", "", "mondey"], neighbours=3)
    words = [answer.split(" ") for answer in near.split("\t")]
    days = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
    assert {word for word, _ in words} < days
    cosines = [float(cosine) for _, cosine in words]
    assert cosines == sorted(cosines, reverse=True)
    assert empty == ""
    assert unknown.startswith("'mondey' is unknown; spelled like it: monday")
    (analogy,) = asked(exported, ["paris france rome"], analogy=True, neighbours=2)
    assert len(analogy.split("\t")) == 2
    options = TASK.predict_options(analogy=True, neighbours=2)
    answers = TASK.predict(exported.directory, TASK.records.read(["paris france rome", "paris france"]), options)
    assert next(answers) == analogy
    with pytest.raises(UserError, match="input, line 2: found 2 words, 'paris france'; --analogy accepts three, a b c"):
        next(answers)


def test_files_hold_the_vectors_of_all_words(embedded):
    prepared, _, _, exported, _ = embedded
    vocabulary = text.Vocabulary.load(prepared.directory / text.WORDS)
    for kind in ("npz", "text", "binary"):
        words, vectors = export.read_vectors(exported.extras[f"words_{kind}"])
        assert tuple(words) == vocabulary.tokens[4:]
        assert vectors.shape == (len(words), 32)
    metadata = exported.extras["words_metadata"].read_text().splitlines()
    assert metadata[0] == "token\tcount\tclass"
    assert "monday\t" in "\n".join(metadata)


def test_a_users_text_and_questions(tmp_path):
    """Files of a directory, questions of which not all are covered, colours by frequency."""
    rng = np.random.default_rng(0)
    (tmp_path / "texts").mkdir()
    halves = [["red", "green", "blue", "paint"], ["one", "two", "three", "count"]]
    for number in range(2):
        lines = [" ".join(rng.choice(halves[number], 6)) for _ in range(600)]
        (tmp_path / "texts" / f"{number}.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "similarity.tsv").write_text("Red\tgreen\t9\nred\tblue\t8\nred\ttwo\t1\nred\tzebra\t5\n")
    (tmp_path / "analogies.txt").write_text(": numbers\none two two three\none two two zebra\n")
    config = override(
        TINY,
        {
            "data.source": str(tmp_path / "texts"),
            "data.sentences": "lines",
            "data.similarity": str(tmp_path / "similarity.tsv"),
            "data.analogies": str(tmp_path / "analogies.txt"),
            "model.architecture": "cbow",
            "model.loss": "sampled_softmax",
        },
    )
    prepared, _, metrics, exported, report = run(config, tmp_path / "run")
    assert prepared.counts["sentences"] == 1200
    assert metrics["test_similarity_coverage"].value == 0.75
    assert metrics["test_analogies_coverage"].value == 0.5
    assert "test_class_accuracy" not in metrics
    assert report.tables["similarity"].read_text().splitlines()[1].startswith("red\tgreen\t9.0000\t")
    assert exported.extras["words_metadata"].read_text().startswith("token\tcount\tfrequency\n")
    manifest = json.loads((prepared.directory / "manifest.json").read_text())
    assert {"test.txt", "test_similarity.txt", "test_analogies.txt"} <= set(manifest["files"])


@pytest.mark.parametrize("architecture", ["skip_gram", "cbow"])
@pytest.mark.parametrize("loss", ["negative_sampling", "nce", "sampled_softmax"])
def test_every_loss_learns(architecture, loss, embedded, tmp_path):
    prepared = embedded[0]
    config = override(TINY, {**SMALL, "model.architecture": architecture, "model.loss": loss, "training.epochs": 1})
    trained = TASK.train(config, prepared, tmp_path, ())
    assert trained.metrics["val_ranking"] > 0.85  # untrained: 0.5


def test_plain_descent_learns(embedded, tmp_path):
    changes = {"training.optimizer": "sgd", "training.learning_rate": 0.05, "training.positions": 128}
    config = override(TINY, {**SMALL, **changes, "training.epochs": 1})
    assert TASK.train(config, embedded[0], tmp_path, ()).metrics["val_ranking"] > 0.75


def test_throughput_counts_words_of_raw_text(embedded):
    prepared, trained, *_ = embedded
    windows = batches(override(TINY, SMALL), prepared, "train")
    assert sum(float(batch["words"]) for batch in windows.epoch(0)) == prepared.counts["train"]
    speed = trained.metrics["train_words_per_second"]
    assert speed * trained.seconds == pytest.approx(3 * prepared.counts["train"], rel=1e-3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"training.optimizer": "adam"}, "optimizer: found adam; accepted for word vectors is sgd or adagrad"),
        ({"training.clip_norm": 5}, "clip_norm: found 5.0; accepted for word vectors is 0"),
        ({"data.validation_fraction": 0.4, "data.test_fraction": 0.2}, "add up to more than 0.5"),
        ({"training.positions": 100}, "multiple of 32"),
    ],
)
def test_settings_that_do_not_fit_are_one_line(changes, said):
    with pytest.raises(UserError, match=said):
        override(TINY, changes)


def test_files_that_are_not_there_are_one_line(tmp_path):
    for key in ("classes", "similarity", "analogies"):
        config = override(TINY, {f"data.{key}": str(tmp_path / "no.txt")})
        with pytest.raises(UserError, match=rf"data\.{key}: .*no\.txt does not exist"):
            TASK.inputs(config)


def test_a_users_questions_of_the_embedded_text_and_paths_from_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "classes.txt").write_text("Monday\tday\nrome\tcity\nparis\tcity\n")
    (tmp_path / "similarity.txt").write_text("rome;paris;8,5\n")
    changes = {"data.classes": "~/classes.txt", "data.similarity": "~/similarity.txt"}
    config = override(TINY, changes)
    assert [path.name for path in TASK.inputs(config)] == ["classes.txt", "similarity.txt"]
    prepared = TASK.prepare(config, tmp_path / "prepared")
    assert (prepared.counts["test_classes"], prepared.counts["test_similarity"]) == (3, 1)
    assert prepared.counts["test_analogies"] > 3  # the embedded text's own
    found = word_report.classes_in(prepared.directory, text.WordForm.of(config.data))
    assert found == {"monday": "day", "rome": "city", "paris": "city"}


def test_frequency_bands():
    assert word_report.frequency_bands([20_000, 1_000, 999, 3]) == [
        "10,000 or more",
        "1,000 to 9,999",
        "100 to 999",
        "below 10",
    ]
