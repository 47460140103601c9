"""Every preset of every task has its flow, which Prefect can load by name and show as a form."""

import pytest
from prefect.flows import load_flow_from_entrypoint

from pipelines import flows
from rnn_tasks.config import override
from rnn_tasks.registry import TASK_MODULES, get_task


@pytest.mark.parametrize(("task", "preset"), flows.all_flows())
def test_prefect_finds_a_presets_flow_and_its_config(task, preset):
    flow = load_flow_from_entrypoint(f"pipelines.flows.{task}{'' if preset == 'quick' else f'_{preset}'}")
    assert flow is flows.all_flows()[task, preset]
    assert (flow.name, flow.description) == (task, get_task(task).summary)
    form = flow.parameters.model_dump()["properties"]
    assert set(form) == {"config", "fresh", "promote"}
    assert all(field["description"] for field in form.values())
    start = get_task(task).presets[preset]
    assert form["config"]["default"] == start.model_dump(mode="json")
    # Whatever a form, a schedule or an API call leaves out stays the preset's, in a section that it gives in part, too.
    given = flow.validate_parameters({"config": {"training": {"checkpoint_minutes": 3.5}, "seed": 7}})["config"]
    assert given == override(start, {"training.checkpoint_minutes": 3.5, "seed": 7})
    assert flow.validate_parameters({"config": start})["config"] is start


@pytest.mark.parametrize("task", TASK_MODULES)
def test_a_form_shows_sections_in_order_and_every_field_with_what_it_is(task):
    definitions = flows.flow_of(task).parameters.definitions
    sections = definitions[get_task(task).config.__name__]["properties"]
    shown = sorted(sections, key=lambda name: sections[name]["position"])
    assert shown[:3] == ["data", "model", "training"]
    assert shown[-2:] == ["seed", "competes"]
    assert ("evaluation" in shown) == (shown[-3] == "evaluation")
    for name, definition in definitions.items():
        fields = definition["properties"]
        assert sorted(field["position"] for field in fields.values()) == list(range(len(fields)))
        for field in fields.values():
            kind = definitions[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
            assert kind.get("description", "").strip(), f"{name}: a field without description"
            assert "$ref" in field or "default" in field


def test_all_flows_are_those_of_the_registry():
    assert list(dict.fromkeys(task for task, _ in flows.all_flows())) == list(TASK_MODULES)
    assert {preset for task, preset in flows.all_flows() if task == "mnist"} == set(get_task("mnist").presets)
    with pytest.raises(AttributeError, match="has no attribute 'no_task'"):
        flows.no_task  # noqa: B018
