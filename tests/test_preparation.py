"""A preparation is named by what decides it, says which test data it has, and is made once."""

from __future__ import annotations

import pytest

from rnn_tasks.config import Section
from rnn_tasks.preparation import prepare_once


class Data(Section):
    words: int = 3


DATA = Data()


def prepare(work_dir, data=DATA, code=(), inputs=(), test_data=("test*.txt",), **files):
    def write(directory):
        for name, content in ({"test": "a"} | files).items():
            (directory / f"{name}.txt").write_text(content)
        return {"files": len(files) + 1}

    return prepare_once(list(code), data, inputs, work_dir, write, source="words", test_data=test_data)


def test_settings_inputs_and_code_decide_the_name(tmp_path):
    user = tmp_path / "user.txt"
    user.write_text("one")
    first = prepare(tmp_path / "work", inputs=[user])
    assert not first.reused
    assert prepare(tmp_path / "work", inputs=[user]) == first.model_copy(update={"reused": True})
    digests = {first.digest, prepare(tmp_path / "work", Data(words=4), inputs=[user]).digest}
    digests.add(prepare(tmp_path / "work", code=[prepare_once], inputs=[user]).digest)
    user.write_text("two")
    digests.add(prepare(tmp_path / "work", inputs=[user]).digest)
    assert len(digests) == 4


def test_the_test_datas_digest_is_that_of_its_files_alone(tmp_path):
    one = prepare(tmp_path / "a", train="x")
    assert prepare(tmp_path / "b", train="y").test_digest == one.test_digest
    assert prepare(tmp_path / "c", train="x", test="b").test_digest != one.test_digest
    assert prepare(tmp_path / "d", train="x", test_b="a").test_digest != one.test_digest


def test_a_preparation_without_test_data_is_a_mistake_of_its_author(tmp_path):
    with pytest.raises(ValueError, match=r"words: none of the prepared files is test data \(nothing\*\)"):
        prepare(tmp_path, test_data=("nothing*",))
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


PREPARES = """
import json, sys, time
from pathlib import Path
from rnn_tasks.config import Section
from rnn_tasks.preparation import prepare_once

directory, log = Path(sys.argv[1]), Path(sys.argv[2])

def write(aside):
    with log.open("a") as file:
        file.write("prepared\\n")
    time.sleep(1)
    (aside / "train.txt").write_text("words")
    return {"train": 1}

prepared = prepare_once([], Section(), [], directory, write, source="words", test_data=["train.txt"])
held = (prepared.directory / "train.txt").open()  # and stays what it is, whoever comes later
time.sleep(0.5)
assert held.read() == (prepared.directory / "train.txt").read_text() == "words"
print(prepared.reused, prepared.counts["train"])
"""


def test_of_three_processes_one_prepares(at_once, tmp_path):
    log = tmp_path / "log"
    assert sorted(at_once(PREPARES, tmp_path / "prepared", log)) == ["False 1\n", "True 1\n", "True 1\n"]
    assert log.read_text() == "prepared\n"
    assert len(list((tmp_path / "prepared").iterdir())) == 1
