"""Judges watched: the peer's numbers, false alarms over many looks, planted changes, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import workbench as wb
from workbench.calibration.monitor.sequence import bets, confidence_sequence, escape
from workbench.data.columns import complete_labels
from workbench.overview.rules import ALL_RULES

LOW, HIGH = [0.302, 0.531, 0.597, 0.623], [0.990, 0.860, 0.807, 0.783]
"""The peer's ends, to three digits."""


def arriving(
    agree: np.ndarray, first: float = 0.5, pairs_of_prompt: int = 1, seed: int = 0, **more: object
) -> wb.PreferenceData:
    """Return data in which a judge agrees with people by planted chances, one prompt a chance."""
    rng = np.random.default_rng(seed)
    each = np.repeat(agree, pairs_of_prompt)
    n = len(each)
    people = rng.integers(0, 2, n).astype(float)
    same = rng.random(n) < each
    judge = np.where(same, people, 1 - people)
    # the first place wins as often as is planted, whatever the verdict
    order = np.where(rng.random(n) < first, judge == 1.0, judge == 0.0)
    pairs = pd.DataFrame({
        "item": np.arange(n), "cluster": [f"p{k:05}" for k in np.repeat(np.arange(len(agree)),
                                                                       pairs_of_prompt)],
        "timestamp": pd.to_datetime("2024-01-01") + pd.to_timedelta(np.arange(n), unit="h"),
    })  # fmt: skip
    told = {"pair": np.arange(n), "order_shown": np.where(order, "ab", "ba")}
    labels = pd.concat([
        pd.DataFrame({**told, "annotator": "person", "kind": "human", "preference": people}),
        pd.DataFrame({**told, "annotator": "judge", "kind": "llm", "preference": judge}),
    ], ignore_index=True)  # fmt: skip
    return wb.PreferenceData.from_tables(pairs.assign(**more), labels)


def row_of(found: wb.Monitor, term: str) -> pd.Series:
    return found.to_frame().set_index("term").loc[term]


def test_sequences_are_those_of_the_peer():
    # confseq 0.0.11, betting_cs(x, alpha=0.05, breaks=1000, running_intersection=True)
    x = np.tile([1.0, 1.0, 0.0, 1.0, 0.5], 60)
    low, high = confidence_sequence(x)
    at = [9, 49, 149, 299]
    assert low[at] == pytest.approx(LOW, abs=1.5e-3)
    assert high[at] == pytest.approx(HIGH, abs=1.5e-3)
    # ends are rounded outwards, never inwards
    assert (low[at] <= np.array(LOW) + 1e-9).all()
    assert (high[at] >= np.array(HIGH) - 1e-9).all()


def test_a_sequence_is_the_product_of_its_bets():
    x = np.random.default_rng(1).beta(2, 1, 300)
    low, high = confidence_sequence(x, 0.1)
    bet, alive = bets(x, 0.1), []
    for m in np.linspace(0, 1, 101)[1:-1]:
        up, down, out = 1.0, 1.0, False
        for value, size in zip(x, bet, strict=True):
            up *= 1 + min(size, 0.5 / m) * (value - m)
            down *= 1 - min(size, 0.5 / (1 - m)) * (value - m)
            out = out or max(up, down) >= 2 / 0.1
        if not out:
            alive.append(m)
    assert low[-1] <= min(alive) <= low[-1] + 0.012
    assert high[-1] - 0.012 <= max(alive) <= high[-1]


def test_false_alarms_over_all_looks_are_few_where_fixed_intervals_have_many():
    rng, runs, looks = np.random.default_rng(0), 120, 400
    missed = fixed = 0
    for k in range(runs):
        p = (0.5, 0.8, 0.95)[k % 3]
        x = (rng.random(looks) < p).astype(float)
        low, high = confidence_sequence(x)
        missed += bool(((low > p) | (high < p)).any())
        t = np.arange(1, looks + 1)
        mean = np.cumsum(x) / t
        half = norm.ppf(0.975) * np.sqrt(np.maximum(mean * (1 - mean), 1e-12) / t)
        fixed += bool((np.abs(mean - p) > half)[29:].any())
    assert missed / runs <= 0.05
    assert fixed / runs > 0.15


def test_no_alarm_where_nothing_changes_and_prompts_repeat_themselves():
    alarms = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        # prompts differ much, and their four pairs are alike
        agree = np.clip(0.7 + 0.3 * rng.choice([-1.0, 1.0], 80), 0, 1)
        found = wb.monitor(arriving(agree, pairs_of_prompt=4, seed=seed), "judge")
        alarms += bool(found.findings())
    assert alarms <= 1


def test_copies_within_a_prompt_change_nothing():
    once = arriving(np.full(80, 0.8), seed=4)
    twice = arriving(np.repeat(np.full(80, 0.8), 1), seed=4)
    pairs = pd.concat([twice.pairs, twice.pairs.assign(pair_id=twice.pairs["pair_id"] + "x")])
    labels = pd.concat([twice.labels, twice.labels.assign(pair_id=twice.labels["pair_id"] + "x")])
    doubled = replace(
        twice, pairs=pairs.reset_index(drop=True),
        labels=complete_labels(labels.drop(columns="replicate").reset_index(drop=True)),
    )  # fmt: skip
    one, two = wb.monitor(once, "judge"), wb.monitor(doubled, "judge")
    columns = ["estimate", "conf_low", "conf_high", "n_clusters"]
    pd.testing.assert_frame_equal(one.to_frame()[columns], two.to_frame()[columns])
    assert two.to_frame()["n"].iloc[0] == 160


def test_a_planted_fall_is_found_after_it_happened():
    agree = np.r_[np.full(300, 0.9), np.full(500, 0.55)]
    found = wb.monitor(arriving(agree, seed=2), "judge", baseline=0.375, least=0.8)
    now = row_of(found, "agreement: now minus baseline")
    assert now["alarm"] == "monitor-changed"
    assert now["conf_low"] < -0.35 < now["conf_high"] < 0
    # prompts and pairs are both counted from the start, those of the baseline too
    assert 310 < now["alarm_look"] < 550
    assert now["alarm_n"] == now["alarm_look"]
    assert now["n"] == now["n_clusters"] == 800
    running = found.running[found.running["term"] == "agreement: now minus baseline"]
    assert (running["look"] == running["n"]).all()
    assert running["look"].min() == 301
    assert str(now["alarm_time"]).startswith("2024-01-")
    low = row_of(found, "agreement")
    assert low["alarm"] in ("monitor-agreement-low", "monitor-no-common-rate")
    assert low["alarm_look"] > 300
    assert {one.rule_id for one in found.findings()} <= set(ALL_RULES)
    assert "ALARM at prompt" in found.summary()
    assert next(iter(found.figures())) == "A judge watched: agreement"
    told = found.running[found.running["term"] == "agreement"]
    assert told["alarm"].sum() >= 1
    assert len(told) <= 201


def test_the_pull_of_the_first_place_and_no_common_rate():
    found = wb.monitor(arriving(np.full(600, 0.8), first=0.65, seed=3), "judge", baseline=None)
    first = row_of(found, "first shown preferred")
    assert first["alarm"] == "monitor-position"
    assert first["conf_low"] > 0.5
    assert len(found.to_frame()) == 3
    agree = np.r_[np.full(400, 1.0), np.full(400, 0.0)]
    gone = row_of(wb.monitor(arriving(agree), "judge", baseline=None), "agreement")
    assert gone["alarm"] == "monitor-no-common-rate"
    assert np.isnan(gone["conf_low"])
    assert "changed on the way" in gone["reason"]


def test_an_older_version_is_compared_on_the_same_pairs():
    data = arriving(np.full(500, 0.6), seed=5)
    people = data.labels[data.labels["annotator"] == "person"]
    wrong = np.random.default_rng(0).random(len(people)) < 0.1
    y = people["preference"].to_numpy()
    old = people.assign(annotator="judge-1", kind="llm", preference=np.where(wrong, 1 - y, y))
    labels = pd.concat([data.labels, old], ignore_index=True)
    data = replace(data, labels=complete_labels(labels.drop(columns="replicate")))
    found = wb.monitor(data, "judge", baseline="judge-1")
    row = row_of(found, "agreement: minus judge-1")
    assert row["conf_low"] < -0.3 < row["conf_high"] < 0
    assert row["alarm"] == "monitor-changed"
    assert wb.monitor(data, baseline="judge-1").settings["judges"] == ["judge"]


def test_time_orders_rows_do_not_and_sides_do_not():
    data = arriving(np.linspace(0.9, 0.5, 200), seed=6)
    base = wb.monitor(data, "judge")
    assert base.settings["order"] == "time: timestamp"
    shuffled = data.filter(pair_ids=data.pairs["pair_id"].sample(frac=1, random_state=0))
    shuffled = replace(
        shuffled,
        pairs=shuffled.pairs.sample(frac=1, random_state=1).reset_index(drop=True),
        labels=complete_labels(shuffled.labels.sample(frac=1, random_state=2)
                               .drop(columns="replicate").reset_index(drop=True)),
    )  # fmt: skip
    labels = data.labels
    turned = replace(data, labels=labels.assign(
        preference=1 - labels["preference"],
        order_shown=labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    ))  # fmt: skip
    for other in (shuffled, turned):
        pd.testing.assert_frame_equal(base.to_frame(), wb.monitor(other, "judge").to_frame())
    # a day splits as the share that it is
    half = data.pairs["timestamp"].iloc[96].strftime("%Y-%m-%d")
    by_day = wb.monitor(data, "judge", baseline=half).to_frame()
    by_share = wb.monitor(data, "judge", baseline=96 / 200).to_frame()
    pd.testing.assert_frame_equal(by_day, by_share)
    rows = replace(data, pairs=data.pairs.drop(columns="timestamp").assign(step=np.arange(200)))
    assert wb.monitor(rows, "judge").settings["order"] == "the order of the pairs in the file"
    again = wb.monitor(rows, "judge", time="step").to_frame()
    assert again["conf_low"].tolist() == base.to_frame()["conf_low"].tolist()


def test_a_named_column_is_read_as_times_and_text_in_no_order_is_refused():
    data = arriving(np.linspace(0.9, 0.5, 60), seed=6)
    base, day = wb.monitor(data, "judge").to_frame(), "2024-01-02"
    by_day = wb.monitor(data, "judge", baseline=day).to_frame()
    when = data.pairs["timestamp"]
    # every other one is told in another zone: as text it would come later
    zones = ("UTC", "Asia/Tokyo")
    text = [t.tz_localize("UTC").tz_convert(zones[k % 2]).isoformat() for k, t in enumerate(when)]
    for column in (text, [int(t.timestamp()) for t in when]):
        pairs = data.pairs.drop(columns="timestamp").assign(step=column)
        told = replace(data, pairs=pairs)
        pd.testing.assert_frame_equal(wb.monitor(told, "judge", time="step").to_frame(), base)
        found = wb.monitor(told, "judge", time="step", baseline=day).to_frame()
        pd.testing.assert_frame_equal(found, by_day)
    pairs = data.pairs.assign(step=when.dt.strftime("%d/%m/%Y"))
    with pytest.raises(wb.DataError, match="holds no times"):
        wb.monitor(replace(data, pairs=pairs), "judge", time="step")


def test_a_pair_arrives_with_the_last_label_of_those_who_are_watched():
    data = arriving(np.linspace(0.9, 0.5, 60), seed=6)
    base = wb.monitor(data, "judge").to_frame()
    when, row = data.pairs["timestamp"], data.pair_rows
    labels = data.labels.assign(judged_at=pd.to_datetime("2023-01-01"))
    mine = labels["annotator"].eq("judge").to_numpy()
    labels["judged_at"] = labels["judged_at"].mask(mine, when.take(row).reset_index(drop=True))
    # somebody else judged the same pairs later, in another order
    last = pd.to_datetime("2025-01-01") - pd.to_timedelta(row[mine], unit="h")
    others = labels[mine].assign(annotator="other", judged_at=last)
    labels = pd.concat([labels, others], ignore_index=True).drop(columns="replicate")
    timed = replace(data, pairs=data.pairs.drop(columns="timestamp"),
                    labels=complete_labels(labels))  # fmt: skip
    for time in (None, "judged_at"):
        pd.testing.assert_frame_equal(wb.monitor(timed, "judge", time=time).to_frame(), base)


def test_several_judges_share_the_error_and_twins_have_the_same_numbers():
    data = arriving(np.full(150, 0.7), seed=7)
    twin = data.labels[data.labels["annotator"] == "judge"].assign(annotator="twin")
    labels = pd.concat([data.labels, twin], ignore_index=True)
    both = replace(data, labels=complete_labels(labels.drop(columns="replicate")))
    found = wb.monitor(both)
    assert found.settings["judges"] == ["judge", "twin"]
    assert found.settings["alarms"] == 6
    one, two = (t.drop(columns="group").reset_index(drop=True)
                for _, t in found.to_frame().groupby("group"))  # fmt: skip
    pd.testing.assert_frame_equal(one, two)


def test_ties_one_prompt_no_overlap_and_lost_verdicts():
    data = arriving(np.full(60, 0.7), seed=8)
    mine = data.labels["annotator"].eq("judge")
    ties = replace(data, labels=data.labels.assign(
        preference=data.labels["preference"].mask(mine, 0.5)))  # fmt: skip
    row = row_of(wb.monitor(ties, "judge"), "tie rate")
    assert row["estimate"] == 1.0
    assert row["conf_low"] < 1.0 == row["conf_high"]
    assert row_of(wb.monitor(ties, "judge"), "agreement")["estimate"] == 0.5
    single = replace(data, pairs=data.pairs.assign(cluster="one"))
    row = row_of(wb.monitor(single, "judge"), "agreement")
    assert row["n_clusters"] == 1
    assert row["conf_high"] - row["conf_low"] > 0.9
    lost = replace(data, labels=data.labels.assign(
        preference=data.labels["preference"].mask(mine & (data.pair_rows < 20)),
        weight=np.where(mine & (data.pair_rows >= 50), 0.0, 1.0),
    ))  # fmt: skip
    found = wb.monitor(lost, "judge")
    assert found.settings["left_out"] == {"no verdict, or weight 0": 30}
    assert row_of(found, "agreement")["n"] == 30
    alone = replace(data, labels=complete_labels(data.labels[mine].drop(columns="replicate")))
    table = wb.monitor(alone, "judge").to_frame().set_index("term")
    assert table.loc["agreement", "reason"].startswith("no pair with")
    assert np.isfinite(table.loc["tie rate", "estimate"])
    silent = replace(data, labels=data.labels.assign(
        preference=data.labels["preference"].mask(mine)))  # fmt: skip
    with pytest.raises(wb.DesignError, match="nothing to watch"):
        wb.monitor(silent, "judge")


def test_a_comparison_that_cannot_be_made_says_why_and_what_is_defined_is_drawn():
    data = arriving(np.full(4, 0.7))
    row = row_of(wb.monitor(data, "judge", baseline=0.9), "agreement: now minus baseline")
    assert np.isnan(row["estimate"])
    assert row["reason"] == "4 prompts in the baseline, 0 after it: two and one are needed"
    # the older version judged other pairs
    labels = data.labels
    old = labels["annotator"].eq("judge") & (data.pair_rows < 2)
    labels = labels.assign(annotator=labels["annotator"].mask(old, "judge-1"))
    parted = replace(data, labels=complete_labels(labels.drop(columns="replicate")))
    found = wb.monitor(parted, "judge", baseline="judge-1")
    row = row_of(found, "agreement: minus judge-1")
    assert row["reason"] == "no pair with a value of both"
    assert "agreement: minus judge-1: undefined: no pair" in found.summary()
    # without people agreement has no value: the figure is that of the ties
    alone = labels[labels["kind"].ne("human")].drop(columns="replicate")
    found = wb.monitor(replace(data, labels=complete_labels(alone)), "judge", baseline=None)
    assert found.to_frame()["term"].iloc[0] == "agreement"
    assert next(iter(found.figures())) == "A judge watched: tie rate"
    assert len(found.plot().data) > 0


def test_what_is_refused():
    data = arriving(np.full(30, 0.7))
    for options in ({"level": 1.5}, {"least": 2.0}, {"least": "0.5"}, {"baseline": 1.0},
                    {"baseline": True}):  # fmt: skip
        with pytest.raises(wb.DesignError, match=next(iter(options))):
            wb.monitor(data, "judge", **options)  # type: ignore[arg-type]
    with pytest.raises(wb.DesignError, match="judge takes names"):
        wb.monitor(data, 3)  # type: ignore[arg-type]
    for options in ({"baseline": "judge"}, {"reference": "judge"}):
        with pytest.raises(wb.DesignError, match="against itself"):
            wb.monitor(data, "judge", **options)  # type: ignore[arg-type]
    with pytest.raises(wb.DataError, match="no annotator 'nobody'"):
        wb.monitor(data, "nobody")
    with pytest.raises(wb.DataError, match="no annotator and no day"):
        wb.monitor(data, "judge", baseline="judge-0")
    with pytest.raises(wb.DataError, match="no column 'when'"):
        wb.monitor(data, "judge", time="when")
    with pytest.raises(wb.DataError, match="Nobody is called 'people'"):
        wb.monitor(data, "judge", "people")
    blank = replace(data, pairs=data.pairs.assign(when=None))
    with pytest.raises(wb.DataError, match="holds no times"):
        wb.monitor(blank, "judge", time="when")
    people = replace(data, labels=data.labels.assign(kind="human"))
    with pytest.raises(wb.DesignError, match="nobody to watch"):
        wb.monitor(people)


def test_bets_that_begin_again_see_a_late_change_and_raise_no_more_false_alarms():
    rng, runs, looks = np.random.default_rng(1), 150, 500
    early = sum(escape((rng.random(looks) < 0.8).astype(float), (0.8, 0.8), 0.05) >= 0
                for _ in range(runs))  # fmt: skip
    assert early / runs <= 0.05
    good, bad = rng.random(1000) < 0.9, rng.random(1000) < 0.6
    x = np.r_[good, bad].astype(float)
    seen = escape(x, (0.8, 1.0), 0.05, below_only=True)
    assert 1000 < seen < 1300
    # from above nothing is wrong
    assert escape(1 - x, (0.0, 0.45), 0.05, below_only=True) == -1
