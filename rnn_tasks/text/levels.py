"""What a token is. A module of its own, so that configs need no TensorFlow."""

from typing import Literal

Level = Literal["word", "wordpiece", "character"]
