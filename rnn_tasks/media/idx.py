"""Images and labels in idx files, the format of MNIST, Fashion-MNIST, KMNIST and EMNIST; unpacked or gzip.

An idx file is big-endian: two zero bytes, the type of its values, how many dimensions, the size of each, the values.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from rnn_tasks.errors import UserError

UNSIGNED_BYTES = 0x08
GZIP = b"\x1f\x8b"
IDX_IMAGES, IDX_LABELS = (bytes([0, 0, UNSIGNED_BYTES, dimensions]) for dimensions in (3, 1))


def read_idx_images(path: Path) -> np.ndarray:
    """(images, height, width) uint8.

    Raises:
        UserError: not such a file, or an incomplete one.
    """
    return _read(path, IDX_IMAGES, "images")


def read_idx_labels(path: Path) -> np.ndarray:
    """(labels,) uint8; raises as `read_idx_images`."""
    return _read(path, IDX_LABELS, "labels")


def is_idx(path: Path) -> bool:
    """Whether a file begins as an idx file of images does, packed or not.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            packed = file.read(2) == GZIP
        with gzip.open(path) if packed else path.open("rb") as file:
            return file.read(4) == IDX_IMAGES
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return False
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _read(path: Path, magic: bytes, what: str) -> np.ndarray:
    content = _unpacked(path)
    if not content:
        raise UserError(f"{path}: empty; accepted is an idx file of {what}")
    if content[: len(magic)] != magic[: len(content)]:
        raise UserError(f"{path}: no idx file of {what}: it begins with {content[:4].hex()}, accepted is {magic.hex()}")
    dimensions = magic[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(
            f"{path}: truncated: it ends within its head, after {len(content)} bytes; accepted are {start}, then {what}"
        )
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], ">u4"))
    wanted, found = math.prod(shape), len(content) - start
    if found != wanted:
        raise UserError(
            f"{path}: {'truncated' if found < wanted else 'too long'}: it says {' × '.join(map(str, shape))} bytes, "
            f"found {found:,} behind its head; accepted are {wanted:,}"
        )
    if not wanted:
        raise UserError(f"{path}: no {what} in it ({' × '.join(map(str, shape))}); accepted is one or more")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _unpacked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == GZIP else content
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path}: truncated or damaged, cannot be unpacked ({error})") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
