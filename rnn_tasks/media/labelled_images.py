"""Images of classes in three splits, from the source in the config."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rnn_tasks import activity
from rnn_tasks.errors import UserError
from rnn_tasks.media.config import ImageDataConfig
from rnn_tasks.media.found_images import ClassFolders, IdxPair, find_images, idx_pairs
from rnn_tasks.media.idx import read_idx_images, read_idx_labels
from rnn_tasks.media.pictures import read_picture
from rnn_tasks.text.download import fetch_source

EMBEDDED, DOWNLOADED = "embedded", "mnist"


@dataclass(frozen=True)
class LabelledImages:
    """Images of one size, what they show and where they come from.

    Attributes:
        pixels: (images, height, width) uint8.
        labels: (images,) names of their classes.
        records: (images,) the records that a user would give for them.
    """

    pixels: np.ndarray
    labels: np.ndarray
    records: Sequence[str]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.pixels.shape[1], self.pixels.shape[2]

    def taken(self, rows: np.ndarray) -> LabelledImages:
        """Some of the images."""
        return LabelledImages(self.pixels[rows], self.labels[rows], [self.records[row] for row in rows])


def image_inputs(config: ImageDataConfig) -> Sequence[Path]:
    """The user's files; nothing is downloaded, and no file is read.

    Raises:
        UserError: no such directory, or no images of a known kind in it.
    """
    if config.source in (EMBEDDED, DOWNLOADED):
        return []
    return [path for found in find_images(config.source).values() for path in found.files]


def image_splits(config: ImageDataConfig) -> tuple[dict[str, LabelledImages], int]:
    """Training, validation and test images, and the number of repeated images that were left out.

    If there is no test split, it is drawn, class by class; validation images are drawn from the training images. No
    image is in two splits: repeated images are left out first, except those of a given test split.

    Raises:
        UserError: files that do not belong together, cannot be read, or are too few.
    """
    given = _given(config)
    _check_classes(config.source, given)
    splits = _without_repeats(config.source, given)
    repeats = sum(len(given[name]) - len(images) for name, images in splits.items())
    for name, key in (("test", "test_fraction"), ("val", "validation_fraction")):
        if name not in splits:
            splits["train"], splits[name] = _drawn(splits["train"], key, config)
    if 0 < config.train_images < len(splits["train"]):
        splits["train"] = _fewer(splits["train"], config)
    return splits, repeats


def class_names(images: LabelledImages) -> list[str]:
    """The classes in order: numbers by their value, then names."""
    return sorted(set(images.labels.tolist()), key=_order)


def _order(name: str) -> tuple[bool, int, str]:
    return not name.isdecimal(), int(name) if name.isdecimal() else 0, name


def _given(config: ImageDataConfig) -> dict[str, LabelledImages]:
    """The splits that exist in the data."""
    if config.source == EMBEDDED:
        return {"train": _embedded_digits()}
    if config.source == DOWNLOADED:
        files = fetch_source(DOWNLOADED)
        found = idx_pairs(files, files[0].parent)
    else:
        found = find_images(config.source)
    splits: dict[str, LabelledImages] = {}
    for name, part in sorted(found.items(), key=lambda item: item[0] != "train"):  # which says the size
        size = splits["train"].size if splits else None
        splits[name] = _read_pair(part, size) if isinstance(part, IdxPair) else _read_folders(part, size)
    return splits


def _embedded_digits() -> LabelledImages:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)  # (images, 8, 8), 17 shades
    names = np.array([str(label) for label in digits.target])
    return LabelledImages(pixels, names, [f"scikit-learn digit {number}" for number in range(len(names))])


def _read_pair(pair: IdxPair, size: tuple[int, int] | None) -> LabelledImages:
    pixels, labels = read_idx_images(pair.images), read_idx_labels(pair.labels)
    if len(pixels) != len(labels):
        raise UserError(
            f"{pair.labels}: {len(labels):,} labels; accepted are {len(pixels):,}, one for each image of {pair.images}"
        )
    if size and pixels.shape[1:] != size:
        found, wanted = ("×".join(map(str, shape[::-1])) for shape in (pixels.shape[1:], size))
        raise UserError(f"{pair.images}: images of {found} pixels; accepted are {wanted}, as there are to train")
    names = np.array([str(label) for label in labels.tolist()])
    return LabelledImages(pixels, names, [f"{pair.images}:{number}" for number in range(len(names))])


def _read_folders(folders: ClassFolders, size: tuple[int, int] | None) -> LabelledImages:
    labels = [name for name, paths in folders.pictures.items() for _ in paths]
    pixels: list[np.ndarray] = []
    for path in activity.each("picture", folders.files, len(labels)):
        pixels.append(read_picture(path, size))
        size = (pixels[0].shape[0], pixels[0].shape[1])
    return LabelledImages(np.stack(pixels), np.array(labels), [str(path) for path in folders.files])


def _without_repeats(source: str, given: Mapping[str, LabelledImages]) -> dict[str, LabelledImages]:
    """The splits without repeats: no validation image equals a test image, no training image equals either of these.

    If a split will be drawn from the training images, only the first of equal training images is kept, too. A given
    test split is not changed, so that figures can be compared with published ones.
    """
    splits = dict(given)
    elsewhere: set[bytes] = set()
    for name in ("test", "val", "train"):
        if name in given:
            digests = [hashlib.sha256(pixels.tobytes()).digest() for pixels in given[name].pixels]
            once, rows = name == "train" and len(given) < 3, []
            for row, digest in enumerate(digests):
                if digest not in elsewhere:
                    rows.append(row)
                if once:
                    elsewhere.add(digest)
            elsewhere.update(digests)
            splits[name] = _left(source, name, given[name], rows)
    return splits


def _left(source: str, name: str, images: LabelledImages, rows: Sequence[int]) -> LabelledImages:
    """Some of a split's images: at least one, and of every class to train."""
    if not rows:
        raise UserError(f"{source}: every image in {name} is in another split, too; accepted are some that are not")
    left = images.taken(np.array(rows)) if len(rows) < len(images) else images
    if name == "train" and (lost := sorted(set(images.labels.tolist()) - set(left.labels.tolist()))):
        raise UserError(
            f"{source}: every image of class {lost[0]!r} in train repeats one of another split or class; accepted are "
            "some that do not"
        )
    return left


def _check_classes(source: str, splits: Mapping[str, LabelledImages]) -> None:
    known = Counter(splits["train"].labels.tolist())
    if len(known) < 2:
        raise UserError(f"{source}: one class, {next(iter(known))!r}; accepted are two or more")
    for name, split in splits.items():
        if strange := sorted(set(split.labels.tolist()) - set(known)):
            raise UserError(f"{source}: class {strange[0]!r} in {name} alone; accepted are classes that train has, too")


def _drawn(images: LabelledImages, key: str, config: ImageDataConfig) -> tuple[LabelledImages, LabelledImages]:
    """The images that remain, and the share in the setting `key` that is drawn from them, class by class."""
    from sklearn.model_selection import train_test_split

    classes = Counter(images.labels.tolist())
    fraction = getattr(config, key)
    count = round(fraction * len(images))
    rarest, members = min(classes.items(), key=lambda item: item[1])
    if members < 2 or min(count, len(images) - count) < len(classes):
        raise UserError(
            f"data.{key}: {fraction:.3g} of {len(images)} images are {count}, with {members} of the rarest class, "
            f"{rarest!r}; accepted is what leaves one of each of {len(classes)} classes on both sides"
        )
    stay, go = train_test_split(
        np.arange(len(images)), test_size=count, stratify=images.labels, random_state=config.seed
    )
    return images.taken(np.sort(stay)), images.taken(np.sort(go))


def _fewer(images: LabelledImages, config: ImageDataConfig) -> LabelledImages:
    """Reduce the images to `data.train_images`: at least one of each class, the others of any class."""
    classes = set(images.labels.tolist())
    if config.train_images < len(classes):
        raise UserError(
            f"data.train_images: found {config.train_images}; accepted is {len(classes)} or more, one for each class, "
            "or 0 for all"
        )
    drawn = np.random.default_rng(config.seed).permutation(len(images))
    _, firsts = np.unique(images.labels[drawn], return_index=True)
    rows = np.concatenate([drawn[firsts], np.delete(drawn, firsts)])[: config.train_images]
    return images.taken(np.sort(rows))
