"""An answer a line: python client.py < questions.txt > answers.txt. Needs tensorflow and tensorflow-text alone."""

import itertools
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401  (operations of models that read text)

model = tf.saved_model.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "saved_model"))
answer = model.signatures["serving_default"]
specs = answer.structured_input_signature[1]
text = next((name for name, spec in specs.items() if spec.dtype == tf.string), None)


def asked(lines):
    """The model's inputs: strings as they are, or one line's numbers in the model's shape."""
    if text:
        return {text: tf.constant(lines)} | ({"count": tf.constant(10)} if "count" in specs else {})  # neighbours
    numbers = np.array(lines[0].replace(",", " ").replace(";", " ").split(), float)
    inputs = numbers.reshape([1, *(-1 if size is None else size for size in specs["inputs"].shape[1:])])
    lengths = {"lengths": tf.constant([inputs.shape[1]])} if "lengths" in specs else {}
    return {"inputs": tf.cast(inputs, specs["inputs"].dtype)} | lengths


def shown(value):
    """An item of an output as text."""
    return value.decode() if isinstance(value, bytes) else f"{value:.6f}" if isinstance(value, float) else str(value)


sys.stdin.reconfigure(encoding="utf-8")
sys.stdout.reconfigure(encoding="utf-8", line_buffering=True)
lines = (line.strip() for line in sys.stdin)
while batch := list(itertools.islice(lines, 64 if text else 1)):
    outputs = sorted(answer(**asked(batch)).items(), key=lambda output: output[1].dtype != tf.string)
    for row in zip(*(values.numpy() for _, values in outputs), strict=True):
        print("\t".join(" ".join(map(shown, np.ravel(values).tolist())) for values in row))
