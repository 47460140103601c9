"""Pictures as a user's records: a PNG or JPEG, or one image of an idx file."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from rnn_tasks.errors import UserError
from rnn_tasks.media.idx import is_idx, read_idx_images
from rnn_tasks.records import Records

PICTURES = (".png", ".jpg", ".jpeg")
INDEX_DIGITS = 18  # at most; Python refuses to read numbers of thousands of digits


@dataclass(frozen=True)
class Picture:
    """One grey image.

    Attributes:
        pixels: (height, width) uint8.
        name: its path, for errors.
    """

    pixels: np.ndarray
    name: str


@dataclass(frozen=True)
class PictureRecords(Records):
    """A record is the path of a PNG or JPEG, or `FILE:17`, the 18th image of an idx file; it becomes a `Picture`."""

    kind: ClassVar[str] = "the path of a PNG or JPEG picture, or FILE:INDEX of an idx file of images"
    portable: ClassVar[bool] = False

    def parse(self, line: str, where: str) -> Picture:
        return self.check(line.strip(), where)

    def check(self, value: Any, where: str) -> Picture:
        try:
            return Picture(_pixels(str(value), self.kind), f"{where}: {value}")
        except UserError as error:
            raise UserError(f"{where}: {error}") from None


def _pixels(name: str, accepted: str) -> np.ndarray:
    file, _, index = name.rpartition(":")
    is_index = index.isdecimal() and len(index) <= INDEX_DIGITS
    if not os.path.isfile(name) and is_index and os.path.isfile(file):
        images = _images_of(Path(file), os.stat(file).st_mtime_ns)
        if int(index) >= len(images):
            raise UserError(f"{name}: there are {len(images)} images; accepted is 0 to {len(images) - 1}")
        return images[int(index)]
    if not os.path.isfile(name):  # Path's own raises where a name is too long
        raise UserError(f"{name}: {'no file' if os.path.exists(name) else 'does not exist'}; accepted is {accepted}")
    if is_idx(Path(name)):
        raise UserError(f"{name}: holds many images; accepted is one of them, {name}:0 say")
    return read_picture(Path(name))


def read_picture(path: Path, size: tuple[int, int] | None = None) -> np.ndarray:
    """A PNG or JPEG in grey, (height, width) uint8; transparent parts become white.

    Args:
        path: of the file.
        size: (height, width) that it must have; None takes any.

    Raises:
        UserError: it cannot be decoded, or has another size.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)  # which opening gives
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                found = image.height, image.width
                if size in (None, found):
                    return _grey(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(f"{path}: too large a picture ({error})") from None
    except (OSError, SyntaxError, ValueError) as error:  # Pillow reports damage as any of these
        reason = getattr(error, "strerror", None) or "damaged, truncated, or of another kind"
        raise UserError(f"{path}: cannot be read as a PNG or JPEG picture ({reason})") from None
    raise UserError(f"{path}: {_size(*found)} pixels; accepted are {_size(*size)}")


def _grey(image: Any) -> np.ndarray:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits a pixel, which Pillow's own conversion to 8 cuts off at 255
        return (np.asarray(image).astype(np.int64) // 257).clip(0, 255).astype(np.uint8)
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("L"))


def of_one_size(pictures: Sequence[Picture], height: int, width: int) -> tuple[np.ndarray, UserError | None]:
    """Pictures up to the first of another size, (pictures, height, width) uint8, and the error of that picture."""
    for number, picture in enumerate(pictures):
        if picture.pixels.shape != (height, width):
            found = f"{_size(*picture.pixels.shape)} pixels; accepted are {_size(height, width)}"
            return _stacked(pictures[:number], height, width), UserError(f"{picture.name}: {found}")
    return _stacked(pictures, height, width), None


def _stacked(pictures: Sequence[Picture], height: int, width: int) -> np.ndarray:
    return np.array([picture.pixels for picture in pictures], np.uint8).reshape(-1, height, width)


def _size(height: int, width: int) -> str:
    return f"{width}×{height}"


@functools.lru_cache(maxsize=4)
def _images_of(path: Path, _: int) -> np.ndarray:
    return read_idx_images(path)
