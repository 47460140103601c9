"""What holds for the declaration and the config of each registered task and example; see test_every_task.py."""

import numpy as np
import pytest
from new_process import Died, in_new_process
from pairwise import covering_configs
from tried_tasks import TASKS, find_task, flat, losses, whole_chain

from rnn_tasks.config import override
from rnn_tasks.errors import UserError


@pytest.fixture(scope="session", params=list(TASKS))
def task(request):
    return find_task(request.param)


def test_the_declaration_is_complete(task):
    assert {"quick", "full", "tiny"} <= set(task.presets)
    assert all(type(preset) is task.config for preset in task.presets.values())
    assert task.presets["tiny"].is_trial
    assert not task.presets["quick"].is_trial
    assert not task.presets["full"].is_trial
    assert task.summary
    assert "\n" not in task.summary
    assert task.name in TASKS
    assert task.records.good
    assert {"data", "model", "training", "seed"} <= set(task.config.model_fields)


def test_every_setting_is_described(task):
    def undescribed(config, prefix=""):
        for name, field in config.model_fields.items():
            if isinstance(field.annotation, type) and hasattr(field.annotation, "model_fields"):
                yield from undescribed(field.annotation, f"{prefix}{name}.")
            elif not field.description:
                yield prefix + name

    assert list(undescribed(task.config)) == []


def test_config_survives_json_and_dotted_overrides(task):
    for preset in task.presets.values():
        assert task.config.model_validate_json(preset.model_dump_json()) == preset
        assert override(task.config(), flat(preset)) == preset


def test_unknown_keys_and_impossible_values_are_one_line(task):
    tiny = task.presets["tiny"]
    with pytest.raises(UserError, match=r"training\.epoch'.*training\.epochs") as unknown:
        override(tiny, {"training.epoch": 3})
    with pytest.raises(UserError, match=r"training\.epochs: .*\(found -1\)") as impossible:
        override(tiny, {"training.epochs": -1})
    for error in (unknown, impossible):
        assert "\n" not in str(error.value)


@pytest.mark.real
@pytest.mark.timeout(4 * 3600)
def test_every_setting_goes_the_whole_chain(task, tmp_path):
    """Every value, and every two values of two settings together."""
    tiny = task.presets["tiny"]
    configs, _ = covering_configs(tiny)
    before = flat(tiny)
    failures = {}
    for number, config in enumerate(configs):
        changes = {key: value for key, value in flat(config).items() if value != before[key]}
        print(f"{number + 1} of {len(configs)}: {changes}", flush=True)
        try:
            trained, _ = in_new_process(whole_chain, task.name, config, tmp_path, tmp_path / str(number))
            assert all(np.isfinite(losses(trained)))
        except (AssertionError, Died) as failure:
            failures[str(changes)] = failure
    assert not failures, "\n\n".join(f"{changes}\n{failure}" for changes, failure in failures.items())
