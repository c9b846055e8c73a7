"""The form of run.toml: unknown keys are told, names are escaped, nothing secret is written."""

from __future__ import annotations

import math
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.config import RunConfig
from workbench.engine import Ray, engine_from
from workbench.errors import ConfigError
from workbench.toml_text import toml_text
from workbench.whole_run.choices import of_toml, to_toml
from workbench.whole_run.config import WholeConfig

NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
VALUES = st.recursive(
    NAMES | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def plain(value: object) -> bool:
    """Whether lists hold tables only or none: TOML has no table within a list of values."""
    if isinstance(value, dict):
        return all(map(plain, value.values()))
    if isinstance(value, list):
        tables = [isinstance(one, dict) for one in value]
        return (all(tables) or not any(tables)) and all(map(plain, value)) and not any(
            isinstance(one, list) and any(isinstance(x, dict) for x in one) for one in value
        )  # fmt: skip
    return True


@given(st.dictionaries(NAMES, VALUES, max_size=4).filter(plain))
def test_what_is_written_is_read_by_the_standard_reader(values: dict[str, object]) -> None:
    assert tomllib.loads(toml_text(values)) == values


def test_numbers_that_are_none_and_halves_of_characters() -> None:
    assert math.isnan(tomllib.loads(toml_text({"x": math.nan}))["x"])
    assert tomllib.loads(toml_text({"x": math.inf}))["x"] == math.inf
    with pytest.raises(ConfigError, match="cannot be written"):
        toml_text({"annotators": ("\ud83d",)})


LISTS = st.lists(NAMES, max_size=3).map(tuple)


@given(
    st.fixed_dictionaries({
        "reference": st.none() | NAMES, "annotators": LISTS, "criteria": LISTS, "families": LISTS,
        "factors": st.none() | st.lists(NAMES, min_size=1, max_size=3).map(tuple),
        "scenarios": LISTS, "covariance": st.sampled_from(["cluster", "HC1", "classical"]),
        "cluster": LISTS, "ties": st.sampled_from(["half", "drop"]),
        "folds": st.sampled_from([0, 2, 5]), "further": LISTS,
    }),
    NAMES, NAMES,
)  # fmt: skip
def test_choices_come_back_whatever_names_hold(
    choices: dict[str, object], source: str, column: str
) -> None:
    reading = {"map": (f"label={column}",), "kind": "human", "drop_duplicates": True}
    text = to_toml(choices, source, reading)
    back = of_toml(text)
    assert (back.source, back.chosen, back.reading) == (source, choices, reading)
    assert tomllib.loads(text)["source"] == source


def test_a_hostile_name_adds_no_key() -> None:
    name = 'x"\n[endpoint]\nbase_url = "http://127.0.0.1:1/v1"\n#'
    text = to_toml({"annotators": (name,)}, 'a"\nseed = 3\n')
    assert of_toml(text).config.endpoint == {}
    assert of_toml(text).config.seed == 0
    assert of_toml(text).chosen["annotators"] == (name,)


def test_stages_are_chosen_too() -> None:
    text = to_toml({}, "sample", endpoint={"model": "offline:plain"}, judge=({"pairs": 5},))
    [judge] = of_toml(text).config.asked("judge")
    assert (judge.pairs, judge.model) == (5, "offline:plain")
    assert WholeConfig.from_toml(of_toml(text).config.to_toml()) == of_toml(text).config


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", ("Unknown key 'colour'", "where: run.toml", "source", "judge")),
        ("[endpoint]\ncolour = 1", ("[endpoint]", "Unknown key 'colour'", "base_url")),
        ("[endpoint]\nmodel = 'm'\n[[judge]]\nsuite = 'smoke'", ("[[judge]]", "template")),
        ("[[judge]]\npairs = 5", ("No model is named", "[[judge]]", "[endpoint]")),
        ("[[judge]]\nmodel = 'offline:plain'\nmax_cost = 3.0", ("whole run", "above the first")),
        ("[[judge]]\nmodel = 'offline:plain'\npairs = 'all'", ("'pairs'", "[[judge]]", "'all'")),
        ("[principles]\nmodel = 'offline:plain'\nn = 0", ("'n'", "[principles]")),
        ("[[audit_judge]]\nfrom_verdicts = true\nmodel = 'm'", ("[[audit_judge]]", "reference")),
        ("[[audit_judge]]\nfrom_verdicts = 1", ("from_verdicts", "true")),
        ("[[audit_model]]\nbeta = 0.1", ("No model is named", "[[audit_model]]")),
        ("[[audit_model]]\nmodel = 'm'\ncolour = 1", ("Unknown key 'colour'", "checkpoints")),
        ("[engine]\ncolour = 1", ("[engine]", "Unknown key 'colour'", "address")),
        ("[engine]\nname = 'spark'", ("spark", "local, ray")),
        ("[engine]\nworkers = '2'", ("[engine]", "'workers'", "64")),
        ("[engine]\naddress = 'auto'", ("Only a cluster", "ray")),
        ("sections = ['colours']", ("colours", "findings")),
        ("judge = 5", ("'judge'", "list")),
        ("by = [", ("not valid TOML",)),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_place(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as wrong:
        WholeConfig.from_toml(text, "run.toml")
    assert [word for word in words if word not in str(wrong.value)] == []


def test_one_table_may_stand_for_a_list_of_one() -> None:
    config = WholeConfig.from_toml("[judge]\nmodel = 'offline:plain'")
    assert len(config.asked("judge")) == 1


def test_a_secret_of_a_header_is_not_written() -> None:
    text = '[endpoint]\nmodel = "m"\nheaders = ["Authorization=Bearer abc-secret"]\n[[judge]]\n'
    config = WholeConfig.from_toml(text)
    assert "abc-secret" not in config.to_toml()
    assert "abc-secret" not in config.asked("judge")[0].to_toml()
    own = '[[judge]]\nmodel = "m"\nheaders = ["X-Api-Key=abc-secret"]\n'
    assert "abc-secret" not in WholeConfig.from_toml(own).to_toml()


def test_the_other_verbs_read_the_same_file() -> None:
    text = 'source = "v.csv"\nmax_cost = 1.0\n[endpoint]\nmodel = "m"\n[[judge]]\n[principles]\n'
    assert RunConfig.from_toml(text).source == "v.csv"
    with pytest.raises(ConfigError, match="'colour'"):
        RunConfig.from_toml(f"colour = 1\n{text}")


def test_the_engine_is_no_part_of_what_is_asked() -> None:
    text = '[engine]\nname = "ray"\naddress = "auto"\nworkers = 8\n[judge]\nmodel = "offline:plain"'
    config = WholeConfig.from_toml(text)
    assert engine_from(config.engine) == Ray("auto", 8)
    assert WholeConfig.from_toml(config.to_toml()) == config
    here = WholeConfig.from_toml(text[text.index("[judge]") :])
    assert config.asked("judge") == here.asked("judge")
    assert RunConfig.from_toml(text) == RunConfig()
