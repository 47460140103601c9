"""Two vectors for each word, one as a word and one as a context, and the losses of word2vec in closed form.

Positions come in blocks. Matrix products compare the words of a block: positives within rows of neighbouring positions,
and noise words that a whole block shares (Ji et al. 2016). Gradients are hand-written, for the table rows that a block
uses.

References:
    Mikolov, Chen, Corrado & Dean 2013, "Efficient Estimation of Word Representations in Vector Space".
    Mikolov, Sutskever, Chen, Corrado & Dean 2013, "Distributed Representations of Words and Phrases and their
    Compositionality".
    Mnih & Kavukcuoglu 2013, "Learning word embeddings efficiently with noise-contrastive estimation".
    Jean et al. 2015, "On Using Very Large Target Vocabulary for Neural Machine Translation" (sampled softmax).
    Ji, Satish, Li & Dubey 2016, "Parallelizing Word2Vec in Shared and Distributed Memory".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

Block = Mapping[str, tf.Tensor]
RANKED = 64


def word_vectors(words: int, dim: int) -> keras.Model:
    """{"centres": (batch, time), "contexts": (batch, others)} ids -> scores (batch, time, others), their products.

    Vectors start as in word2vec: word vectors uniform in ±0.5 / dim, context vectors zero.

    Args:
        words: rows of each table.
        dim: length of a vector.
    """
    start = keras.initializers.RandomUniform(-0.5 / dim, 0.5 / dim)
    centres = keras.Input((None,), dtype="int32", name="centres")
    contexts = keras.Input((None,), dtype="int32", name="contexts")
    vectors = keras.layers.Embedding(words, dim, embeddings_initializer=start, name="vectors")(centres)
    others = keras.layers.Embedding(words, dim, embeddings_initializer="zeros", name="context_vectors")(contexts)
    scores = keras.layers.Dot(axes=2, name="scores")([vectors, others])
    return keras.Model({"centres": centres, "contexts": contexts}, scores, name="word_vectors")


class WordGradients(NamedTuple):
    """The loss of a block and its gradients.

    Attributes:
        total: the summed loss, in nats.
        weight: number of word pairs (skip-gram) or of positions (CBOW).
        rows: the gradients of `total` with respect to `vectors` and `context_vectors`: ids (n,), which may repeat, and
            rows (n, dim).
    """

    total: tf.Tensor
    weight: tf.Tensor
    rows: tuple[tuple[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


def window_mask(left: tf.Tensor, right: tf.Tensor, window: int) -> tf.Tensor:
    """(rows, time, time + 2 · window) float32: 1 where a context is in a position's window.

    Args:
        left, right: (rows, time): how far the window reaches; both 0 at filler positions.
        window: contexts on each side of a row.
    """
    time = tf.shape(left)[1]
    offset = tf.range(time + 2 * window)[None, :] - tf.range(time)[:, None] - window
    inside = (offset >= -left[:, :, None]) & (offset <= right[:, :, None]) & (offset != 0)
    return tf.cast(inside, tf.float32)


def skip_gram(tables: Sequence[tf.Tensor], block: Block, window: int, objective: Objective) -> WordGradients:
    """Each word predicts each of its contexts.

    Args:
        tables: `vectors` and `context_vectors`, (words, dim).
        block: `centres` (rows, time), `contexts` (rows, time + 2 · window), `left`, `right` (rows, time) and `noise`
            (noise,) of one block of `rnn_tasks.text.WindowBatches`.
        window: words on each side at most.
        objective: a loss.
    """
    centres, contexts, noise = block["centres"], block["contexts"], block["noise"]
    v, u, z = tf.gather(tables[0], centres), tf.gather(tables[1], contexts), tf.gather(tables[1], noise)
    dim = v.shape[-1]
    mask = window_mask(block["left"], block["right"], window)  # (rows, time, others)
    flat = tf.reshape(v, [-1, dim])
    positive = tf.matmul(v, u, transpose_b=True)  # (rows, time, others)
    negative = tf.reshape(tf.matmul(flat, z, transpose_b=True), tf.concat([tf.shape(centres), tf.shape(noise)], 0))
    total, by_positive, by_negative = objective(positive, negative, mask, contexts[:, None], noise)
    by_noise = tf.reshape(by_negative, [-1, tf.shape(noise)[0]])
    by_v = tf.reshape(tf.matmul(by_positive, u), [-1, dim]) + tf.matmul(by_noise, z)
    by_u = tf.reshape(tf.matmul(by_positive, v, transpose_a=True), [-1, dim])
    by_z = tf.matmul(by_noise, flat, transpose_a=True)
    others = tf.concat([tf.reshape(contexts, [-1]), noise], 0)
    return WordGradients(
        total, tf.reduce_sum(mask), ((tf.reshape(centres, [-1]), by_v), (others, tf.concat([by_u, by_z], 0)))
    )


def cbow(tables: Sequence[tf.Tensor], block: Block, window: int, objective: Objective) -> WordGradients:
    """The mean of a word's contexts predicts the word; arguments as in `skip_gram`.

    The gradient is that of the mean. word2vec's program does not divide it by the number of contexts (Irsoy, Benton &
    Stratos 2021, "Corrected CBOW Performs as well as Skip-gram").
    """
    centres, contexts, noise = block["centres"], block["contexts"], block["noise"]
    v, u, z = tf.gather(tables[0], contexts), tf.gather(tables[1], centres), tf.gather(tables[1], noise)
    dim = v.shape[-1]
    mask = window_mask(block["left"], block["right"], window)
    size = tf.reduce_sum(mask, -1, keepdims=True)  # (rows, time, 1)
    means = mask / tf.maximum(size, 1.0)
    hidden = tf.matmul(means, v)  # (rows, time, dim)
    flat = tf.reshape(hidden, [-1, dim])
    positive = tf.reduce_sum(hidden * u, -1, keepdims=True)  # (rows, time, 1)
    negative = tf.reshape(tf.matmul(flat, z, transpose_b=True), tf.concat([tf.shape(centres), tf.shape(noise)], 0))
    there = tf.cast(size > 0, tf.float32)
    total, by_positive, by_negative = objective(positive, negative, there, centres[:, :, None], noise)
    by_noise = tf.reshape(by_negative, [-1, tf.shape(noise)[0]])
    by_hidden = by_positive * u + tf.reshape(tf.matmul(by_noise, z), tf.shape(hidden))
    by_v = tf.reshape(tf.matmul(means, by_hidden, transpose_a=True), [-1, dim])
    by_u = tf.reshape(by_positive * hidden, [-1, dim])
    by_z = tf.matmul(by_noise, flat, transpose_a=True)
    others = tf.concat([tf.reshape(centres, [-1]), noise], 0)
    return WordGradients(
        total, tf.reduce_sum(there), ((tf.reshape(contexts, [-1]), by_v), (others, tf.concat([by_u, by_z], 0)))
    )


# (positive (rows, time, n), negative (rows, time, noise), mask like positive, words of the positives, noise words)
# -> summed loss, and its derivatives with respect to the scores.
Objective = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]


def negative_sampling(negatives: int) -> Objective:
    """-log σ(positive) - Σ log σ(-negative); the sum is `negatives` times the mean over the drawn noise words."""

    def objective(positive, negative, mask, words, noise):
        share = tf.reduce_sum(mask, -1, keepdims=True) * (negatives / tf.cast(tf.shape(noise)[0], tf.float32))
        total = tf.reduce_sum(tf.nn.softplus(-positive) * mask) + tf.reduce_sum(tf.nn.softplus(negative) * share)
        return total, (tf.sigmoid(positive) - 1.0) * mask, tf.sigmoid(negative) * share

    return objective


def noise_contrastive(negatives: int, log_ratio: tf.Tensor) -> Objective:
    """Negative sampling of log p(word | context) - log(negatives · noise probability).

    Args:
        negatives: noise words for each pair.
        log_ratio: (words,) log of (a word's probability / its probability as noise). A score is log p(word | context)
            - log p(word), so vectors need not learn how frequent words are.
    """
    sampled = negative_sampling(negatives)

    def objective(positive, negative, mask, words, noise):
        shift = log_ratio - tf.math.log(float(negatives))
        return sampled(positive + tf.gather(shift, words), negative + tf.gather(shift, noise), mask, words, noise)

    return objective


def sampled_softmax(log_ratio: tf.Tensor) -> Objective:
    """Cross-entropy of the word among itself and the noise words, each weighted by its expected count among them.

    Args:
        log_ratio: as in `noise_contrastive`.
    """

    def objective(positive, negative, mask, words, noise):
        shift = log_ratio - tf.math.log(tf.cast(tf.shape(noise)[0], tf.float32))
        positive, negative = positive + tf.gather(shift, words), negative + tf.gather(shift, noise)
        others = tf.reduce_logsumexp(negative, -1, keepdims=True)  # (rows, time, 1)
        missed = tf.sigmoid(others - positive) * mask  # the probability of the others
        total = tf.reduce_sum(tf.nn.softplus(others - positive) * mask)
        return total, -missed, tf.nn.softmax(negative) * tf.reduce_sum(missed, -1, keepdims=True)

    return objective


def ranking(tables: Sequence[tf.Tensor], block: Block, window: int) -> tuple[tf.Tensor, tf.Tensor]:
    """The share of noise words that score below a context, summed over all contexts; and the number of contexts.

    A tie counts half. Only the first `RANKED` noise words are compared.
    """
    noise = block["noise"][:RANKED]
    v, u = tf.gather(tables[0], block["centres"]), tf.gather(tables[1], block["contexts"])
    mask = window_mask(block["left"], block["right"], window)
    positive = tf.matmul(v, u, transpose_b=True)[..., None]  # (rows, time, others, 1)
    negative = tf.einsum("rtd,nd->rtn", v, tf.gather(tables[1], noise))[:, :, None]
    above = (tf.cast(positive > negative, tf.float32) + tf.cast(positive >= negative, tf.float32)) / 2
    return tf.reduce_sum(tf.reduce_mean(above, -1) * mask), tf.reduce_sum(mask)
