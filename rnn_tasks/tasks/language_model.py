"""What comes next in a text, character by character or word by word? A language model that writes on by itself.

Embedded is a generated text whose brackets close as they opened and whose names return, over distances that no n-gram
spans; `DATA=` takes any text: a file, or a directory of train, valid and test files or of documents.

References:
    Mikolov et al. (2010), Recurrent neural network based language model.
    Zaremba, Sutskever & Vinyals (2014), Recurrent Neural Network Regularization.
    Karpathy, Johnson & Fei-Fei (2015), Visualizing and Understanding Recurrent Networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from rnn_tasks import shapes, synthetic, text
from rnn_tasks.config import presets
from rnn_tasks.records import TextRecords
from rnn_tasks.shapes.language_config import LanguageConfig, LanguageModelConfig, StreamTrainingConfig

EMBEDDED = "embedded"
SPLITS = {"train": 1.0, "val": 0.1, "test": 0.15}  # shares of `data.embedded_documents`

PRESETS = presets(
    quick=LanguageConfig(
        model=LanguageModelConfig(cell="lstm", units=128, embedding_dim=32),
        training=StreamTrainingConfig(
            epochs=10, streams=16, truncation=96, learning_rate=0.008, decay="cosine", clip_norm=1.0
        ),
    ),
    full={
        "model.units": 512,
        "model.embedding_dim": 128,
        "model.dropout": 0.4,
        "training.epochs": 20,
        "training.streams": 32,
        "training.truncation": 100,
        "training.learning_rate": 0.002,
        "training.weight_average": 0.998,
    },
    tiny={
        "data.embedded_documents": 10,
        "model.units": 24,
        "model.embedding_dim": 8,
        "training.epochs": 2,
        "training.streams": 4,
        "training.truncation": 16,
        "training.decay": "none",
        "evaluation.streams": 2,
        "evaluation.context": 8,
    },
)


def documents(config: LanguageConfig) -> text.Documents:
    """The embedded text, or the user's."""
    data = config.data
    if data.source != EMBEDDED:
        return text.documents_of_files(data)
    counts = {split: max(2, int(share * data.embedded_documents)) for split, share in SPLITS.items()}
    splits = {split: partial(_blocks, count, data.seed, split) for split, count in counts.items()}
    return text.Documents(EMBEDDED, (), splits)


def _blocks(count: int, seed: int, split: str) -> Iterator[tuple[bool, str]]:
    for document in synthetic.agreement_documents(count, seed, list(SPLITS).index(split)):
        yield True, document


def agreeing(config: LanguageConfig) -> Callable[[Sequence[str]], np.ndarray] | None:
    """In the embedded text: closing brackets and returning names."""
    return synthetic.agreeing if config.data.source == EMBEDDED else None


TASK = shapes.language_model(
    name="language_model",
    summary="What comes next in a text? A model that tells how likely a line is, and writes on.",
    config=LanguageConfig,
    presets=PRESETS,
    records=TextRecords(good=("Anna saw the old boat", "The house.", "Hugo")),
    documents=documents,
    agreeing=agreeing,
)
