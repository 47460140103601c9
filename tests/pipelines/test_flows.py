"""Every registered task has its flow, which Prefect can load by name and show as a form."""

import pytest
from prefect.flows import load_flow_from_entrypoint

from pipelines import flows
from rnn_tasks.registry import TASK_MODULES, get_task


@pytest.mark.parametrize("name", TASK_MODULES)
def test_prefect_finds_a_tasks_flow_and_its_config(name):
    flow = load_flow_from_entrypoint(f"pipelines.flows.{name}")
    assert flow is flows.flow_of(name)
    assert (flow.name, flow.description) == (name, get_task(name).summary)
    form = flow.parameters.model_dump()["properties"]
    assert set(form) == {"config", "fresh", "promote"}
    assert flow.parameters.definitions[get_task(name).config.__name__]["properties"].keys() >= {"data", "training"}
    assert flow.validate_parameters({"config": {"seed": 7}})["config"].seed == 7


def test_all_flows_are_those_of_the_registry():
    assert [flow.name for flow in flows.all_flows()] == list(TASK_MODULES)
    with pytest.raises(AttributeError, match="has no attribute 'no_task'"):
        flows.no_task  # noqa: B018
