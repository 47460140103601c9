"""The JSON schema of a config section, as a form reads it."""

import pytest
from pydantic import Field

from rnn_tasks.config import Section


class Every(Section):
    seed: int = Field(1, ge=0, lt=9, description="Drawn from.")
    share: float = Field(0.5, gt=0, le=1)
    source: str = Field("a", description="Where <unk> stands.")
    units: int | None = Field(None, ge=2, multiple_of=2, description="Even.")
    words: str = Field("b", description="Words.")


@pytest.mark.parametrize(
    ("field", "position", "description"),
    [
        ("source", 0, "Where `<unk>` stands."),
        ("share", 1, "(above 0, at most 1)"),
        ("units", 2, "Even. (at least 2, a multiple of 2)"),
        ("words", 3, "Words."),
        ("seed", 4, "Drawn from. (at least 0, below 9)"),
    ],
)
def test_a_field_has_a_place_and_its_bounds_in_words(field, position, description):
    shown = Every.model_json_schema()["properties"][field]
    assert (shown["position"], shown["description"]) == (position, description)
