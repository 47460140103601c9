"""What the names of a user's files and folders say of the split that they are."""

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
