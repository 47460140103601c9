"""The `rnn-tasks` command.

Nothing here imports TensorFlow, Prefect or MLflow before all that can be checked without them has been checked.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import sys
import traceback
from importlib import metadata
from pathlib import Path
from typing import Annotated, NoReturn

from cyclopts import App, CycloptsError, Parameter

from pipelines import (
    comparing,
    exporting,
    presentation,
    promoting,
    provenance,
    reproducing,
    serving,
    sign_of_life,
    starting_vectors,
    store_checks,
    sweeping,
)
from pipelines.arguments import check_paths, chosen_config, validate_options, with_flags
from pipelines.errors import ServerError
from pipelines.launch import import_tensorflow, run_flow, working
from pipelines.promoting import Policy
from pipelines.settings import get_settings
from pipelines.terminal import prepare_streams
from rnn_tasks.errors import UserError
from rnn_tasks.registry import TASK_MODULES, get_task
from rnn_tasks.task import Task
from rnn_tasks.user_files import reading, writing

app = App(
    name="rnn-tasks",
    help="Recurrent networks on Keras 3, task by task: prepare, train, evaluate, export, register.",
    version=lambda: metadata.version("rnn-tasks"),
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,
    help_epilogue="Exit codes: 0 done, 2 a mistake in input or config, 1 our fault, 130 interrupted.",
)

logger = logging.getLogger(__name__)
STANDARD_INPUT, STANDARD_OUTPUT = Path("/dev/fd/0"), Path("/dev/fd/1")

TaskName = Annotated[str, Parameter(help="A task's name; `rnn-tasks list` shows them.")]


@app.command(name="list")
def list_tasks() -> None:
    """Every task: its name, its shape, what it learns."""
    presentation.show_tasks([get_task(name) for name in TASK_MODULES])


@app.command
def describe(task: TaskName, /) -> None:
    """A task's presets and every setting with its default, bounds and meaning."""
    presentation.show_task(get_task(task))


@app.command
def run(
    task: TaskName,
    /,
    *,
    preset: str = "quick",
    data: str | None = None,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", show_default=False)] = (),
    seed: int | None = None,
    fresh: bool = False,
    promote: Policy = "better",
    json: bool = False,
    quiet: bool = False,
) -> None:
    """Prepare, train, evaluate, export and register.

    A run that was interrupted (killed, Ctrl-C, an error) goes on where it stopped when the same command is given
    again, in the same MLflow run. A finished one starts anew.

    Parameters
    ----------
    preset
        The config to start from.
    data
        A path, or the name of a data source; short for --set data.source=DATA.
    set_
        key=value laid over the preset, as often as wanted; `rnn-tasks describe TASK` shows all keys.
    seed
        Short for --set seed=SEED.
    fresh
        Forget what an interrupted run of the same config has left.
    promote
        Whether the model becomes champion on its data: when it is better than all others there, always, or never.
    json
        End standard output with one JSON line; everything else goes to standard error.
    quiet
        Say nothing but the result and errors.
    """
    declared = get_task(task)
    config = chosen_config(declared, preset, data, set_, seed)
    declared.inputs(starting_vectors.resolved(config))  # a missing file is reported now, not after half a minute
    store_checks.check(get_settings(), writes=True)
    with working(f"run {task}", quiet):
        logger.info("%s, preset %s", task, provenance.nearest_preset(declared, config))
        outcome = run_flow(task, config, fresh, promote)
    if json:
        print(outcome.model_dump_json(exclude={"champion"}, ensure_ascii=True))  # the same in any encoding
    else:
        presentation.show_outcome(outcome)


@app.command
def predict(
    task: TaskName,
    /,
    *,
    run: str | None = None,
    data: str | None = None,
    input: Path | None = None,  # noqa: A002  (the option's name)
    output: Path | None = None,
    quiet: bool = False,
    **options: str,
) -> None:
    """Answer line by line with a trained model, which is named on standard error.

    It is the champion on the data of the run that finished last, unless --run or --data says otherwise. Trial runs (of
    the preset for tests, or with training.limit_batches) are never champion.

    A line that comes alone is answered at once, many that come together are answered together. Both sides are UTF-8,
    whatever the locale.

    Parameters
    ----------
    run
        The MLflow run whose model to use, or an alias.
    data
        A path, or the name of a data source: the champion on this data.
    input
        A file or a pipe with one input a line; standard input by default.
    output
        Where the answers go, one line for each input line; standard output by default. A regular file is written
        when all answers are known; a pipe or a device gets each answer at once.
    quiet
        Say nothing but the answers and errors.
    options
        What the task lets its caller choose: `rnn-tasks describe TASK` shows it.
    """
    declared = get_task(task)
    choices = validate_options(declared, options, declared.predict_options)
    check_paths(declared, input, output, choices)
    export = _answering(declared, run, data, quiet)
    # Open the input first, as a shell does: a program at the other ends of two pipes relies on this order.
    with (
        reading(input or STANDARD_INPUT, str(input or "standard input")) as lines,
        writing(output or STANDARD_OUTPUT, f"--output {output}" if output else "standard output") as write,
    ):
        with sign_of_life.shown(f"predict {task}", quiet):
            import_tensorflow()
        records = declared.records.read(lines, lines.name)
        with contextlib.ExitStack() as loading:
            loading.enter_context(sign_of_life.shown(f"predict {task}", quiet))
            records.before_first = loading.close  # from then on the terminal shows only lines and answers
            for answer in declared.predict(export, records, choices):
                write(answer)


@app.command
def generate(
    task: TaskName,
    /,
    *,
    run: str | None = None,
    data: str | None = None,
    output: Path | None = None,
    quiet: bool = False,
    **options: str,
) -> None:
    """Let a trained network, which is named on standard error, write on by itself, or draw from a grammar.

    Parameters
    ----------
    run
        The MLflow run whose model to use, or an alias; as in predict.
    data
        A path, or the name of a data source: the champion on this data.
    output
        Where the lines go; standard output by default.
    quiet
        Say nothing but the lines and errors.
    options
        What the task lets its caller choose: `rnn-tasks describe TASK` shows it.
    """
    declared = get_task(task)
    if declared.generate is None:
        able = [name for name in TASK_MODULES if get_task(name).generate]
        raise UserError(f"task {task!r} does not generate (tasks that do: {', '.join(able) or 'none yet'})")
    choices = validate_options(declared, options, declared.generate_options)
    check_paths(declared, None, output, choices)
    needed = declared.generate_needs_model
    if not needed and (run or data):
        raise UserError(f"--{'run' if run else 'data'}: task {task!r} generates without a model")
    export = _answering(declared, run, data, quiet) if needed else None
    with (
        writing(output or STANDARD_OUTPUT, f"--output {output}" if output else "standard output") as write,
        contextlib.ExitStack() as loading,
    ):
        loading.enter_context(sign_of_life.shown(f"generate {task}", quiet))
        if needed:
            import_tensorflow()
        for line in declared.generate(export, choices):
            loading.close()
            write(line)


app.command(reproducing.reproduce)
app.command(comparing.compare)
app.command(promoting.promote)
app.command(sweeping.sweep)
app.command(serving.serve)
app.command(exporting.export)


@app.command
def doctor(*, quiet: bool = False) -> None:
    """What this machine gives recurrent layers: which kernel each takes here, and why not a faster one.

    Parameters
    ----------
    quiet
        Say nothing but the result and errors.
    """
    with sign_of_life.shown("doctor", quiet):
        import_tensorflow()
        from pipelines.doctor import library, report

        library()  # compiled at first use
    report()


@app.command
def ui() -> None:
    """Serve Prefect's and MLflow's user interfaces over this project's stores until Ctrl-C."""
    settings = get_settings()
    store_checks.check(settings, writes=True)
    from pipelines import crashes, servers

    with servers.user_interfaces(settings, tell=lambda line: print(line, file=sys.stderr, flush=True)) as check:
        print(
            f"Prefect  {settings.prefect_url}   (log: {settings.prefect_log})\n"
            f"MLflow   {settings.mlflow_page('experiments')}   (log: {settings.mlflow_log})\n"
            "Ctrl-C stops both.",
            flush=True,
        )
        os.environ["PREFECT_API_URL"] = f"{settings.prefect_url}/api"
        with contextlib.suppress(KeyboardInterrupt):
            servers.wait_forever(check, crashes.mark_crashed)


@app.command(help_flags=(), version_flags=())  # --help and --version are Prefect's own
def prefect(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> None:
    """Prefect's own command line, over this project's stores and the server of `rnn-tasks ui`.

    Parameters
    ----------
    arguments
        Whatever `prefect` takes: deployment run translate/full, work-pool ls, worker start --pool rnn-tasks.
    """
    from pipelines import servers

    if url := os.environ.get("PREFECT_API_URL") or servers.running_prefect(get_settings()):
        os.environ["PREFECT_API_URL"] = url
    os.execv(sys.executable, [sys.executable, "-m", "prefect", *arguments])


# --------------------------------------------------------------------------------------------- what the commands use


def _answering(task: Task, run: str | None, data: str | None, quiet: bool) -> Path:
    """The export of the model that answers; names the model on standard error unless `quiet`."""
    store_checks.check(get_settings(), writes=False)
    from pipelines import champions, model_registry

    model = champions.choose(task, run, data)
    if not quiet:
        print("answering:", champions.described(task, model), file=sys.stderr)
    return model_registry.export_directory(task.name, model)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 for success, 2 for a user's mistake, 1 for our error, 130 if interrupted."""
    sys.exit(_exit_code(arguments))


def _exit_code(arguments: list[str] | None) -> int:
    prepare_streams()
    try:
        app(
            with_flags(sys.argv[1:] if arguments is None else arguments),
            print_error=False,
            exit_on_error=False,
            result_action="return_value",
        )
        sys.stdout.flush()
    except (UserError, CycloptsError) as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2
    except ServerError as error:
        print("error:", error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader has closed the pipe, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            traceback.print_exc()
            return 1
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # its buffer would fail again at exit
        print(f"error: {error.filename or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
