"""Corpora of a user's own, for tests."""

import gzip

import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import corpus_inputs, open_corpus


def config_of(source, **changes) -> ParallelDataConfig:
    return ParallelDataConfig(source=str(source), **changes)


def fill(directory, *names):
    """Files of two lines, each naming its file."""
    directory.mkdir(exist_ok=True)
    for name in names:
        content = f"{name} one\n{name} two\n".encode()
        (directory / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return directory


def table(path, pairs: int, repeat: int = 1):
    lines = (f"Sentence number {i // repeat}.\tPhrase {i}\n" for i in range(pairs))
    path.write_text("".join(lines), encoding="utf-8")
    return path


def opening_error(config) -> str:
    with pytest.raises(UserError) as caught:
        open_corpus(config)
    with pytest.raises(UserError) as also_caught:
        corpus_inputs(config)
    text = str(caught.value)
    assert text == str(also_caught.value)
    assert "\n" not in text
    return text


def checking_error(config) -> str:
    with pytest.raises(UserError) as caught:
        open_corpus(config).check()
    return str(caught.value)
