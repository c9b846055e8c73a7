"""Which key goes where: to the endpoint that it was given for, and nowhere else."""

from __future__ import annotations

import pytest

import workbench as wb
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.endpoints import NO_KEY, Endpoints

ONE, TWO = "https://api.openai.com/v1", "http://127.0.0.1:8000/v1"
SERVER = {
    "PATH": "/bin",
    "HOME": "/here",
    "OPENAI_API_KEY": "k0",
    "OPENAI_ORG_ID": "o",
    "WORKBENCH_API_KEY": "k1",
    "WORKBENCH_API_KEY_A": "k2",
    "WORKBENCH_API_KEY_B_C": "k3",
    "AWS_SECRET_ACCESS_KEY": "k4",
    NO_KEY: "k5",
}


def keys_of(known: Endpoints, url: str, variable: str = "WORKBENCH_API_KEY") -> dict[str, str]:
    config = AnnotateConfig(base_url=url, key_variable=variable)
    kept = known.environment(config, SERVER)
    assert {"PATH", "HOME"} <= set(kept)
    return {name: value for name, value in kept.items() if value.startswith(("k", "o"))}


def test_one_endpoint_has_the_key_and_other_addresses_have_none():
    known = Endpoints.from_flags([f"a={ONE}"])
    others = {"WORKBENCH_API_KEY_A": "k2", "WORKBENCH_API_KEY_B_C": "k3"}
    unused = {"AWS_SECRET_ACCESS_KEY": "k4"}
    assert keys_of(known, ONE) == {"WORKBENCH_API_KEY": "k1", **others, **unused}
    assert keys_of(known, TWO) == {**others, **unused}
    assert keys_of(known, ONE.replace("https", "http")) == {**others, **unused}
    assert keys_of(known, ONE + "/../../x") == {**others, **unused}


def test_each_of_several_endpoints_has_its_own_key_and_never_another_s():
    known = Endpoints.from_flags([f"a={ONE}", f"b-c={TWO}"])
    unused = {"AWS_SECRET_ACCESS_KEY": "k4"}
    assert known.variable_of(ONE) == "WORKBENCH_API_KEY_A"
    assert keys_of(known, ONE, known.variable_of(ONE)) == {"WORKBENCH_API_KEY_A": "k2", **unused}
    assert keys_of(known, TWO, known.variable_of(TWO)) == {"WORKBENCH_API_KEY_B_C": "k3", **unused}
    assert keys_of(known, "http://other/v1", NO_KEY) == unused


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", NO_KEY])
def test_a_variable_that_a_run_s_folder_names_is_not_sent(variable):
    known = Endpoints.from_flags([f"a={ONE}"])
    assert variable not in keys_of(known, TWO, variable)
    # the listed one gets the key that was given for it, whatever the folder calls it
    assert keys_of(known, ONE, variable)[variable] == "k1"


def test_without_a_list_nothing_has_a_key():
    assert Endpoints().variable_of(ONE) == NO_KEY
    assert "WORKBENCH_API_KEY" not in keys_of(Endpoints(), ONE)


def test_the_name_of_the_variable_can_be_another_one():
    known = Endpoints.from_flags([f"a={ONE}"], "OPENAI_API_KEY")
    assert known.variable_of(ONE + "/") == "OPENAI_API_KEY"
    assert keys_of(known, ONE, "OPENAI_API_KEY")["OPENAI_API_KEY"] == "k0"
    assert Endpoints.from_json(known.to_json()) == known


@pytest.mark.parametrize(
    "flags",
    [["a"], ["a="], ["=http://h/v1"], ["a b=http://h/v1"], ["a=ftp://h/v1"], ["a=http://u:p@h/v1"],
     ["a=http://h/v1?key=s"], ["a=http://h/v1", "a=http://i/v1"], ["a=http://h/v1", "b=http://h/v1/"],
     ["a-b=http://h/v1", "A_B=http://i/v1"]],
)  # fmt: skip
def test_flags_that_cannot_be_used_are_refused_without_repeating_secrets(flags):
    with pytest.raises(wb.ConfigError) as caught:
        Endpoints.from_flags(flags)
    assert "u:p" not in str(caught.value)
    assert "key=s" not in str(caught.value)


def test_a_key_in_the_place_of_its_variable_is_not_repeated():
    with pytest.raises(wb.ConfigError) as caught:
        Endpoints({}, "sk-secret")
    assert "sk-secret" not in str(caught.value)
