"""idx files: what is read is what was written, and what is none is said in one line."""

import gzip

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.media import read_idx_images, read_idx_labels
from rnn_tasks.media.idx import is_idx
from tests.media.idx_files import idx_bytes

IMAGES = np.arange(2 * 3 * 4).reshape(2, 3, 4)
WHOLE = idx_bytes(IMAGES)


def test_the_header_is_what_the_format_says():
    """Two images of 3 rows and 4 columns, by hand."""
    assert WHOLE[:16].hex() == "00000803" + "00000002" + "00000003" + "00000004"


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_and_labels_packed_or_not(tmp_path, pack):
    (tmp_path / "images").write_bytes(pack(WHOLE))
    (tmp_path / "labels").write_bytes(pack(idx_bytes([7, 0, 255])))
    np.testing.assert_array_equal(read_idx_images(tmp_path / "images"), IMAGES)
    assert read_idx_labels(tmp_path / "labels").tolist() == [7, 0, 255]
    assert is_idx(tmp_path / "images")
    assert not is_idx(tmp_path / "labels")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (WHOLE[:-1], "truncated: it says 2 × 3 × 4 bytes, found 23 behind its head; accepted are 24"),
        (WHOLE[:9], "truncated: it ends within its head, after 9 bytes; accepted are 16, then images"),
        (WHOLE[:3], "truncated: it ends within its head, after 3 bytes; accepted are 16, then images"),
        (WHOLE[:16], "truncated: it says 2 × 3 × 4 bytes, found 0 behind its head; accepted are 24"),
        (WHOLE + b"\0", "too long: it says 2 × 3 × 4 bytes, found 25 behind its head; accepted are 24"),
        (b"\x89PNG....", "no idx file of images: it begins with 89504e47, accepted is 00000803"),
        (idx_bytes([1, 2]), "no idx file of images: it begins with 00000801, accepted is 00000803"),
        (idx_bytes(IMAGES, bytes([0, 0, 0x0D, 3])), "it begins with 00000d03"),
        (b"", "empty; accepted is an idx file of images"),
        (gzip.compress(b"", mtime=0), "empty; accepted is an idx file of images"),
        (b"PNG", "no idx file of images: it begins with 504e47, accepted is 00000803"),
        (gzip.compress(WHOLE, mtime=0)[:-9], "truncated or damaged, cannot be unpacked"),
        (gzip.compress(WHOLE, mtime=0)[:12] + b"\xff" * 9, "truncated or damaged, cannot be unpacked"),
        (idx_bytes(np.zeros((0, 3, 4))), "no images in it (0 × 3 × 4); accepted is one or more"),
    ],
)
def test_what_is_no_whole_file_is_one_line(tmp_path, content, wrong):
    path = tmp_path / "images"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        read_idx_images(path)
    assert str(error.value).startswith(f"{path}: ")
    assert wrong in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read_is_one_line(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_idx_images(tmp_path)
