"""Images of classes from every kind of source: what is read, what is drawn, what is refused."""

import os
import re

import numpy as np
import pytest
from PIL import Image

from rnn_tasks.errors import UserError
from rnn_tasks.media import ImageDataConfig, class_names, image_inputs, image_splits
from rnn_tasks.text import download
from tests.media.idx_files import idx_bytes, write_set
from tests.nobody import as_nobody, let_nobody_in


def config(source, **options):
    return ImageDataConfig(source=str(source), **options)


def write_folders(directory, counts, size=(4, 4), seed=1):
    """A folder a class with so many different pictures."""
    rng = np.random.default_rng(seed)
    for name, count in counts.items():
        (directory / name).mkdir(parents=True)
        for number in range(count):
            pixels = rng.integers(0, 256, size).astype(np.uint8)
            Image.fromarray(pixels).save(directory / name / f"{number}.png")


def wrong(source, **options):
    with pytest.raises(UserError) as error:
        image_splits(config(source, **options))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_embedded_digits_are_all_of_scikit_learns_on_one_side_each():
    splits, repeats = image_splits(config("embedded"))
    records = [record for images in splits.values() for record in images.records]
    assert len(set(records)) == len(records) == 1797 - repeats
    assert {name: len(images) for name, images in splits.items()} == {"train": 1318, "val": 120, "test": 359}
    assert class_names(splits["train"]) == list("0123456789")
    pixels = np.concatenate([images.pixels for images in splits.values()])
    assert (pixels.shape[1:], pixels.dtype, pixels.min(), pixels.max()) == ((8, 8), np.uint8, 0, 255)
    shares = [np.mean(images.labels == "3") for images in splits.values()]
    assert max(shares) - min(shares) < 0.01  # class by class


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_idx_files_keep_their_test_set_and_say_their_labels(tmp_path, packed):
    written = write_set(tmp_path, train=60, test=10, labels=(12, 3, 7), packed=packed)
    splits, _ = image_splits(config(tmp_path, validation_fraction=0.2))
    assert {name: len(images) for name, images in splits.items()} == {"train": 48, "val": 12, "test": 10}
    assert class_names(splits["train"]) == ["3", "7", "12"]
    np.testing.assert_array_equal(splits["test"].pixels, written["t10k"][0])
    assert splits["test"].labels.tolist() == [str(label) for label in written["t10k"][1]]
    for name in ("train", "val"):
        for pixels, label, record in zip(splits[name].pixels, splits[name].labels, splits[name].records, strict=True):
            path, _, number = record.rpartition(":")
            assert path.startswith(str(tmp_path / "train-images-idx3-ubyte"))
            np.testing.assert_array_equal(pixels, written["train"][0][int(number)])
            assert label == str(written["train"][1][int(number)])
    assert not set(splits["train"].records) & set(splits["val"].records)
    assert len(image_inputs(config(tmp_path))) == 4


def test_one_set_of_several_is_chosen_by_what_its_names_begin_with(tmp_path):
    write_set(tmp_path, labels=(1, 2), prefix="emnist-letters-", packed=True)
    write_set(tmp_path, labels=(0, 5), prefix="emnist-digits-", packed=True)
    splits, _ = image_splits(config(tmp_path / "emnist-digits"))
    assert class_names(splits["train"]) == ["0", "5"]
    assert "idx files of 2 sets, whose names begin with 'emnist-digits-', 'emnist-letters-'" in wrong(tmp_path)


@pytest.mark.parametrize(
    ("others", "part"),
    [
        (["emnist-digits-", "emnist-letters-"], "emnist"),
        (["", "b-"], ""),
        (["a-", "a-b-"], ""),
        (["a-", "a_"], ""),
    ],
)
def test_what_is_advised_where_there_are_several_sets_works(tmp_path, others, part):
    for prefix, labels in zip(others, [(1, 2), (0, 5)], strict=True):
        write_set(tmp_path, labels=labels, prefix=prefix)
    for source in {tmp_path, tmp_path / part}:
        found = wrong(source)
        assert found.startswith(f"{source}: idx files of 2 sets, whose names begin with {others[0]!r}, {others[1]!r}")
        advised = re.search(r"accepted is one, (\S+) say$", found)[1]
        assert class_names(image_splits(config(advised))[0]["train"]) == ["0", "5"]


def test_a_set_named_in_full_goes_before_longer_names(tmp_path):
    write_set(tmp_path, labels=(1, 2), prefix="a-")
    write_set(tmp_path, labels=(0, 5), prefix="a-b-")
    for name, classes in {"a": ["1", "2"], "a-": ["1", "2"], "a-b": ["0", "5"], "a-b-": ["0", "5"]}.items():
        assert class_names(image_splits(config(tmp_path / name))[0]["train"]) == classes


def test_a_folder_a_class_is_split_without_repeats(tmp_path):
    write_folders(tmp_path, {"cat": 20, "dog": 10})
    (tmp_path / "cat" / "again.png").write_bytes((tmp_path / "cat" / "0.png").read_bytes())
    (tmp_path / "cat" / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden").mkdir()
    splits, repeats = image_splits(config(tmp_path, validation_fraction=0.25, test_fraction=0.2))
    assert repeats == 1
    assert {name: len(images) for name, images in splits.items()} == {"train": 18, "val": 6, "test": 6}
    records = [record for images in splits.values() for record in images.records]
    assert len(set(records)) == 30
    folders = [record.split("/")[-2] for record in records]
    assert folders == [label for images in splits.values() for label in images.labels]
    again, _ = image_splits(config(tmp_path, validation_fraction=0.25, test_fraction=0.2))
    other, _ = image_splits(config(tmp_path, validation_fraction=0.25, test_fraction=0.2, seed=2))
    assert again["test"].records == splits["test"].records != other["test"].records


def test_folders_may_come_split(tmp_path):
    write_folders(tmp_path / "train", {"a": 12, "b": 12})
    write_folders(tmp_path / "test", {"a": 3, "b": 2}, seed=2)
    splits, _ = image_splits(config(tmp_path, validation_fraction=0.25))
    assert {name: len(images) for name, images in splits.items()} == {"train": 18, "val": 6, "test": 5}
    write_folders(tmp_path / "valid", {"a": 1, "b": 1}, seed=3)
    splits, _ = image_splits(config(tmp_path))
    assert {name: len(images) for name, images in splits.items()} == {"train": 24, "val": 2, "test": 5}


def test_split_folders_are_named_in_any_case(tmp_path):
    for number, (name, count) in enumerate({"Train": 12, "VALID": 2, "Test": 3}.items()):
        write_folders(tmp_path / name, {"a": count, "b": count}, seed=number)
    splits, _ = image_splits(config(tmp_path))
    assert {name: len(images) for name, images in splits.items()} == {"train": 24, "val": 4, "test": 6}


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            ["train", "testing"],
            "/testing: a folder beside train; accepted are train, val, valid, validation, dev, test",
        ),
        (["Train", "cat"], "/cat: a folder beside train; accepted are train, val"),
        (["train", "val", "valid"], ": val and valid are both val; accepted is one"),
        (["train", "Test", "test"], ": Test and test are both test; accepted is one"),
    ],
)
def test_folders_beside_train_that_are_no_split_or_one_twice_are_one_line(tmp_path, names, said):
    for number, name in enumerate(names):
        write_folders(tmp_path / name, {"a": 3, "b": 3}, seed=number)
    assert wrong(tmp_path).startswith(f"{tmp_path}{said}")


@pytest.mark.parametrize("name", [b"caf\xe9", b"two\nlines"])
def test_names_that_are_no_line_of_text_are_one_line(tmp_path, name):
    shown = {b"caf\xe9": r"a name that is not UTF-8; accepted is", b"two\nlines": "a name with a line end"}[name]
    for place in ("folder", "file"):
        write_folders(tmp_path / place, {"a": 3, "b": 3})
        at = tmp_path / place / "a" if place == "folder" else tmp_path / place / "a" / "0.png"
        at.rename(at.with_name(os.fsdecode(name) + at.suffix))
        found = wrong(tmp_path / place)
        assert shown in found
        assert found.isprintable()


def test_directories_without_a_right_are_one_line(tmp_path):
    write_folders(tmp_path / "data", {"a": 3, "b": 3})
    let_nobody_in(tmp_path)
    for directory, mode in {"data": 0o644, "data/b": 0o000}.items():
        (tmp_path / directory).chmod(mode)
        with as_nobody():
            found = wrong(tmp_path / "data")
        (tmp_path / directory).chmod(0o755)
        assert re.fullmatch(rf"{tmp_path}/data/[ab]: cannot be read \(Permission denied\)", found)


def test_a_link_to_nothing_is_no_class(tmp_path):
    write_folders(tmp_path, {"a": 12, "b": 12})
    (tmp_path / "c").symlink_to("nowhere")
    assert class_names(image_splits(config(tmp_path))[0]["train"]) == ["a", "b"]


def test_fewer_training_images_leave_the_rest_alone(tmp_path):
    write_set(tmp_path, train=60)
    all_of_them, few = (image_splits(config(tmp_path, train_images=count))[0] for count in (0, 7))
    assert len(few["train"]) == 7
    assert set(few["train"].records) < set(all_of_them["train"].records)
    assert (few["val"].records, few["test"].records) == (all_of_them["val"].records, all_of_them["test"].records)


def test_fewer_training_images_are_those_drawn_blindly_where_these_have_every_class(tmp_path):
    write_set(tmp_path, train=60)
    everything = image_splits(config(tmp_path))[0]["train"]
    few = image_splits(config(tmp_path, train_images=20))[0]["train"]
    rows = np.sort(np.random.default_rng(config(tmp_path).seed).permutation(len(everything))[:20])
    assert few.records == [everything.records[row] for row in rows]


def copied(source, *targets):
    for target in targets:
        target.write_bytes(source.read_bytes())


def test_no_image_stands_in_two_given_splits_and_the_test_set_stays(tmp_path):
    """2 of test are in train (one of them twice), 1 in val; 1 of val is in train; repeats in one split stay."""
    train, val, test = (tmp_path / name for name in ("train", "val", "test"))
    write_folders(train, {"a": 6, "b": 6})
    write_folders(val, {"a": 1, "b": 1}, seed=2)
    write_folders(test, {"a": 1, "b": 1}, seed=3)
    copied(test / "a" / "0.png", test / "a" / "again.png", train / "a" / "x.png", val / "a" / "x.png")
    copied(test / "b" / "0.png", train / "b" / "x.png", train / "a" / "y.png")
    copied(val / "b" / "0.png", train / "b" / "y.png")
    copied(train / "a" / "0.png", train / "a" / "again.png")
    splits, repeats = image_splits(config(tmp_path))
    assert repeats == 5
    assert {name: len(images) for name, images in splits.items()} == {"train": 13, "val": 2, "test": 3}
    for name, directory in {"train": train, "val": val}.items():
        assert not any(record.endswith(("x.png", "y.png")) for record in splits[name].records)
        assert f"{directory / 'a' / '0.png'}" in splits[name].records
    assert splits["test"].records == [str(path) for path in sorted(test.rglob("*.png"))]


def test_a_given_test_set_leaves_no_repeats_to_draw_validation_images_from(tmp_path):
    write_folders(tmp_path / "train", {"a": 12, "b": 12})
    write_folders(tmp_path / "test", {"a": 3, "b": 2}, seed=2)
    copied(tmp_path / "train" / "b" / "0.png", tmp_path / "train" / "b" / "again.png")
    copied(tmp_path / "test" / "b" / "0.png", tmp_path / "train" / "b" / "x.png")
    splits, repeats = image_splits(config(tmp_path, validation_fraction=0.25))
    assert repeats == 2
    assert {name: len(images) for name, images in splits.items()} == {"train": 18, "val": 6, "test": 5}
    pixels = [image.tobytes() for images in splits.values() for image in images.pixels]
    assert len(set(pixels)) == len(pixels)


def test_splits_that_hold_the_same_are_one_line(tmp_path):
    write_folders(tmp_path / "train", {"a": 2, "b": 2})
    write_folders(tmp_path / "test", {"a": 2, "b": 2})
    assert f"{tmp_path}: every image in train is in another split, too; accepted are some" in wrong(tmp_path)
    copied(tmp_path / "train" / "a" / "0.png", tmp_path / "test" / "b" / "1.png")
    assert "every image of class 'a' in train repeats one of another split or class" in wrong(tmp_path)


def test_what_is_not_there_or_of_no_known_kind_is_one_line(tmp_path):
    assert "does not exist; accepted are embedded, mnist, and a directory" in wrong(tmp_path / "none")
    assert "does not exist" in wrong("x" * 5000)
    (tmp_path / "file").write_text("x")
    assert "file no directory" in wrong(tmp_path / "file")
    assert "has no folders" in wrong(tmp_path)
    (tmp_path / "cat").mkdir()
    assert "cat: no picture in it; accepted are .png, .jpg, .jpeg" in wrong(tmp_path)


def test_idx_files_that_do_not_belong_together_are_one_line(tmp_path):
    def changed(number, **contents):
        directory = tmp_path / str(number)
        write_set(directory)
        for name, content in contents.items():
            path = directory / f"{name.replace('_', '-')}-ubyte"
            path.write_bytes(content) if content else path.unlink()
        return wrong(directory)

    assert re.search(
        r"train-labels\S+: 29 labels; accepted are 30, one for each image of \S+train-images",
        changed(1, train_labels_idx1=idx_bytes(np.resize([3, 7], 29))),
    )
    assert "train-images-idx3-ubyte: no labels beside these images" in changed(2, train_labels_idx1=None)
    assert "t10k-labels-idx1-ubyte: no images beside these labels" in changed(3, t10k_images_idx3=None)
    assert "images of 7×6 pixels; accepted are 5×4" in changed(4, t10k_images_idx3=idx_bytes(np.zeros((10, 6, 7))))
    assert "class '9' in test alone" in changed(5, t10k_labels_idx1=idx_bytes([9] * 10))
    assert "one class, '3'; accepted are two or more" in changed(6, train_labels_idx1=idx_bytes([3] * 30))
    assert "truncated" in changed(7, train_images_idx3=idx_bytes(np.zeros((30, 4, 5)))[:-5])
    assert "begins with 00000801" in changed(8, train_images_idx3=idx_bytes(np.zeros(30)))
    both_missing = tmp_path / "9"
    write_set(both_missing)
    for path in both_missing.glob("train*"):
        path.unlink()
    assert "idx files to test alone" in wrong(both_missing)


def test_pictures_that_do_not_fit_are_one_line(tmp_path):
    write_folders(tmp_path, {"a": 9, "b": 9})
    Image.fromarray(np.zeros((4, 3), np.uint8)).save(tmp_path / "b" / "7.png")
    assert "7.png: 3×4 pixels; accepted are 4×4" in wrong(tmp_path)
    (tmp_path / "b" / "7.png").write_bytes(b"\x89PNG")
    assert "7.png: cannot be read as a PNG or JPEG picture" in wrong(tmp_path)


def test_too_few_images_to_draw_from_are_one_line(tmp_path):
    write_folders(tmp_path / "one", {"a": 9, "b": 1})
    assert "data.test_fraction: 0.2 of 10 images are 2, with 1 of the rarest class, 'b'" in wrong(tmp_path / "one")
    write_folders(tmp_path / "two", {"a": 20, "b": 20})
    found = wrong(tmp_path / "two", validation_fraction=0.01)
    assert "data.validation_fraction: 0.01 of 32 images are 0" in found
    assert "accepted is what leaves one of each of 2 classes on both sides" in found


def test_mnist_by_name_is_downloaded(tmp_path, monkeypatch):
    write_set(tmp_path, labels=(0, 1), packed=True)
    fetched = []
    monkeypatch.setattr(
        "rnn_tasks.media.labelled_images.fetch_source",
        lambda name: fetched.append(name) or tuple(sorted(tmp_path.iterdir())),
    )
    splits, _ = image_splits(config("mnist"))
    assert fetched == ["mnist"]
    assert (len(splits["test"]), class_names(splits["train"])) == (10, ["0", "1"])
    assert image_inputs(config("mnist")) == []
    assert sorted(download.known_sources()["mnist"].files) == [path.name for path in sorted(tmp_path.iterdir())]
