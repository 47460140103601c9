"""Tables are TSV whatever stands in their cells."""

from rnn_tasks import evaluation


def test_a_table_has_a_line_a_row(tmp_path):
    path = evaluation.write_table(tmp_path / "t.tsv", ("name", "score"), [("a\tb\nc", 0.5), ("é\r\x0bo\u2028x", 12)])
    assert path.read_text(encoding="utf-8") == "name\tscore\na b c\t0.5000\né  o x\t12\n"


def test_a_table_is_read_as_it_was_written(tmp_path):
    path = evaluation.write_table(tmp_path / "t.tsv", ("name", "value"), [("a b", 0.5), ("", 3)])
    assert evaluation.read_table(path) == (["name", "value"], [["a b", "0.5000"], ["", "3"]])
