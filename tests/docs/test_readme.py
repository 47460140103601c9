"""README.md: its building blocks are there, and can be called as it calls them."""

import re
from pathlib import Path

import keras
import tensorflow as tf

import rnn_tasks
from rnn_tasks import layers

TEXT = (Path(rnn_tasks.__file__).parents[1] / "README.md").read_text()


def step(ids, state, memory):
    """A decoder that can say one word, or end."""
    scores = tf.constant([0.0, 0.0, 0.0, 0.1, 0.9])
    return tf.tile(tf.math.log(scores)[None], [tf.shape(ids)[0], 1]), state, memory


def test_the_example_of_the_building_blocks_runs():
    (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    names = {
        "model": keras.Sequential([keras.Input((3, 4)), layers.GRU(2)]),
        "step": step,
        "state": tf.zeros((2, 1)),
        "memory": tf.zeros((2, 5)),
        "limits": tf.constant([4, 3]),
    }
    exec(compile(code, "README.md", "exec"), names)
    assert names["stack"].state_size == [[256, 256], [256]]


def test_every_file_it_points_to_exists():
    root = Path(rnn_tasks.__file__).parents[1]
    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (root / target).exists(), target
