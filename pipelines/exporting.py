"""The command `rnn-tasks export`: a model as a directory that is used without this package."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pipelines import store_checks
from pipelines.settings import get_settings
from rnn_tasks.errors import UserError
from rnn_tasks.files import filled_directory
from rnn_tasks.registry import get_task
from rnn_tasks.series.records import SeriesRecords
from rnn_tasks.task import Task

CLIENTS = Path(__file__).with_name("clients")
NEEDED = ("tensorflow", "tensorflow-text")
README = """# {task}: {summary}

Made by `rnn-tasks run {task}`: {described}.

    pip install -r requirements.txt        # tensorflow and tensorflow-text, nothing else
    python client.py < {asked} > answers.txt

`saved_model/` holds the network with all that is around it: tokenisers, vocabularies, scales. `client.py` loads it,
asks its signature `serving_default`, and is yours to change. {reads}
"""
READS_LINES = """It reads a question a line, text or numbers as the
model takes them, and writes an answer a line: the model's outputs, text first, separated by tabs."""
READS_TABLE = """It reads the past as a CSV table with the columns
{columns}: commas between columns, points in numbers, a row a step, the oldest first and none missing, numbers
in every cell of the rows that the model reads, which are the last {history}. {dates}
Anything else is refused in a line: `rnn-tasks predict` reads and mends more. It writes the {horizon} steps ahead."""
DATES = "A column of dates (2001-12-31 or 2001-12-31 23:00) must show that a row is a {clock} after the one before."


def export(
    task: Annotated[str, Parameter(help="A task's name; `rnn-tasks list` shows them.")],
    directory: Annotated[Path, Parameter(help="Where to; made, or empty.")],
    /,
    *,
    run: str | None = None,
    data: str | None = None,
) -> None:
    """Copy a trained model to a directory, with a short client that works without this package.

    Parameters
    ----------
    run
        The MLflow run whose model to copy, or an alias; by default the one whose model predict uses.
    data
        A path, or the name of a data source: the champion on this data.
    """
    declared = get_task(task)
    _check_target(directory)
    store_checks.check(get_settings(), writes=False)
    from pipelines import champions, model_registry

    model = champions.choose(declared, run, data)
    described = champions.described(declared, model)
    asked = write_client(declared, described, model_registry.export_directory(task, model), directory)
    print(f"{directory}: {described}\nuse  python {directory / 'client.py'} < {asked}")


def write_client(task: Task, described: str, export_dir: Path, directory: Path) -> str:
    """Write the SavedModel with client, README and requirements; all of it, or nothing.

    Args:
        described: the model in one line.
        export_dir: from `Task.export`.

    Returns:
        the name that the README gives to the file of questions.

    Raises:
        UserError: the model cannot be asked without this package, or the directory cannot be written.
    """
    client, asked, reads, beside = "lines.py", "questions.txt", READS_LINES, []
    if isinstance(task.records, SeriesRecords):
        from rnn_tasks.series.form import FORM, SeriesForm  # imports pandas

        form = SeriesForm.load(export_dir)
        if form.known_width:
            raise UserError(
                f"{described}: it reads what is known ahead, which only rnn-tasks makes of dates; accepted is a model "
                "with data.time_features=none and no data.known"
            )
        columns = ", ".join(form.targets + form.covariates)
        dates = "" if form.clock.kind == "steps" else DATES.format(clock=form.clock)
        client, asked, beside = "table.py", "past.csv", [FORM, "settings.json"]
        reads = READS_TABLE.format(columns=columns, history=form.history, horizon=form.horizon, dates=dates)
    target = Path(os.path.realpath(directory))
    try:
        with filled_directory(target) as aside:
            shutil.copytree(export_dir / "saved_model", aside / "saved_model")
            for name in beside:
                shutil.copy(export_dir / name, aside)
            shutil.copy(CLIENTS / client, aside / "client.py")
            required = "".join(f"{name}=={metadata.version(name)}\n" for name in NEEDED)
            (aside / "requirements.txt").write_text(required, encoding="utf-8")
            readme = README.format(task=task.name, summary=task.summary, described=described, asked=asked, reads=reads)
            (aside / "README.md").write_text(readme, encoding="utf-8")
    except shutil.Error as error:  # `copytree` raises it and names every file
        source, _, why = error.args[0][0]
        raise UserError(f"{source}: cannot be copied to {directory} ({why})") from None
    except OSError as error:
        raise UserError(f"{directory}: cannot be written ({error.strerror})") from None
    return asked


def _check_target(directory: Path) -> None:
    try:
        if any(directory.iterdir()):
            raise UserError(f"{directory}: is not empty; accepted is a directory that is, or a new one")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UserError(f"{directory}: {error.strerror}; accepted is an empty directory, or a new one") from None
