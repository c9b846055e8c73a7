"""Findings: planted effects are found, and their absence is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.overview.findings import find, findings_frame
from workbench.overview.rules import Q_LEVEL, RULES, SLOT_POINTS
from workbench.overview.taste import difference_in_words


def rules(found: list) -> set[str]:
    return {finding.rule_id for finding in found}


def with_factor(data: PreferenceData, name: str, values: np.ndarray) -> PreferenceData:
    frame = pd.DataFrame({name: values})
    return data.with_factors(frame, pd.DataFrame(index=frame.index), {})


def read(*labels: str) -> PreferenceData:
    n = len(labels)
    table = pd.DataFrame(
        {"prompt": [f"q{k}" for k in range(n)], "response_a": "x", "response_b": "y y",
         "label": labels, "annotator": "ann", "kind": "human"}
    )  # fmt: skip
    return wb.load(table)


@pytest.mark.parametrize(("lost", "level"), [(1, None), (2, "warning")])
def test_rows_left_out_are_a_warning_above_their_share(lost: int, level: str | None) -> None:
    """1 of 20 is 5 percent, which is not above it; 2 of 21 is."""
    data = read(*["a", "b"] * 9, "a", *["huh"] * lost)
    found = [one for one in find([], data) if one.rule_id == "rows-left-out"]
    assert [one.level for one in found] == [level][: lost - 1]
    if found:
        [one] = found
        assert one.estimate == pytest.approx(2 / 21)
        assert (one.n, one.threshold) == (21, "above 5%")
        assert one.message == "2 of 21 rows were left out: 2 unknown label"


def test_unread_verdicts_are_a_warning_by_annotator() -> None:
    data = read(*["a", "b"] * 9, "failed")
    more = data.labels.assign(annotator="judge", kind="llm")
    more.loc[:1, ["preference", "reason"]] = [np.nan, "failed"]
    both = PreferenceData(data.pairs, pd.concat([data.labels, more], ignore_index=True),
                          data.factors, data.factor_values)  # fmt: skip
    found = find([], both)
    assert [one.message for one in found] == [
        "3 of 19 verdicts of judge could not be read",
        "1 of 19 verdicts of ann could not be read",
    ]
    assert {one.rule_id for one in found} == {"verdicts-unread"}
    # what was not asked, or does not apply, is no verdict that was lost
    other = data.labels.assign(preference=np.nan, reason="not_applicable")
    rest = PreferenceData(data.pairs, other, data.factors, data.factor_values)
    assert find([], rest) == []


def test_a_report_tests_whether_verdicts_are_missing_at_random() -> None:
    data = planted({"judge": [1.0, 0.5]}, n=2000, position=0.0)
    chance = np.where(data.labels["order_shown"] == "ba", 0.12, 0.02)
    hit = np.random.default_rng(0).random(len(data.labels)) < chance
    labels = data.labels.copy()
    labels.loc[hit, ["preference", "reason"]] = [np.nan, "failed"]
    lost = PreferenceData(data.pairs, labels, data.factors, data.factor_values, data.factor_specs)
    report = wb.report(wb.decompose(lost, folds=0), data=lost)
    [one] = [found for found in report.findings if found.rule_id == "missing-verdicts"]
    assert one.conf_low < -0.1 < one.conf_high
    assert "more often where B is shown first" in one.message
    assert "q < 0.05" in one.threshold
    record = report.to_dict()["missing_verdicts"]["tables"]["estimates"]
    assert {row["term"] for row in record} >= {"f0", "f0, size of the difference", "position"}
    assert "Missing verdicts: change of the share that fails" in report.html()
    whole = wb.report(wb.decompose(data, folds=0), data=data)
    assert whole.to_dict()["missing_verdicts"] is None


@pytest.fixture(scope="module")
def weights() -> dict[str, list[float]]:
    same = [1.0, 0.0, -0.6, 0.8, 0.5]
    return {"ann": same, "judge-same": [1.5 * w for w in same], "judge-odd": [1.0, 0.8, *same[2:]]}


def test_a_planted_difference_is_the_only_one(weights: dict[str, list[float]]) -> None:
    data = planted(weights, n=3000)
    fits = wb.decompose(data, folds=0)
    found = find([wb.contrast(fits, "ann")])
    assert [finding.rule_id for finding in found] == ["differs-from-reference"]
    [one] = found
    assert one.message == "judge-odd rewards f1 more than ann"
    assert one.conf_low < 0.8 < one.conf_high
    assert (one.level, one.n) == ("warning", 6000)


def test_swapping_the_responses_changes_no_finding_but_its_sign() -> None:
    data = planted({"ann": [0.9, 0.8, 0.7, 0.1], "judge": [0.9, 0.8, 0.7, 1.0]}, n=2000)
    flipped = wb.PreferenceData(
        data.pairs,
        data.labels.assign(preference=1 - data.labels["preference"]),
        data.factors,
        data.factor_values,
        data.factor_specs,
    )
    [one] = find([wb.contrast(wb.decompose(data, folds=0), "ann")])
    [other] = find([wb.contrast(wb.decompose(flipped, folds=0), "ann")])
    assert other.estimate == pytest.approx(-one.estimate)
    assert other.conf_low == pytest.approx(-one.conf_high)
    assert one.message == "judge rewards f3 more than ann"
    assert other.message == "judge punishes f3 more than ann"


@pytest.mark.parametrize(
    ("own", "expected", "told"),
    [
        (-0.2, -0.6, "j punishes apologies less than people"),
        (-0.9, -0.6, "j punishes apologies more than people"),
        (0.2, 0.6, "j rewards apologies less than people"),
        (0.2, -0.6, "j rewards apologies, which people punishes"),
        (-0.2, 0.6, "j punishes apologies, which people rewards"),
        (0.01, -0.6, "j punishes apologies less than people"),
        (0.5, 0.01, "j rewards apologies more than people"),
        (0.01, -0.02, "j weighs apologies higher than people"),
    ],
)
def test_a_difference_is_worded_by_the_signs_of_both_weights(own, expected, told) -> None:
    row = {"group": "j", "reference": "people", "term": "apologies", "estimate": own - expected,
           "group_estimate": own, "expected": expected, "group_std_error": 0.05,
           "reference_estimate": expected / 2, "reference_std_error": 0.025}  # fmt: skip
    assert difference_in_words(row) == told


def test_judges_who_are_only_sharper_or_noisier_are_no_finding() -> None:
    same = [0.8, 0.5, 0.4, -0.3, 0.3]
    judges = {f"judge-{k}": [k * w for w in same] for k in (0.5, 2.0, 3.0)}
    data = planted({"ann": same, **judges}, n=1500, seed=4)
    gap = wb.contrast(wb.decompose(data, folds=0), "ann")
    assert find([gap]) == []
    # the raw differences of weights would have been
    assert (gap.raw["q_value"] < 0.05).groupby(gap.raw["group"]).any().all()


def test_findings_of_a_report_are_one_family() -> None:
    # 60 comparisons of one factor: the smallest p alone is below 0.05, no q over all of them is
    weights = {"ann": [0.5, 0.4, 0.3], **{f"judge-{j:02d}": [0.5, 0.4, 0.3] for j in range(20)}}
    fits = wb.decompose(planted(weights, n=500, seed=6), folds=0)
    gaps = [wb.contrast(fits[f"judge-{j:02d}"], fits["ann"]) for j in range(20)]
    assert sum((gap.to_frame()["q_value"] < 0.05).any() for gap in gaps) > 0
    assert find(gaps) == []


@pytest.mark.parametrize(("position", "side"), [(0.5, "first"), (-0.5, "second")])
def test_a_planted_slot_bias_is_found_with_its_probability(position: float, side: str) -> None:
    fit = wb.decompose(planted({"judge": [1.0]}, n=4000, position=position), folds=0)
    [one] = find([fit])
    assert one.rule_id == "position-bias"
    assert f"shown {side}" in one.message
    assert one.conf_low < 1 / (1 + np.exp(-position)) < one.conf_high


def test_a_sure_but_tiny_slot_bias_is_no_finding() -> None:
    # P(first) = 0.52: at this n its q-value is far below the level, yet it is within bounds
    fit = wb.decompose(planted({"judge": [1.0]}, n=40_000, position=0.08), folds=0)
    slot = fit.to_frame().set_index("term").loc["position"]
    assert slot["q_value"] < Q_LEVEL
    assert abs(slot["probability"] - 0.5) < SLOT_POINTS
    assert find([fit]) == []


def test_useless_factors_are_told_from_useful_ones() -> None:
    found = find([wb.decompose(planted({"noise": [0.0], "useful": [2.0]}, n=1500))])
    useless = [f for f in found if f.rule_id == "no-better-than-baseline"]
    assert len(useless) == 1
    assert "noise" in useless[0].message
    assert useless[0].conf_low < 0 < useless[0].conf_high


def test_collinear_factors_are_named() -> None:
    data = planted({"ann": [1.0, 0.0]}, n=800)
    noise = np.random.default_rng(0).normal(scale=0.01, size=len(data))
    twins = with_factor(data, "twin", data.factors["f0"].to_numpy() + noise)
    assert "collinear" not in rules(find([wb.decompose(data, folds=0)]))
    [one] = [f for f in find([wb.decompose(twins, folds=0)]) if f.rule_id == "collinear"]
    assert "f0" in one.message
    assert "twin" in one.message
    assert "f1" not in one.message
    assert one.estimate > 30


def test_a_weight_that_no_label_tells_is_reported_once_for_all_groups() -> None:
    data = with_factor(planted({"ann": [1.0], "bob": [1.0]}, n=500), "flat", np.zeros(500))
    fits = [wb.decompose(data, annotator=name, folds=0) for name in ("ann", "bob")]
    [one] = find(fits)
    assert one.rule_id == "undefined-weight"
    assert "flat (every group): the difference is 0" in one.message
    assert one.n == 1000
    assert np.isnan(one.estimate)


def test_warnings_come_before_notes_and_every_rule_states_its_threshold() -> None:
    data = planted(
        {"ann": [0.9, 0.8, 0.7, 0.0], "judge": [0.9, 0.8, 0.7, 1.0]}, n=1500, position=0.6
    )
    fits = wb.decompose(with_factor(data, "flat", np.zeros(1500)))
    found = find([fits, wb.contrast(fits, "ann")])
    levels = [finding.level for finding in found]
    assert levels == sorted(levels, key="warning note".split().index)
    assert rules(found) <= set(RULES)
    assert {"position-bias", "differs-from-reference", "undefined-weight"} <= rules(found)
    table = findings_frame(found)
    assert len(table) == len(found)
    assert (table[["threshold", "help", "message"]] != "").all().all()
    assert (table["n"] > 0).all()


def test_plain_values_have_no_nan() -> None:
    data = with_factor(planted({"ann": [1.0]}, n=300), "flat", np.zeros(300))
    [record] = [f.to_dict() for f in find([wb.decompose(data, folds=0)])]
    assert record["estimate"] is None


def test_a_finding_of_a_number_says_which_and_brings_pairs_that_show_it() -> None:
    data = planted(
        {"ann": [0.9, 0.8, 0.7, 0.0], "judge": [0.9, 0.8, 0.7, 1.2]}, n=1500, position=0.6
    )
    fits = wb.decompose(data, folds=0)
    found = find([fits, wb.contrast(fits, "ann")])
    one = next(f for f in found if f.rule_id == "differs-from-reference")
    assert (one.group, one.term, one.against) == ("judge", "f3", "ann")
    assert len(one.evidence) == 3
    x = data.factors.set_index("pair_id")["f3"]
    label = data.labels.pivot_table(index="pair_id", columns="annotator", values="preference")
    for pair in one.evidence:
        # the judge goes with the factor, and the annotator does not
        assert label.loc[pair, "judge"] == (x[pair] > 0)
        assert label.loc[pair, "ann"] != label.loc[pair, "judge"]
    slot = next(f for f in found if f.rule_id == "position-bias")
    assert (slot.group, slot.term, slot.against) == ("ann", "position", None)
    assert len(slot.evidence) == 3
    record = one.to_dict()
    assert record["evidence"] == list(one.evidence)
    assert record["term"] == "f3"
    # the pairs are looked for only where they are wanted, and cost nothing else
    plain = find([fits, wb.contrast(fits, "ann")], pairs=False)
    assert [f.message for f in plain] == [f.message for f in found]
    assert not any(f.evidence for f in plain)


def test_a_finding_of_a_contrast_alone_has_no_pairs() -> None:
    data = planted({"ann": [0.9, 0.8, 0.7, 0.0], "judge": [0.9, 0.8, 0.7, 1.2]}, n=1500)
    [one] = find([wb.contrast(wb.decompose(data, folds=0), "ann")])
    assert one.group == "judge"
    assert one.evidence == ()
