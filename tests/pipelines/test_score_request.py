"""What a client's JSON has to look like, told in one line."""

from __future__ import annotations

import pytest

from pipelines import score_request
from pipelines.score_request import ROW, TABLE, TEXT, TooMuch, checked
from rnn_tasks.errors import UserError

ONE_OF = "inputs, instances, dataframe_split, dataframe_records"
WRONG = {
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
    '{"inputs": [1, 2]}': "inputs: record 1 is a number; accepted is a string",
    '{"inputs": ["one", null]}': "inputs: record 2 is null; accepted is a string",
    '{"dataframe_records": [{"a": "one"}, {"a": true}]}': (
        "dataframe_records: record 2 is a boolean; accepted is a string"
    ),
    '{"inputs": [["one", "two"]]}': "inputs: found 2 columns; accepted is one, in which the records stand",
    '{"inputs": {"a": ["one"], "b": ["two"]}}': (
        "inputs: found 2 columns; accepted is one, in which the records stand"
    ),
    '{"dataframe_split": {"columns": ["a", "b"], "data": [["one", "two"]]}}': (
        "dataframe_split: found 2 columns; accepted is one, in which the records stand"
    ),
    '{"instances": [{"l": "a"}, {"m": "b"}]}': "instances: record 2 has the key 'm'; accepted is 'l', as in record 1",
    '{"dataframe_records": [{"l": "a"}, {"m": "b"}]}': (
        "dataframe_records: record 2 has the key 'm'; accepted is 'l', as in record 1"
    ),
    '{"inputs": ["x", {"a": "y"}]}': "inputs: record 2 is an object; accepted is a string",
    '{"inputs": [{"a": "y"}, "x"]}': "inputs: record 2 is a string; accepted is an object with one record in it",
    '{"inputs": [["x"], "y"]}': "inputs: row 2 is a string; accepted is a list with one record in it",
    '{"inputs": ["x", ["y"]]}': "inputs: record 2 is a list; accepted is a string",
    '{"inputs": {"a": "x"}}': "inputs, column 'a': found a string; accepted is a list of records",
    '{"dataframe_split": {"columns": ["a"], "data": ["x", "yy"]}}': (
        "dataframe_split: row 1 is a string; accepted is a list with one record in it"
    ),
    '{"dataframe_split": {"data": [["x"]]}}': (
        "dataframe_split: columns: found null; accepted is a list with one name"
    ),
    '{"dataframe_split": {"columns": ["a"], "data": [["x"]], "dtype": "y"}}': (
        "dataframe_split: unknown key 'dtype'; accepted are columns, data, index"
    ),
    '{"inputs": ["x"], "inputs": ["y"]}': "not JSON (a key stands twice in an object)",
    '{"inputs": ["a\\ud800"]}': "not JSON ('utf-8' codec can't encode character '\\ud800')",
    '{"inputs": ["one"], "params": 3}': "params: found a number; accepted is an object of options",
    '{"inputs": ["one"], "params": {"beem": 3}}': "params: unknown option 'beem'; accepted are beam, n_best",
}


@pytest.mark.parametrize("body", WRONG)
def test_a_mistake_is_one_line(body):
    with pytest.raises(UserError) as error:
        checked(body if isinstance(body, bytes) else body.encode(), TEXT, None, ["beam", "n_best"])
    assert str(error.value) == WRONG[body]


def test_what_is_nested_too_deeply_or_too_long_a_number_is_no_json():
    for body in (b'{"inputs": ' + b"[" * 1_000_000, b'{"inputs": ' + b"9" * 10_000 + b"}"):
        with pytest.raises(UserError, match="^not JSON"):
            checked(body, ROW, None, [])


NUMBERS = {
    (ROW, "[[1, 2], [3]]"): [[1.0, 2.0], [3.0]],
    (TABLE, "[[[1, 2.5], [3, 4]]]"): [[[1.0, 2.5], [3.0, 4.0]]],
    (ROW, "[1, 2]"): "inputs: record 1: found a number; accepted is a list of numbers",
    (ROW, '[[1], ["2"]]'): "inputs: record 2: found a string for a number; accepted is a list of numbers",
    (ROW, "[[true]]"): "inputs: record 1: found a boolean for a number; accepted is a list of numbers",
    (ROW, "[[[1]]]"): "inputs: record 1: found a list for a number; accepted is a list of numbers",
    (TABLE, "[[1, 2]]"): "inputs: record 1: found a number; accepted is a list of lists of numbers",
    (ROW, f"[[{'9' * 400}]]"): "inputs: record 1: a number is too large; accepted is a float64",
    (ROW, '{"other": [[1]]}'): "inputs: found the column 'other'; accepted is 'numbers'",
}


@pytest.mark.parametrize(("kind", "records"), NUMBERS)
def test_records_of_numbers_are_floats_in_lists_or_a_mistake(kind, records):
    expected = NUMBERS[kind, records]
    if isinstance(expected, str):
        with pytest.raises(UserError) as error:
            checked(b'{"inputs": %s}' % records.encode(), kind, "numbers", [])
        assert str(error.value) == expected
        return
    split = {"columns": ["numbers"], "data": [[record] for record in expected]}
    found = checked(b'{"inputs": %s}' % records.encode(), kind, "numbers", [])
    assert repr(found) == repr({"dataframe_split": split})  # in which 1 is not 1.0


@pytest.mark.parametrize(
    "records",
    [
        '"inputs": ["one", ""]',
        '"instances": [["one"], [""]]',
        '"inputs": [{"a": "one"}, {"a": ""}]',
        '"inputs": {"a": ["one", ""]}',
        '"dataframe_records": [{"a": "one"}, {"a": ""}]',
        '"dataframe_split": {"columns": ["a"], "index": [7, 7], "data": [["one"], [""]]}',
    ],
)
def test_each_way_to_write_records_is_the_same_request(records):
    found = checked(f'{{{records}, "params": {{"beam": 4}}}}'.encode(), TEXT, None, ["beam"])
    split = {"columns": ["records"], "data": [["one"], [""]]}
    assert found == {"dataframe_split": split, "params": {"beam": 4}}


def test_a_request_has_so_many_records_and_characters(monkeypatch):
    monkeypatch.setattr(score_request, "RECORDS", 2)
    monkeypatch.setattr(score_request, "TEXT_CHARACTERS", 4)
    monkeypatch.setattr(score_request, "CHARACTERS", 6)
    assert checked(b'{"inputs": ["abcd", "ab"]}', TEXT, None, [])
    for records, kind, message in (
        (b'["a", "b", "c"]', TEXT, "inputs: 3 records; accepted are up to 2 in a request"),
        (b'["a", "abcde"]', TEXT, "inputs: record 2: 5 characters; accepted are up to 4 (rnn-tasks predict takes any)"),
        (b'["abcd", "abc"]', TEXT, "inputs: 7 characters; accepted are up to 6 in a request"),
        (b"[[1, 2, 3, 4], [5, 6, 7]]", ROW, "inputs: 7 numbers; accepted are up to 6 in a request"),
    ):
        with pytest.raises(TooMuch) as error:
            checked(b'{"inputs": %s}' % records, kind, None, [])
        assert str(error.value) == message
