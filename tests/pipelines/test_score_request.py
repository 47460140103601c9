"""What a client's JSON has to look like, told in one line."""

from __future__ import annotations

import pytest

from pipelines.score_request import checked
from rnn_tasks.errors import UserError

ONE_OF = "inputs, instances, dataframe_split, dataframe_records"
TEXT = {
    '{"inputs": ["one"': "not JSON (Expecting ',' delimiter: line 1 column 18 (char 17))",
    b'{"inputs": ["\xff"]}': "not JSON ('utf-8' codec can't decode byte 0xff in position 13: invalid start byte)",
    "": "not JSON (Expecting value: line 1 column 1 (char 0))",
    '["one"]': f"found a list; accepted is an object with one of {ONE_OF}",
    "7": f"found a number; accepted is an object with one of {ONE_OF}",
    "{}": f"keys: found none; accepted is exactly one of {ONE_OF}, beside it params",
    '{"messages": []}': f"keys: found 'messages'; accepted is exactly one of {ONE_OF}, beside it params",
    '{"inputs": ["one"], "instances": ["one"]}': (
        f"keys: found 'inputs', 'instances'; accepted is exactly one of {ONE_OF}, beside it params"
    ),
    '{"inputs": []}': "inputs: no records; accepted is at least one",
    '{"dataframe_split": {"columns": ["a"], "data": []}}': "dataframe_split: no records; accepted is at least one",
    '{"dataframe_split": [["one"]]}': (
        "dataframe_split: accepted is an object with 'columns' and 'data', a list of rows"
    ),
    '{"inputs": null}': "inputs: found null; accepted is a list of records",
    '{"inputs": "one"}': "inputs: found a string; accepted is a list of records",
    '{"inputs": [1, 2]}': "inputs: value 1 is a number; accepted is a string",
    '{"inputs": ["one", null]}': "inputs: value 2 is null; accepted is a string",
    '{"dataframe_records": [{"a": "one"}, {"a": true}]}': (
        "dataframe_records: value 2 is a boolean; accepted is a string"
    ),
    '{"inputs": [["one", "two"]]}': "inputs: found 2 columns; accepted is one, in which the records stand",
    '{"inputs": {"a": ["one"], "b": ["two"]}}': (
        "inputs: found 2 columns; accepted is one, in which the records stand"
    ),
    '{"dataframe_split": {"columns": ["a", "b"], "data": [["one", "two"]]}}': (
        "dataframe_split: found 2 columns; accepted is one, in which the records stand"
    ),
    '{"inputs": ["one"], "params": 3}': "params: found a number; accepted is an object of options",
    '{"inputs": ["one"], "params": {"beem": 3}}': "params: unknown option 'beem'; accepted are beam, n_best",
}


@pytest.mark.parametrize("body", TEXT)
def test_a_mistake_is_one_line(body):
    with pytest.raises(UserError) as error:
        checked(body if isinstance(body, bytes) else body.encode(), "a string", ["beam", "n_best"])
    assert str(error.value) == TEXT[body]


def test_what_is_nested_too_deeply_or_too_long_a_number_is_no_json():
    for body in (b'{"inputs": ' + b"[" * 1_000_000, b'{"inputs": ' + b"9" * 10_000 + b"}"):
        with pytest.raises(UserError, match="^not JSON"):
            checked(body, "a number", [])


def test_what_mlflow_takes_passes_as_it_is():
    for body, kind in (
        (b'{"inputs": ["one", ""], "params": {"beam": 4}}', "a string"),
        (b'{"instances": [[1, 2.5], [3]]}', "a number"),
        (b'{"inputs": {"numbers": [[1, -2]]}, "params": {}}', "a number"),
        (b'{"dataframe_split": {"columns": ["numbers"], "data": [[[1, 2]], [[3]]]}, "params": null}', "a number"),
    ):
        assert set(checked(body, kind, ["beam"])) <= {"inputs", "instances", "dataframe_split", "params"}
