"""Records: a line of input becomes what a task takes, or one line says why not."""

import re

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.records import NumberRecords, ObjectRecords, PathRecords, TableRecords, TextRecords


def read(records, *lines):
    return list(records.read(lines, "in.txt"))


def test_text_is_taken_as_it_is():
    assert read(TextRecords(("a",)), "one two", "", " x ") == ["one two", "", " x "]


def test_numbers_are_separated_by_what_people_use():
    rows = read(NumberRecords(("1",)), "1 2.5", "1,2.5", "1;2.5", "1\t2.5", " 1, 2.5 ", "-1e3")
    assert [row.tolist() for row in rows] == [[1, 2.5]] * 5 + [[-1000]]


def test_a_table_is_the_whole_input():
    (table,) = read(TableRecords(("1 2",)), "1 2", "3 4", "5 6")
    np.testing.assert_array_equal(table, [[1, 2], [3, 4], [5, 6]])


def test_a_path_may_say_which_of_many(tmp_path):
    file = tmp_path / "images.idx"
    file.touch()
    assert read(PathRecords(("x",)), f" {file} ", f"{file}:17") == [str(file), f"{file}:17"]


def test_objects_are_json():
    assert read(ObjectRecords(("{}",), keys=("a",)), '{"a": [1, null]}') == [{"a": [1, None]}]


def test_records_before_a_wrong_one_are_answered_first():
    stream = NumberRecords(("1",)).read(["1", "2", "x", "3"], "in.txt")
    assert [record.tolist() for record in stream.take(10)] == [[1], [2]]
    with pytest.raises(UserError, match="in.txt, line 3: 'x' is no number"):
        stream.take(10)


@pytest.mark.parametrize(
    ("records", "lines", "error"),
    [
        (NumberRecords(("1",)), ["1", "1 x"], "in.txt, line 2: 'x' is no number"),
        (NumberRecords(("1",)), [""], "in.txt, line 1: found 0 numbers; accepted are one or more in a row"),
        (NumberRecords(("1",), count=3), ["1 2"], "in.txt, line 1: found 2 numbers; accepted are 3 in a row"),
        (NumberRecords(("1",)), ["inf"], "in.txt, line 1: 'inf' is not finite"),
        (TableRecords(("1",)), ["1 2", "3"], "in.txt, row 2: found 1 numbers; accepted are 2"),
        (TableRecords(("1",), columns=3), ["1 2"], "in.txt, row 1: found 2 numbers; accepted are 3"),
        (TableRecords(("1",)), [], "in.txt, row 1: found 0 numbers; accepted are some"),
        (
            PathRecords(("x",), what="a PNG picture"),
            ["no.png"],
            "in.txt, line 1: 'no.png' does not exist; accepted is the path of a PNG picture",
        ),
        (ObjectRecords(("{}",)), ["{'a': 1}"], "in.txt, line 1: not JSON (Expecting property name"),
        (ObjectRecords(("{}",)), ["[1]"], "in.txt, line 1: found list; accepted is an object {...}"),
        (ObjectRecords(("{}",), keys=("a", "b")), ['{"a": 1}'], "in.txt, line 1: no 'b' in the object; accepted is"),
    ],
)
def test_what_is_no_record_is_one_line(records, lines, error):
    with pytest.raises(UserError, match=re.escape(error)):
        read(records, *lines)


@pytest.mark.parametrize(
    ("records", "value", "error"),
    [
        (TextRecords(("a",)), 3, "request, record 1: found int; accepted is a string"),
        (NumberRecords(("1",)), [[1, 2], [3, 4]], "request, record 1: found 4 numbers; accepted are one or more in"),
        (NumberRecords(("1",)), [1, "x"], "request, record 1: 'x' is no number"),
        (NumberRecords(("1",)), [1, None], "request, record 1: None is no number"),
        (ObjectRecords(("{}",)), "{}", "request, record 1: found str; accepted is an object {...}"),
    ],
)
def test_what_a_program_hands_in_is_checked_alike(records, value, error):
    with pytest.raises(UserError, match=re.escape(error)):
        records.check(value, "request, record 1")
