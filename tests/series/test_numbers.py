"""Numbers as people write them."""

import numpy as np
import pytest

from rnn_tasks.series.numbers import Style, find_style, to_numbers

POINT, COMMA = Style("."), Style(",")


@pytest.mark.parametrize(
    ("cells", "delimiter", "style"),
    [
        (["1.5", "2"], ",", POINT),
        (["1,5", "2"], ";", COMMA),
        (["1,234", "5"], ",", POINT),  # thousands
        (["1,234", "5"], ";", COMMA),  # what else would the semicolons be for
        (["1,234.5"], ";", POINT),
        (["1.234,5"], ",", COMMA),
        (["1,234,567"], ";", POINT),
        (["1.234.567"], ",", COMMA),
        (["1 234,56"], ";", COMMA),
        (["apples, pears", "12.5"], ";", POINT),
        ([], ",", POINT),
    ],
)
def test_the_style_is_found(cells, delimiter, style):
    assert find_style(cells, delimiter) == style


@pytest.mark.parametrize(
    ("cell", "style", "number"),
    [
        ("12", POINT, 12.0),
        (" -1.5e3 ", POINT, -1500.0),
        ("1,234,567.25", POINT, 1234567.25),
        ("1.234.567,25", COMMA, 1234567.25),
        ("0,5", COMMA, 0.5),
        ("1.234", COMMA, 1234.0),
        ("1 234,5", COMMA, 1234.5),
        ("1 234 567", POINT, 1234567.0),
        ("- 5", POINT, -5.0),
        ("1,5e3", COMMA, 1500.0),
        ("1\u202f234,5", COMMA, 1234.5),
        ("1'234.5", POINT, 1234.5),
        ("", POINT, np.nan),
        ("NA", POINT, np.nan),
    ],
)
def test_a_number_is_read(cell, style, number):
    numbers, wrong = to_numbers([cell], style, ["NA"])
    np.testing.assert_array_equal(numbers, [number])
    assert wrong == -1


@pytest.mark.parametrize(
    ("cell", "style"),
    [
        ("2,75", POINT),
        ("1,2345", POINT),
        ("1,234,56", POINT),
        ("1234,567", POINT),
        (",5", POINT),
        ("1.5", COMMA),
        ("1.234.56", COMMA),
        ("2001 12", POINT),
    ],
)
def test_thousands_stand_in_groups_of_three(cell, style):
    numbers, wrong = to_numbers(["1", cell], style, ["NA"])
    np.testing.assert_array_equal(numbers, [1, np.nan])
    assert wrong == 1


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "one", "1.2.3", "12 apples", "--"])
def test_what_is_no_number_is_told_by_its_row(cell):
    assert to_numbers(["1", "", cell, cell], POINT, ["NA"])[1] == 2
