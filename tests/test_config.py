"""A run configuration survives every way it is written down, and says what is wrong with it."""

from __future__ import annotations

import tomllib
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import RunConfig
from workbench.errors import ConfigError

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
several = st.lists(names, max_size=3).map(tuple)
configs = st.builds(
    RunConfig,
    source=names,
    format=st.none() | names,
    annotators=several,
    by=several,
    factors=several,
    covariance=st.sampled_from(["cluster", "HC1", "classical"]),
    ties=st.sampled_from(["half", "drop"]),
    reference=names,
    scenarios=several,
    folds=st.just(0) | st.integers(2, 50),
    level=st.floats(0, 1, exclude_min=True, exclude_max=True),
    seed=st.integers(0, 2**32 - 1),
)


@given(configs)
def test_toml_round_trip(config: RunConfig) -> None:
    assert RunConfig.from_toml(config.to_toml()) == config


@given(configs)
def test_toml_is_read_by_the_standard_reader(config: RunConfig) -> None:
    values = tomllib.loads(config.to_toml())
    assert values["source"] == config.source
    assert values["by"] == list(config.by)


@given(configs)
def test_query_round_trip(config: RunConfig) -> None:
    query = config.to_query()
    assert RunConfig.from_query(query) == config
    assert RunConfig.from_query("?" + urlencode(query, doseq=True)) == config


def test_defaults_leave_the_url_empty() -> None:
    assert RunConfig().to_query() == {}


def test_a_query_value_may_be_one_text() -> None:
    assert RunConfig.from_query({"factors": "words", "seed": "7"}) == RunConfig(
        factors=("words",), seed=7
    )


def test_options_that_are_none_change_nothing() -> None:
    config = RunConfig(seed=3, factors=("words",))
    assert config.updated(seed=None, factors=None, level=0.9) == RunConfig(
        seed=3, factors=("words",), level=0.9
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("foldz = 5", ("Unknown key 'foldz'", "one of source, format", "spelling")),
        ('data = "votes.csv"', ("Unknown key 'data'", "are called `source` here")),
        ('level = "0.9"', ("'level'", "'0.9' (str)", "valid number", "default is 0.95")),
        ("level = 1.0", ("'level'", "1.0 (float)", "less than 1")),
        ("folds = 1", ("'folds'", "1 (int)", "0, or at least 2")),
        ("folds = true", ("'folds'", "True (bool)", "valid integer")),
        ('by = "kind"', ("'by'", "'kind' (str)", "valid list")),
        ("factors = [1]", ("'factors'", "1 (int)", "valid string")),
        ('covariance = "HC3"', ("'covariance'", "'HC3'", "'cluster', 'HC1' or 'classical'")),
        ('reference = ""', ("'reference'", "at least 1 character")),
        ("seed = \nlevel = 0.9", ("not valid TOML", "line 1")),
    ],
)
def test_a_wrong_file_is_explained(text: str, expected: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_toml(text, where="run.toml")
    message = str(caught.value)
    assert "where: run.toml" in message
    for part in expected:
        assert part in message
    assert caught.value.fix is not None


@pytest.mark.parametrize("query", ["folds=many", "level=a&level=b", "page=2", "seed=-1"])
def test_a_wrong_url_is_explained(query: str) -> None:
    with pytest.raises(ConfigError, match="URL"):
        RunConfig.from_query(query)


def test_a_wrong_argument_is_explained() -> None:
    with pytest.raises(ConfigError, match="RunConfig"):
        RunConfig(ties="both")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="options"):
        RunConfig().updated(level=2.0)


def test_it_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        RunConfig().seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    "line", ['criterion = "tone"', 'criterion = ["tone"]', 'criteria = ["tone"]']
)
def test_a_criterion_is_named_as_its_flag_is(line: str) -> None:
    assert RunConfig.from_toml(line).criteria == ("tone",)


def test_criterion_beside_criteria_is_one_too_many() -> None:
    with pytest.raises(ConfigError, match="criterion"):
        RunConfig.from_toml('criterion = "tone"\ncriteria = ["style"]')
