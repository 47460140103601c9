"""CSV files of any layout as rows, and rows as regular steps."""

import gzip

import numpy as np
import pytest

from rnn_tasks.errors import UserError
from rnn_tasks.series import Clock, SeriesConfig, SeriesTable, opener_of, read_rows, regular
from rnn_tasks.series.layout import find_layout


def rows_of(text, **settings):
    return read_rows(SeriesTable(text, "mine.csv").open, "mine.csv", SeriesConfig(**settings))


def series_of(text, **settings):
    return regular(rows_of(text, **settings), SeriesConfig(**settings))


DAYS = "date,x\n2001-01-01,1\n2001-01-02,2\n2001-01-03,4\n"


@pytest.mark.parametrize(
    "text",
    [
        DAYS,
        DAYS.replace(",", ";"),
        DAYS.replace(",", "\t"),
        DAYS.replace("date,x\n", ""),
        "# from somewhere\n#\n" + DAYS,
        DAYS.replace("\n", "\r\n"),
        DAYS.replace("\n", "\r"),
        DAYS + "2001-01-04\n",
        DAYS.replace(",", " , "),
        'date,x\n"2001-01-01","1"\n"2001-01-02","2"\n"2001-01-03","4"\n\n\n',
        "date,x\n01/01/2001,1\n01/02/2001,2\n01/03/2001,4\n",
        "date;x\n01.01.2001;1,0\n02.01.2001;2,0\n03.01.2001;4,0\n",
        "y,m,d,x\n2001,1,1,1\n2001,1,2,2\n2001,1,3,4\n",
    ],
)
def test_one_series_in_many_layouts(text):
    settings = {"date_column": "y,m,d", "targets": "x"} if text.startswith("y") else {}
    settings |= {"date_order": "month_first"} if "/" in text else {}
    series = series_of(text, **settings)
    np.testing.assert_array_equal(series.values, [[1], [2], [4]])
    assert series.clock.labels(np.arange(3)) == ["2001-01-01", "2001-01-02", "2001-01-03"]
    assert set(series.counts.values()) == {0}


def test_files_in_other_encodings(tmp_path):
    text = "date,größe\n2001-01-01,1\n2001-01-02,2\n"
    contents = {"a.csv": text.encode("utf-8-sig"), "b.csv": text.encode("cp1252"), "c.csv": text.encode("utf-16")}
    contents["d.csv.gz"] = gzip.compress(text.encode())
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        assert find_layout(opener_of(tmp_path / name), name).columns == ["date", "größe"]
    (tmp_path / "e.csv").write_bytes(b"\0\1\2")
    with pytest.raises(UserError, match=r"e\.csv: no text"):
        opener_of(tmp_path / "e.csv")


@pytest.mark.parametrize("what", ["cut", "damaged", "cut at once", "damaged at once"])
def test_a_compressed_file_that_breaks_off_is_one_line(what, tmp_path):
    numbers = np.random.default_rng(1).random(100_000)
    packed = gzip.compress(("x\n" + "\n".join(map(str, numbers))).encode(), 1)
    at = 1_000 if what.endswith("once") else len(packed) * 3 // 4
    path = tmp_path / "a.csv.gz"
    path.write_bytes(packed[:at] + (2_000 * b"\xff" + packed[at + 2_000 :] if "damaged" in what else b""))
    with pytest.raises(UserError, match=r"a\.csv\.gz: cannot be read") as error:
        read_rows(opener_of(path), path.name, SeriesConfig(date_column="none"))
    assert "\n" not in str(error.value)


def test_columns_by_name_by_number_and_by_themselves():
    text = "when,a,b,word\n2001-01-01,1,5,x\n2001-01-02,2,6,y\n"
    assert rows_of(text).targets == ["a", "b"]
    chosen = rows_of(text, targets="3", covariates="a", known="word")
    assert (chosen.targets, chosen.covariates, chosen.known) == (["b"], ["a"], [])
    np.testing.assert_array_equal(chosen.numbers, [[5, 1], [6, 2]])
    assert chosen.texts["word"].tolist() == ["x", "y"]


def test_year_and_month_in_two_columns_without_a_header():
    series = series_of("1749;01;96.7;-1\n1749;02;104.3;-1\n1749;03;116.7;-1\n", targets="3")
    assert series.clock.labels(np.arange(3)) == ["1749-01-01", "1749-02-01", "1749-03-01"]
    np.testing.assert_array_equal(series.values[:, 0], [96.7, 104.3, 116.7])


@pytest.mark.parametrize(
    ("text", "settings", "wrong"),
    [
        ("", {}, "mine.csv: empty"),
        ("date,x\n", {}, "a header and no rows"),
        ("a,x\nb,1\nc,2\n", {}, r"data.date_column: mine.csv has no column of dates \(columns: a, x\)"),
        (DAYS, {"targets": "z"}, "data.targets: mine.csv has no column 'z'; accepted are date, x"),
        (DAYS, {"targets": "date"}, "data.targets: 'date' of mine.csv is the column of dates"),
        (DAYS, {"date_column": "x"}, "mine.csv, line 2, column x: '1' is no date"),
        ("date,x\n2001-01-01,red\n2001-01-02,blue\n", {"targets": "x"}, "line 2, column x: 'red' is no number"),
        ("date,x\n2001-01-01,red\n2001-01-02,blue\n", {}, "no column of numbers besides the dates"),
        (DAYS + "soon,3\n", {}, "mine.csv, line 5, column date: 'soon' is no date"),
        (DAYS + "2001-02-30,3\n", {}, "mine.csv, line 5, column date: '2001-02-30' is no date"),
        (DAYS + "2001-01-04,nan\n", {"targets": "x"}, "mine.csv, line 5, column x: 'nan' is no number"),
        (DAYS + "2001-01-04,inf\n", {"targets": "x"}, "mine.csv, line 5, column x: 'inf' is no number"),
        ("date,x,x\n2001-01-01,1,2\n", {}, "two columns are called 'x'"),
        (DAYS + "2001-01-04,1,2,3\n", {}, "mine.csv, line 5: (found 4|more than 2) cells; accepted are 2"),
        (DAYS + '2001-01-04,"2,75"\n', {"decimal": "point"}, "mine.csv, line 5, column x: '2,75' is no number"),
        (DAYS + "Source: an office\n", {}, "mine.csv, line 5, column date: 'Source: an office' is no date"),
        ("y,m,x\n2001,1,1\n2001,2,2\n2001\n", {"date_column": "y,m"}, "line 4, column y, m: '2001' is no date"),
        (",,\n,,\n", {}, "mine.csv: nothing but empty cells"),
        ("date,x\n,\n,\n", {}, "a header and no rows"),
        (DAYS + '2001-01-04,"5\n' + DAYS[7:], {}, "mine.csv, line 5: a quote that is not closed"),
        ('date,x\n2001-01-01,"5\n' + DAYS[7:], {}, "mine.csv, line 2: a quote that is not closed"),
        (DAYS * 2 + "2001-01-04," + 200_000 * "a", {}, r"mine.csv, line 9: field larger than field limit \(131072\)"),
        ("date,x\n01/02/2001,1\n01/03/2001,2\n", {}, "data.date_order: the dates of mine.csv can be read as"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, settings, wrong):
    with pytest.raises(UserError, match=wrong) as error:
        rows_of(text, **settings)
    assert "\n" not in str(error.value)


MENDED = "date,x,y\n2001-01-03,3,30\n2001-01-01,1,10\n2001-01-01,2,20\n2001-01-06,6,\n2001-01-07,8,70\n"


def test_unsorted_duplicate_and_missing_are_counted_and_mended():
    series = series_of(MENDED)
    np.testing.assert_allclose(series.values[:, 0], [2, 2.5, 3, 4, 5, 6, 8])
    np.testing.assert_allclose(series.values[:, 1], [20, 25, 30, 40, 50, 60, 70])
    assert series.counts == {"unsorted_dates": 1, "duplicate_dates": 1, "missing_dates": 3, "missing_values": 7}
    np.testing.assert_array_equal(series.observed[:, 0], [1, 0, 1, 0, 0, 1, 1])
    np.testing.assert_array_equal(series.observed[:, 1], [1, 0, 1, 0, 0, 0, 1])


def test_other_rules():
    np.testing.assert_allclose(series_of(MENDED, duplicates="mean").values[0], [1.5, 15])
    np.testing.assert_allclose(series_of(MENDED, missing="forward").values[:, 0], [2, 2, 3, 3, 3, 6, 8])
    with pytest.raises(UserError, match=r"mine\.csv, lines 3 and 4: 2001-01-01 00:00:00 stands twice \(1 such rows\)"):
        series_of(MENDED, duplicates="error")
    with pytest.raises(UserError, match=r"mine\.csv: no value at 2001-01-02 \(7 missing\)"):
        series_of(MENDED, missing="error")
    with pytest.raises(UserError, match=r"mine\.csv: column x has no values"):
        series_of("date,x,y\n2001-01-01,,1\n2001-01-02,NA,2\n", targets="x")


def test_rows_behind_the_last_target_are_known_ahead():
    text = "date,x,holiday\n2001-01-01,,0\n2001-01-02,2,0\n2001-01-03,3,1\n2001-01-04,,1\n2001-01-05,,0\n"
    series = series_of(text, targets="x", known="holiday")
    np.testing.assert_array_equal(series.values[:, 0], [2, 3])
    np.testing.assert_array_equal(series.known[:, 0], [0, 1, 1, 0])
    assert series.clock.labels(np.arange(2)) == ["2001-01-02", "2001-01-03"]
    morning = series_of("".join(f"2001-01-{i:02} 06:00,{i if i > 2 else ''}\n" for i in range(1, 9)))
    assert str(morning.clock.dates(np.array([0]))[0]) == "2001-01-03T06:00:00"


def test_resampling_and_cutting():
    hours = "".join(f"2001-01-{1 + i // 24:02} {i % 24:02}:17,{i}\n" for i in range(72))
    series = series_of("time,x\n" + hours, resample="D")
    np.testing.assert_allclose(series.values[:, 0], [11.5, 35.5, 59.5])
    assert str(series.clock) == "day"
    np.testing.assert_allclose(series_of("time,x\n" + hours, resample="D", aggregate="sum").values[0], [276])
    cut = series_of("time,x\n" + hours, start="2001-01-02", end="2001-01-02 12:00")
    assert (cut.values[0, 0], cut.values[-1, 0]) == (24, 35)
    with pytest.raises(UserError, match="data.resample: 'often' is no frequency"):
        series_of("time,x\n" + hours, resample="often")
    with pytest.raises(UserError, match=r"mine\.csv: no rows between data\.start '2031' and data\.end ''"):
        series_of("time,x\n" + hours, start="2031")


def test_steps_without_dates():
    series = series_of("x\n1\n2\n4\n", date_column="none")
    np.testing.assert_array_equal(series.values, [[1], [2], [4]])
    assert series.clock.labels(np.arange(3)) == ["0", "1", "2"]


def test_steps_without_dates_are_counted_from_the_first_row_wherever_the_series_begins():
    text = "x\n" + "".join(f"{i % 7}\n" for i in range(300))
    cut = series_of(text, date_column="none", start="100", end="250")
    assert cut.clock.labels(np.array([0, 150])) == ["100", "250"]
    assert cut.clock.position_of("200", "data.validation_start") == 100
    np.testing.assert_array_equal(cut.clock.axis(np.array([0, 150])), [100, 250])
    late = series_of("x,y\nNA,1\nNA,2\n3,3\n4,4\n", date_column="none", targets="x", covariates="y")
    assert late.clock.labels(np.arange(2)) == ["2", "3"]


def test_two_rows_in_one_step_of_a_model_are_one_line():
    days = "date,x\n" + "".join(f"2001-01-{i:02},{i}\n" for i in range(1, 32))
    clock = Clock(kind="months", start="2000-01-01")
    with pytest.raises(UserError, match=r"mine\.csv, lines 2 and 3: two rows in one month \(30 such rows\)") as error:
        regular(rows_of(days), SeriesConfig(), clock)
    assert "\n" not in str(error.value)


KNOWN = "date,x,a,b\n2001-01-01,1,5,\n2001-01-02,2,,\n2001-01-03,3,7,4\n2001-01-04,,,\n2001-01-05,,9,\n2001-01-06,,,\n"


def test_gaps_in_what_is_known_are_counted_filled_or_refused():
    series = series_of(KNOWN, targets="x", known="a,b")
    assert (len(series), series.counts["missing_values"]) == (3, 2 + 4)  # what ends with the known is no gap
    np.testing.assert_array_equal(series.known, [[5, 4], [6, 4], [7, 4], [8, 4], [9, 4]])
    assert series.observed.shape == (3, 1)
    forward = series_of(KNOWN, targets="x", known="a,b", missing="forward")
    np.testing.assert_array_equal(forward.known[:, 0], [5, 5, 7, 7, 9])
    with pytest.raises(UserError, match=r"no value at 2001-01-01 \(6 missing\)"):
        series_of(KNOWN, targets="x", known="a,b", missing="error")
    with pytest.raises(UserError, match="column b has no values"):  # none in the span that is left
        series_of(KNOWN, targets="x", known="a,b", end="2001-01-02")


def test_texts_are_known_to_the_last_row():
    text = "date,x,kind\n2001-01-01,1,A\n2001-01-02,2,\n2001-01-03,,B\n2001-01-04,,\n"
    assert series_of(text, targets="x", known="kind").texts["kind"].tolist() == ["A", "", "B", ""]


@pytest.mark.parametrize("missing", ["interpolate", "forward"])
def test_nothing_behind_a_border_mends_what_is_before_it(missing):
    text = "date,x,y\n" + "".join(
        f"2001-01-{i:02},{'' if 4 <= i <= 7 or i == 12 else i},{'' if i < 9 else i}\n" for i in range(1, 15)
    )
    series = regular(rows_of(text), SeriesConfig(missing=missing), borders=lambda clock, steps: (5, 12))
    expected = [1, 2, 3, 3, 3, *((3 + 5 * np.array([3, 4]) / 5) if missing == "interpolate" else (3, 3))]
    expected += [8, 9, 10, 11, 11, 13, 14]
    np.testing.assert_allclose(series.values[:, 0], expected)
    np.testing.assert_array_equal(series.values[:, 1], [*[np.nan] * 5, *[9] * 4, *range(10, 15)])
    np.testing.assert_array_equal(series.observed[:, 1], np.arange(14) >= 8)


@pytest.mark.parametrize(
    ("resample", "wrong"),
    [
        ("0D", "data.resample: '0D' is no frequency"),
        ("-1D", "data.resample: '-1D' is no frequency"),
        ("s", r"data\.resample=s makes 946,684,801 steps of 2 rows; accepted are 50 a row at most"),
    ],
)
def test_frequencies_that_make_no_steps_or_too_many_are_one_line(resample, wrong):
    with pytest.raises(UserError, match=wrong) as error:
        series_of("date,x\n1970-01-01,1\n2000-01-01,2\n", resample=resample)
    assert "\n" not in str(error.value)
