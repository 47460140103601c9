"""What the command line shows to people, on standard output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic.fields import FieldInfo
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from pipelines import run_description
from pipelines.provenance import flat
from rnn_tasks.config import Section
from rnn_tasks.task import Task

if TYPE_CHECKING:
    from pipelines.comparison import RunRow
    from pipelines.flow import Outcome

SAMPLES_SHOWN = 5


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # for the command line to handle; rich would exit with code 1


def show_tasks(tasks: Iterable[Task]) -> None:
    """One line a task."""
    table = Table("task", "shape", "what it learns", box=None)
    for task in tasks:
        table.add_row(f"[bold]{task.name}[/]", task.shape, escape(task.summary))
    _Console().print(table)


def show_task(task: Task) -> None:
    """Presets, settings and prediction options of a task."""
    console = _Console()
    console.print(f"[bold]{task.name}[/] ({task.shape}): {escape(task.summary)}")
    presets = {name: flat(preset.model_dump(mode="json")) for name, preset in task.presets.items()}
    _show_fields(console, "settings (--set key=value)", presets, dict(_fields(task.config)))
    for command, accepted in (("predict", task.predict_options), ("generate", task.generate_options)):
        if options := dict(_fields(accepted)):
            options = {f"--{name.replace('_', '-')}": field for name, field in options.items()}
            defaults = {name: field.default for name, field in options.items()}
            _show_fields(console, f"options of {command}", {"default": defaults}, options)


def _show_fields(
    console: Console, title: str, columns: dict[str, dict[str, Any]], fields: dict[str, FieldInfo]
) -> None:
    """Each field's name and values in a row, what it means and accepts below it."""
    key_width = max(len(key) for key in [title, *fields]) + 2
    widths = {
        name: max(len(text) for text in [name, *(str(values[key]) for key in fields)]) + 2
        for name, values in columns.items()
    }
    console.print()
    head = "".join(name.ljust(width) for name, width in widths.items())
    console.print(f"[bold]{title.ljust(key_width)}{head}[/]", soft_wrap=True, highlight=False)
    for key, field in fields.items():
        row = "".join(str(values[key]).ljust(widths[name]) for name, values in columns.items())
        console.print(f"[bold]{key.ljust(key_width)}[/]{escape(row)}", soft_wrap=True)
        meaning = f"{field.description or ''} ({_accepted(field)})"
        console.print(Padding(escape(meaning), (0, 0, 0, 4)), style="dim", highlight=False)


def show_outcome(outcome: Outcome) -> None:
    """The result of a run: metrics, samples, and where to look further."""
    console = _Console()
    table = Table(f"[bold]{outcome.task}[/]", "value", "baseline", box=None)
    for name, value in outcome.metrics.items():
        baseline = outcome.baseline.get(name)
        table.add_row(name, f"{value:,.4g}", "" if baseline is None else f"{baseline:,.4g}")
    console.print(table)
    samples = sorted((outcome.artifact_dir / "samples").glob("*.tsv"))
    if samples:
        console.print(_sample_table(run_description.first_rows(samples[0], SAMPLES_SHOWN)))
    took = "  ".join(f"{stage} {seconds:.1f} s" for stage, seconds in outcome.seconds.items())
    console.print(
        f"\n[bold]took[/]      {took}"
        f"\n[bold]model[/]     {escape(outcome.champion)}"
        f"\n[bold]files[/]     {escape(str(outcome.artifact_dir))}"
        f"\n[bold]look[/]      make ui   (MLflow run {outcome.run_id})"
        f"\n[bold]use[/]       rnn-tasks predict {outcome.task} --run {outcome.run_id}",
        soft_wrap=True,
    )


def show_runs(task: Task, rows: Sequence[RunRow], metric: str, differing: Sequence[str], address: str) -> None:
    """One line a run with its aliases; then the run whose model answers by default, and where MLflow shows the same.

    Args:
        task, rows: what is shown, in this order.
        metric: stands first among the metrics.
        differing: settings that get a column each.
        address: of the comparison in MLflow; empty where there is none.
    """
    names = _common_metrics(metric, rows)
    table = Table("run", "started", "status", "preset", "data", *differing, *names, "standing", box=None)
    for row in rows:
        metrics = [escape(row.settings.get(key, "")) for key in differing]
        metrics += [f"{row.metrics[name]:.4g}" if name in row.metrics else "" for name in names]
        started = f"{row.started:%Y-%m-%d %H:%M}"
        standing = " ".join(row.aliases if row.competes else ("trial", *row.aliases))
        table.add_row(row.run_id, started, row.status, row.preset, escape(row.data), *metrics, standing)
    print_whole(table)  # users copy the run ids
    for row in rows:
        if row.answers:
            _Console().print(f"\n[bold]predict answers with[/] {escape(row.answers)}", soft_wrap=True, highlight=False)
    if len(rows) > 1:
        _Console().print(f"[bold]look[/] make ui, then {escape(address)}", soft_wrap=True, highlight=False)


def print_whole(table: Table) -> None:
    """Print a whole table and cut nothing: a narrow terminal or a pipe gets long lines."""
    console = _Console()
    unbounded = console.options.update(max_width=10_000)
    _Console(width=max(console.width, console.measure(table, options=unbounded).maximum)).print(table)


def _common_metrics(metric: str, rows: Sequence[RunRow]) -> list[str]:
    """The metric that decides, then the first few others of the test split."""
    found = dict.fromkeys(name for row in rows for name in row.metrics if name.startswith("test_"))
    return [metric, *[name for name in found if name != metric][:3]]


def _sample_table(rows: Sequence[Sequence[str]]) -> Table:
    header, *body = rows
    table = Table(*header, title="samples", title_justify="left", title_style="bold")
    for row in body:
        table.add_row(*(escape(cell) for cell in row))
    return table


def _fields(section: type[Section], prefix: str = "") -> Iterable[tuple[str, FieldInfo]]:
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from _fields(kind, f"{prefix}{name}.")
        else:
            yield prefix + name, field


def _accepted(field: FieldInfo) -> str:
    """Type and bounds in a few characters: `int ≥1 ≤10`, `none | luong`."""
    kind: Any = field.annotation
    choices = [choice for choice in getattr(kind, "__args__", (kind,)) if choice is not type(None)]
    name = " | ".join(str(getattr(choice, "__name__", choice)).lower() for choice in choices)
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign}{value}"
        for constraint in field.metadata
        for bound, sign in signs.items()
        if (value := getattr(constraint, bound, None)) is not None
    ]
    return " ".join([name, *bounds])
