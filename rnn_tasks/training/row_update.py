"""Updates of only those table rows that a batch uses, in time that does not depend on the size of the tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from rnn_tasks import activity
from rnn_tasks.config import TrainingConfig

RowGradient = tuple[tf.Tensor, tf.Tensor]
Gradient = Callable[..., tuple[tf.Tensor, tf.Tensor, Sequence[RowGradient]]]
TINY = 1e-10


class RowUpdate:
    """Stochastic gradient descent, plain or AdaGrad with one rate for each row; `fit` takes it as its `loss`.

    A batch is a stack of blocks: each of its fields is (blocks, …). Each block makes one update. With several devices,
    each device computes the gradient of its rows of a block; then all devices make the same update.

    Args:
        tables: (words, dim) weights of a model.
        gradient: (tables, block) -> summed loss, its weight, and the gradient of the summed loss for each table, as ids
            (n,), which may repeat, and rows (n, dim).
        config: `optimizer` (sgd or adagrad) and `learning_rate` are read.
        shared: fields of a block that are not divided: every device gets all of them.

    References:
        Duchi, Hazan & Singer 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization".
    """

    def __init__(
        self, tables: Sequence[keras.Variable], gradient: Gradient, config: TrainingConfig, shared: Sequence[str] = ()
    ):
        self.gradient, self.shared = gradient, shared
        self.adaptive = config.optimizer == "adagrad"
        self._rate = keras.Variable(config.learning_rate, trainable=False, dtype="float32", name="learning_rate")
        # The mean square of a row's gradients, summed over updates.
        self._sums = [keras.Variable(np.zeros(table.shape[0], np.float32), trainable=False) for table in tables]
        self.variables = [self._rate, *(self._sums if self.adaptive else [])]
        self._copies = list(zip(*(_copies(table) for table in tables), strict=True))  # of each device
        self._sum_copies = list(zip(*(_copies(table) for table in self._sums), strict=True))
        self._rates = _copies(self._rate)
        self._step = tf.function(self._blocks, autograph=False, reduce_retracing=True)

    @property
    def learning_rate(self) -> Any:
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._rate.assign(value)

    def __call__(self, batch: Mapping[str, np.ndarray]) -> tuple[tf.Tensor, tf.Tensor]:
        """Summed loss and weight of a batch; each block's loss is from before its update."""
        return self._step({name: array for name, array in batch.items() if np.ndim(array)})

    def _blocks(self, batch: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        activity.note("compiling")

        def update(number: tf.Tensor, total: tf.Tensor, weight: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            loss, pairs = self._update({name: array[number] for name, array in batch.items()})
            return number + 1, total + loss, weight + pairs

        blocks = tf.shape(next(iter(batch.values())))[0]
        start = (tf.constant(0), tf.constant(0.0), tf.constant(0.0))
        _, total, weight = tf.while_loop(lambda n, *_: n < blocks, update, start, parallel_iterations=1)
        return total, weight

    def _update(self, block: Mapping[str, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        devices = len(self._copies)
        parts = []
        for number, tables in enumerate(self._copies):
            with tf.device(tables[0].device):
                mine = {n: a if n in self.shared else a[number::devices] for n, a in block.items()}
                parts.append(self.gradient(tables, mine))
        totals, weights, gradients = zip(*parts, strict=True)
        joined = [_joined(of_table) for of_table in zip(*gradients, strict=True)]
        for tables, sums, rate in zip(self._copies, self._sum_copies, self._rates, strict=True):
            with tf.device(tables[0].device):
                for table, squares, (ids, rows) in zip(tables, sums, joined, strict=True):
                    self._descend(table, squares, ids, rows, rate)
        return tf.add_n(totals), tf.add_n(weights)

    def _descend(self, table: tf.Variable, squares: tf.Variable, ids: tf.Tensor, rows: tf.Tensor, rate: Any) -> None:
        ids, place = tf.unique(ids)
        rows = tf.math.unsorted_segment_sum(rows, place, tf.size(ids))
        step = tf.cast(rate, rows.dtype)
        if self.adaptive:
            # The gradient is summed over occurrences before squaring: it is the block's gradient, not a single word's.
            square = tf.reduce_mean(tf.square(rows), axis=1) + tf.gather(squares, ids)
            squares.scatter_update(tf.IndexedSlices(square, ids))
            step = (step * tf.math.rsqrt(square + TINY))[:, None]
        table.scatter_sub(tf.IndexedSlices(step * rows, ids))


def _copies(variable: keras.Variable) -> Sequence[tf.Variable]:
    """The copies of a variable, one on each device."""
    return tf.distribute.get_strategy().experimental_local_results(variable.value)


def _joined(parts: Sequence[RowGradient]) -> RowGradient:
    if len(parts) == 1:
        return parts[0]
    ids, rows = zip(*parts, strict=True)
    return tf.concat(ids, 0), tf.concat(rows, 0)
