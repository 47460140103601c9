"""What several processes prepare at once is prepared by one of them."""

from __future__ import annotations

PREPARES = """
import json, sys, time
from pathlib import Path
from rnn_tasks.files import prepare_once

directory, log = Path(sys.argv[1]), Path(sys.argv[2])

def write(aside):
    with log.open("a") as file:
        file.write("prepared\\n")
    time.sleep(1)
    (aside / "train.txt").write_text("words")
    return {"train": 1}

prepared = prepare_once(directory, "digest", "words", write)
held = (prepared.directory / "train.txt").open()  # and stays what it is, whoever comes later
time.sleep(0.5)
assert held.read() == (prepared.directory / "train.txt").read_text() == "words"
print(prepared.reused, prepared.counts["train"])
"""


def test_of_three_processes_one_prepares(at_once, tmp_path):
    log = tmp_path / "log"
    assert sorted(at_once(PREPARES, tmp_path / "prepared", log)) == ["False 1\n", "True 1\n", "True 1\n"]
    assert log.read_text() == "prepared\n"
    assert [path.name for path in (tmp_path / "prepared").iterdir()] == ["digest"]
