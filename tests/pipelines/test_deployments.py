"""Schedules that people set in the Prefect UI make runs, and outlive restarts; nothing else of theirs is touched."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId, LogFilter, LogFilterFlowRunId
from prefect.flows import EntrypointType
from prefect.states import Completed, Pending, Running, Scheduled
from set_by_people import EVERY_90_S, NIGHTLY, set_by_people, stored

from pipelines import missed, schedules
from rnn_tasks.errors import UserError

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def prefect(home):
    with get_client(sync_client=True) as client:
        yield client


@pytest.fixture
def deployment(dummy):
    """A deployment of the dummy task under a name of its own, as `serve` registers it."""
    from pipelines.deployments import LocalDeployment
    from pipelines.flows import flow_of

    def make(name, **options):
        kind = EntrypointType.MODULE_PATH
        return LocalDeployment.from_flow(flow_of("dummy"), name, version="0.1", entrypoint_type=kind, **options)

    return make


RULE = {"schedule": {"rrule": "FREQ=HOURLY"}, "active": True, "slug": "hourly", "max_scheduled_runs": 5}


@pytest.mark.parametrize(
    "schedules",
    [[EVERY_90_S], [NIGHTLY, RULE], [EVERY_90_S, NIGHTLY, RULE], []],
    ids=["no slug", "slugs", "both", "none"],
)
def test_registering_again_leaves_alone_what_people_have_set(prefect, deployment, schedules):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, schedules)
    before = stored(prefect, deployment_id)
    assert len(before["schedules"]) == len(schedules)

    assert asyncio.run(deployment(name).aapply()) == deployment_id
    assert stored(prefect, deployment_id) == before  # not even written, which would discard the next runs

    newer = deployment(name, description="of the code", tags=["code"])
    newer.version, newer.entrypoint = "0.2", "elsewhere.dummy"
    newer._parameter_openapi_schema.properties["fresh"]["title"] = "Start anew"
    assert asyncio.run(newer.aapply()) == deployment_id
    after = stored(prefect, deployment_id)
    assert (after["version"], after["entrypoint"]) == ("0.2", "elsewhere.dummy")
    assert after["parameter_openapi_schema"]["properties"]["fresh"]["title"] == "Start anew"
    changed = {"version", "entrypoint", "parameter_openapi_schema", "updated"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


def test_default_parameters_that_the_task_no_longer_takes_are_named(prefect, deployment):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, [EVERY_90_S])
    before = stored(prefect, deployment_id)
    newer = deployment(name)
    newer._parameter_openapi_schema.definitions["ModelConfig"]["properties"]["quality"]["minimum"] = 0.5
    with pytest.raises(UserError) as error:
        asyncio.run(newer.aapply())
    assert str(error.value) == (
        f"deployment dummy/{name}: its default parameters, set in the Prefect UI, do not fit the task any more; change "
        "them on its page, Edit (Validation failed for field 'config.model.quality'. Failure reason: 0.25 is less than "
        "the minimum of 0.5)"
    )
    assert stored(prefect, deployment_id) == before


def test_schedules_of_the_command_line_come_and_go_beside_those_of_people(prefect, deployment):
    name = uuid4().hex

    def served(*texts):
        again = deployment(name)
        again.schedules = schedules.parse([f"dummy/full={text}" for text in texts]).get(("dummy", "full"), [])
        deployment_id = asyncio.run(again.aapply())
        found = stored(prefect, deployment_id)
        ours = [one for one in found["schedules"] if (one["slug"] or "").startswith(schedules.OURS)]
        times = {one["schedule"].get("cron") or one["schedule"]["interval"]: one["id"] for one in ours}
        return deployment_id, found, times

    deployment_id, _, times = served("0 3 * * *")  # on a deployment that is made, too
    assert list(times) == ["0 3 * * *"]
    set_by_people(prefect, deployment_id, [EVERY_90_S, NIGHTLY])
    before = {one["id"]: one for one in stored(prefect, deployment_id)["schedules"] if one["id"] not in times.values()}
    _, first, kept = served("0 3 * * *", "every 2h", "0  3 * * *")
    assert kept == {**times, 7200.0: kept[7200.0]}
    assert served("every 2h", "0 3 * * *")[1:] == (first, kept)  # not even written
    _, _, left = served("every 2h")
    assert left == {7200.0: kept[7200.0]}
    _, last, none = served()
    assert none == {}
    assert {one["id"]: one for one in last["schedules"]} == before
    assert (last["parameters"], last["paused"]) == ({"config": {"model": {"quality": 0.25}}}, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dummy=0 25 * * *", "found '0 25 * * *'; accepted is a cron expression of five fields, or every and a number"),
        ("dummy=0 0 3 * * *", "found '0 0 3 * * *'; accepted is"),
        ("dummy=", "found ''; accepted is"),
        ("dummy=every 0s", "found 'every 0s'; accepted is"),
        ("dummy=every 5", "found 'every 5'; accepted is"),
        ("dummy", "expected TASK=WHEN"),
        ("=0 3 * * *", "expected TASK=WHEN"),
        ("dummi=0 3 * * *", "unknown task 'dummi'; did you mean 'dummy'?"),
        ("dummy/huge=0 3 * * *", "task 'dummy' has the presets quick, full, tiny"),
    ],
)
def test_a_schedule_that_is_none_is_one_line(dummy, text, message):
    with pytest.raises(UserError) as error:
        schedules.parse(["dummy=0 3 * * *", text])
    assert message in str(error.value)


def test_runs_that_were_taken_and_never_began_are_scheduled_again(prefect, deployment):
    ours, others = (asyncio.run(deployment(name).aapply()) for name in ("full", uuid4().hex))
    states = [Pending(name="Submitting"), Running(), Completed(), Scheduled()]
    runs = []
    for where, state in [*((ours, state) for state in states), (others, Pending())]:
        runs.append(prefect.create_flow_run_from_deployment(where, parameters={"config": {}}).id)
        prefect.set_flow_run_state(runs[-1], state, force=True)
    missed.run_again_what_never_began([("dummy", "full")])
    assert [prefect.read_flow_run(run).state.name for run in runs] == [
        *("Scheduled", "Running", "Completed", "Scheduled", "Pending")
    ]


def test_what_was_due_while_nothing_served_runs_once_and_says_so(prefect, deployment, caplog):
    name = uuid4().hex
    deployment_id = asyncio.run(deployment(name).aapply())
    set_by_people(prefect, deployment_id, [EVERY_90_S, NIGHTLY])
    prefect.request("POST", "/deployments/{id}/resume_deployment", path_params={"id": deployment_id})
    by_hand = prefect.create_flow_run_from_deployment(deployment_id, state=Scheduled(scheduled_time=LONG_AGO)).id

    def runs():
        found = prefect.read_flow_runs(deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])))
        return sorted(found, key=lambda run: run.expected_start_time)

    plan = {"start_time": "2030-01-01T00:00:00Z", "end_time": "2030-01-01T00:10:00Z", "min_runs": 5}
    prefect.request("POST", "/deployments/{id}/schedule", path_params={"id": deployment_id}, json=plan)
    planned = [run for run in runs() if run.auto_scheduled]
    assert len(planned) >= 5
    now = planned[3].expected_start_time + timedelta(seconds=30)  # the fourth is overdue, the fifth is still to come
    with caplog.at_level("WARNING"):
        missed.run_once_what_was_due([("dummy", name)], now)
    states = {run.id: run.state.name for run in runs()}
    assert [states.pop(run.id) for run in planned] == [*["Missed"] * 4, *["Scheduled"] * (len(planned) - 4)]
    assert states.pop(by_hand) in ("Scheduled", "Late")
    ((late, state),) = states.items()
    assert state == "Scheduled"
    assert prefect.read_flow_run(late).parameters == planned[3].parameters == EVERY_90_S["parameters"]
    said = (
        f"due at {planned[3].expected_start_time:%Y-%m-%d %H:%M:%S} UTC, while nothing served; it runs now, late, and "
        "once for 4 that were due"
    )
    assert caplog.messages == [f"dummy/{name}: {said}"]
    (line,) = prefect.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[late])))
    assert line.message == said

    missed.run_once_what_was_due([("dummy", name)], now)
    assert len(runs()) == len(planned) + 2


def test_a_deployments_page_says_what_its_preset_changes(dummy):
    from pipelines.deployments import described

    assert described(dummy, "quick") == "Counts letters. Preset quick."
    assert described(dummy, "full") == (
        "Counts letters. Preset full.\n\n| setting | quick | full |\n| --- | --- | --- |\n| `training.epochs` | 3 | 5 |"
    )
    assert "Its models never become champion." in described(dummy, "tiny")
