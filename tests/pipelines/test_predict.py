"""The command `predict`: who answers, line by line, into what is there."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
from pathlib import Path

from pipelines import cli, model_registry, tracking
from rnn_tasks import activity


def test_predict_writes_a_line_for_each_line(in_process, home):
    assert in_process("predict", "dummy") == (
        2,
        "",
        "error: no model of 'dummy' is registered yet; train one: rnn-tasks run dummy\n",
    )
    code, summary, _ = in_process("run", "dummy")
    assert code == 0
    run_id = re.search(r"MLflow run (\w+)", summary)[1]
    (home / "in.txt").write_text("one\n\nthree\n")
    model = f"answering: run {run_id}, preset quick, data embedded, test_accuracy 0.5\n"
    assert in_process("predict", "dummy", "--input", "in.txt", "--times", "2") == (0, "3 3\n0 0\n5 5\n", model)
    said = in_process("predict", "dummy", "--input", "in.txt", "--output", "out.txt", "--run", run_id)
    assert said == (0, "", model)
    assert (home / "out.txt").read_text() == "3\n0\n5\n"
    assert in_process("predict", "dummy", "--input", "in.txt", "--output", "out.txt/x") == (
        2,
        "",
        f"{model}error: --output out.txt/x: cannot be written (File exists)\n",
    )
    assert in_process("predict", "dummy", "--run", "0" * 32) == (
        2,
        "",
        f"error: --run {'0' * 32}: no registered model of 'dummy' (its runs: rnn-tasks compare dummy)\n",
    )
    (home / "in.txt").write_bytes(b"one\ncaf\xe9\n")
    code, _, said = in_process("predict", "dummy", "--input", "in.txt", "--output", "out2.txt")
    assert (code, said) == (2, f"{model}error: in.txt, line 2: not UTF-8 (byte 4 of the line)\n")
    assert not (home / "out2.txt").exists()


def test_data_of_a_very_long_path_come_to_a_registered_model(in_process, home):
    """MLflow takes 500 characters for the name of a dataset, and 255 for an alias."""
    deep = Path(*["x" * 250] * 12)
    here = os.open(home, os.O_RDONLY)
    for part in deep.parts:
        os.mkdir(part, dir_fd=here)
        here, left = os.open(part, os.O_RDONLY, dir_fd=here), here
        os.close(left)
    with open(os.open("words.txt", os.O_CREAT | os.O_WRONLY, dir_fd=here), "w") as file:
        file.write("one two")
    os.close(here)
    source = str(deep / "words.txt")
    assert len(source) > 3000
    code, summary, said = in_process("run", "dummy", "--data", source)
    assert code == 0, said
    run_id = re.search(r"MLflow run (\w+)", summary)[1]
    run = tracking.get_run(run_id)
    assert (run.data.tags["data"], run.data.params["data.source"]) == (source, source)
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == f"…{source[-499:]}"
    assert set(model_registry.aliases("dummy")) == {"champion", f"champion-{'x' * 50}-words-txt"}
    (home / "in.txt").write_text("one\n")
    for chosen in (source, str(home / source)):
        code, answer, said = in_process("predict", "dummy", "--data", chosen, "--input", "in.txt")
        assert (code, answer) == (0, "3\n"), said


def test_a_newcomer_s_trial_run_answers_by_name_and_no_longer_when_a_real_one_has_finished(in_process, home):
    (home / "in.txt").write_text("one\n")
    code, summary, _ = in_process("run", "dummy", "--preset", "tiny")
    trial = re.search(r"MLflow run (\w+)", summary)[1]
    assert code == 0
    assert "models:/dummy/1 is not dummy@champion: trial runs do not compete" in summary
    by_name = f"rnn-tasks predict dummy --run {trial}"
    assert by_name in summary
    trials = "only trial runs have finished, and their models answer when they are named"
    assert in_process("predict", "dummy") == (2, "", f"error: {trials}: {by_name}\n")
    assert in_process("predict", "dummy", "--data", "embedded") == (
        2,
        "",
        f"error: --data embedded: {trials}: {by_name}\n",
    )
    assert in_process(*by_name.split()[1:], "--input", "in.txt") == (
        0,
        "3\n",
        f"answering: run {trial}, preset tiny, data embedded, test_accuracy 0.5\n",
    )
    real = re.search(r"MLflow run (\w+)", in_process("run", "dummy", "--set", "model.quality=0.25")[1])[1]
    answering = f"answering: run {real}, preset quick+1, data embedded, test_accuracy 0.25\n"
    assert in_process("predict", "dummy", "--input", "in.txt") == (0, "3\n", answering)
    assert in_process("predict", "dummy", "--data", "embedded", "--input", "in.txt") == (0, "3\n", answering)
    assert in_process("generate", "dummy", "--letters", "2") == (0, "a\nb\n", answering)
    assert in_process("predict", "dummy", "--data", "embedded", "--run", real) == (
        2,
        "",
        f"error: --run {real}, --data embedded: only one of the two chooses the model\n",
    )


def test_predict_answers_each_line_of_an_open_pipe_and_writes_into_what_is_there(command, in_process, home):
    run_id = re.search(r"MLflow run (\w+)", in_process("run", "dummy")[1])[1]
    answering = f"answering: run {run_id}, preset quick, data embedded, test_accuracy 0.5\n"
    os.mkfifo(home / "pipe")
    (home / "link").symlink_to("copy")
    process = command.start("predict", "dummy", "--input", "/dev/stdin", "--output", "pipe", "--also", "link")
    with (home / "pipe").open() as answers:  # opens when the other side does
        for line, answer in (("one", "3"), ("", "0"), ("three", "5")):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            assert answers.readline() == f"{answer}\n"
        assert not (home / "copy").exists()  # a regular file is whole or absent
        assert process.communicate("x\ny", timeout=60) == ("", answering)
        assert (answers.read(), process.returncode) == ("1\n1\n", 0)
    assert (home / "copy").read_text() == "one\n\nthree\nx\ny\n"
    assert (home / "link").is_symlink()

    program = 'read -r first; (echo head; "$0" "$1" predict dummy --input <(cat) --output /dev/stdout) > out; cat out'
    process = subprocess.run(
        ["bash", "-c", program, *command.start("list").args[:2]],
        input="lost\none\n",
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        cwd=home,
    )
    assert (process.stdout, process.stderr) == ("head\n3\n", answering)


def test_predict_says_what_it_waits_for_until_it_is_ready_for_lines(
    in_process, home, dummy, monkeypatch, open_terminal
):
    assert in_process("run", "dummy", "--quiet")[0] == 0
    terminal, seen = open_terminal(), []

    def predict(export_dir, records, options):
        with activity.doing("loading the model"):
            terminal.wait_for("loading the model")
        for record in records:
            seen.append(terminal.screen())  # nothing is drawn any more
            yield record.upper()

    answering = dataclasses.replace(dummy, predict=predict)
    monkeypatch.setattr(cli, "get_task", lambda name: answering)
    (home / "in.txt").write_text("one\ntwo\n")
    assert in_process("predict", "dummy", "--input", "in.txt")[:2] == (0, "ONE\nTWO\n")
    assert [[line[:15] for line in screen] for screen in seen] == [["answering: run "]] * 2
