"""Writes idx files."""

import gzip

import numpy as np


def idx_bytes(array, magic=None):
    """An array as the content of an idx file of unsigned bytes."""
    array = np.asarray(array, np.uint8)
    sizes = np.array(array.shape, ">u4").tobytes()
    return (magic or bytes([0, 0, 8, array.ndim])) + sizes + array.tobytes()


def write_set(directory, train=30, test=10, size=(4, 5), labels=(3, 7), packed=False, prefix=""):
    """The four files of a set; the label says how many rows are bright. Returns the arrays by split."""
    rng, splits = np.random.default_rng(0), {}
    directory.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", train), ("t10k", test)):
        classes = np.resize(np.arange(len(labels)), count)
        pixels = rng.integers(0, 40, (count, *size))
        for image, number in zip(pixels, classes, strict=True):
            image[1 : 2 + number, 1:-1] += 180
        splits[name] = pixels.astype(np.uint8), np.array(labels)[classes]
        for what, array in zip(("images-idx3", "labels-idx1"), splits[name], strict=True):
            content, path = idx_bytes(array), directory / f"{prefix}{name}-{what}-ubyte"
            if packed:
                path, content = path.with_name(path.name + ".gz"), gzip.compress(content)
            path.write_bytes(content)
    return splits
