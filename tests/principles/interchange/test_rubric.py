"""Weighted rubrics: written and read back the same, with the held-out numbers of the run."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ConfigError, DataError
from workbench.principles.interchange.rubric import (
    Criterion,
    Measured,
    Rubric,
    read_rubric,
    to_rubric,
)

TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
NUMBER = st.floats(-1, 1) | st.none()
MEASURED = st.builds(Measured, NUMBER, NUMBER, NUMBER)
CRITERIA = st.lists(
    st.builds(Criterion, TEXT, MEASURED, MEASURED, st.integers(0, 10**6), TEXT | st.none()),
    max_size=4,
).map(tuple)
RUBRIC = st.builds(
    Rubric, TEXT, TEXT, TEXT, st.floats(0.5, 0.99), TEXT, CRITERIA, MEASURED, st.integers(0, 99)
)


@given(RUBRIC)
def test_what_is_written_is_read_back(rubric: Rubric) -> None:
    assert read_rubric(rubric.to_toml()) == rubric
    assert read_rubric(rubric.to_json()) == rubric
    # TOML has no empty list of tables
    assert {"criteria": [], **tomllib.loads(rubric.to_toml())} == json.loads(rubric.to_json())


@pytest.mark.parametrize(
    "text",
    ["", "x = ", "[1]", "{", '{"kind": "other", "version": 1}', 'kind = "weighted rubric"',
     "[" * 100_000, '{"kind": "weighted rubric", "version": 1, "name": "n"}'],
)  # fmt: skip
def test_what_is_no_rubric_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="rubric cannot be read"):
        read_rubric(text)


def test_a_rubric_has_the_held_out_numbers_of_its_run(tmp_path) -> None:
    import workbench as wb
    from workbench.cli.main import _principles

    found = _principles(wb.load("sample"), tmp_path / "run")
    rubric = to_rubric(found)
    assert [c.text for c in rubric.criteria] == [one.text for one in found.principles]
    table = found.to_frame().set_index("term")
    for one in rubric.criteria:
        row = table.loc[one.text]
        assert one.weight == Measured(row["estimate"], row["conf_low"], row["conf_high"])
        assert one.accuracy == Measured(row["accuracy"], row["accuracy_low"], row["accuracy_high"])
        assert one.n == row["n"]
    told = found.evaluation.to_frame().set_index("term").loc["weighted votes"]
    assert rubric.accuracy.value == told["estimate"]
    assert (rubric.annotator, rubric.level) == ("human", 0.95)
    assert [p.text for p in rubric.constitution.principles] == [c.text for c in rubric.criteria]


def test_no_principle_makes_no_rubric() -> None:
    from types import SimpleNamespace

    with pytest.raises(DataError, match="no principle to make a rubric of"):
        to_rubric(SimpleNamespace(principles=[]))
