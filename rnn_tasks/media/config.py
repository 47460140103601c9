"""The data settings of tasks that classify images."""

from __future__ import annotations

from pydantic import Field

from rnn_tasks.config import Section


class ImageDataConfig(Section):
    """Which images are read."""

    source: str = Field(
        "embedded",
        min_length=1,
        description="embedded (scikit-learn's 8×8 digits); mnist (downloaded); the path of a directory with the four "
        "idx files of MNIST, Fashion-MNIST, KMNIST or EMNIST (where it holds several sets: the directory, / and what "
        "their names begin with), or with a folder of PNG and JPEG files a class (or train, val and test of such).",
    )
    validation_fraction: float = Field(
        1 / 12, gt=0, lt=1, description="Share of the training images taken for validation, where they come without."
    )
    test_fraction: float = Field(0.2, gt=0, lt=1, description="Share taken for testing, where they come without.")
    train_images: int = Field(0, ge=0, description="Train on so many of the images at most; 0 is all.")
    seed: int = Field(
        1, ge=0, lt=2**31, description="Draws the splits; runs that differ in their own seed alone share one test set."
    )
