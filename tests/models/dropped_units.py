"""An encoder-decoder whose scores show which units dropout has set to 0."""

import keras
import numpy as np
from scipy import stats

from rnn_tasks import models

UNITS, RATE = 64, 0.25


def dropping(**options):
    """A model that hands every unit of a word vector of ones through to a score of its own, and nothing else.

    Beside those of the units it scores one more word, always 0 before the softmax.
    """
    keras.utils.set_random_seed(3)
    model = models.EncoderDecoder(
        9, UNITS + 1, cell="simple_rnn", units=UNITS, embedding_dim=UNITS, dropout=RATE, tied=False, **options
    )
    for weight in model.trainable_weights:
        through = weight.name in ("kernel", "output_kernel")
        weight.assign(np.eye(*weight.shape) if through else np.zeros(weight.shape))
    model.target_embedding.embeddings.assign(np.ones((UNITS + 1, UNITS)))
    return model


def dropped_units(scores):
    """Scores (batch, time, units + 1) in training -> (batch, time, units) bool, dropped as input or as output."""
    units = np.asarray(scores)[..., :-1] - np.asarray(scores)[..., -1:]
    dropped = np.isclose(units, 0.0, atol=1e-5)
    kept = np.tanh(np.tanh(1.0 / (1.0 - RATE))) / (1.0 - RATE)
    np.testing.assert_allclose(units[~dropped], kept, rtol=1e-4)
    return dropped


def check_masks(scores, shared):
    """Inputs are dropped by one mask for all steps where it is shared, else by one for each; outputs by one for each.

    Args:
        scores: (batch, time, units + 1), many steps.
        shared: whether all steps share the inputs' mask.
    """
    dropped = dropped_units(scores)
    always = dropped.all(axis=1)  # (batch, units)
    if shared:
        assert_share(always, RATE)
        assert_share(dropped[np.broadcast_to(~always[:, None], dropped.shape)], RATE)
    else:
        assert not always.any()
        assert_share(dropped, 1.0 - (1.0 - RATE) ** 2)


def assert_share(flags, share):
    low, high = stats.binom.interval(0.9999, flags.size, share)
    assert low <= flags.sum() <= high
