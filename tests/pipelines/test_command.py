"""The command line: exit codes, whole error lines, what goes to which stream, and what is not imported."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.sorting import FlowRunSort
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

from pipelines import arguments, cli
from rnn_tasks.config import TaskConfig

MISTAKES = {
    ("describe", "dumy"): "unknown task 'dumy'; did you mean 'dummy'? (tasks: dummy)",
    ("run", "dummy", "--preset", "huge"): "--preset huge: task 'dummy' has quick, full, tiny",
    ("run", "dummy", "--set", "training.epoch=3"): (
        "unknown config key 'training.epoch'; did you mean 'training.epochs'? (all keys: rnn-tasks describe TASK)"
    ),
    ("run", "dummy", "--set", "training.epochs=0"): (
        "training.epochs: Input should be greater than or equal to 1 (found 0)"
    ),
    ("run", "dummy", "--set", "training.epochs=many"): (
        "training.epochs: Input should be a valid integer, unable to parse string as an integer (found 'many')"
    ),
    ("run", "dummy", "--set", "epochs"): "--set 'epochs': expected key=value, such as training.epochs=3",
    ("run", "dummy", "--data", "nowhere.txt"): "data.source: nowhere.txt is no file",
    ("predict", "dummy", "--times", "10"): "times: Input should be less than or equal to 9 (found '10')",
    ("predict", "dummy", "--beam", "4"): "unknown option --beam (options of 'dummy': --times, --upper, --also)",
    ("predict", "dummy", "--input", "nowhere.txt"): "--input nowhere.txt: no such file",
    ("predict", "dummy", "--input", "x" * 300): f"--input {'x' * 300}: no such file",
    ("predict", "dummy", "--input", "/"): "--input /: is a directory; a file is wanted",
    ("predict", "dummy", "--output", "/"): "--output /: is a directory; a file is wanted",
    ("predict", "dummy", "--also", "/"): "--also /: is a directory; a file is wanted",
    ("predict", "dummy", "--output", "out", "--also", "./out"): "--also out: --output is written there",
    ("predict", "dummy", "--times", "0"): "times: Input should be greater than or equal to 1 (found '0')",
    ("run",): 'Command "run" parameter TASK requires an argument.',
    ("run", "dummy", "--seed", "x"): 'Invalid value for --seed: unable to convert "x" into int.',
    ("generate", "dummy", "--letters", "0"): "letters: Input should be greater than or equal to 1 (found '0')",
    ("generate", "dummy", "--times", "2"): "unknown option --times (options of 'dummy': --letters)",
    ("fly",): (
        'Unknown command "fly". Available commands: list, describe, run, predict, generate, reproduce, compare, '
        "promote, ..."
    ),
}


@pytest.mark.parametrize(("arguments", "line"), MISTAKES.items(), ids=map(" ".join, MISTAKES))
def test_a_mistake_is_one_line_and_exit_code_2(arguments, line, dummy, home, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(list(arguments))
    captured = capsys.readouterr()
    assert exit_.value.code == 2
    assert captured.out == ""
    assert captured.err == f"error: {line}\n"
    assert not (home / "mlruns" / "unfinished").exists()


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["describe", "reber"], ["--help"], ["run", "--help"], ["run", "reber", "--set", "x=1"], ["run", "no"]],
    ids=" ".join,
)
def test_answers_that_need_no_tensorflow_do_not_import_it(arguments, home):
    program = (
        "import sys\nfrom pipelines import cli\n"
        f"try: cli.main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print([name for name in ('tensorflow', 'keras', 'prefect', 'mlflow') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=home)
    assert done.stderr.splitlines()[-1] == "[]"


def test_describe_shows_every_setting_and_option(dummy, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as exit_:
        cli.main(["describe", "dummy"])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert exit_.value.code == 0
    for row, meaning in [
        ("training.epochs 3 5 3", "Passes over the training split at most. (int ≥1 ≤100000)"),
        ("model.quality 0.5 0.5 0.5", "What accuracy comes out. (float ≥0 ≤1)"),
        ("data.source embedded embedded embedded", "`embedded`, or a text file. (str)"),
        ("--times 1", "Repeat the answer. (int ≥1 ≤9)"),
        ("--letters 3", "How many letters to write. (int ≥1 ≤99)"),
    ]:
        assert lines[lines.index(row.split()) + 1] == meaning.split()


def test_choices_are_laid_over_the_preset(dummy):
    config = arguments.chosen_config(dummy, "full", "words.txt", ("training.epochs=7", "model.quality=1"), seed=5)
    assert (config.training.epochs, config.model.quality, config.data.source, config.seed) == (7, 1.0, "words.txt", 5)
    assert config.training.learning_rate == dummy.presets["full"].training.learning_rate


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("predict dummy --upper", "predict dummy --upper true"),
        ("predict dummy --upper --times 2", "predict dummy --upper true --times 2"),
        ("predict dummy --upper false", "predict dummy --upper false"),
        ("predict dummy --times 2", "predict dummy --times 2"),
        ("run dummy --upper", "run dummy --upper"),
        ("predict", "predict"),
    ],
)
def test_a_yes_or_no_option_needs_no_value(dummy, given, meant):
    assert arguments.with_flags(given.split()) == meant.split()


def test_what_a_task_does_not_have_is_said_in_one_line(dummy, home, capsys, monkeypatch):
    """No data.source, and a network that cannot write on by itself."""
    without = dataclasses.replace(dummy, generate=None, config=TaskConfig, presets={"quick": TaskConfig()})
    monkeypatch.setattr(cli, "get_task", lambda name: without)
    for given, line in {
        ("generate", "dummy"): "task 'dummy' does not generate (tasks that do: none yet)",
        ("run", "dummy", "--data", "x"): (
            "--data x: task 'dummy' makes its data itself; its config has no data.source"
        ),
    }.items():
        with pytest.raises(SystemExit) as exit_:
            cli.main(list(given))
        assert exit_.value.code == 2
        assert capsys.readouterr().err == f"error: {line}\n"


def test_a_reader_that_has_seen_enough_is_no_error(home, command):
    program = f"{sys.executable} -m pipelines.cli describe reber | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert done.stderr == ""


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (ZeroDivisionError("ours"), 1)])
def test_interruptions_and_our_own_faults_have_codes_of_their_own(error, code, monkeypatch, dummy, capsys):
    def fail(*_):
        raise error

    monkeypatch.setattr(cli, "run_flow", fail)
    with pytest.raises(SystemExit) as exit_:
        cli.main(["run", "dummy"])
    assert exit_.value.code == code
    assert ("Traceback" in capsys.readouterr().err) == (code == 1)


def test_a_killed_run_goes_on_in_the_same_mlflow_run_and_json_is_the_last_line(command, in_process, home, monkeypatch):
    killed = command("run", "dummy", "--json", DUMMY_FAIL="kill@1")
    assert (killed.returncode, killed.stdout) == (-9, "")
    monkeypatch.setenv("COLUMNS", "200")
    _, table, _ = in_process("compare", "dummy")
    assert [line.split()[3] for line in table.splitlines()[1:]] == ["interrupted"]

    done = command("run", "dummy", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert list(result) == ["task", "run_id", "status", "metrics", "baseline", "model_uri", "artifact_dir", "seconds"]
    assert result["task"] == "dummy"
    assert result["status"] == "FINISHED"
    assert result["metrics"] == {"val_accuracy": 0.5, "test_accuracy": 0.5}
    assert result["baseline"] == {"test_accuracy": 0.25}
    assert list(result["seconds"]) == ["prepare", "train", "evaluate", "export", "register"]
    assert killed.stderr.splitlines()[0].split()[1:] == ["dummy,", "preset", "quick"]
    assert f"MLflow run {result['run_id']}" in killed.stderr
    assert f"resuming MLflow run {result['run_id']}" in done.stderr
    assert [line.split()[2:5] for line in done.stderr.splitlines() if "epoch" in line] == [["epoch", "3", "loss"]]
    assert not list((home / "mlruns" / "unfinished").iterdir())
    assert not list((home / "mlruns" / "prefect" / "running").iterdir())
    with get_client(sync_client=True) as client:
        newest = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=2)
    assert [flow_run.state.name for flow_run in newest] == ["Completed", "Crashed"]

    _, table, _ = in_process("compare", "dummy")
    _, row, _, answers = table.splitlines()
    compared = json.loads(in_process("compare", "dummy", "--json")[1])
    assert (compared["metric"], compared["lower_is_better"], compared["differing"]) == ("test_accuracy", False, [])
    assert [each["metrics"]["test_accuracy"] for each in compared["runs"]] == [0.5]
    assert compared["runs"][0]["run_id"] in compared["page"]
    assert row.split()[0] == result["run_id"]
    assert row.split()[3:] == ["finished", "quick", "embedded", "0.5", "champion", "champion-embedded"]
    model = f"run {result['run_id']}, preset quick, data embedded, test_accuracy 0.5"
    assert answers == f"predict answers with {model}"


def test_the_summary_shows_metrics_samples_and_where_to_look(in_process, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, out, _ = in_process("run", "dummy")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["test_accuracy", "0.5", "0.25"] in lines
    assert ["│", "one", "│", "[3]", "│"] in lines
    assert any(words[:3] == ["look", "make", "ui"] for words in lines)
    assert any(words[:4] == ["use", "rnn-tasks", "predict", "dummy"] for words in lines)


def test_a_mistake_found_in_a_stage_is_one_line_and_leaves_nothing(in_process, home):
    (home / "empty.txt").touch()
    kept_before = set(PREFECT_LOCAL_STORAGE_PATH.value().glob("*"))
    assert in_process("run", "dummy", "--data", "empty.txt", "--json", "--quiet") == (
        2,
        "",
        "error: empty.txt: no words; at least one is needed\n",
    )
    assert not list((home / "mlruns" / "unfinished").iterdir())
    assert not list((home / "data" / "cache" / "prepared" / "dummy").iterdir())
    assert in_process("compare", "dummy")[1].splitlines()[1:] == []
    kept = [path.read_text() for path in PREFECT_LOCAL_STORAGE_PATH.value().iterdir() if path not in kept_before]
    assert kept
    assert all("no words" in str(json.loads(text)) for text in kept)  # JSON, not a pickle


def test_standard_output_is_the_result_alone_also_beside_a_terminal(in_process, open_terminal, home):
    terminal = open_terminal()
    code, out, _ = in_process("run", "dummy", "--json")
    assert (code, json.loads(out)["status"]) == (0, "FINISHED")
    screen = terminal.screen()
    assert screen[0].split()[1:] == ["dummy,", "preset", "quick"]
    no_log_lines = [line for line in screen if not re.match(r"\d\d:\d\d:\d\d  ", line)]
    assert no_log_lines == ["a library prints to standard output"]  # no progress is left
    assert re.search(r"\r\x1b\[2K(run dummy|train|evaluate|export|register|importing)", terminal.written)


def test_quiet_says_the_result_alone(command, in_process, home):
    done = command("run", "dummy", "--quiet", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["status"] == "FINISHED"
    (home / "in.txt").write_bytes(b"one\rthree")  # lines as old Macs end them
    assert in_process("predict", "dummy", "--quiet", "--input", "in.txt") == (0, "3\n5\n", "")
    assert in_process("generate", "dummy", "--quiet", "--letters", "2") == (0, "a\nb\n", "")
