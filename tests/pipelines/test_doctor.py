"""What `rnn-tasks doctor` says is what runs."""

import re

import pytest

from pipelines import doctor
from rnn_tasks.layers.kernels import build


@pytest.fixture
def said(capsys):
    def run():
        doctor.report()
        return capsys.readouterr().out

    return run


def row(text, name):
    cells = next(line for line in text.splitlines() if f" {name} " in line).split("│")
    return [cell.strip() for cell in cells[2:4]]


def test_every_layer_with_its_kernel_and_the_reason(said):
    assert build.library().reason is None, "the tests' machine has a compiler"
    text = said()
    trained, inferred = row(text, "SimpleRNN")
    assert trained == "native"
    assert re.fullmatch(r"tensorflow \[\d\]", inferred)
    for name in ("LSTM", "GRU(reset_after=False)"):
        trained, inferred = row(text, name)
        assert trained == "native"
        assert inferred.startswith("keras [")
    assert "native kernels  compiled" in text
    assert "] a graph for inference takes TensorFlow's own operations" in text


def test_no_compiler_is_said(said, monkeypatch):
    monkeypatch.setattr(build.shutil, "which", lambda name: None)
    build.library.cache_clear()
    try:
        text = said()
    finally:
        build.library.cache_clear()
    assert "none: no C++ compiler is installed (looked for $CXX, g++, clang++)" in text
    assert row(text, "LSTM")[0].startswith("tensorflow")
    assert row(text, "RNN(PeepholeLSTMCell)")[0].startswith("step by step")


def test_a_cache_that_cannot_be_written_is_said(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    build.library.cache_clear()
    try:
        reason = build.library().reason
    finally:
        build.library.cache_clear()
    assert reason == f"there is no room for the compiled kernels: Not a directory at {tmp_path}/file/rnn_tasks"
