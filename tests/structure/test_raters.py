"""Agreement of many raters: published values, other packages, invariances, ranges, refusals."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import evalica
import krippendorff
import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.inter_rater import fleiss_kappa as their_fleiss
from typer.testing import CliRunner

import workbench as wb
from workbench.agreement import weighted_kappa
from workbench.cli.main import app
from workbench.errors import DataError, DesignError
from workbench.structure.planted import planted_people
from workbench.structure.raters.alpha import METRICS, krippendorff_alpha
from workbench.structure.raters.counts import Counts, value_counts
from workbench.structure.raters.each import _without_one, without_each
from workbench.structure.raters.icc import icc
from workbench.structure.raters.kappas import fleiss_kappa, gwet_ac1
from workbench.structure.raters.ratings import ratings_of
from workbench.structure.raters.two import each_two

FULL = ["agreement", "alpha nominal", "alpha ordinal", "alpha interval", "fleiss", "ac1", "icc"]


def rated(seed: int, units: int = 40, raters: int = 5, missing: float = 0.3) -> np.ndarray:
    """Return ratings 0, .5 or 1 that share a part of each unit."""
    rng = np.random.default_rng(seed)
    lean = rng.normal(size=(units, 1)) + rng.normal(size=(units, raters))
    table = (np.sign(np.where(np.abs(lean) < 0.4, 0, lean)) + 1) / 2
    table[rng.random(table.shape) < missing] = np.nan
    return table


def as_data(table: np.ndarray, clusters: int | None = None) -> wb.PreferenceData:
    unit, rater = np.nonzero(np.isfinite(table))
    pairs = pd.DataFrame({"item": [f"pair {u}" for u in range(len(table))]})
    pairs["cluster"] = [f"p{u % (clusters or len(table))}" for u in range(len(table))]
    labels = pd.DataFrame(
        {"pair": unit, "annotator": [f"r{r}" for r in rater], "kind": "human",
         "preference": table[unit, rater]}
    )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("seed", range(4))
def test_alpha_is_that_of_two_packages(metric: str, seed: int) -> None:
    table = rated(seed) * [1.0, 3.0, 7.5, 0.01][seed]
    ours = krippendorff_alpha(table, metric=metric)["estimate"]
    assert ours == pytest.approx(
        krippendorff.alpha(table.T, level_of_measurement=metric), abs=1e-10
    )
    assert ours == pytest.approx(evalica.alpha(pd.DataFrame(table.T), metric).alpha, abs=1e-10)
    of_counts = krippendorff_alpha(value_counts(table), metric=metric)
    assert of_counts["conf_low"] == pytest.approx(
        krippendorff_alpha(table, metric=metric)["conf_low"]
    )


def test_fleiss_is_that_of_statsmodels_and_ac1_that_of_its_formula() -> None:
    table = rated(5, raters=4, missing=0.0)
    counts = value_counts(table)
    assert fleiss_kappa(table)["estimate"] == pytest.approx(their_fleiss(counts.counts), abs=1e-12)
    # Gwet's formula, step by step
    a = (counts.counts.astype(float) * (counts.counts - 1.0)).sum(1).mean() / 12
    pi = counts.counts.mean(0) / 4
    e = (pi * (1 - pi)).sum() / 2
    assert gwet_ac1(table)["estimate"] == pytest.approx((a - e) / (1 - e), abs=1e-12)


def test_two_raters_who_nearly_always_say_one_thing() -> None:
    """The paradox of kappa: 118 + 5 + 2 + 0, where kappa is -.02 and AC1 is .94."""
    table = np.repeat([[1.0, 1], [1, 0], [0, 1]], [118, 5, 2], axis=0)
    assert gwet_ac1(table)["estimate"] == pytest.approx(0.9408, abs=1e-4)
    assert fleiss_kappa(table)["estimate"] == pytest.approx(-0.0288, abs=1e-4)


def test_correlations_of_an_analysis_of_variance() -> None:
    """Mean squares 11.24, 32.49, 1.02, 6.26 are those that Shrout and Fleiss print."""
    table = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
    found = icc(table)
    # sums of squares 56.208, 97.458, 15.292, 112.75 with 5, 3, 15 and 18 degrees of freedom
    R, J, E, W = 1349 / 24 / 5, 2339 / 24 / 3, 367 / 24 / 15, 112.75 / 18
    assert found["ICC1"]["estimate"] == pytest.approx((R - W) / (R + 3 * W), abs=1e-8)
    two = (R - E) / (R + 3 * E + 4 * (J - E) / 6)
    assert found["ICC2"]["estimate"] == pytest.approx(two, abs=1e-8)
    assert found["ICC3"]["estimate"] == pytest.approx((R - E) / (R + 3 * E), abs=1e-8)
    assert found["ICC3k"]["estimate"] == pytest.approx((R - E) / R, abs=1e-8)
    assert found["ICC2k"]["estimate"] == pytest.approx((R - E) / (R + (J - E) / 6), abs=1e-8)
    assert {row["k"] for row in found.values()} == {1.0, 4.0}


def test_one_way_form_of_unequal_numbers() -> None:
    """Groups 1 2 3, 4 5, 7 9: mean squares and k0 by hand."""
    nan = np.nan
    found = icc([[1, 2, 3], [4, 5, nan], [7, 9, nan], [5, nan, nan]])
    between = 3 * 4 + 2 * 4.5**2 + 2 * 64 - 31**2 / 7
    within = 2 + 0.5 + 2
    R, W, k = between / 2, within / 4, (7 - 17 / 7) / 2
    assert found["ICC1"]["estimate"] == pytest.approx((R - W) / (R + (k - 1) * W), abs=1e-12)
    assert found["ICC1k"]["k"] == pytest.approx(k)
    assert found["ICC1"]["n"] == 3
    assert np.isnan(found["ICC2"]["estimate"])
    assert "one-way" in found["ICC2"]["reason"]


@pytest.mark.parametrize("metric", METRICS)
def test_error_is_that_of_leaving_out_clusters(metric: str) -> None:
    table, code = rated(9, units=400), np.arange(400) // 2
    ours = krippendorff_alpha(table, metric=metric, cluster=code)
    left = [krippendorff_alpha(table[code != g], metric=metric)["estimate"] for g in range(200)]
    jackknife = np.sqrt(199 / 200 * ((left - np.mean(left)) ** 2).sum())
    assert ours["std_error"] == pytest.approx(jackknife, rel=0.02)
    if metric == "nominal":
        for measure in (fleiss_kappa, gwet_ac1):
            left = [measure(table[code != g])["estimate"] for g in range(200)]
            jackknife = np.sqrt(199 / 200 * ((left - np.mean(left)) ** 2).sum())
            assert measure(table, cluster=code)["std_error"] == pytest.approx(jackknife, rel=0.02)
    if metric == "interval":
        whole = np.nan_to_num(table, nan=0.5)
        ours_icc = icc(whole, cluster=code)
        left_icc = [icc(whole[code != g]) for g in range(200)]
        for form in ("ICC1", "ICC2", "ICC3", "ICC3k"):
            left = [one[form]["estimate"] for one in left_icc]
            jackknife = np.sqrt(199 / 200 * ((left - np.mean(left)) ** 2).sum())
            assert ours_icc[form]["std_error"] == pytest.approx(jackknife, rel=0.03)


def test_intervals_cover_what_was_planted() -> None:
    """Votes of a beta-binomial: every coefficient is its correlation, .2 here."""
    rng = np.random.default_rng(0)
    hits = np.zeros(4)
    for _ in range(150):
        p = np.repeat(rng.beta(2, 2, 60), 1)
        table = (rng.random((60, 4)) < p[:, None]).astype(float)
        rows = (krippendorff_alpha(table), fleiss_kappa(table), gwet_ac1(table), icc(table)["ICC1"])
        hits += [row["conf_low"] <= 0.2 <= row["conf_high"] for row in rows]
    assert (hits / 150 > 0.9).all()


def test_no_interval_is_empty_or_out_of_range() -> None:
    for table in (np.ones((30, 1)) * [1, 1, 1] * (np.arange(30) % 2)[:, None],
                  np.tile([0.0, 1.0], (30, 1)), rated(3, units=3, missing=0)):  # fmt: skip
        found = [krippendorff_alpha(table, metric=m) for m in METRICS]
        found += [fleiss_kappa(table), gwet_ac1(table), *icc(table).values()]
        for row in found:
            if np.isfinite(row["conf_low"]):
                assert row["conf_low"] < row["conf_high"] <= 1
                assert row["conf_low"] <= row["estimate"] <= row["conf_high"]
            else:
                assert row["reason"]


def test_verb_is_the_packages_on_the_table_and_its_mirror() -> None:
    table = rated(11)
    found = wb.rater_agreement(as_data(table), measures=FULL).to_frame().set_index("term")
    both = np.vstack([table, 1 - table])
    for metric in METRICS:
        theirs = krippendorff.alpha(both.T, level_of_measurement=metric)
        assert found.loc[f"Krippendorff alpha, {metric}", "estimate"] == pytest.approx(theirs)
    for term, measure in (("Fleiss kappa", fleiss_kappa), ("Gwet AC1", gwet_ac1)):
        assert found.loc[term, "estimate"] == pytest.approx(measure(both)["estimate"])
    assert found.loc["ICC1", "estimate"] == pytest.approx(icc(both)["ICC1"]["estimate"])
    # the mirror adds nothing: a pair and its image are one cluster
    code = np.tile(np.arange(len(table)), 2)
    error = krippendorff_alpha(both, cluster=code)["std_error"]
    assert found.loc["Krippendorff alpha, nominal", "std_error"] == pytest.approx(error)
    assert found.loc["Krippendorff alpha, nominal", "n"] == (np.isfinite(table).sum(1) > 1).sum()


def test_sides_order_and_names_change_nothing() -> None:
    table = rated(13)
    one = wb.rater_agreement(as_data(table))
    turned = table.copy()
    turned[::3] = 1 - turned[::3]
    for other in (turned, table[:, ::-1]):
        found = wb.rater_agreement(as_data(other))
        pd.testing.assert_frame_equal(one.to_frame(), found.to_frame(), rtol=1e-12)
    data = as_data(table)
    order = np.random.default_rng(0).permutation(len(data.labels))
    mixed = replace(data, labels=data.labels.iloc[order].reset_index(drop=True))
    again = wb.rater_agreement(mixed)
    for name, frame in one.tables().items():
        pd.testing.assert_frame_equal(frame, again.tables()[name], check_exact=True)


def test_leaving_one_out_is_alpha_of_the_others() -> None:
    table = rated(17)
    table[:, 2] = np.random.default_rng(1).integers(0, 2, len(table))
    found = wb.rater_agreement(as_data(table))
    rows = found.tables()["alpha_without_each"].set_index("term")
    for r in range(5):
        rest = np.delete(table, r, axis=1)
        theirs = krippendorff.alpha(np.vstack([rest, 1 - rest]).T, level_of_measurement="ordinal")
        assert rows.loc[f"r{r}", "alpha_without"] == pytest.approx(theirs, abs=1e-10)
    assert rows["estimate"].idxmax() == "r2"
    assert (rows["q_value"] >= rows["p_value"]).all()
    # its error is that of leaving out pairs
    change = []
    for u in range(len(table)):
        part = np.delete(table, u, axis=0)
        part = np.vstack([part, 1 - part])
        ends = [krippendorff.alpha(t.T, level_of_measurement="ordinal")
                for t in (np.delete(part, 2, axis=1), part)]  # fmt: skip
        change.append(ends[0] - ends[1])
    jackknife = np.sqrt(39 / 40 * ((change - np.mean(change)) ** 2).sum())
    assert rows.loc["r2", "std_error"] == pytest.approx(jackknife, rel=0.1)


def each_two_by_rows(data: wb.PreferenceData) -> pd.DataFrame:
    """Return kappa of each two raters from all of their ratings, both ways, pair by pair."""
    found = ratings_of(data)
    said, rows = found.matrix(), []
    for one, other in combinations(range(len(found.names)), 2):
        both = np.isfinite(said[:, [one, other]]).all(axis=1)
        x, y, code = said[both, one], said[both, other], np.tile(found.cluster[both], 2)
        row = weighted_kappa(np.r_[x, 1 - x], np.r_[y, 1 - y], code)
        row |= {"n": float(both.sum()), "agreement": (x == y).mean() if both.any() else np.nan}
        rows.append(row if both.any() else row | {"reason": "no pair was judged by both"})
    return pd.DataFrame(rows)


@pytest.mark.parametrize("clusters", [None, 1, 2, 7, 40])
@pytest.mark.parametrize("ties", [True, False])
def test_kappa_of_each_two_is_that_of_their_ratings(clusters: int | None, ties: bool) -> None:
    table = rated(23, units=200, missing=0.4)
    if not ties:
        table[table == 0.5] = 1.0
    table[:, 4] = np.where(np.isnan(table[:, 0]), table[:, 4], np.nan)
    # clusters of all sizes, some of more pairs than four bits count
    data = as_data(table, clusters)
    if clusters == 40:
        of_pair = np.minimum(np.random.default_rng(3).zipf(1.5, len(table)), 40)
        data = replace(data, pairs=data.pairs.assign(cluster=[f"p{c}" for c in of_pair]))
    found, wanted = each_two(ratings_of(data), 0.95), each_two_by_rows(data)
    assert wanted["n"].min() == 0
    pd.testing.assert_frame_equal(found[wanted.columns], wanted, rtol=1e-10, check_dtype=False)


def test_each_two_who_never_differ_and_who_only_tie() -> None:
    nan = np.nan
    for table in (np.tile([[1.0, 1, 0]], (30, 1)), np.tile([[0.5, 0.5, 1.0]], (30, 1)),
                  np.array([[1, 1, nan], [nan, 0, 0], [1, 0, nan]])):  # fmt: skip
        found, wanted = each_two(ratings_of(as_data(table)), 0.95), each_two_by_rows(as_data(table))
        pd.testing.assert_frame_equal(found[wanted.columns], wanted, rtol=1e-10, check_dtype=False)


def test_a_careless_person_is_a_finding() -> None:
    data, _ = planted_people(people=6, labels=150, pairs=150, tastes=[(3.0, 0)], careless=1 / 6)
    found = wb.rater_agreement(data)
    assert [one.group for one in found.findings()] == ["person 005"]
    assert found.settings["complete"]
    assert found.estimates["estimate"].notna().all()
    assert "without person 005" in found.summary()
    assert len(found.pairs_of_raters) == 15


def test_repeats_votes_and_what_has_no_verdict() -> None:
    pairs = pd.DataFrame({"item": ["one", "two", "three"]})
    rows = [("ann", 0, 1.0, 1, None), ("ann", 0, 0.0, 1, None), ("bob", 0, 1.0, 1, None),
            ("crowd", 1, 0.7, 10, None), ("ann", 1, 0.9, 1, None), ("ann", 2, 1.0, 1, None),
            ("bob", 2, np.nan, 1, "failed")]  # fmt: skip
    labels = pd.DataFrame(rows, columns=["annotator", "pair", "preference", "n_votes", "reason"])
    labels["kind"], labels["replicate"] = "human", np.arange(len(labels))
    data = wb.PreferenceData.from_tables(pairs, labels)
    found = ratings_of(data)
    assert sorted(found.counts.tolist()) == [[0, 1, 1], [3, 0, 8]]
    assert found.names == ["ann", "bob"]
    assert found.votes == 10
    gone = dict(found.exclusions.values.tolist())
    assert gone["no verdict: failed"] == gone["the only rating of its pair"] == 1
    assert sum(gone.values()) == 3
    assert wb.rater_agreement(data).without["n"].tolist() == [2.0, 1.0]


def test_answers_to_other_questions_are_counted() -> None:
    data = as_data(rated(0))
    warm = data.labels.head(5).assign(criterion="warm")
    labels = pd.concat([data.labels.assign(criterion="overall"), warm], ignore_index=True)
    both = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    found = wb.rater_agreement(both)
    assert found.exclusions.to_numpy().tolist() == [["another criterion", 5]]
    assert "5 labels: another criterion" in found.summary()
    assert wb.rater_agreement(both.filter(criteria=["overall"])).exclusions.empty


def test_what_cannot_be_told_is_refused_or_says_why() -> None:
    alone = np.full((4, 4), np.nan)
    np.fill_diagonal(alone, 1.0)
    with pytest.raises(DesignError, match="No pair has two ratings"):
        wb.rater_agreement(as_data(alone))
    with pytest.raises(DesignError, match="no column 'who'"):
        wb.rater_agreement(as_data(rated(0)), by="who")
    with pytest.raises(DesignError):
        wb.rater_agreement(as_data(rated(0)), measures=["kapa"])
    ties = wb.rater_agreement(as_data(np.full((5, 3), 0.5)))
    coefficients = ties.to_frame().iloc[1:]
    assert coefficients["estimate"].isna().all()
    assert coefficients["reason"].notna().all()
    assert "undefined: all ratings are one value" in ties.summary()
    assert not ties.findings()
    one = wb.rater_agreement(as_data(rated(0, units=6), clusters=1)).to_frame()
    assert one["conf_low"].isna().all()
    assert one["reason"].notna().all()
    for wrong in ([1, 2], [["a", "b"]], [[1.0, np.inf]]):
        with pytest.raises(DataError, match="no table of numbers"):
            krippendorff_alpha(wrong)
    with pytest.raises(DataError, match="too many different values"):
        krippendorff_alpha(np.arange(4000.0).reshape(2000, 2))
    with pytest.raises(DesignError, match="clusters do not fit"):
        fleiss_kappa([[1, 2], [1, 1]], cluster=[0])
    assert np.isnan(krippendorff_alpha(Counts(np.zeros((0, 2)), np.arange(2.0)))["estimate"])


def test_command_is_the_library_s(tmp_path) -> None:
    place = wb.save(as_data(rated(2)), tmp_path / "data")
    done = CliRunner().invoke(
        app, ["rater-agreement", str(place), "--measures", "alpha ordinal", "--out",
              str(tmp_path / "out"), "--quiet"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    wanted = wb.rater_agreement(wb.load(place), measures=["alpha ordinal"])
    assert wanted.summary() in done.output
    assert {"agreement.csv", "alpha_without_each.csv", "report.html"} <= {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_equal_raters_seldom_stand_apart() -> None:
    any_apart = 0
    for seed in range(40):
        rng = np.random.default_rng(7000 + seed)
        lean = 1 / (1 + np.exp(-1.5 * rng.normal(size=(60, 1))))
        found = without_each(ratings_of(as_data((rng.random((60, 6)) < lean) * 1.0)), 0.95)
        any_apart += bool((found["q_value"] < 0.05).any())
        outside = (found["conf_low"] > 0) | (found["conf_high"] < 0)
        assert (outside == (found["p_value"] < 0.05)).all()
    # 2 are expected; by t alone there were 9
    assert any_apart <= 4


def test_many_votes_without_a_name_are_told_apart_when_one_is_left_out() -> None:
    """Counts of a million, of which a code of one number would round the last votes away."""
    pairs = pd.DataFrame({"item": [f"pair {k}" for k in range(12)]})
    rows = [("crowd", k, 1e6 / (2e6 + 40 * k), 2_000_000 + 40 * k) for k in range(12)]
    rows += [(who, k, float((k * step) % 3 > 0), 1)
             for who, step in (("ann", 1), ("bob", 2)) for k in range(12)]  # fmt: skip
    labels = pd.DataFrame(rows, columns=["annotator", "pair", "preference", "n_votes"])
    data = wb.PreferenceData.from_tables(pairs, labels.assign(kind="human"))
    ratings = ratings_of(data)
    assert len(np.unique(_without_one(ratings.counts)[0])) == 12
    found = without_each(ratings, 0.95).set_index("term")
    for place, name in enumerate(ratings.names):
        own = ratings.rater == place
        rest = ratings.counts.copy()
        rest[ratings.unit[own], ratings.value[own]] -= 1
        both = np.concatenate([rest, rest[:, ::-1]])
        theirs = krippendorff_alpha(Counts(both, np.array([0.0, 0.5, 1.0])), metric="interval")
        assert found.loc[name, "alpha_without"] == pytest.approx(theirs["estimate"], abs=1e-10)


def test_rounding_is_no_error_of_leaving_one_out() -> None:
    one = (np.arange(30) % 2) * 1.0
    for last in (one, np.full(30, 0.5)):
        found = without_each(ratings_of(as_data(np.column_stack([one, 1 - one, last]))), 0.95)
        assert found["p_value"].isna().all()
        assert found["reason"].notna().all()


def test_opposed_raters_have_no_correlation_below_minus_one() -> None:
    one = (np.arange(30) % 2) * 1.0
    found = icc(np.column_stack([one, 1 - one]))
    assert found["ICC1"]["estimate"] == pytest.approx(-1)
    assert found["ICC1"]["conf_high"] > -1
    for form in ("ICC2", "ICC2k"):
        assert np.isnan([found[form][key] for key in ("estimate", "conf_low")]).all()
        assert "below what so many ratings can correlate" in found[form]["reason"]
    opposed = np.column_stack([one, 1 - one])
    table = wb.rater_agreement(as_data(opposed), measures=["icc"]).to_frame().set_index("term")
    assert "below what so many" in table.loc["ICC2", "reason"]
