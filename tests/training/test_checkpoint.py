"""What a checkpoint gives back, to the bit and in every precision."""

import keras
import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.training.checkpoint import restore_checkpoint, save_checkpoint


def variables(values):
    kinds = ("float32", "bfloat16", "float16", "int32", "bool")
    return [keras.Variable(np.asarray(values), dtype=kind, trainable=False) for kind in kinds]


def test_every_precision_comes_back_to_the_bit(tmp_path):
    kept, fresh = variables([0.1, -3.0, 7e-3]), variables([1.0, 1.0, 1.0])
    save_checkpoint(tmp_path / "c.npz", kept, {"epoch": 3})
    assert restore_checkpoint(tmp_path / "c.npz", fresh) == {"epoch": 3}
    for one, two in zip(kept, fresh, strict=True):
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(np.asarray(one), np.asarray(two))


def test_another_programs_checkpoint_is_one_line(tmp_path):
    save_checkpoint(tmp_path / "c.npz", variables([1.0, 2.0]), {})
    for others in (variables([1.0, 2.0, 3.0]), variables([1.0, 2.0])[:-1]):
        with pytest.raises(UserError, match=r"begun by another version cannot go on; start it with --fresh$"):
            restore_checkpoint(tmp_path / "c.npz", others)
    assert restore_checkpoint(tmp_path / "none.npz", []) is None
