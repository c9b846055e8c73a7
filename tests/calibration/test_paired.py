"""Judges and runs on the same pairs: other packages, planted truths, invariances, edges."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar

import workbench as wb
from workbench.audit.judges.verdicts.agreement import modes, vote_counts
from workbench.audit.judges.verdicts.board_rows import judge_row, said_by
from workbench.audit.judges.verdicts.preferences import reference_mask
from workbench.calibration.paired.differences import Case, compared, detectable, told
from workbench.clustered import flip_p_value
from workbench.data.identity import exchanged
from workbench.errors import DataError, DesignError
from workbench.flips import Flips, paired_difference


def data_of(
    said: dict[str, np.ndarray],
    clusters: int | None = None,
    reason: str | None = None,
    **columns: object,
) -> wb.PreferenceData:
    """Return verdicts by annotator; NaN is no label, or one without a verdict for a reason."""
    n = len(next(iter(said.values())))
    pairs = pd.DataFrame({"item": [f"pair {k}" for k in range(n)]})
    pairs["cluster"] = [f"p{k % (clusters or n)}" for k in range(n)]
    labels = pd.concat(
        [
            pd.DataFrame({"pair": np.arange(n), "annotator": name, "preference": values,
                          "kind": "human" if name == "human" else "llm"})
            for name, values in said.items()
        ],
        ignore_index=True,
    )  # fmt: skip
    lost = labels["preference"].isna()
    labels = labels.assign(reason=np.where(lost, reason, None)) if reason else labels[~lost]
    return wb.PreferenceData.from_tables(pairs.assign(**columns), labels)


def right(share: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return (rng.random(n) < share).astype(float)


def row_of(data: wb.PreferenceData, **options: object) -> pd.Series:
    return wb.compare_annotators(data, "x", "y", **options).to_frame().iloc[0]


def tables(found: wb.AnnotatorComparison) -> pd.DataFrame:
    """Return the comparisons without their names."""
    return found.to_frame().drop(columns=["term", "a", "b"])


@pytest.mark.parametrize("seed", range(5))
def test_one_pair_a_prompt_is_mcnemar_of_statsmodels(seed):
    rng = np.random.default_rng(seed)
    x, y = right(0.8, 60, rng), right(0.6, 60, rng)
    row = row_of(data_of({"human": np.ones(60), "x": x, "y": y}))
    b, c = int(((x == 1) & (y == 0)).sum()), int(((x == 0) & (y == 1)).sum())
    table = [[((x == 1) & (y == 1)).sum(), b], [c, ((x == 0) & (y == 0)).sum()]]
    exact = mcnemar(table, exact=True)
    assert row["test"] == "McNemar, mid-P"
    assert (row["a_ahead"], row["b_ahead"], row["alike"]) == (b, c, 60 - b - c)
    if b != c:
        assert row["p_value"] == pytest.approx(exact.pvalue - binom.pmf(min(b, c), b + c, 0.5))
    assert row["estimate"] == pytest.approx((b - c) / 60)
    assert row["differ"] == pytest.approx((b + c) / 60)


def test_a_table_of_the_literature():
    """Agresti (2002): 794 / 150 / 86 / 570 give z = 4.17; p < .0001."""
    x = np.repeat([1.0, 1, 0, 0], [794, 150, 86, 570])
    y = np.repeat([1.0, 0, 1, 0], [794, 150, 86, 570])
    row = row_of(data_of({"human": np.ones(1600), "x": x, "y": y}))
    assert row["estimate"] == pytest.approx(0.04)
    assert (row["conf_low"], row["conf_high"]) == pytest.approx((0.021, 0.059), abs=2e-3)
    assert row["p_value"] < 1e-4


def test_agreements_are_those_of_the_board():
    data = wb.load("sample")
    people = modes(vote_counts(data, reference_mask(data, "human")))
    cluster = pd.factorize(data.pairs["cluster"])[0]
    for row in wb.compare_annotators(data).sides.to_dict("records"):
        said = said_by(data, row["term"], people)
        board = judge_row(row["term"], said, people, cluster, 0.95)
        for column in ("estimate", "conf_low", "conf_high", "n", "n_unread"):
            assert row[column] == pytest.approx(board[column])


def test_every_pair_of_many_is_what_it_is_alone():
    data = wb.load("sample")
    found = wb.compare_annotators(data).to_frame()
    for row in found.to_dict("records"):
        alone = wb.compare_annotators(data, row["a"], row["b"]).to_frame().iloc[0]
        for name in ("estimate", "conf_low", "conf_high", "p_value", "differ", "detectable"):
            assert row[name] == pytest.approx(alone[name], abs=1e-9)
    assert (found["q_value"] >= found["p_value"]).all()
    assert (found["holm"] >= found["q_value"] - 1e-12).all()


def test_exchange_of_names_rows_and_sides():
    rng = np.random.default_rng(1)
    said = {"human": right(0.5, 90, rng), "x": right(0.5, 90, rng), "y": right(0.5, 90, rng)}
    said["x"][::9] = 0.5
    said["y"][::7] = np.nan
    data = data_of(said, clusters=30)
    found = wb.compare_annotators(data, "x", "y")
    turned = wb.compare_annotators(data, "y", "x").to_frame().iloc[0]
    row = found.to_frame().iloc[0]
    assert turned["estimate"] == pytest.approx(-row["estimate"])
    assert (turned["conf_low"], turned["conf_high"]) == pytest.approx(
        (-row["conf_high"], -row["conf_low"]), abs=1e-9
    )
    assert turned["p_value"] == pytest.approx(row["p_value"])
    order = rng.permutation(len(data.labels))
    shuffled = wb.PreferenceData.from_tables(
        data.pairs.iloc[::-1], data.labels.iloc[order].drop(columns="replicate")
    )
    pd.testing.assert_frame_equal(
        tables(wb.compare_annotators(shuffled, "x", "y")), tables(found), rtol=1e-9
    )
    labels = exchanged(data.labels, np.ones(len(data.labels), dtype=bool))
    other = wb.PreferenceData.from_tables(data.pairs, labels.drop(columns="replicate"))
    pd.testing.assert_frame_equal(
        tables(wb.compare_annotators(other, "x", "y")), tables(found), rtol=1e-9
    )


def test_two_equal_judges_are_no_point_and_equal_where_pairs_are_many():
    rng = np.random.default_rng(2)
    x = right(0.7, 1000, rng)
    few = row_of(data_of({"human": np.ones(40), "x": x[:40], "y": x[:40]}))
    assert few["conf_low"] < 0 < few["conf_high"]
    assert few["p_value"] == 1
    assert few["verdict"] == "not told apart"
    assert few["differ_low"] == 0 < few["differ_high"]
    assert few["equivalence_p"] > 0.15
    assert 0 < few["detectable"] < 0.25
    many = row_of(data_of({"human": np.ones(1000), "x": x, "y": x}))
    assert many["verdict"] == "equivalent"
    assert many["conf_high"] > 0


def test_doubled_pairs_of_a_prompt_say_no_more():
    rng = np.random.default_rng(3)
    x, y = right(0.8, 80, rng), right(0.65, 80, rng)
    once = row_of(data_of({"human": np.ones(80), "x": x, "y": y}))
    twice = row_of(
        data_of({"human": np.ones(160), "x": np.tile(x, 2), "y": np.tile(y, 2)}, clusters=80)
    )
    assert twice["test"] == "signs of prompts, mid-P"
    assert twice["p_value"] == pytest.approx(once["p_value"], abs=1e-9)
    assert twice["conf_low"] == pytest.approx(once["conf_low"], abs=0.01)
    assert (twice["n"], twice["n_clusters"]) == (160, 80)


def test_ties_unread_verdicts_and_labels_without_weight():
    said = {"human": np.array([1.0, 1, 0.5, 0]), "x": np.array([0.5, 1, 0.5, np.nan]),
            "y": np.array([1.0, 0, 1, 0])}  # fmt: skip
    row = row_of(data_of(said, reason="failed"))
    # 1/2 and 1; 1 and 0; 1 and 1/2; unread and 1
    assert (row["value_a"], row["value_b"]) == pytest.approx((2.5 / 4, 2.5 / 4))
    assert (row["n"], row["unread_a"], row["n_both"]) == (4, 1, 3)
    silent = data_of(said, reason="not_applicable")
    found = wb.compare_annotators(silent, "x", "y")
    assert found.to_frame()["n"].item() == 3
    assert found.to_frame()["alone_b"].item() == 1
    assert found.exclusions.to_dict("records") == [
        {"annotator": "x", "reason": "not_applicable", "n": 1}
    ]
    labels = silent.labels.drop(columns="replicate")
    weight = np.where(labels["preference"].isna(), 0.0, 3.0)
    light = wb.PreferenceData.from_tables(silent.pairs, labels.assign(weight=weight))
    found = wb.compare_annotators(light, "x", "y")
    assert found.exclusions["reason"].tolist() == ["no weight"]
    assert found.to_frame()["n"].item() == 3


@pytest.mark.parametrize(
    ("said", "clusters", "reason"),
    [
        ({"human": np.ones(4), "x": np.r_[1, 1, np.nan, np.nan], "y": np.r_[np.nan, np.nan, 1, 1]},
         4, "no pair that both were asked"),
        ({"human": np.ones(4), "x": np.ones(4), "y": np.zeros(4)}, 1, "one cluster"),
        ({"human": np.r_[np.nan, np.nan, 1, np.nan], "x": np.r_[1, 1, np.nan, 1],
          "y": np.ones(4)}, 4, "no pair that both were asked"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_says_why(said, clusters, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = wb.compare_annotators(data_of(said, clusters), "x", "y")
        text = found.summary()
    row = found.to_frame().iloc[0]
    assert np.isnan(row["conf_low"])
    assert np.isnan(row["p_value"])
    assert row["verdict"] == "undefined"
    assert reason in row["reason"]
    assert reason in text


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_constant_verdicts_and_a_reference_of_ties(value):
    rng = np.random.default_rng(4)
    for truth in (right(0.5, 50, rng), np.full(50, 0.5)):
        said = {"human": truth, "x": np.full(50, value), "y": right(0.5, 50, rng)}
        row = row_of(data_of(said, clusters=25))
        assert -1 <= row["conf_low"] < row["conf_high"] <= 1
        assert row["conf_low"] <= row["estimate"] <= row["conf_high"]
        assert 0 <= row["p_value"] <= 1


def simulated(chance: tuple[float, float], n: int, runs: int, seed: int) -> pd.DataFrame:
    """Return comparisons of differences that are 1 and -1 with these chances, two a prompt."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(n // 2), 2)
    drawn = rng.random((runs, n))
    d = np.where(drawn < chance[0], 1.0, np.where(drawn > 1 - chance[1], -1.0, 0.0))
    everything = np.ones(n, dtype=bool)
    return compared([Case(one, everything) for one in d], cluster, 1.0, 0.08, 0.95)


def test_planted_levels_and_power():
    """Level without a difference; equivalence at the margin; power at what could be found."""
    none = simulated((0.15, 0.15), 200, 400, 0)
    assert (none["p_value"] < 0.05).mean() <= 0.085
    covered = (none["conf_low"] <= 0) & (none["conf_high"] >= 0)
    assert covered.mean() >= 0.925
    margin = simulated((0.19, 0.11), 200, 400, 1)
    assert (margin["equivalence_p"] < 0.05).mean() <= 0.085
    least = float(none["detectable"].median())
    found = simulated((0.15 + least / 2, 0.15 - least / 2), 200, 400, 2)
    assert 0.72 <= (found["p_value"] < 0.05).mean() <= 0.88


def test_a_detectable_difference_is_connors():
    """Connor (1987): pairs n = (z_a sqrt(psi) + z_b sqrt(psi - d^2))^2 / d^2."""
    share = np.array([[0.1, 0.75, 0.15]])
    n = np.array([1e6])
    found = float(detectable(Flips(np.array([-1.0, 0, 1]), share, n, n), 0.95)[0])
    needed = (1.959964 * 0.5 + 0.841621 * np.sqrt(0.25 - found**2)) ** 2 / found**2
    assert needed == pytest.approx(1e6, rel=1e-4)


def test_sums_of_many_signs_are_the_binomial_s():
    for wins, losses in ((60_100, 59_500), (30, 31), (700, 600)):
        sums = np.repeat([1.0, -1.0], [wins, losses])
        n, least = wins + losses, min(wins, losses)
        exact = 2 * binom.cdf(least, n, 0.5)
        assert flip_p_value(sums) == pytest.approx(min(exact, 1), rel=1e-9)
        middle = exact - binom.pmf(least, n, 0.5)
        assert flip_p_value(sums, mid=True) == pytest.approx(min(middle, 1), rel=1e-9)


def test_intervals_of_many_are_those_of_one():
    rng = np.random.default_rng(6)
    d = rng.choice([-1.0, -0.5, 0, 0.5, 1], (6, 40), p=[0.05, 0.1, 0.6, 0.1, 0.15])
    cluster = np.repeat(np.arange(20), 2)
    table = compared([Case(one, d[0] < 2) for one in d], cluster, 1.0, 0.1, 0.95)
    for one, row in zip(d, table.to_dict("records"), strict=True):
        alone = paired_difference(one, cluster)
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            assert row[name] == pytest.approx(alone[name], abs=1e-9)


def test_slices_are_one_family():
    rng = np.random.default_rng(7)
    said = {"human": np.ones(400), "x": right(0.7, 400, rng), "y": right(0.7, 400, rng)}
    kind = np.repeat(["code", "prose", "sums", None], 100)
    said["y"][kind == "code"] = 0
    data = data_of(said, scenario=pd.Series(kind))
    found = wb.compare_annotators(data, "x", "y", by="scenario")
    assert found.slices["group"].tolist() == ["code", "prose", "sums"]
    assert found.slices["verdict"].iloc[0] == "a ahead"
    p = np.sort(found.slices["p_value"])
    assert np.sort(found.slices["holm"])[0] == pytest.approx(3 * p[0])
    assert "100 pairs without a value" in found.summary()
    assert set(found.figures()) == {found.heading, f"{found.heading}, by scenario"}
    assert found.findings()[0].rule_id == "agrees-less-than-another"


def test_the_loser_of_the_shared_pairs_is_told_and_so_is_who_is_ahead_most():
    """On shared pairs y is right more often; x was also asked easy ones, z hard ones."""
    n = np.full(60, np.nan)
    x, y = np.r_[np.tile([1.0, 0, 0], 20), np.ones(60), n], np.r_[np.ones(60), n, n]
    z = np.r_[n, np.zeros(60), np.ones(60)]
    said = {"human": np.ones(180), "x": x, "y": y}
    (one,) = wb.compare_annotators(data_of(said), "x", "y").findings()
    assert (one.group, one.against, one.estimate < 0) == ("x", "y", True)
    many = wb.compare_annotators(data_of(said | {"z": z}))
    assert many.sides.set_index("term")["estimate"]["x"] > 0.6
    # y is ahead of x, and x of z: y is best, though x is right more often on its own
    assert {(one.group, one.against) for one in many.findings()} == {("x", "y")}


def test_nobody_is_ahead_whose_interval_holds_0():
    """12 against 4 of 20: McNemar's mid-P is .049, and the score interval reaches below 0."""
    d = np.repeat([1.0, -1, 0], [12, 4, 4])
    row = told(compared([Case(d, d < 2)], np.arange(20), 1.0, 0.1, 0.95), 0.95).iloc[0]
    assert row["q_value"] < 0.05
    assert row["conf_low"] < 0
    assert row["verdict"] == "not told apart"


def test_what_nothing_could_tell_is_said_in_the_finding():
    x, y = np.tile([1.0, 0], 2), np.tile([0.0, 1], 2)
    (one,) = wb.compare_annotators(data_of({"human": np.ones(4), "x": x, "y": y})).findings()
    assert "not even the largest difference would be found" in one.message


def test_refusals():
    data = data_of({"human": np.ones(4), "x": np.ones(4), "y": np.zeros(4)})
    with pytest.raises(DesignError, match="Two judges are compared"):
        wb.compare_annotators(data, "x")
    with pytest.raises(DesignError, match="no two judges"):
        wb.compare_annotators(data, "x", "x")
    with pytest.raises(DesignError, match="human is the reference itself"):
        wb.compare_annotators(data, "x", "human")
    with pytest.raises(DesignError, match="no labels of gold"):
        wb.compare_annotators(data, "x", "y", "gold")
    with pytest.raises(DataError, match="nobody"):
        wb.compare_annotators(data, "x", "nobody")
    with pytest.raises(DesignError, match="no slices"):
        wb.compare_annotators(data, "x", "y", by="nothing")
    with pytest.raises(DesignError, match="margin"):
        wb.compare_annotators(data, "x", "y", margin=0)
    with pytest.raises(DesignError, match="level"):
        wb.compare_annotators(data, "x", "y", level=1.0)
