"""A table ahead for a table of the past: python client.py < past.csv. Needs tensorflow alone.

The past is a CSV table as the model learned from, a row a step, the oldest first; answered are the steps ahead.
"""

import csv
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf

here = os.path.dirname(os.path.abspath(__file__))
model = tf.saved_model.load(os.path.join(here, "saved_model"))
answer = model.signatures["serving_default"]
steps = answer.structured_input_signature[1]["history"].shape[1]
form, settings = (json.load(open(os.path.join(here, name))) for name in ("series.json", "settings.json"))
columns, levels = form["targets"] + form["covariates"], [f"q{level:g}" for level in settings["levels"]]
names = None if form["has_header"] else [str(number) for number in range(1, 1000)]
past = [[float(row[name]) for name in columns] for row in csv.DictReader(sys.stdin, names)]
if len(past) < steps:
    sys.exit(f"{len(past)} rows; the model reads the last {steps}")
found = answer(history=tf.constant([past[-steps:]], tf.float64))
if len(form["targets"]) == 1:
    print(",".join(["forecast", *levels]))
else:
    print(",".join(head for name in form["targets"] for head in (name, *(f"{name}_{level}" for level in levels))))
for points, spreads in zip(found["forecast"][0].numpy(), found["quantiles"][0].numpy(), strict=True):
    cells = [value for point, spread in zip(points, spreads, strict=True) for value in (point, *spread)]
    print(",".join(f"{value:.8g}" for value in cells))
