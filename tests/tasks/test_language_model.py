"""What is special to the language model: its figures, and what it writes."""

import numpy as np
import pytest
from killed import KillAt, Killed

from rnn_tasks.config import override, validate
from rnn_tasks.errors import UserError
from rnn_tasks.export import load_endpoints
from rnn_tasks.line_stream import Piece
from rnn_tasks.tasks.language_model import TASK


@pytest.fixture(scope="module", params=["character", "word"])
def run(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    config = override(TASK.presets["tiny"], {"data.level": request.param, "training.epochs": 1})
    prepared = TASK.prepare(config, directory)
    trained = TASK.train(config, prepared, directory / "train", ())
    exported = TASK.export(config, prepared, trained, directory / "exported")
    return config, prepared, trained, exported.directory


def written(directory, **options):
    return list(TASK.generate(directory, TASK.generate_options(**options)))


def test_what_is_written_comes_in_pieces_and_is_what_the_endpoint_writes_at_once(run):
    *_, directory = run
    parts = written(directory, prompt="Hugo", length=150, temperature=0.9, seed=3)
    assert all(isinstance(part, Piece) for part in parts[:-1])
    assert parts[-1] == ""
    assert len(parts) == 1 + 3 + 1
    served = load_endpoints(directory).generate(["Hugo"], 150, 0.9, 0, 1.0, 3)["text"].numpy()[0].decode()
    assert "".join(parts) == "Hugo" + served


def test_samples_are_texts_of_their_own_and_the_first_is_the_one_alone(run):
    *_, directory = run
    one = "".join(written(directory, prompt="Hugo", length=70))
    several = written(directory, prompt="Hugo", length=70, samples=3)
    assert several[::2] == ["--- 1 ---", "--- 2 ---", "--- 3 ---"]
    assert several[1] == one
    assert len(set(several[1::2])) == 3
    assert one != "".join(written(directory, prompt="Hugo", length=70, seed=2))


LINES = [
    "Anna saw the old boat",
    "  Anna saw the old boat ",
    "Hugo sold the mill. " * 20,
]


@pytest.mark.parametrize("line", LINES, ids=["plain", "spaces", "long"])
def test_a_lines_probability_is_that_of_its_tokens_and_its_end(run, line):
    config, prepared, trained, directory = run
    from rnn_tasks import text, training

    model = training.load_weights(TASK.build(config, prepared), trained.weights)
    tokenizer = text.load_stream_tokenizer(prepared.directory, config.data)
    ids = tokenizer.ids(f"{line}\n")
    nats = training.stream_reader(model, 1, 0)(ids, np.zeros(1, np.int64)).nats.sum()
    (answer,) = TASK.predict(directory, TASK.records.read([line]), TASK.predict_options())
    likely, perplexity = map(float, answer.split("\t"))
    assert likely == pytest.approx(-nats, abs=1e-3, rel=1e-5)
    assert perplexity == pytest.approx(np.exp(nats / len(ids)), rel=1e-4)


def test_a_line_is_written_on_as_it_would_be_alone(run):
    *_, directory = run
    options = TASK.predict_options(length=30, temperature=0.8)
    lines = ["Hugo saw", "", "The old boat"]
    together = list(TASK.predict(directory, TASK.records.read(lines), options))
    assert together[1] == ""
    assert together[2] == next(TASK.predict(directory, TASK.records.read(lines[2:]), options))
    assert all("\n" not in answer for answer in together)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"prompt": "caf\udce9"}, r"prompt: is no valid text; accepted is UTF-8 (found 'caf\udce9')"),
        ({"top_k": "3000000000"}, "top_k: Input should be less than or equal to 1000000 (found '3000000000')"),
    ],
)
def test_a_prompt_that_is_no_text_and_a_top_k_that_is_no_int32_are_one_line(given, said):
    with pytest.raises(UserError) as error:
        validate(TASK.generate_options, given)
    assert str(error.value) == said


def test_the_passage_is_read_slowly_as_the_whole_test_text_is(run, tmp_path):
    """Across the borders of documents, too: what was read slowly has the probabilities of the test figures."""
    from rnn_tasks import text, training

    config, prepared, trained, _ = run
    report = TASK.evaluate(config, prepared, trained, tmp_path)
    rows = report.tables["passage"].read_text().splitlines()[1:]
    test = text.load_stream(prepared.directory, "test")
    assert test.documents[1] < len(rows) or config.data.level == "character"
    model = training.load_weights(TASK.build(config, prepared), trained.weights)
    nats = training.stream_reader(model, 1, 0)(test.ids[: len(rows)], test.documents[test.documents < len(rows)]).nats
    found = [float(row.split("\t")[1]) for row in rows]
    np.testing.assert_allclose(found, np.exp(-nats), rtol=2e-3, atol=1e-4)


def test_training_goes_on_in_the_middle_of_its_streams_to_the_bit(tmp_path):
    changes = {"model.dropout": 0.3, "model.weight_dropout": 0.2, "training.checkpoint_minutes": 1e-9}
    config = override(TASK.presets["tiny"], {**changes, "training.max_steps": 12})
    prepared = TASK.prepare(config, tmp_path)
    whole = TASK.train(config, prepared, tmp_path / "whole", ())
    with pytest.raises(Killed):
        TASK.train(config, prepared, tmp_path / "broken", [KillAt(7)])
    resumed = TASK.train(config, prepared, tmp_path / "broken", ())
    with np.load(whole.weights) as ours, np.load(resumed.weights) as theirs:
        for name in set(ours.files) - {"state"}:
            np.testing.assert_array_equal(ours[name], theirs[name])
