import subprocess
import sys

import matplotlib.image
import numpy as np
import pytest

from rnn_tasks import plots
from rnn_tasks.plots.canvas import COLOURS, drawable

HISTORY = [
    {"epoch": 1, "loss": 3.0, "val_loss": 3.2, "learning_rate": 1e-3},
    {"epoch": 2, "loss": 2.0, "val_loss": 2.4, "val_bleu": 21.0, "learning_rate": 1e-3},
    {"epoch": 3, "loss": 1.5, "val_loss": 2.1, "val_bleu": 30.0, "learning_rate": 5e-4},
]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def drawn_overlaps(figure, texts):
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in texts]
    return sum(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_learning_curves_draw_loss_and_validated_metrics():
    figure = plots.learning_curves(HISTORY)
    loss, bleu = figure.axes
    assert (loss.get_ylabel(), bleu.get_ylabel()) == ("loss", "bleu")  # learning_rate is no measure of quality
    assert loss.get_xlabel() == "epoch"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    training, validation = loss.lines
    np.testing.assert_array_equal(training.get_xydata(), [[1, 3.0], [2, 2.0], [3, 1.5]])
    np.testing.assert_array_equal(validation.get_ydata(), [3.2, 2.4, 2.1])
    np.testing.assert_array_equal(bleu.lines[0].get_xydata(), [[2, 21], [3, 30]])  # missing epochs stay missing
    assert bleu.get_xlim() == loss.get_xlim()


def test_learning_curves_count_the_examples_seen():
    figure = plots.learning_curves(HISTORY, examples=1_500)
    figure.draw_without_rendering()
    for axes in figure.axes:
        (above,) = axes.child_axes
        np.testing.assert_allclose(above.get_xlim(), 1_500 * np.array(axes.get_xlim()))


def test_gates_are_drawn_a_panel_each():
    rng = np.random.default_rng(0)
    seen = {"input gate": rng.random((5, 3)), "cell": rng.normal(size=(5, 3)) * 4}
    figure = plots.gates_along(seen, "BTXSE", "lstm_1")
    gate, cell = (axes for axes in figure.axes if axes.get_ylabel() in seen)
    np.testing.assert_array_equal(gate.images[0].get_array(), seen["input gate"].T)
    assert gate.images[0].get_clim() == (0, 1)
    assert cell.images[0].get_clim() == (-np.abs(seen["cell"]).max(), np.abs(seen["cell"]).max())
    assert [label.get_text() for label in cell.get_xticklabels()] == list("BTXSE")
    with pytest.raises(ValueError, match=r"\{'cell': 5\} steps for 4 tokens"):
        plots.gates_along({"cell": seen["cell"]}, "BTXS")


def test_learning_curves_count_epochs_from_one_in_whole_numbers():
    figure = plots.learning_curves([{"loss": 2.0}])
    figure.draw_without_rendering()
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 2.0]])
    assert all(float(tick).is_integer() for tick in axes.get_xticks())


def test_learning_curves_refuse_an_empty_history():
    with pytest.raises(ValueError, match="0 epochs with no metrics"):
        plots.learning_curves([])


def test_attention_map_shows_weights_and_tokens():
    alignment = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    figure = plots.attention_map(alignment, ["le", "$5", "￭."], ["the", "$5"])
    axes = figure.axes[0]
    image = axes.images[0]
    np.testing.assert_array_equal(image.get_array(), alignment)
    assert image.get_clim() == (0, 1)
    assert tick_labels(axes.xaxis) == ["le", "$5", "·."]
    assert tick_labels(axes.yaxis) == ["the", "$5"]
    assert not any(label.get_parse_math() for label in axes.get_xticklabels() + axes.get_yticklabels())
    assert figure.axes[1].get_ylabel() == "attention weight"


def test_attention_map_cuts_no_token_off():
    source = ["anticonstitutionnellement"] * 20
    figure = plots.attention_map(np.eye(9, 20), source, ["counterrevolutionary"] * 9)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for label in axes.get_xticklabels() + axes.get_yticklabels():
        box = label.get_window_extent()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
    assert drawn_overlaps(figure, axes.get_xticklabels()) == 0


def test_attention_map_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"alignment \(2, 3\) for 3 target, 2 source tokens"):
        plots.attention_map(np.zeros((2, 3)), ["a", "b"], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("token", "shown"), [("￭,", "·,"), ("chat￭", "chat·"), ("été", "été"), ("\U0001f642", "□"), ("日本", "□□")]
)
def test_drawable_replaces_what_the_font_lacks(token, shown):
    assert drawable(token) == shown


def test_score_by_group_bars_are_the_scores():
    axes = plots.score_by_group([("0–5", 1200, 61.2), ("6+", 7, 31.3)], "length", ["bleu"]).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [61.2, 31.3]
    assert tick_labels(axes.xaxis) == ["0–5\nn = 1,200", "6+\nn = 7"]
    assert [text.get_text() for text in axes.texts] == ["61.2", "31.3"]
    assert axes.get_ylim()[0] == 0
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("length", "bleu")


def test_several_scores_of_a_group_stand_side_by_side():
    axes = plots.score_by_group([("a", 3, 0.5, 0.25), ("b", 2, 1.0, 0.75)], "kind", ["ours", "theirs"]).axes[0]
    assert [bar.get_height() for bar in axes.patches] == [0.5, 1.0, 0.25, 0.75]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["ours", "theirs"]


def test_confusion_shows_counts_and_shares():
    axes = plots.confusion(np.array([[3, 1], [0, 0]]), ["no", "yes"]).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0.75, 0.25], [0, 0]])
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "3",
        (1, 0): "1",
        (0, 1): "0",
        (1, 1): "0",
    }
    assert tick_labels(axes.xaxis) == tick_labels(axes.yaxis) == ["no", "yes"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    with pytest.raises(ValueError, match=r"\(2, 2\) for 3 labels"):
        plots.confusion(np.zeros((2, 2)), ["a", "b", "c"])


def test_scatter_draws_every_point_and_only_labels_that_fit():
    rng = np.random.default_rng(0)
    points, words = rng.normal(size=(150, 2)), [f"word{i}" for i in range(150)]
    figure = plots.embedding_scatter(points, words, title="Words")
    axes = figure.axes[0]
    np.testing.assert_allclose(axes.collections[0].get_offsets(), points)
    shown = [text.get_text() for text in axes.texts]
    assert shown[0] == "word0"  # the most important one first
    assert len(set(shown)) == len(shown)
    assert set(shown) <= set(words)
    assert 20 < len(shown) < 150
    assert drawn_overlaps(figure, axes.texts) == 0
    for text in axes.texts:
        np.testing.assert_array_equal(text.xy, points[int(text.get_text().removeprefix("word"))])
    assert axes.get_title(loc="left") == "Words"


def test_scatter_tells_groups_apart():
    figure = plots.embedding_scatter(np.eye(3, 2) * 9, ["le", "the", "la"], groups=["French", "English", "French"])
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["French", "English"]
    assert [len(collection.get_offsets()) for collection in axes.collections] == [2, 1]
    legend = axes.get_legend().get_window_extent()
    assert legend.x0 >= axes.transData.transform(np.eye(3, 2) * 9)[:, 0].max()  # beside the points, in the picture
    assert legend.x1 <= figure.bbox.x1
    assert [text.get_color() for text in axes.texts] == [COLOURS[0], COLOURS[1], COLOURS[0]]
    with pytest.raises(ValueError, match=r"\(3, 2\) for 2 labels"):
        plots.embedding_scatter(np.zeros((3, 2)), ["a", "b"])


def test_saved_figure_is_a_png_of_its_size(tmp_path):
    figure = plots.learning_curves(HISTORY)
    path = plots.save_figure(figure, tmp_path / "figures" / "curves.png", dpi=50)
    height, width, _ = matplotlib.image.imread(path).shape
    assert (width, height) == (int(figure.get_figwidth() * 50), int(figure.get_figheight() * 50))
    assert [file.name for file in path.parent.iterdir()] == ["curves.png"]


def test_science_of_looking_needs_neither_pyplot_nor_tensorflow():
    code = (
        "import sys; from rnn_tasks import evaluation, export, plots; "
        "plots.learning_curves, plots.attention_map, plots.embedding_scatter, plots.score_by_group, evaluation.bleu, "
        "evaluation.learn_dictionary, evaluation.accuracy; "
        "export.tsne_points, export.write_projector, export.write_tsne_page, export.cosine_neighbours; "
        "print({'tensorflow', 'keras', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"


def test_score_while_reading_draws_points_and_levels():
    figure = plots.score_while_reading([(1, 0.2), (2, 0.9)], "accuracy", {"commonest class": 0.1})
    axes = figure.axes[0]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), [[1, 0.2], [2, 0.9]])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0.1, 0.1])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["commonest class"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("steps read", "accuracy")


def test_captioned_pictures_show_each_picture_with_its_words():
    pictures = np.random.default_rng(0).integers(0, 256, (8, 4, 5)).astype(np.uint8)
    figure = plots.captioned_pictures(pictures, [f"$, {number}\nis b" for number in range(8)])
    assert len(figure.axes) == 8
    for number, axes in enumerate(figure.axes):
        np.testing.assert_array_equal(axes.images[0].get_array(), pictures[number])
        assert axes.images[0].get_clim() == (0, 255)
        assert axes.get_title() == f"$, {number}\nis b"
    assert drawn_overlaps(figure, [axes.title for axes in figure.axes]) == 0
    assert plots.captioned_pictures(pictures[:0], []).texts[0].get_text() == "none"
    with pytest.raises(ValueError, match="1 captions for 8 pictures"):
        plots.captioned_pictures(pictures, ["one"])
