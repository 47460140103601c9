"""Trainings that are killed after some batches."""

import keras


class Killed(Exception):
    """Says so."""


class KillAt(keras.callbacks.Callback):
    """Raises `Killed` when so many batches have been seen."""

    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            raise Killed
