"""Stated reasons beside weights: planted reasons that tell, mislead, or say nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.explain.rationales.exchange import Strata
from workbench.explain.rationales.lift import largest, lift_rows
from workbench.explain.rationales.naming import INERT, SILENT

WEIGHTS = [2.0, 1.2, 0.7, 0.0]
WORDS = {f"f{k}": wb.Said(more=(name,)) for k, name in enumerate(["long", "kind", "bold", "odd"])}
FAST = {"lexicon": WORDS, "permutations": 99}
SHARED = Path(__file__).parents[4] / "shared"

Says = Callable[[Array, np.random.Generator], np.ndarray]


def told(x: Array, rng: np.random.Generator) -> np.ndarray:
    """The factor that weighs most."""
    return np.abs(x * WEIGHTS).argmax(axis=1)


def misled(x: Array, rng: np.random.Generator) -> np.ndarray:
    """One that weighs nothing, whatever weighs most."""
    return np.full(len(x), 3)


def by_chance(x: Array, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 4, len(x))


def reasoned(says: dict[str, Says], n: int = 600, seed: int = 0) -> PreferenceData:
    """Judges of equal taste, with what each says of every pair; the side is said truly."""
    data = planted(dict.fromkeys(says, WEIGHTS), n=n, clusters=n // 5, position=0.0, seed=seed)
    rng, labels = np.random.default_rng(seed + 1), data.labels
    x = data.factors[[f"f{k}" for k in range(4)]].to_numpy()[data.pair_rows]
    reason = np.full(len(labels), "", object)
    for name, one in says.items():
        rows = np.flatnonzero(labels["annotator"].eq(name))
        which = one(x[rows], rng)
        more_a = x[rows, which] > 0
        shown_first = more_a == labels["order_shown"].iloc[rows].eq("ab").to_numpy()
        word = np.array([said.more[0] for said in WORDS.values()], object)[which]
        side = np.where(shown_first, "A", "B")
        reason[rows] = [f"Response {s} is {w}." for s, w in zip(side, word, strict=True)]
    return replace(data, labels=labels.assign(rationale=reason))


@pytest.fixture(scope="module")
def found() -> wb.Rationales:
    data = reasoned({"judge-t": told, "judge-m": misled, "judge-c": by_chance})
    return wb.rationales(data, "rationale", **FAST)


def rows(table: pd.DataFrame, group: str) -> pd.DataFrame:
    return table[table["group"] == group].set_index("term")


def test_who_names_what_weighs_most_is_found(found: wb.Rationales) -> None:
    own = rows(found.lifts, "judge-t").loc[["f0", "f1", "f2"]]
    # weights from 480 labels tell which contribution is the largest in nine pairs of ten
    assert (own["named_when_largest"] > 0.8).all()
    # f0 is the largest in two pairs of three: its lift cannot be above 1.5
    assert (own["conf_low"] > 1.2).all()
    assert (own["q_value"] <= 0.05).all()


def test_a_reason_that_is_always_the_same_has_no_lift(found: wb.Rationales) -> None:
    own = rows(found.lifts, "judge-m")
    assert own.loc[["f0", "f1", "f2"], "p_value"].isna().all()
    kinds = rows(found.naming, "judge-m")["kind"]
    assert kinds["f3"] in (INERT, "named, weight not shown")
    assert (kinds[["f0", "f1", "f2"]] == SILENT).all()
    rules = [one.rule_id for one in found.findings() if one.group == "judge-m"]
    assert rules.count("weighed-without-name") == 3


def test_reasons_at_random_have_a_lift_of_one(found: wb.Rationales) -> None:
    own = rows(found.lifts, "judge-c").loc[["f0", "f1", "f2"]]
    assert ((own["conf_low"] < 1) & (own["conf_high"] > 1)).all()
    assert (own["q_value"] > 0.05).all()


def test_all_reasons_are_covered_and_the_sides_are_right(found: wb.Rationales) -> None:
    assert (found.coverage["estimate"] == 1.0).all()
    assert (found.coverage["n"] == 600).all()
    own = found.direction[found.direction["n"] > 0]
    assert (own["estimate"] == 1.0).all()
    first = rows(found.direction, "judge-t").loc["f0"]
    assert first["beyond"] > 0.1
    assert first["p_value"] < 0.01
    # the preferred response has more of what is rewarded, mostly
    assert first["as_weighted"] == first["praises_more"] > 0.8


def test_annotators_are_held_against_each_other(found: wb.Rationales) -> None:
    table = found.contrasts
    odd = table[(table["term"] == "f3") & (table["q_value"] < 0.05)]
    assert set(odd["group"]) | set(odd["against"]) == {"judge-t", "judge-m", "judge-c"}
    assert len(table) == 3 * 4


def test_a_lift_by_hand() -> None:
    # two prompts: in the first, the pair with T = 0 names it, the other does not
    named = np.array([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    top, cluster = np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    row = lift_rows(named, top, Strata.of(cluster), ["a", "b"], 0.95, 99, 0)[0]
    # (1 + 1) seen over (1/2 + 1) expected
    assert row["estimate"] == pytest.approx(2 / 1.5)
    assert (row["n"], row["named_when_largest"], row["named_otherwise"]) == (2.0, 1.0, 0.5)
    # a prompt in which T is the same everywhere cannot tell
    alone = lift_rows(named[:2], np.zeros(2, int), Strata.of(cluster[:2]), ["a", "b"], 0.95, 99, 0)
    assert np.isnan(alone[0]["estimate"])
    assert largest(np.array([[np.nan, np.nan], [0.0, 0.0]])).tolist() == [-1, -1]


@pytest.mark.parametrize("cluster", [np.repeat(np.arange(40), 5), np.arange(200)])
def test_type_one_error_is_five_percent(cluster: Array) -> None:
    rng, below, tests, holds = np.random.default_rng(3), 0, 0, []
    for k in range(60):
        # prompts have a habit of naming: exchanges within them must keep it
        habit = rng.random((int(cluster.max()) + 1, 3))[cluster]
        named = (rng.random((200, 3)) < habit).astype(float)
        top = rng.integers(0, 3, 200)
        found = lift_rows(named, top, Strata.of(cluster), ["a", "b", "c"], 0.95, 99, k)
        below += sum(row["p_value"] <= 0.05 for row in found)
        tests += len(found)
        holds += [row["conf_low"] <= 1 <= row["conf_high"] for row in found if row["n"]]
    # 180 tests: 9 expected, 17 is beyond 99.5 %
    assert 1 <= below <= 17
    assert tests == len(holds) == 180
    assert 0.9 <= np.mean(holds) <= 0.99


def test_prompts_that_name_it_anyway_are_no_lift() -> None:
    # what is common to a prompt moves both naming and contributions: only "within" sees through
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(60), 4)
    about = rng.random(60) < 0.5
    named = (rng.random((240, 1)) < np.where(about, 0.9, 0.1)[cluster][:, None]).astype(float)
    top = np.where(rng.random(240) < np.where(about, 0.8, 0.2)[cluster], 0, 1)
    both = np.c_[named, 1 - named]
    within = lift_rows(both, top, Strata.of(cluster, "within"), ["a", "b"], 0.95, 199, 0)[0]
    across = lift_rows(both, top, Strata.of(cluster, "across"), ["a", "b"], 0.95, 199, 0)[0]
    assert within["p_value"] > 0.05
    assert across["p_value"] < 0.05


def test_order_of_rows_and_sides_change_nothing(found: wb.Rationales) -> None:
    data = reasoned({"judge-t": told, "judge-m": misled, "judge-c": by_chance})
    mixed = data.labels.sample(frac=1.0, random_state=1).reset_index(drop=True)
    again = wb.rationales(replace(data, labels=mixed), "rationale", **FAST)
    pd.testing.assert_frame_equal(again.lifts, found.lifts, rtol=1e-9)
    turned = data.labels.assign(
        preference=1 - data.labels["preference"],
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    names = data.factor_names
    factors = data.factors.assign(**{name: -data.factors[name] for name in names})
    other = wb.rationales(replace(data, labels=turned, factors=factors), "rationale", **FAST)
    columns = ["estimate", "conf_low", "p_value", "n"]
    for name in ("lifts", "direction", "naming"):
        one, two = (getattr(each, name)[columns] for each in (other, found))
        pd.testing.assert_frame_equal(one, two, rtol=1e-6)


def test_people_are_one_group_and_few_reasons_are_counted() -> None:
    data = reasoned({"ann": told, "bob": told, "judge-c": by_chance}, n=100)
    labels = data.labels
    some = labels["annotator"].eq("judge-c") & (np.arange(len(labels)) % 10 > 0)
    data = replace(data, labels=labels.assign(rationale=labels["rationale"].mask(some)))
    found = wb.rationales(data, "rationale", **FAST)
    assert found.coverage["group"].tolist() == ["human"]
    counts = found.exclusions.set_index("reason")["n"]
    few = int((~some & labels["annotator"].eq("judge-c")).sum())
    assert counts["an annotator with fewer than 20 reasons"] == few
    assert counts["no reason is given"] == int(some.sum())


def test_what_cannot_be_done_is_told() -> None:
    data = reasoned({"judge-t": told}, n=60)
    with pytest.raises(DesignError, match="There are no reasons"):
        wb.rationales(data, "why", **FAST)
    blank = replace(data, labels=data.labels.assign(rationale=""))
    with pytest.raises(DesignError, match="No label has a reason"):
        wb.rationales(blank, "rationale", **FAST)
    with pytest.raises(DesignError, match="no factor"):
        wb.rationales(data, "rationale", factors=["f9"], **FAST)
    two = reasoned({"ann": told, "bob": told}, n=60)
    shared = replace(two, pairs=two.pairs.assign(why="long"))
    with pytest.raises(DesignError, match="whose reasons"):
        wb.rationales(shared, "why", **FAST)
    with pytest.raises(DesignError):
        wb.rationales(data, "rationale", exchange="between", lexicon=WORDS)


@pytest.mark.parametrize("change", ["ties", "one cluster", "no value", "three prompts"])
def test_odd_data_give_reasons_in_place_of_numbers(change: str) -> None:
    data = reasoned({"judge-t": told}, n=60)
    if change == "ties":
        data = replace(data, labels=data.labels.assign(preference=0.5))
    elif change == "no value":
        data = replace(data, factors=data.factors.assign(f0=np.nan, f1=0.0))
        with pytest.raises(DesignError):
            wb.rationales(data, "rationale", **FAST)
        return
    else:
        few = 1 if change == "one cluster" else 3
        at = np.arange(60) % few
        data = replace(data, pairs=data.pairs.assign(cluster=[f"c{k}" for k in at]))
    found = wb.rationales(data, "rationale", **FAST)
    assert "Stated reasons" in found.summary()
    assert found.lifts["estimate"].notna().any() or found.lifts["reason"].notna().all()
    found.plot()


def test_every_shape_of_the_result(found: wb.Rationales, tmp_path: Path) -> None:
    again = wb.rationales(
        reasoned({"judge-t": told, "judge-m": misled, "judge-c": by_chance}), "rationale", **FAST
    )
    assert again.to_dict()["tables"] == found.to_dict()["tables"]
    wb.report(found).save(tmp_path / "r.html")
    assert "Stated reasons" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert found._repr_html_()
    assert len(found.figures()) == 3


@pytest.mark.skipif(not (SHARED / "data/vicuna80").exists(), reason="shared/data is not here")
def test_judges_of_vicuna80_name_detail_whatever_weighs() -> None:
    data = wb.load(SHARED / "data/vicuna80/data/vicuna80")
    data = wb.score_factors(data, [s for s in wb.factors.CORE if s.name in ("words", "bullets")])
    found = wb.rationales(data, annotators=["gpt-4"], permutations=99)
    # their prompt asks for the level of detail, so nearly all name it: nothing is told by it
    named = found.naming.set_index("term").loc["words", "estimate"]
    assert named > 0.9
    assert found.settings["column"] == "labels.raw"
    # who is longer, they say rightly: 1 and 2 are the responses in the order shown
    assert found.direction.set_index("term").loc["words", "conf_low"] > 0.75


def test_reasons_that_cannot_be_read_are_no_silence() -> None:
    data = reasoned({"judge": told})
    foreign = data.labels.assign(rationale="Die erste Antwort ist viel besser, finde ich.")
    found = wb.rationales(replace(data, labels=foreign), "rationale", **FAST)
    assert (found.naming["weight_q"] < 0.05).any()
    assert not found.naming["kind"].eq(SILENT).any()
    assert not any(one.rule_id == "weighed-without-name" for one in found.findings())
    assert "name next to no factor" in found.summary()


def test_few_reasons_do_not_tell_that_a_factor_is_never_named() -> None:
    data = reasoned({"judge": misled})
    few = data.labels["rationale"].where(np.arange(len(data.labels)) < 24)
    found = wb.rationales(replace(data, labels=data.labels.assign(rationale=few)), "rationale",
                          **FAST)  # fmt: skip
    assert (found.naming["weight_q"] < 0.05).any()
    assert not found.naming["kind"].eq(SILENT).any()
