"""A table ahead for a table of the past: python client.py < past.csv. Needs tensorflow alone.

The past is a CSV table: commas between columns, points in numbers, a row a step, the oldest first and none missing. The
model reads the last rows: there, every cell of its columns must be a number. Where steps have dates, these stand in one
column as 2001-12-31 or 2001-12-31 23:00. Anything else is refused; `rnn-tasks predict` reads and mends more.
"""

import csv
import json
import math
import os
import re
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
form, settings = (json.load(open(os.path.join(here, name))) for name in ("series.json", "settings.json"))
columns, levels = form["targets"] + form["covariates"], [f"q{level:g}" for level in settings["levels"]]
DATE = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d)?)?)?)?")


def number(row, line, name):
    """A cell as a number."""
    cell = (row[name] or "").strip()
    try:
        value = math.nan if "_" in cell else float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        sys.exit(f"line {line}, column {name}: {cell!r} is no number; accepted are 5, -5.5 and 1e-5")
    return value


def check_steps(rows, lines):
    """Refuse rows whose dates are not one step apart."""
    clock, first = form["clock"], np.datetime64(form["clock"]["start"])
    others = [name for name in rows[0] if name not in [*columns, None]]
    dated = [name for name in others if all(DATE.fullmatch((row[name] or "").strip()) for row in rows)]
    if not dated:
        sys.exit("no column of dates; accepted is one with 2001-12-31 or 2001-12-31 23:00 in every row")
    cells = [row[dated[0]].strip() for row in rows]
    try:
        dates = np.array(cells, "datetime64[s]")
    except ValueError as error:
        sys.exit(f"column {dated[0]}: {error}")
    if clock["kind"] == "seconds":
        steps, between = np.divmod((dates - first).astype("timedelta64[s]").astype(int), clock["every"])
    elif clock["kind"] == "months":
        months = dates.astype("datetime64[M]") - first.astype("datetime64[M]")
        steps, between = np.divmod(months.astype(int), clock["every"])
    else:
        days = dates.astype("datetime64[D]")
        steps, between = np.busday_count(first.astype("datetime64[D]"), days), ~np.is_busday(days)
    wrong = np.flatnonzero((between != 0) | (np.diff(steps, prepend=steps[0] - 1) != 1))
    if len(wrong):
        accepted = (
            f"a row every {clock['every']} {clock['kind']} as from {clock['start']}, the oldest first, none missing"
        )
        sys.exit(f"line {lines[wrong[0]]}, column {dated[0]}: found {cells[wrong[0]]}; accepted is {accepted}")


sys.stdin.reconfigure(encoding="utf-8-sig")
reader = csv.DictReader(sys.stdin, None if form["has_header"] else [str(place) for place in range(1, 1000)])
try:
    read = [(row, reader.line_num) for row in reader]
except (UnicodeError, csv.Error) as error:
    sys.exit(f"no CSV table in UTF-8 ({error})")
if not read:
    sys.exit("no rows; accepted is a CSV table with a row a step")
rows, lines = zip(*read, strict=True)
for name in columns:
    if name not in rows[0]:
        sys.exit(f"no column {name!r}; accepted is a table with {', '.join(columns)}, commas between the columns")
if form["clock"]["kind"] != "steps":
    check_steps(rows, lines)

model = tf.saved_model.load(os.path.join(here, "saved_model"))
answer = model.signatures["serving_default"]
steps = answer.structured_input_signature[1]["history"].shape[1]
if len(rows) < steps:
    sys.exit(f"{len(rows)} rows; the model reads the last {steps}")
last = zip(rows[-steps:], lines[-steps:], strict=True)
past = [[number(row, line, name) for name in columns] for row, line in last]
found = answer(history=tf.constant([past], tf.float64))
if len(form["targets"]) == 1:
    print(",".join(["forecast", *levels]))
else:
    print(",".join(head for name in form["targets"] for head in (name, *(f"{name}_{level}" for level in levels))))
for points, spreads in zip(found["forecast"][0].numpy(), found["quantiles"][0].numpy(), strict=True):
    cells = [value for point, spread in zip(points, spreads, strict=True) for value in (point, *spread)]
    print(",".join(f"{value:.8g}" for value in cells))
