"""What MLflow is told of a served model: its signature, and an example that it can be asked."""

from pipelines.signature import example_of, signature_of
from rnn_tasks.registry import get_task


def test_examples_are_the_good_records_unless_they_are_files_of_this_machine(tmp_path):
    assert example_of(get_task("reber"), tmp_path) == list(get_task("reber").records.good)
    assert example_of(get_task("mnist"), tmp_path) is None
    assert [column.type.name for column in signature_of(get_task("mnist")).inputs] == ["string"]
