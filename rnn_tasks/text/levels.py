"""The kinds of tokens. This is a separate module, so that configs need no TensorFlow."""

from typing import Literal

Level = Literal["word", "wordpiece", "character"]
