"""The history of a training is read as it was written."""

from rnn_tasks import evaluation


def test_an_epoch_a_line(tmp_path):
    (tmp_path / "history.jsonl").write_text('{"epoch": 1, "loss": 0.5}\n{"epoch": 2, "loss": 0.25}\n')
    assert evaluation.read_history(tmp_path / "history.jsonl") == [
        {"epoch": 1, "loss": 0.5},
        {"epoch": 2, "loss": 0.25},
    ]
