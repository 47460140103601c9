"""Corpora by name, and what is said about a name that is none."""

import subprocess
import sys

import pytest
from local_corpora import config_of, opening_error

from rnn_tasks.config import override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.text.config import ParallelDataConfig
from rnn_tasks.text.corpus import corpus_inputs, open_corpus


def test_config_round_trips_and_names_the_key_of_a_bad_value():
    assert ParallelDataConfig.model_validate_json(ParallelDataConfig().model_dump_json()) == ParallelDataConfig()
    with pytest.raises(UserError, match=r"^target_language: must differ from source_language \(found 'en'\)$"):
        override(ParallelDataConfig(), {"target_language": "en"})
    with pytest.raises(UserError, match=r"^source_language: .*\(found 'English'\)$"):
        validate(ParallelDataConfig, {"source_language": "English"})
    assert validate(ParallelDataConfig, {"source_column": 3}).source_column == "3"
    assert validate(ParallelDataConfig, {"target_language": "zho_Hans"}).target_language == "zho_Hans"


def test_an_unknown_source_names_the_nearest_and_what_is_accepted():
    assert opening_error(config_of("multi3k")) == (
        "data.source: 'multi3k' does not exist; did you mean 'multi30k'?; accepted are embedded, multi30k, tatoeba, "
        "a directory, or a file ending in .tsv, .txt, .csv, .tsv.gz, .txt.gz, .csv.gz, .tmx, .tmx.gz, .zip"
    )
    assert "did you mean" not in opening_error(config_of("/nowhere/at/all"))
    assert opening_error(config_of("x" * 300)) == f"data.source: {'x' * 300} cannot be read (File name too long)"
    assert opening_error(config_of("/dev/null")) == (
        "data.source: /dev/null is no regular file, and it is read more than once; save it first"
    )


@pytest.mark.parametrize(
    ("source", "has"),
    [
        ("embedded", "the embedded corpus has en-fr and fr-en"),
        ("multi30k", "multi30k has en-fr and fr-en"),
        ("tatoeba", "tatoeba has en-fr and fr-en"),
    ],
)
def test_languages_that_a_source_does_not_have_are_an_error(source, has):
    assert opening_error(config_of(source, target_language="de")) == (
        f"data.source_language, data.target_language: found en-de; {has}"
    )


def test_named_sources_have_no_inputs_of_the_user_and_need_no_network_to_say_so():
    assert corpus_inputs(config_of("embedded")) == ()
    assert corpus_inputs(config_of("multi30k")) == ()
    assert corpus_inputs(config_of("tatoeba", source_language="fr", target_language="en")) == ()


def test_the_embedded_corpus_counts_repeats_and_turns_round():
    config = config_of("embedded", embedded_pairs=400)
    forward = open_corpus(config, seed=3)
    forward.check()
    pairs = {split: list(pairs) for split, pairs in forward.splits.items()}
    assert {split: len(found) for split, found in pairs.items()} == {"train": 400, "val": 20, "test": 20}
    assert pairs["train"] == list(forward.splits["train"])
    assert pairs["train"] != list(open_corpus(config, seed=4).splits["train"])
    backward = open_corpus(override(config, {"source_language": "fr", "target_language": "en"}), seed=3)
    assert [(source, target) for target, source in backward.splits["test"]] == pairs["test"]


def test_reading_corpora_loads_no_tensorflow(tmp_path):
    code = "import sys, rnn_tasks.text.corpus; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0
