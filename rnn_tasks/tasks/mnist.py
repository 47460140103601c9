"""What does a picture show? Sequence to vector: a recurrent network reads it row by row, or in another order.

References:
    Le, Jaitly & Hinton (2015), A Simple Way to Initialize Recurrent Networks of Rectified Linear Units (pixels, and
    pixels in a permuted order).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from rnn_tasks import dataset, evaluation, export, media, models, plots, shapes
from rnn_tasks.choices import Order
from rnn_tasks.config import TaskConfig, presets
from rnn_tasks.errors import UserError
from rnn_tasks.line_stream import chunks
from rnn_tasks.media.config import ImageDataConfig
from rnn_tasks.media.pictures import PictureRecords
from rnn_tasks.preparation import prepare_once
from rnn_tasks.shapes.answers import ROWS, answer_lines
from rnn_tasks.shapes.config import PooledConfig, SequenceTrainingConfig
from rnn_tasks.task import Metric, Prepared

if TYPE_CHECKING:
    import keras

CLASSES = "classes.txt"
EXAMPLES = Path(media.__file__).parent / "examples"
MISREAD_SHOWN = 24


class MnistModelConfig(PooledConfig):
    """The reader of pictures."""

    order: Order = Field("rows", description="What a step reads; permuted: pixels in an order drawn once.")
    block: int = Field(4, ge=1, le=1024, description="Side of a step's square, with blocks.")
    shrink: int = Field(
        1, ge=1, le=64, description="Squares of so many pixels a side become one pixel first; 1 is none."
    )
    permutation_seed: int = Field(1, ge=0, lt=2**31, description="Draws the order of permuted.")


ORDER_SETTINGS = ("order", "block", "shrink", "permutation_seed")


class MnistConfig(TaskConfig):
    """Everything a run of this task depends on."""

    data: ImageDataConfig = ImageDataConfig()
    model: MnistModelConfig = MnistModelConfig(cell="lstm", units=128, dropout=0.2)
    training: SequenceTrainingConfig = SequenceTrainingConfig(
        epochs=60, max_steps=6_000, learning_rate=0.003, decay="cosine", clip_norm=1.0
    )


PRESETS = presets(
    quick=MnistConfig(),
    full={
        "model.units": 150,
        "model.layers": 3,
        "model.dropout": 0.3,
        "training.epochs": 20,
        "training.max_steps": 0,
        "training.batch_size": 128,
        "training.learning_rate": 0.002,
    },
    tiny={
        "data.train_images": 200,
        "model.units": 16,
        "model.dropout": 0.0,
        "training.epochs": 2,
        "training.learning_rate": 0.01,
        "training.decay": "none",
    },
    simple_rnn={
        "model.cell": "simple_rnn",
        "model.units": 150,
        "model.dropout": 0.1,
        "training.epochs": 40,
        "training.max_steps": 0,
        "training.learning_rate": 0.001,
    },
)


def inputs(config: MnistConfig) -> Sequence[Path]:
    """The user's files, if there are any."""
    return media.image_inputs(config.data)


def prepare(config: MnistConfig, work_dir: Path) -> Prepared:
    """Images as they are, in three splits, with the number of each one's class."""

    def write(directory: Path) -> Mapping[str, int]:
        splits, repeats = media.image_splits(config.data)
        classes = media.class_names(splits["train"])
        (directory / CLASSES).write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")
        numbers = {name: number for number, name in enumerate(classes)}
        for name, images in splits.items():
            targets = np.array([numbers[label] for label in images.labels.tolist()], np.int32)
            dataset.write_examples(
                directory / name, inputs=images.pixels, targets=targets, records=list(images.records)
            )
        height, width = splits["train"].size
        sizes = {name: len(images) for name, images in splits.items()}
        return {**sizes, "height": height, "width": width, "classes": len(classes), "repeated_images_dropped": repeats}

    return prepare_once(
        [prepare],
        config.data,
        inputs(config),
        work_dir,
        write,
        source=config.data.source,
        test_data=("test.inputs.npy", "test.targets.npy"),  # the records say where they lie
    )


def classes_of(prepared: Prepared) -> tuple[str, ...]:
    """The classes' names, by number."""
    return tuple((prepared.directory / CLASSES).read_text(encoding="utf-8").split("\n")[:-1])


def image_sequence(config: MnistConfig) -> media.ImageSequence:
    """Images (batch, height, width) -> (batch, time, features)."""
    model = config.model
    return media.ImageSequence(model.order, model.block, model.shrink, model.permutation_seed, dtype="float32")


def sequence_reader(config: MnistConfig, prepared: Prepared, fixed: bool) -> keras.Model:
    """The model that reads images as sequences: of their length or, if not `fixed`, of any length."""
    height, width = prepared.counts["height"], prepared.counts["width"]
    try:
        _, time, features = image_sequence(config).compute_output_shape((None, height, width))
    except ValueError as error:
        raise UserError(f"model.{error}") from None
    return models.sequence_to_vector(
        features=features,
        time=time if fixed else None,
        outputs=prepared.counts["classes"],
        seed=config.seed,
        **config.model.model_dump(exclude=set(ORDER_SETTINGS)),
    )


def build(config: MnistConfig, prepared: Prepared) -> keras.Model:
    """{"inputs": (batch, height, width) uint8} -> logits (batch, classes)."""
    import keras

    reader = sequence_reader(config, prepared, fixed=True)
    images = keras.Input((prepared.counts["height"], prepared.counts["width"]), dtype="uint8", name=dataset.INPUTS)
    return keras.Model({dataset.INPUTS: images}, reader({dataset.INPUTS: image_sequence(config)(images)}), name="mnist")


def details(config: MnistConfig, prepared: Prepared, judged: shapes.Judged) -> shapes.Details:
    """Logistic regression on all pixels, accuracy while reading, and the surest mistakes."""
    train, test = judged.train, judged.test
    seen, asked = (media.light_on_dark(split["inputs"]) for split in (train, test))
    logistic = evaluation.logistic_regression(seen, train["targets"], asked, config.seed)
    reader = sequence_reader(config, prepared, fixed=False)
    reader.set_weights(judged.model.get_weights())
    points = shapes.scores_while_reading(reader, image_sequence(config), shapes.OneOf(classes_of(prepared)), test)
    half = next(score for steps, score in points if 2 * steps >= points[-1][0])
    levels = {
        "logistic regression on all pixels": evaluation.accuracy(test["targets"], logistic),
        "commonest class": evaluation.majority_accuracy(train["targets"], test["targets"]),
    }
    return shapes.Details(
        baselines={"logistic": logistic},
        metrics=[Metric(name="test_accuracy_half_read", value=half)],
        tables={"while_reading": [("steps_read", "accuracy"), *points]},
        figures={
            "while_reading": plots.score_while_reading(points, "accuracy", levels),
            "surest_mistakes": _surest_mistakes(judged, classes_of(prepared)),
        },
    )


def _surest_mistakes(judged: shapes.Judged, classes: Sequence[str]) -> Any:
    sure = judged.answers["probability"]
    wrong = np.flatnonzero(judged.decisions != judged.targets)
    shown = wrong[np.argsort(-sure[wrong], kind="stable")][:MISREAD_SHOWN]
    said = [f"{classes[judged.decisions[i]]}, {sure[i]:.1%}\nis {classes[judged.targets[i]]}" for i in shown]
    return plots.captioned_pictures(judged.test["inputs"][shown], said)


def predict(export_dir: Path, records: Iterable[media.Picture], options: Any) -> Iterator[str]:
    """A line a picture: its class and the probability of that, separated by a tab."""
    served = export.load_endpoints(export_dir)
    height, width = served.signatures["serve"].structured_input_signature[1][dataset.INPUTS].shape[1:]
    for chunk in chunks(records, ROWS):
        pictures, wrong = media.of_one_size(chunk, height, width)
        if len(pictures):
            yield from answer_lines(served.serve({dataset.INPUTS: pictures}))
        if wrong:
            raise wrong


TASK = shapes.sequence_to_vector(
    name="mnist",
    summary="What does a picture show, read row by row, or in another order?",
    config=MnistConfig,
    presets=PRESETS,
    primary_metric="test_accuracy",
    records=PictureRecords(
        good=(f"{EXAMPLES / 'three.png'}", f"{EXAMPLES / 'four-on-white.png'}", f"{EXAMPLES / 'digits-idx3-ubyte'}:1"),
        bad={
            "nowhere.png": "does not exist; accepted is the path of a PNG or JPEG picture",
            f"{EXAMPLES / 'digits-idx3-ubyte'}:3": "there are 3 images; accepted is 0 to 2",
            f"{EXAMPLES / 'digits-idx3-ubyte'}": "holds many images; accepted is one of them",
            f"{EXAMPLES / 'truncated.png'}": "cannot be read as a PNG or JPEG picture",
            f"{EXAMPLES / 'larger.png'}": "12×10 pixels; accepted are 8×8",
        },
    ),
    inputs=inputs,
    prepare=prepare,
    build=build,
    head=lambda prepared: shapes.OneOf(classes_of(prepared)),
    details=details,
    predict=predict,
)
