"""What MLflow is told of a served model: its signature, and an example that it can be asked."""

import dataclasses

from pipelines import model_registry, tracking
from pipelines.signature import example_of, signature_of
from rnn_tasks.records import PathRecords
from rnn_tasks.registry import get_task


def test_examples_are_the_good_records_unless_they_are_files_of_this_machine(tmp_path):
    assert example_of(get_task("reber"), tmp_path) == list(get_task("reber").records.good)
    assert example_of(get_task("mnist"), tmp_path) is None
    assert [column.type.name for column in signature_of(get_task("mnist")).inputs] == ["string"]


def test_a_model_without_an_example_is_registered_without_a_warning(home, dummy, tmp_path, recwarn):
    config = dummy.presets["quick"]
    prepared = dummy.prepare(config, tmp_path / "prepared")
    run_id = tracking.create_run(dummy, config, prepared)
    exported = dummy.export(config, prepared, None, tmp_path / "exported")
    of_paths = dataclasses.replace(dummy, records=PathRecords(good=("a.png",)))
    assert model_registry.register_model(of_paths, "dummy_task", run_id, exported) == "1"
    assert not [warning for warning in recwarn if "input example" in str(warning.message)]
