"""The names of a user's files and folders that tell to which split they belong."""

from __future__ import annotations

TRAINING, VALIDATION, TEST = "train", "val", "test"
SPLIT_NAMES = {
    "train": TRAINING,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "training": TRAINING,
}
