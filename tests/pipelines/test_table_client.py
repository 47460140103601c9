"""The forecaster's client gives the model what `predict` gives it, or says in a line why not."""

from __future__ import annotations

import io
import json
import runpy
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from test_exporting import FORM

from pipelines import exporting
from rnn_tasks.errors import UserError
from rnn_tasks.series import SeriesConfig, SeriesForm
from rnn_tasks.series.past import read_past

DAYS = {"kind": "seconds", "every": 86_400, "start": "2024-01-01T00:00:00", "month_end": False}
MONTHS = {"kind": "months", "every": 1, "start": "2024-01-31T00:00:00", "month_end": True}
WEEKDAYS = {"kind": "working days", "every": 1, "start": "2024-01-01T00:00:00", "month_end": False}
STEPS = FORM["clock"]


@pytest.fixture
def history(tmp_path, monkeypatch):
    """history(clock, table) -> what the model is given, (3, columns b and a); SystemExit with the client's line."""
    client = tmp_path / "client.py"
    client.write_text((exporting.CLIENTS / "table.py").read_text())
    (tmp_path / "settings.json").write_text('{"levels": [0.5]}')
    given = []

    def answer(history):
        given.append(history)
        return {
            name: [SimpleNamespace(numpy=lambda s=s: np.zeros(s))] for name, s in (("forecast", (2, 1)), *QUANTILES)
        }

    QUANTILES = (("quantiles", (2, 1, 1)),)
    answer.structured_input_signature = ((), {"history": SimpleNamespace(shape=(None, 3, 2))})
    model = SimpleNamespace(signatures={"serving_default": answer})
    fake = SimpleNamespace(
        saved_model=SimpleNamespace(load=lambda _: model),
        constant=lambda values, kind: np.array(values, kind),
        float64=np.float64,
    )
    monkeypatch.setitem(sys.modules, "tensorflow", fake)

    def ask(clock, table):
        (tmp_path / "series.json").write_text(json.dumps({**FORM, "clock": clock, "has_header": True}))
        bytes_ = table if isinstance(table, bytes) else table.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes_)))
        runpy.run_path(str(client), run_name="__main__")
        (found,) = given.pop()
        return found

    return ask


@pytest.mark.parametrize(
    ("clock", "dates"),
    [
        (STEPS, ["1", "2", "4", "5"]),
        (DAYS, ["2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]),
        ({**DAYS, "every": 3600}, ["2024-02-28 22:00", "2024-02-28 23:00", "2024-02-29 00:00", "2024-02-29 01:00"]),
        (MONTHS, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        (WEEKDAYS, ["2024-02-29", "2024-03-01", "2024-03-04", "2024-03-05"]),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_the_model_gets_what_predict_gives_it(clock, dates, mark, history, capsys):
    table = f"{mark}date,a,b\n" + "".join(f"{date},{n},{n / 8 + 5}\n" for n, date in enumerate(dates))
    form = SeriesForm.model_validate({**FORM, "clock": clock, "has_header": True})
    series = read_past(lambda: io.StringIO(table.removeprefix("\ufeff")), "past.csv", SeriesConfig(), form)
    np.testing.assert_array_equal(history(clock, table), series.values[-3:])
    assert capsys.readouterr().out == "forecast,q0.5\n0,0\n0,0\n"


ROWS = "2024-01-01,1,5\n2024-01-02,1,6\n2024-01-03,1,7\n"
EVERY_DAY = "accepted is a row every 86400 seconds as from 2024-01-01T00:00:00, the oldest first, none missing"
NUMBER = "is no number; accepted are 5, -5.5 and 1e-5"
WRONG = {
    "other separators": (
        "date;a;b\n1;1,5;5\n",
        "no column 'b'; accepted is a table with b, a, commas between the columns",
    ),
    "decimal commas": (f'date,a,b\n{ROWS}2024-01-04,1,"5,5"\n', f"line 5, column b: '5,5' {NUMBER}"),
    "an empty cell": (f"date,a,b\n{ROWS}2024-01-04,,5\n", f"line 5, column a: '' {NUMBER}"),
    "a word for a missing value": (f"date,a,b\n{ROWS}2024-01-04,NA,5\n", f"line 5, column a: 'NA' {NUMBER}"),
    "no number at all": (f"date,a,b\n{ROWS}2024-01-04,1,nan\n", f"line 5, column b: 'nan' {NUMBER}"),
    "a short row": (f"date,a,b\n{ROWS}2024-01-04,1\n", f"line 5, column b: '' {NUMBER}"),
    "a missing row": (f"date,a,b\n{ROWS}2024-01-05,1,8\n", f"line 5, column date: found 2024-01-05; {EVERY_DAY}"),
    "the newest first": (f"date,a,b\n2024-01-04,1,8\n{ROWS}", f"line 3, column date: found 2024-01-01; {EVERY_DAY}"),
    "a date twice": (f"date,a,b\n{ROWS}2024-01-03,1,8\n", f"line 5, column date: found 2024-01-03; {EVERY_DAY}"),
    "half a day later": (
        f"date,a,b\n{ROWS}2024-01-04 12:00,1,8\n",
        f"line 5, column date: found 2024-01-04 12:00; {EVERY_DAY}",
    ),
    "other dates": (
        "date,a,b\n31.12.2024,1,8\n",
        "no column of dates; accepted is one with 2001-12-31 or 2001-12-31 23:00 in every row",
    ),
    "no such date": ("date,a,b\n2024-02-30,1,8\n", 'column date: Day out of range in datetime string "2024-02-30"'),
    "too few rows": ("date,a,b\n2024-01-01,1,8\n", "1 rows; the model reads the last 3"),
    "a header alone": ("date,a,b\n", "no rows; accepted is a CSV table with a row a step"),
    "other bytes": (b"date,a,b\n\xff,1,8\n", "no CSV table in UTF-8 ('utf-8' codec can't decode byte 0xff"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_it_does_not_read_is_refused_in_a_line(case, history):
    table, line = WRONG[case]
    with pytest.raises(SystemExit) as exit_:
        history(DAYS, table)
    assert str(exit_.value.code).startswith(line)
    assert "\n" not in exit_.value.code


def test_what_lies_between_steps_predict_refuses_too():
    form = SeriesForm.model_validate({**FORM, "clock": DAYS, "has_header": True})
    table = WRONG["half a day later"][0]
    with pytest.raises(UserError, match="line 5: the date lies between two steps"):
        read_past(lambda: io.StringIO(table), "past.csv", SeriesConfig(), form)
