"""Images as sequences: every order by hand, inverted where the border is light, saved and loaded."""

import keras
import numpy as np
import pytest

from rnn_tasks.media import ImageSequence, light_on_dark

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 4, 6)).astype(np.uint8)
IMAGES[:, [0, -1]] = IMAGES[:, :, [0, -1]] = 10  # dark at the border
LIGHT = IMAGES.astype(np.float32) / 255


def sequence(order, images=IMAGES, **options):
    return np.asarray(ImageSequence(order, **options)(images))


def test_rows_columns_and_pixels():
    np.testing.assert_allclose(sequence("rows"), LIGHT, rtol=1e-6)
    np.testing.assert_allclose(sequence("columns"), LIGHT.transpose(0, 2, 1), rtol=1e-6)
    np.testing.assert_allclose(sequence("pixels"), LIGHT.reshape(3, 24, 1), rtol=1e-6)


def test_permuted_pixels_are_all_of_them_in_one_order():
    """A picture whose pixels are numbered tells the order; every picture has it."""
    numbered = np.arange(24, dtype=np.uint8).reshape(1, 4, 6)
    order = np.round(sequence("permuted", numbered)[0, :, 0] * 255).astype(int)
    assert sorted(order) == list(range(24))
    assert list(order) != list(range(24))
    np.testing.assert_allclose(sequence("permuted")[..., 0], LIGHT.reshape(3, 24)[:, order], rtol=1e-6)
    assert np.any(sequence("permuted", numbered, seed=2) != sequence("permuted", numbered))


def test_blocks_stand_line_by_line():
    blocks = sequence("blocks", block=2)
    assert blocks.shape == (3, 6, 4)
    for step, (row, column) in enumerate((r, c) for r in (0, 2) for c in (0, 2, 4)):
        np.testing.assert_allclose(
            blocks[:, step], LIGHT[:, row : row + 2, column : column + 2].reshape(3, 4), rtol=1e-6
        )


def test_shrinking_takes_means():
    expected = LIGHT.reshape(3, 2, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(sequence("rows", shrink=2), expected, rtol=1e-5)
    np.testing.assert_allclose(sequence("pixels", shrink=2), expected.reshape(3, 6, 1), rtol=1e-5)


@pytest.mark.parametrize("order", ["rows", "blocks"])
def test_dark_on_light_is_inverted_image_by_image(order):
    both = np.concatenate([IMAGES, 255 - IMAGES])
    first, second = np.split(sequence(order, both, block=2), 2)
    np.testing.assert_allclose(first, second, atol=1e-6)


def test_images_are_inverted_as_bytes_as_they_are_in_sequences(monkeypatch):
    monkeypatch.setattr("rnn_tasks.media.image_sequence.AT_ONCE", 4)
    every_byte = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    np.testing.assert_array_equal(light_on_dark(every_byte), every_byte)
    both = np.concatenate([IMAGES, 255 - IMAGES, IMAGES])
    np.testing.assert_array_equal(light_on_dark(both), np.concatenate([IMAGES] * 3))
    np.testing.assert_allclose(light_on_dark(both) / 255, sequence("rows", both), rtol=1e-6, atol=1e-7)


def test_the_border_decides_and_not_what_is_inside():
    mostly_light = np.full((1, 8, 8), 250, np.uint8)
    mostly_light[0, 0], mostly_light[0, -1], mostly_light[0, :, 0], mostly_light[0, :, -1] = 0, 0, 0, 0
    assert sequence("rows", mostly_light)[0, 4, 4] == pytest.approx(250 / 255)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": "blocks", "block": 4}, "block: squares of 4×4 do not fill an image of 6×4"),
        ({"order": "rows", "shrink": 5}, "shrink: squares of 5×5 do not fill an image of 6×4"),
        ({"order": "blocks", "shrink": 2, "block": 2}, "block: squares of 2×2 do not fill an image of 3×2"),
    ],
)
def test_squares_must_fill_the_image(options, said):
    with pytest.raises(ValueError, match=said):
        sequence(images=IMAGES, **options)
    with pytest.raises(ValueError, match=f"^{said}$"):
        ImageSequence(**options).compute_output_shape((None, 4, 6))


@pytest.mark.parametrize("options", [{}, {"shrink": 2}, {"block": 2}])
@pytest.mark.parametrize("order", ["rows", "columns", "pixels", "permuted", "blocks"])
def test_saved_loaded_and_shaped_as_said(tmp_path, order, options):
    layer = ImageSequence(order, **{"block": 1, **options}, seed=3)
    images = keras.Input((4, 6), dtype="uint8")
    model = keras.Model(images, layer(images))
    assert model.output.shape == layer.compute_output_shape((None, 4, 6)) == (None, *layer(IMAGES).shape[1:])
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "model.keras")(IMAGES), layer(IMAGES))
