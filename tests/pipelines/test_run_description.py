"""A run in Markdown: metrics beside their baselines, samples as they are, the main figure."""

import pytest

from pipelines.run_description import LENGTH, described, main_figure
from rnn_tasks.task import Metric, Report


@pytest.fixture
def report(tmp_path):
    def make(samples, *metrics, figures=()):
        path = tmp_path / "samples.tsv"
        path.write_text(samples, encoding="utf-8")
        return Report(metrics=metrics, samples=path, figures={name: tmp_path / f"{name}.png" for name in figures})

    return make


def test_metrics_stand_beside_their_baselines_and_samples_as_they_are(report):
    text = described(
        report(
            'source\thypothesis\na|b <i>*c*</i>\t"d" `e`\n' + "x\ty\n" * 7,
            Metric(name="test_bleu", value=37.3149, baseline=10.7),
            Metric(name="test_loss", value=1.5, unit="nats"),
        )
    )
    assert text == (
        "| metric | value | baseline |\n| --- | ---: | ---: |\n"
        "| `test_bleu` | 37.31 | 10.7 |\n| `test_loss` | 1.5 nats |  |\n\n"
        "| source | hypothesis |\n| --- | --- |\n"
        '| a&#124;b &#60;i&#62;&#42;c&#42;&#60;/i&#62; | "d" &#96;e&#96; |\n' + "\n".join(["| x | y |"] * 4)
    )


def test_a_long_report_is_cut_to_what_mlflow_takes(report):
    metrics = [Metric(name=f"test_{number}", value=number) for number in range(40)]
    text = described(report("a\tb\tc\n" + ("\t".join(["<" * 3000] * 3) + "\n") * 9, *metrics))
    assert "28 more are among the run's metrics." in text
    assert "`test_12`" not in text
    assert text.endswith("&#60; |")  # whole rows
    assert 5000 < len(text) < LENGTH
    assert "|" not in described(report("source\n", *metrics)).rpartition("more are")[2]  # no samples, no table of them


@pytest.mark.parametrize(
    ("figures", "main"),
    [
        (["learning_curves", "bleu_by_length", "attention_1", "attention_2"], "attention_1.png"),
        (["learning_curves", "forecasts", "residuals"], "forecasts.png"),
        (["learning_curves"], "learning_curves.png"),
        ([], None),
    ],
)
def test_the_main_figure_is_where_attention_looked_or_the_first_that_is_no_curve(report, figures, main):
    found = main_figure(report("source\n", figures=figures))
    assert (found and found.name) == main
