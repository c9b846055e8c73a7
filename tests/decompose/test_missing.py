"""Missing verdicts: planted dependence is found, and none where they are missing at random."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.decompose.missing import FEWEST, MissingVerdicts, missing_verdicts


def lost(data: PreferenceData, chance: np.ndarray | float, seed: int = 0) -> PreferenceData:
    """Return data in which some verdicts failed, by a chance for each label."""
    hit = np.random.default_rng(seed).random(len(data.labels)) < chance
    labels = data.labels.copy()
    labels.loc[hit, ["preference", "reason"]] = [np.nan, "failed"]
    return replace(data, labels=labels)


def clear(found: MissingVerdicts) -> set[tuple[str, str]]:
    table = found.to_frame()
    table = table[table["q_value"] < 0.05]
    return set(zip(table["group"], table["term"], strict=True))


@pytest.fixture(scope="module")
def data() -> PreferenceData:
    weights = {"judge": [0.5, 0.5, 0.0], "other": [0.5, 0.0, 0.0]}
    return planted(weights, n=2000, position=0.3)


def of_judge(data: PreferenceData) -> np.ndarray:
    return data.labels["annotator"].eq("judge").to_numpy()


def test_a_planted_difference_is_found_with_its_slope(data: PreferenceData) -> None:
    x = data.factors["f1"].to_numpy()[data.pair_rows]
    chance = np.where(of_judge(data), np.clip(0.1 + 0.03 * x, 0, 1), 0.1)
    found = missing_verdicts(lost(data, chance))
    assert clear(found) == {("judge", "f1")}
    row = found.to_frame().set_index(["group", "term"]).loc[("judge", "f1")]
    assert row["conf_low"] < 0.03 < row["conf_high"]
    assert (row["n"], row["form"]) == (2000, "difference")
    [one] = found.findings()
    assert one.message.startswith("judge gives no readable verdict more often where A has more f1")
    assert "the weight of f1 can be off" in one.message
    assert (one.n, one.level) == (2000, "warning")
    assert (one.estimate, one.conf_low) == (row["estimate"], row["conf_low"])


def test_a_planted_size_is_found(data: PreferenceData) -> None:
    x = np.abs(data.factors["f0"].to_numpy()[data.pair_rows])
    found = missing_verdicts(lost(data, np.where(of_judge(data), 0.12 * x / (1 + x), 0.0)))
    assert clear(found) == {("judge", "f0, size of the difference")}
    assert "that differ less in it" in found.findings()[0].message
    # who never failed is not in the table
    assert set(found.to_frame()["group"]) == {"judge"}


def test_a_planted_side_is_found_as_a_difference_of_shares(data: PreferenceData) -> None:
    first = data.labels["order_shown"].eq("ab").to_numpy()
    data = lost(data, np.where(of_judge(data), np.where(first, 0.04, 0.12), 0.05))
    found = missing_verdicts(data)
    assert clear(found) == {("judge", "position")}
    row = found.to_frame().set_index(["group", "term"]).loc[("judge", "position")]
    own = data.labels[of_judge(data)]
    shares = own["preference"].isna().groupby(own["order_shown"]).mean()
    assert row["estimate"] == pytest.approx(shares["ab"] - shares["ba"])
    assert "more often where B is shown first" in found.findings()[0].message


def test_long_responses_on_both_sides_are_told_from_their_difference(data: PreferenceData) -> None:
    rng = np.random.default_rng(3)
    level = rng.normal(size=len(data))
    sides = {f"f0_{side}": level + k * data.factors["f0"] / 2 for k, side in ((1, "a"), (-1, "b"))}
    scored = data.with_factors(data.factors[["f0"]], pd.DataFrame(sides), data.factor_specs)
    chance = np.clip(0.08 + 0.05 * level, 0, 1)[data.pair_rows]
    found = missing_verdicts(lost(scored, np.where(of_judge(data), chance, 0.0)), factors=["f0"])
    assert clear(found) == {("judge", "f0, both responses")}
    assert "pairs with less of it" in found.findings()[0].message


def test_nothing_is_found_at_random() -> None:
    """At most 5 percent of data sets give any finding, up to three errors of 150 runs."""
    runs, hits = 150, 0
    for seed in range(runs):
        base = planted({"a": [0.5, 0.0], "b": [0.0, 0.5]}, n=300, clusters=100, position=0.2,
                       seed=seed)  # fmt: skip
        hits += bool(clear(missing_verdicts(lost(base, 0.08, seed))))
    assert hits / runs <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / runs)


def test_exchanging_a_and_b_turns_signs_only(data: PreferenceData) -> None:
    data = lost(data, 0.05)
    turned = replace(
        data,
        labels=data.labels.assign(
            preference=1 - data.labels["preference"],
            order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
        ),
        factors=data.factors.assign(**{name: -data.factors[name] for name in data.factor_names}),
    )
    one, two = (missing_verdicts(each).to_frame() for each in (data, turned))
    sign = np.where(one["form"].isin(["difference", "side"]), -1, 1)
    assert two["estimate"].to_numpy() == pytest.approx(sign * one["estimate"].to_numpy())
    assert two["p_value"].to_numpy() == pytest.approx(one["p_value"].to_numpy())


def test_too_few_failures_or_clusters_are_undefined_with_a_reason(data: PreferenceData) -> None:
    some = np.zeros(len(data.labels))
    some[np.flatnonzero(of_judge(data))[: FEWEST - 1]] = 1.0
    found = missing_verdicts(lost(data, some))
    assert found.to_frame()["reason"].tolist() == ["only 9 failed verdicts (10 are needed)"]
    assert found.to_frame()["estimate"].isna().all()
    assert found.findings() == []
    assert "undefined: only 9 failed verdicts" in found.summary()
    one = replace(data, pairs=data.pairs.assign(cluster=["c"] * 200 + ["d"] * 1800))
    some[np.flatnonzero(of_judge(data))[:100]] = 1.0
    reason = missing_verdicts(lost(one, some)).to_frame()["reason"].item()
    assert reason == "failed verdicts are of only 1 clusters (10 are needed)"


def test_what_does_not_vary_says_so_and_the_rest_is_tested(data: PreferenceData) -> None:
    orders = data.labels.assign(order_shown="ab")
    table = missing_verdicts(lost(replace(data, labels=orders), 0.05)).to_frame()
    sides = table[table["form"] == "side"]
    assert sides["reason"].tolist() == ["it does not vary, or is not known"] * 2
    assert table.loc[table["form"] != "side", "estimate"].notna().all()


def test_all_read_is_an_empty_table(data: PreferenceData) -> None:
    found = missing_verdicts(data)
    assert found.to_frame().empty
    assert "every verdict could be read" in found.summary()
    # what does not apply was not lost
    other = data.labels.assign(preference=np.nan, reason="not_applicable")
    assert missing_verdicts(replace(data, labels=other)).to_frame().empty


def test_a_kind_is_pooled_and_it_is_a_public_verb(data: PreferenceData) -> None:
    found = wb.missing_verdicts(lost(data, 0.05), annotator="human")
    assert set(found.to_frame()["group"]) == {"human"}
    pooled = replace(data, labels=data.labels.assign(kind="llm"))
    groups = wb.missing_verdicts(lost(pooled, 0.05), annotator="llm").to_frame()["group"]
    assert set(groups) == {"llm"}
    assert found.plot().data
