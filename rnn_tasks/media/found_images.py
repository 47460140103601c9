"""Finding a user's images: idx files in a directory, or a folder of pictures for each class."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rnn_tasks.errors import UserError
from rnn_tasks.media.pictures import PICTURES
from rnn_tasks.split_names import SPLIT_NAMES

IDX_SPLITS = {"train": "train", "t10k": "test", "test": "test"}
IDX_NAME = re.compile(r"(.*?)(train|t10k|test)[-_.](images|labels)[-_.]idx[13]-ubyte(\.gz)?")
SEPARATORS = "-_."
ACCEPTED = (
    "accepted are embedded, mnist, and a directory with train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-… "
    "(.gz), or with a folder of PNG or JPEG files for each class"
)


@dataclass(frozen=True)
class IdxPair:
    """The two files of a split."""

    images: Path
    labels: Path

    @property
    def files(self) -> Sequence[Path]:
        """Both files."""
        return self.images, self.labels


@dataclass(frozen=True)
class ClassFolders:
    """The pictures of a split, by class."""

    pictures: Mapping[str, Sequence[Path]]

    @property
    def files(self) -> Sequence[Path]:
        """All pictures."""
        return [path for paths in self.pictures.values() for path in paths]


Found = Mapping[str, IdxPair | ClassFolders]


def find_images(source: str) -> Found:
    """The images at a path, by split; at least "train".

    Args:
        source: a directory; if it holds several sets of idx files: the directory, / and the prefix of one set's names.

    Raises:
        UserError: no images of a known kind, more than one set, or a name that cannot be written as a line of text.
    """
    found = _found(source)
    for part in found.values():
        for path in part.files:
            _check_name(path)
    return found


def _found(source: str) -> Found:
    directory = Path(source)
    if os.path.isdir(source):  # Path.is_dir raises if a name is too long
        return idx_pairs(_names(directory), directory) or _class_folders(directory)
    if directory.name and os.path.isdir(directory.parent):
        files = [path for path in _names(directory.parent) if path.name.startswith(directory.name)]
        if found := idx_pairs(files, directory.parent, directory.name):
            return found
    what = "no directory" if os.path.exists(source) else "does not exist"
    raise UserError(f"data.source: {source} {what}; {ACCEPTED}")


def idx_pairs(files: Sequence[Path], directory: Path, prefix: str = "") -> Found:
    """The pairs of idx files among `files` (one set of them), by split; empty where there are none.

    Args:
        files: the candidates in `directory`.
        directory: the directory of the files.
        prefix: the beginning of the names, given by the user; a set with exactly this name goes before longer names.

    Raises:
        UserError: several sets, images without labels or labels without images, no training images.
    """
    found: dict[str, dict[tuple[str, str], Path]] = {}
    for path in sorted(files, key=lambda path: path.suffix != ".gz"):  # if both exist, the unpacked one is kept
        if match := IDX_NAME.fullmatch(path.name):
            found.setdefault(match[1], {})[IDX_SPLITS[match[2]], match[3]] = path
    if prefix:
        named = {name: parts for name, parts in found.items() if prefix in (name, name.rstrip(SEPARATORS))}
        found = named or found
    if len(found) > 1:
        sets = ", ".join(repr(name) for name in sorted(found))
        one = directory / max(found)
        raise UserError(
            f"{directory / prefix}: idx files of {len(found)} sets, whose names begin with {sets}; accepted is one, "
            f"{one} say"
        )
    pairs: dict[str, IdxPair] = {}
    for parts in found.values():
        for split, what in parts:
            other = {"images": "labels", "labels": "images"}[what]
            if (split, other) not in parts:
                raise UserError(f"{parts[split, what]}: no {other} beside these {what}; accepted are both files")
            pairs[split] = IdxPair(parts[split, "images"], parts[split, "labels"])
    if pairs and "train" not in pairs:
        raise UserError(f"{directory / prefix}: idx files to test alone; accepted are those to train, too")
    return pairs


def _class_folders(directory: Path) -> Found:
    folders = _folders(directory)
    if "train" not in {_split_of(path) for path in folders}:
        return {"train": _classes(directory)}
    splits: dict[str, Path] = {}
    for path in folders:
        split = _split_of(path)
        if split is None:
            raise UserError(f"{path}: a folder beside train; accepted are {', '.join(SPLIT_NAMES)}, in any case")
        if split in splits:
            raise UserError(f"{directory}: {splits[split].name} and {path.name} are both {split}; accepted is one")
        splits[split] = path
    return {split: _classes(path) for split, path in splits.items()}


def _split_of(folder: Path) -> str | None:
    return SPLIT_NAMES.get(folder.name.lower())


def _classes(directory: Path) -> ClassFolders:
    pictures = {folder.name: _pictures(folder) for folder in _folders(directory)}
    if not pictures:
        raise UserError(f"data.source: {directory} has no folders; {ACCEPTED}")
    for name, paths in pictures.items():
        if not paths:
            raise UserError(f"{directory / name}: no picture in it; accepted are {', '.join(PICTURES)}")
    return ClassFolders(pictures)


def _folders(directory: Path) -> list[Path]:
    shown = [path for path in _names(directory) if not path.name.startswith(".")]
    return [path for path in shown if _is_folder(path)]


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:  # a link to nothing
        return False
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _pictures(folder: Path) -> list[Path]:
    files = (path for path in _names(folder) if not path.name.startswith("."))
    return [path for path in files if path.suffix.lower() in PICTURES]


def _names(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError as error:
        raise UserError(f"{directory}: cannot be read ({error.strerror})") from None


def _check_name(path: Path) -> None:
    """Classes and records are lines of UTF-8."""
    name = str(path)
    if "\n" in name or "\r" in name:
        raise UserError(f"{name!r}: a name with a line end; accepted is one without")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"{os.fsencode(path)!r}: a name that is not UTF-8; accepted is one that is") from None
