"""Probes by group: planted judges are found and nothing else, tables by hand, votes of pools."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon

import workbench as wb
from tests.hostile import HOSTILE
from workbench.audit.judges.groups.planted import GroupJudge
from workbench.audit.judges.groups.pools import divergence
from workbench.audit.judges.groups.templates import COLUMNS
from workbench.audit.judges.statistics import EQUIVALENT
from workbench.errors import DataError, DesignError
from workbench.judges.base import label_rows


@pytest.fixture(scope="module")
def shipped() -> wb.PreferenceData:
    return wb.group_pairs()


def table(n: int, groups: str = "a man|a woman", **more: Any) -> pd.DataFrame:
    return pd.DataFrame({
        "template": [f"Scene {k} with {{group}} in it." for k in range(n)], "attribute": "ability",
        "positive": "It went well.", "negative": "It went badly.", "groups": groups, **more,
    })  # fmt: skip


class Fixed:
    """A judge with given probabilities of the positive continuation by group."""

    name, kind = "fixed", "rule"

    def __init__(self, by_group: dict[str, float]) -> None:
        self.by_group = by_group

    def settings(self) -> dict[str, Any]:
        return {"judge": "fixed"}

    def verdicts(self, data: wb.PreferenceData) -> pd.DataFrame:
        said = data.pairs["group"].map(self.by_group)
        return label_rows(data.pairs, said)


@pytest.mark.parametrize(
    ("bias", "group", "measure"),
    [("equal", "a woman", None), ("favours", "a woman", "positive"),
     ("favours", "a Hindu", "positive"), ("refuses", "a man", "refusal"),
     ("refuses", "a Muslim", "refusal")],
)  # fmt: skip
def test_the_planted_group_is_found_and_nothing_else(shipped, bias, group, measure):
    found = wb.audit_groups(GroupJudge(bias, group), shipped)
    assert found.flagged == ([] if measure is None else [group]), found.summary()
    beyond = found.estimates[found.estimates["verdict"].eq("biased")]
    assert set(beyond["measure"]) == (set() if measure is None else {measure})
    warned = [one for one in found.findings() if one.level == "warning"]
    assert len(warned) == len(beyond)
    if measure == "refusal":
        assert {one.rule_id for one in warned} == {"judge-refuses-group"}
        assert "refusal" in warned[0].message


def test_without_a_bias_one_row_in_twenty_is_below_five_percent():
    two, three = wb.group_pairs(table(24)), wb.group_pairs(table(24, "x|y|z"))
    low = [
        found.estimates["p_value"].iloc[0] < 0.05
        for seed in range(40)
        for data in (two, three)
        for found in [wb.audit_groups(GroupJudge(seed=seed), data)]
    ]
    # 80 draws at 5 %: three standard errors above it are 12.3 %
    assert np.mean(low) <= 0.123


def test_the_difference_is_that_of_a_calculation_by_hand():
    data = wb.group_pairs(table(10, "x|y|z"))
    found = wb.audit_groups(Fixed({"x": 1.0, "y": 0.5, "z": 0.25}), data)
    rows = found.estimates.set_index("group")["estimate"]
    assert rows.to_dict() == pytest.approx({"x": 0.625, "y": -0.125, "z": -0.5})
    levels = found.levels.set_index("group")["estimate"]
    assert levels.to_dict() == pytest.approx({"x": 1.0, "y": 0.5, "z": 0.25})


def test_two_wordings_of_an_attribute_are_one_item():
    two = pd.concat([table(6), table(6).assign(positive="All was well.")])
    found = wb.audit_groups(Fixed({"a man": 1.0, "a woman": 0.5}), wb.group_pairs(two))
    assert found.estimates[["estimate", "n", "n_clusters"]].to_numpy().tolist() == [[0.5, 6, 6]]


def test_a_refusal_is_the_other_side_of_an_answer():
    given = table(8).rename(columns={"positive": "answer", "negative": "refusal"})
    found = wb.audit_groups(Fixed({"a man": 0.25, "a woman": 1.0}), wb.group_pairs(given))
    assert found.estimates["estimate"].tolist() == [0.75]
    assert found.estimates["measure"].tolist() == ["refusal"]
    assert found.flagged == ["a man"]


def test_sixty_templates_clear_a_judge_that_never_differs_and_few_do_not():
    equal = Fixed({"a man": 1.0, "a woman": 1.0})
    assert set(wb.audit_groups(equal).estimates["verdict"]) != {EQUIVALENT}
    found = wb.audit_groups(equal, wb.group_pairs(table(60)))
    assert found.estimates["verdict"].tolist() == [EQUIVALENT]
    few = wb.audit_groups(equal, wb.group_pairs(table(10)))
    assert few.estimates["verdict"].tolist() == ["underpowered"]
    assert [one.rule_id for one in few.findings()] == ["groups-underpowered"]


def test_long_wide_and_toml_say_the_same(tmp_path):
    wide = table(3)
    long = pd.concat([
        wide.drop(columns=["positive", "negative"]).assign(polarity=sign, continuation=wide[name])
        for sign, name in ((1, "positive"), (-1, "negative"))
    ])  # fmt: skip
    lines = tmp_path / "own.jsonl"
    rows = [{**row, "groups": row["groups"].split("|")} for row in wide.to_dict("records")]
    lines.write_text("\n".join(map(json.dumps, rows)))
    toml = tmp_path / "own.toml"
    toml.write_text(
        'groups = ["a woman", "a man"]\n[[attribute]]\nname = "ability"\n'
        'positive = "It went well."\nnegative = "It went badly."\n'
        f"templates = {json.dumps(wide['template'].tolist())}\n"
    )
    wide.to_csv(tmp_path / "own.csv", index=False)
    digest = wb.group_pairs(wide).digest
    for source in (long, lines, toml, tmp_path / "own.csv", wide.iloc[::-1]):
        assert wb.group_pairs(source).digest == digest


def test_order_of_rows_and_names_of_sides_change_nothing(shipped):
    judge = GroupJudge("favours", "an old person")
    one = wb.audit_groups(judge, shipped)
    pairs = shipped.pairs.sample(frac=1.0, random_state=1).reset_index(drop=True)
    empty = shipped.labels
    other = wb.audit_groups(judge, wb.PreferenceData.from_tables(pairs, empty))
    pd.testing.assert_frame_equal(one.estimates, other.estimates)


def test_failed_orders_are_counted_and_no_half_votes(shipped):
    found = wb.audit_groups(GroupJudge("favours", "a woman", failing=0.2), shipped)
    assert found.flagged == ["a woman"]
    assert found.exclusions["n"].sum() == shipped.pairs.shape[0] - found.levels["n"].sum()
    silent = wb.audit_groups(GroupJudge(failing=1.0), shipped)
    assert silent.estimates["estimate"].isna().all()
    assert silent.estimates["reason"].notna().all()
    assert silent.flagged == []
    assert "undefined" in silent.summary()


def test_distance_is_scipy_s_and_nearer_pools_are_told():
    p, q = np.array([0.1, 0.5, 1.0]), np.array([0.4, 0.5, 0.0])
    ours = [jensenshannon([a, 1 - a], [b, 1 - b], base=2) ** 2 for a, b in zip(p, q, strict=True)]
    assert divergence(p, q) == pytest.approx(ours)
    data = wb.group_pairs(table(30))
    rng = np.random.default_rng(0)
    names = [*data.pairs["template"].unique(), "one that nobody asked {group}"]
    near = pd.DataFrame({"template": names, "pool": "near", "share": rng.uniform(0.7, 0.9, 31)})
    far = near.assign(pool="far", share=1 - near["share"])
    judge = Fixed({"a man": 0.75, "a woman": 0.75})
    votes = pd.concat([near, far])
    found = wb.audit_groups(judge, data, shares=votes)
    by_pool = found.pools.set_index("term")["estimate"]
    assert by_pool["near"] < 0.02 < by_pool["far"]
    row = found.contrasts.iloc[0]
    assert row["term"] == "far less near"
    assert 0 < row["conf_low"] < row["estimate"] < row["conf_high"]
    assert row["q_value"] < 0.01
    assert found.exclusions["n"].sum() == 2
    again = wb.audit_groups(judge, data, shares=votes.iloc[::-1])
    pd.testing.assert_frame_equal(found.pools, again.pools)
    alike = wb.audit_groups(judge, data, shares=pd.concat([near, near.assign(pool="twin")]))
    assert alike.contrasts["p_value"].tolist() == [1.0]


@pytest.mark.parametrize(("templates", "least"), [(2, None), (5, None), (6, 2.0**-5)])
def test_few_templates_that_agree_are_no_certainty_about_pools(templates, least):
    data = wb.group_pairs(table(templates))
    votes = pd.DataFrame([
        {"template": name, "pool": pool, "share": share}
        for name in data.pairs["template"].unique()
        for pool, share in (("near", 0.75), ("far", 0.1))
    ])  # fmt: skip
    found = wb.audit_groups(Fixed({"a man": 0.75, "a woman": 0.75}), data, shares=votes)
    for rows in (found.pools, found.contrasts):
        assert rows["conf_low"].isna().all()
        assert rows["reason"].str.contains("error is not known").all()
    p = found.contrasts["p_value"].iloc[0]
    assert np.isnan(p) if least is None else p >= least


def test_hostile_texts_stay_texts():
    given = table(len(HOSTILE), template=[f"{{group}}: {text}" for text in HOSTILE])
    data = wb.group_pairs(given)
    said = set(data.pairs["prompt"])
    assert all(f"a man: {text}" in said for text in HOSTILE)
    found = wb.audit_groups(GroupJudge("favours", "a man"), data)
    page = wb.report([found], data=data).html()
    assert "<script>document.title" not in page
    odd = wb.group_pairs(table(2, "{Group}|=1+1"))
    assert "Scene 0 with {Group} in it." in set(odd.pairs["prompt"])


@pytest.mark.parametrize(
    "bad",
    [
        table(2).drop(columns="groups"),
        table(2, "only one"),
        table(2, "a|a"),
        table(2).assign(template="no place"),
        table(2).assign(negative=""),
        table(2).assign(negative="It went well."),
        table(2).assign(answer="Yes.", refusal="No."),
        pd.concat([table(1), table(1)]),
        table(0),
        table(2).drop(columns=["positive", "negative"]).assign(polarity="up", continuation="x"),
    ],
)
def test_templates_that_cannot_be_used_say_why(bad):
    with pytest.raises(DataError, match="templates of groups cannot be used"):
        wb.group_pairs(bad)


def test_wrong_files_votes_and_pairs_say_why(tmp_path, shipped):
    file = tmp_path / "own.toml"
    file.write_text("groups = [")
    with pytest.raises(DataError):
        wb.group_pairs(file)
    judge = GroupJudge()
    for bad in ({"template": ["t"]}, {"template": ["t"], "pool": ["p"], "share": [1.5]},
                {"template": ["t", "u"], "pool": ["p", None], "share": [0.5, 0.5]},
                {"template": ["t", "t"], "pool": ["p", "p"], "share": [0.5, 0.5]}):  # fmt: skip
        with pytest.raises(DataError, match="votes of pools"):
            wb.audit_groups(judge, shipped, shares=pd.DataFrame(bad))
    with pytest.raises(DataError, match="no probe by group"):
        wb.audit_groups(judge, wb.load("sample"))
    with pytest.raises(DesignError):
        wb.audit_groups(judge, shipped, margin=0.7)
    with pytest.raises(DesignError):
        GroupJudge("else")


def test_a_pair_says_what_it_is_and_a_result_tells_all(shipped):
    assert set(COLUMNS) <= set(shipped.pairs)
    assert not len(shipped.labels)
    assert set(shipped.pairs["cluster"]) == set(shipped.pairs["template"])
    found = wb.audit_groups(GroupJudge(), shipped)
    record = found.to_dict()
    assert set(record["tables"]) == {"groups", "levels"}
    assert found.plot().data
    assert "Groups in templates" in found._repr_html_()
