"""What training and measuring word vectors needs: windows of a split, the loss in closed form, ranking."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from rnn_tasks import models, text, training
from rnn_tasks.shapes.embeddings_config import EmbeddingsConfig
from rnn_tasks.task import Prepared

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from rnn_tasks.models.word_vectors import WordGradients

VALIDATION_SEED = 0


def batches(config: EmbeddingsConfig, prepared: Prepared, split: str) -> text.WindowBatches:
    """A split's windows: those of training by the run's seed, the others always the same."""
    settings, counts = config.training, np.array(vocabulary(prepared).counts)
    return text.WindowBatches(
        text.load_ids(prepared.directory, split),
        counts,
        window=config.model.window,
        dynamic=settings.dynamic_window,
        threshold=settings.subsampling,
        noise=settings.noise_words,
        positions=settings.positions,
        span=settings.batch_words,
        seed=config.seed if split == "train" else VALIDATION_SEED,
    )


def vocabulary(prepared: Prepared) -> text.Vocabulary:
    """The words, by falling frequency."""
    return text.Vocabulary.load(prepared.directory / text.WORDS)


def tables(model: keras.Model) -> list[keras.Variable]:
    """The vectors of words, and of words as contexts."""
    return [model.get_layer(name).embeddings for name in ("vectors", "context_vectors")]


def gradient(config: EmbeddingsConfig, prepared: Prepared) -> Callable[..., WordGradients]:
    """(tables, block) -> the loss of a block, and its gradient."""
    settings, counts = config.training, np.array(vocabulary(prepared).counts, np.float64)
    seen = counts > 0
    log_ratio = np.zeros(len(counts), np.float32)
    log_ratio[seen] = np.log(counts[seen] / counts.sum() / text.noise_distribution(counts)[seen])
    objective = {
        "negative_sampling": lambda: models.negative_sampling(settings.negatives),
        "nce": lambda: models.noise_contrastive(settings.negatives, log_ratio),
        "sampled_softmax": lambda: models.sampled_softmax(log_ratio),
    }[config.model.loss]()
    architecture = {"skip_gram": models.skip_gram, "cbow": models.cbow}[config.model.architecture]
    return functools.partial(architecture, window=config.model.window, objective=objective)


def measures(config: EmbeddingsConfig, prepared: Prepared, model: keras.Model) -> Mapping[str, Callable[[str], float]]:
    """The measures of a split, by name: the loss that is trained, and how contexts rank among noise words."""
    block_gradient = gradient(config, prepared)

    def loss(model: keras.Model, block: dict[str, tf.Tensor], _: bool) -> training.StepLoss:
        found = block_gradient([table.value for table in tables(model)], block)
        return training.StepLoss(found.total, found.weight)

    def ranking(model: keras.Model, block: dict[str, tf.Tensor], _: bool) -> training.StepLoss:
        return training.StepLoss(*models.ranking([t.value for t in tables(model)], block, config.model.window))

    def measured(measure: Callable[..., float], split: str) -> float:
        windows = batches(config, prepared, split)
        return measure(windows.blocks(-(-config.evaluation.words // windows.span)))

    return {
        name: functools.partial(measured, training.evaluator(model, one))
        for name, one in (("ranking", ranking), ("loss", loss))
    }
