"""Schedules that the command line gives to deployments, beside those that people set in the Prefect UI."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from pydantic import ValidationError

from rnn_tasks.errors import UserError
from rnn_tasks.files import json_digest
from rnn_tasks.registry import get_task

OURS = "command-line-"  # each slug begins with it, so that it is known when the command line has changed
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
EXAMPLES = "translate=0 3 * * * (cron, UTC), translate/full=every 12h"


def parse(texts: Iterable[str]) -> dict[tuple[str, str], list[DeploymentScheduleCreate]]:
    """Schedules by task and preset.

    Args:
        texts: `TASK=WHEN` or `TASK/PRESET=WHEN`; when is a cron expression in UTC, or `every 90s` (s, m, h, d).

    Raises:
        UserError: it is written in another way, or names an unknown task or preset.
    """
    found: dict[tuple[str, str], dict[str, DeploymentScheduleCreate]] = {}
    for text in texts:
        name, equals, when = (part.strip() for part in text.partition("="))
        task, _, preset = name.partition("/")
        if not equals or not task:
            raise UserError(f"--schedule {text!r}: expected TASK=WHEN, such as {EXAMPLES}")
        presets = get_task(task).presets
        preset = preset or "quick"
        if preset not in presets:
            raise UserError(f"--schedule {text!r}: task {task!r} has the presets {', '.join(presets)}")
        when = " ".join(when.split())
        slug = OURS + json_digest(when)[:12]
        try:
            found.setdefault((task, preset), {})[slug] = DeploymentScheduleCreate(schedule=_schedule(when), slug=slug)
        except ValidationError:
            raise UserError(
                f"--schedule {text!r}: found {when!r}; accepted is a cron expression of five fields, or every and a "
                f"number of s, m, h or d: {EXAMPLES}"
            ) from None
    return {deployment: list(schedules.values()) for deployment, schedules in found.items()}


def _schedule(when: str) -> CronSchedule | IntervalSchedule:
    if interval := re.fullmatch(r"every ([1-9]\d{0,8}) ?([smhd])", when):
        return IntervalSchedule(interval=timedelta(seconds=int(interval[1]) * SECONDS[interval[2]]))
    return CronSchedule(cron=when if len(when.split()) == 5 else "")


async def keep(client: PrefectClient, deployment_id: UUID, wanted: Iterable[DeploymentScheduleCreate]) -> None:
    """Add missing schedules of the command line, remove those that are no longer on it, leave all others alone.

    Nothing is written when nothing has changed: any change discards the runs that are scheduled next.
    """
    missing = {schedule.slug: schedule for schedule in wanted}
    for schedule in await client.read_deployment_schedules(deployment_id):
        if (schedule.slug or "").startswith(OURS) and missing.pop(schedule.slug, None) is None:
            await client.delete_deployment_schedule(deployment_id, schedule.id)
    if missing:
        await client.create_deployment_schedules(deployment_id, list(missing.values()))
