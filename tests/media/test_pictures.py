"""Pictures as records: decoded to grey, one of an idx file, or refused in one line."""

import gzip
import warnings

import numpy as np
import pytest
from PIL import Image

from rnn_tasks.errors import UserError
from rnn_tasks.media import Picture, PictureRecords, of_one_size, read_picture
from tests.media.idx_files import idx_bytes

GREY = np.random.default_rng(0).integers(0, 256, (5, 4)).astype(np.uint8)
RECORDS = PictureRecords(good=("x",))


def saved(path, pixels, mode=None, **options):
    Image.fromarray(np.asarray(pixels), mode).save(path, **options)
    return path


def test_grey_pixels_are_what_was_saved(tmp_path):
    np.testing.assert_array_equal(read_picture(saved(tmp_path / "a.png", GREY)), GREY)
    colour = np.repeat(GREY[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(read_picture(saved(tmp_path / "b.png", colour)), GREY)
    flat = np.full((8, 8), 90, np.uint8)
    np.testing.assert_allclose(read_picture(saved(tmp_path / "c.jpg", flat)), flat, atol=2)
    sixteen = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_picture(saved(tmp_path / "d.png", sixteen)), GREY)


def test_what_is_transparent_is_white(tmp_path):
    """Black ink on nothing, as drawing programs save it: without paper it would be all black."""
    alpha = np.where(GREY > 127, 255, 0).astype(np.uint8)
    ink = np.dstack([np.zeros_like(GREY)] * 3 + [alpha])
    np.testing.assert_array_equal(read_picture(saved(tmp_path / "a.png", ink)), 255 - alpha)
    one_bit = Image.fromarray(alpha).convert("1")
    one_bit.save(tmp_path / "b.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "b.png"), alpha)


def test_what_does_not_decode_is_one_line(tmp_path):
    png, jpeg = saved(tmp_path / "a.png", GREY), saved(tmp_path / "a.jpg", np.zeros((60, 60), np.uint8))
    for name, content in {
        "half.png": png.read_bytes()[:-30],
        "half.jpg": jpeg.read_bytes()[: len(jpeg.read_bytes()) // 2],
        "text.png": b"no picture",
        "empty.png": b"",
        "flipped.png": png.read_bytes().replace(b"IDAT", b"IDAX"),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as error:
            read_picture(tmp_path / name)
        assert f"{name}: cannot be read as a PNG or JPEG picture" in str(error.value)
        assert "\n" not in str(error.value)


def test_a_picture_that_unpacks_to_more_than_memory_should_hold_is_one_line(tmp_path):
    """90 million black pixels are a file of 11 kB."""
    path = tmp_path / "black.png"
    Image.new("1", (10_000, 9_000)).save(path)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        with pytest.raises(UserError, match=r"black\.png: too large a picture \(.*90000000 pixels") as error:
            read_picture(path)
    assert warned == []
    assert "\n" not in str(error.value)


def test_another_size_is_one_line(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    assert read_picture(path, (5, 4)).shape == (5, 4)
    with pytest.raises(UserError, match=r"a\.png: 4×5 pixels; accepted are 5×4$"):
        read_picture(path, (4, 5))


def test_records_are_paths_or_one_of_an_idx_file(tmp_path):
    path = saved(tmp_path / "a.png", GREY)
    images = tmp_path / "images.gz"
    images.write_bytes(gzip.compress(idx_bytes([GREY, 255 - GREY])))
    np.testing.assert_array_equal(RECORDS.parse(f" {path}\r", "line 1").pixels, GREY)
    np.testing.assert_array_equal(RECORDS.parse(f"{images}:1", "line 1").pixels, 255 - GREY)
    images.write_bytes(gzip.compress(idx_bytes([GREY])))  # another file by the same name
    np.testing.assert_array_equal(RECORDS.parse(f"{images}:0", "line 1").pixels, GREY)
    with_colon = saved(tmp_path / "a:0", GREY, format="PNG")
    np.testing.assert_array_equal(RECORDS.parse(str(with_colon), "line 1").pixels, GREY)


def test_what_is_no_record_names_its_line(tmp_path):
    images = tmp_path / "images"
    images.write_bytes(idx_bytes([GREY]))
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    for line, wrong in {
        f"{images}:1": "there are 1 images; accepted is 0 to 0",
        f"{images}": "holds many images; accepted is one of them",
        f"{tmp_path / 'none.png'}": "does not exist; accepted is the path of a PNG or JPEG picture",
        f"{tmp_path / 'none'}:3": "does not exist",
        f"{tmp_path / 'bad.png'}": "cannot be read as a PNG or JPEG picture",
        f"{tmp_path / 'bad.png'}:0": "no idx file of images: it begins with 89504e47",
        f"{tmp_path}": "no file; accepted is",
        "x" * 5000: "does not exist",
        f"{images}:{'9' * 18}": "there are 1 images; accepted is 0 to 0",
        f"{images}:{'9' * 19}": "does not exist; accepted is",
        f"{images}:{'9' * 5000}": "does not exist; accepted is",
        "": "does not exist",
    }.items():
        with pytest.raises(UserError) as error:
            RECORDS.parse(line, "lines.txt, line 7")
        assert str(error.value).startswith("lines.txt, line 7: ")
        assert wrong in str(error.value)


def test_pictures_up_to_the_first_of_another_size():
    pictures = [Picture(GREY, "one"), Picture(GREY.T, "two"), Picture(GREY, "three")]
    stacked, wrong = of_one_size(pictures, 5, 4)
    assert stacked.tolist() == [GREY.tolist()]
    assert str(wrong) == "two: 5×4 pixels; accepted are 4×5"
    assert of_one_size(pictures[1:], 5, 4)[0].shape == (0, 5, 4)
    stacked, wrong = of_one_size(pictures[::2], 5, 4)
    assert (len(stacked), wrong) == (2, None)
