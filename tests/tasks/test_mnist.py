"""The mnist task: what its stages hand on, on embedded digits and on a user's files."""

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from rnn_tasks import dataset, evaluation, media
from rnn_tasks.config import override
from rnn_tasks.errors import UserError
from rnn_tasks.tasks import mnist
from tests.media.idx_files import idx_bytes, write_set

TASK, TINY = mnist.TASK, mnist.PRESETS["tiny"]


def answers(exported, lines):
    return list(TASK.predict(exported.directory, TASK.records.read(lines), TASK.predict_options()))


@pytest.fixture(scope="module")
def bright_rows(tmp_path_factory):
    """Idx files whose label says how many rows are bright, learned: config, prepared, trained, report, exported."""
    directory = tmp_path_factory.mktemp("bright")
    write_set(directory / "idx", train=400, test=60, labels=(3, 7, 12), packed=True, size=(6, 5))
    changes = {"data.source": str(directory / "idx"), "data.train_images": 0, "training.epochs": 30}
    config = override(TINY, {**changes, "training.learning_rate": 0.02})
    prepared = TASK.prepare(config, directory / "prepared")
    trained = TASK.train(config, prepared, directory / "train", ())
    report = TASK.evaluate(config, prepared, trained, directory / "evaluated")
    return config, prepared, trained, report, TASK.export(config, prepared, trained, directory / "exported")


def test_prepared_images_are_the_files_and_classes_their_labels(bright_rows):
    config, prepared, *_ = bright_rows
    assert mnist.classes_of(prepared) == ("3", "7", "12")
    assert prepared.counts == {
        "train": 367, "val": 33, "test": 60, "height": 6, "width": 5, "classes": 3, "repeated_images_dropped": 0,
    }  # fmt: skip
    test = dataset.Examples(prepared.directory / "test")
    pixels = media.read_idx_images(next(path for path in mnist.inputs(config) if "t10k-images" in path.name))
    np.testing.assert_array_equal(test["inputs"], pixels)
    assert test["targets"].tolist() == np.resize([0, 1, 2], 60).tolist()


def test_learns_and_reports(bright_rows):
    _, _, _, report, _ = bright_rows
    metrics = {metric.name: metric for metric in report.metrics}
    assert metrics["test_accuracy"].value > 0.95
    assert metrics["test_accuracy"].baseline == pytest.approx(1 / 3)
    assert metrics["test_logistic_accuracy"].value > 0.95
    header, rows = evaluation.read_table(report.tables["while_reading"])
    assert header == ["steps_read", "accuracy"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5", "6"]
    assert float(rows[-1][1]) == pytest.approx(metrics["test_accuracy"].value, abs=1e-4)
    assert float(rows[2][1]) == pytest.approx(metrics["test_accuracy_half_read"].value, abs=1e-4)
    assert float(rows[0][1]) < 0.6  # no row that differs has been read
    assert [row[0] for row in evaluation.read_table(report.tables["per_class"])[1]] == ["3", "7", "12"]
    assert {"while_reading", "surest_mistakes", "confusion", "learning_curves"} <= set(report.figures)


def test_light_and_dark_paper_png_and_idx_get_the_same_answer(bright_rows, tmp_path):
    *_, exported = bright_rows
    image = np.full((6, 5), 20, np.uint8)
    image[1:3, 1:-1] = 200  # two bright rows: the second class
    Image.fromarray(image).save(tmp_path / "dark.png")
    Image.fromarray(255 - image).save(tmp_path / "light.png")
    (tmp_path / "many").write_bytes(idx_bytes([np.zeros_like(image), image]))
    first, *others = answers(exported, [f"{tmp_path / name}" for name in ("dark.png", "light.png", "many:1")])
    name, probability = first.split("\t")
    assert name == "7"
    assert float(probability) > 0.8
    for other in others:
        assert other.split("\t")[0] == "7"
        assert float(other.split("\t")[1]) == pytest.approx(float(probability), abs=1e-4)


def test_what_comes_before_a_picture_of_another_size_is_answered(bright_rows, tmp_path):
    *_, exported = bright_rows
    for name, size in {"right.png": (6, 5), "wrong.png": (5, 6)}.items():
        Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / name)
    lines = [str(tmp_path / name) for name in ("right.png", "wrong.png", "right.png")]
    found = TASK.predict(exported.directory, TASK.records.read(lines), TASK.predict_options())
    assert next(found)
    with pytest.raises(UserError, match=r"^input, line 2: \S+wrong\.png: 6×5 pixels; accepted are 5×6$"):
        next(found)


def test_logistic_regression_sees_what_the_model_sees(tmp_path):
    """Half of the digits on white paper change no answer of either."""
    digits, targets = load_digits(return_X_y=True)
    dark = np.round(digits.reshape(-1, 8, 8)[:900] * (255 / 16)).astype(np.uint8)
    half = dark.copy()
    half[::2] = 255 - half[::2]
    accuracies = []
    for name, pixels in {"dark": dark, "half": half}.items():
        (tmp_path / name).mkdir()
        for split, rows in {"train": slice(600), "t10k": slice(600, 900)}.items():
            for what, array in {"images-idx3": pixels, "labels-idx1": targets}.items():
                (tmp_path / name / f"{split}-{what}-ubyte").write_bytes(idx_bytes(array[rows]))
        changes = {"data.source": str(tmp_path / name), "data.train_images": 0, "training.max_steps": 2}
        config = override(TINY, changes)
        prepared = TASK.prepare(config, tmp_path / "prepared")
        trained = TASK.train(config, prepared, tmp_path / f"train-{name}", ())
        report = TASK.evaluate(config, prepared, trained, tmp_path / f"evaluated-{name}")
        found = {metric.name: metric.value for metric in report.metrics}
        accuracies.append((found["test_logistic_accuracy"], found["test_accuracy"]))
    assert accuracies[0] == accuracies[1]
    assert accuracies[0][0] > 0.85


def test_few_training_images_hold_every_class(tmp_path):
    """So many of a common class that seven drawn blindly would hold no other."""
    write_set(tmp_path / "idx", train=400, labels=(3,) * 30 + (7, 12))
    common = override(TINY, {"data.source": str(tmp_path / "idx"), "data.validation_fraction": 0.1})
    for seed in range(5):
        config = override(common, {"data.train_images": 7, "data.seed": seed})
        prepared = mnist.prepare(config, tmp_path / "work")
        assert mnist.classes_of(prepared) == ("3", "7", "12")
        assert sorted(set(dataset.Examples(prepared.directory / "train")["targets"].tolist())) == [0, 1, 2]
        assert prepared.counts["train"] == 7
    wrong = r"^data\.train_images: found 2; accepted is 3 or more, one for each class, or 0 for all$"
    with pytest.raises(UserError, match=wrong):
        mnist.prepare(override(common, {"data.train_images": 2}), tmp_path / "work")
    assert mnist.prepare(override(common, {"data.train_images": 3}), tmp_path / "work").counts["train"] == 3


def test_bad_files_leave_nothing(tmp_path):
    write_set(tmp_path / "idx")
    path = tmp_path / "idx" / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="truncated"):
        mnist.prepare(override(TINY, {"data.source": str(tmp_path / "idx")}), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_picture_in_another_folder_is_other_data(tmp_path):
    """Though no file of the same name has changed."""
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (4, 4)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{name}{number}.png")
    config = override(TINY, {"data.source": str(tmp_path / "data"), "data.validation_fraction": 0.2})
    before = mnist.prepare(config, tmp_path / "work")
    (tmp_path / "data" / "a" / "a9.png").rename(tmp_path / "data" / "b" / "a9.png")
    assert mnist.prepare(config, tmp_path / "work").digest != before.digest


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"model.order": "columns", "model.cell": "gru", "model.pooling": "mean"}, 8),
        ({"model.order": "permuted", "model.shrink": 2, "model.cell": "irnn"}, 16),
        ({"model.order": "blocks", "model.block": 4, "model.cell": "peephole_lstm", "model.pooling": "attention"}, 4),
        ({"model.order": "pixels", "model.cell": "simple_rnn", "model.layers": 2, "model.dropout": 0.2}, 64),
    ],
)
def test_every_order_goes_the_whole_chain(tmp_path, changes, steps):
    config = override(TINY, {**changes, "training.max_steps": 2})
    prepared = TASK.prepare(config, tmp_path)
    trained = TASK.train(config, prepared, tmp_path / "train", ())
    report = TASK.evaluate(config, prepared, trained, tmp_path / "evaluated")
    rows = evaluation.read_table(report.tables["while_reading"])[1]
    assert len(rows) == min(steps, 32)
    assert rows[-1][0] == str(steps)
    accuracy = next(metric.value for metric in report.metrics if metric.name == "test_accuracy")
    assert float(rows[-1][1]) == pytest.approx(accuracy, abs=0.004)  # rounding may turn one of 359
    exported = TASK.export(config, prepared, trained, tmp_path / "exported")
    assert len(answers(exported, TASK.records.good)) == 3


def test_squares_that_do_not_fill_the_image_are_one_line(tmp_path):
    prepared = TASK.prepare(TINY, tmp_path)
    config = override(TINY, {"model.order": "blocks", "model.block": 3})
    with pytest.raises(UserError, match=r"^model\.block: squares of 3×3 do not fill an image of 8×8$"):
        TASK.build(config, prepared)
    with pytest.raises(UserError, match=r"^model\.shrink: squares of 3×3 do not fill"):
        TASK.build(override(TINY, {"model.shrink": 3}), prepared)
    with pytest.raises(UserError, match=r"^model\.block: squares of 3×3 do not fill an image of 4×4$"):
        TASK.build(override(config, {"model.shrink": 2}), prepared)


def test_the_test_data_are_the_same_wherever_they_lie(tmp_path):
    digests = []
    for place in ("here", "there"):
        write_set(tmp_path / place)
        config = override(TINY, {"data.source": str(tmp_path / place)})
        prepared = mnist.prepare(config, tmp_path / "work")
        digests.append(prepared.test_digest)
        assert json.loads((prepared.directory / "manifest.json").read_text())["test_digest"] == prepared.test_digest
    assert digests[0] == digests[1]
