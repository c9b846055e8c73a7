"""Judges that grade: planted severities and slopes come back, without the bias of joint fits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import workbench as wb
from tests.calibration.graded import rated
from workbench.calibration.instrument.grades import Grades
from workbench.errors import DesignError

SEVERE = np.array([-1.0, -0.2, 0.2, 1.0])
TAU = np.array([-1.5, -0.5, 0.5, 1.5])


def rasch(seed: int, items: int, severity: np.ndarray = SEVERE, missing: float = 0.0) -> np.ndarray:
    """Grades 1 to 5 of a rating scale model, shape (items, judges)."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(0, 1.2, items)
    steps = theta[:, None, None] - severity[None, :, None] - TAU
    odds = np.concatenate([np.zeros((*steps.shape[:2], 1)), np.cumsum(steps, axis=2)], axis=2)
    p = np.exp(odds - odds.max(axis=2, keepdims=True))
    p /= p.sum(axis=2, keepdims=True)
    grade = 1.0 + (rng.random((*steps.shape[:2], 1)) > np.cumsum(p, axis=2)[:, :, :-1]).sum(axis=2)
    return np.where(rng.random(grade.shape) < missing, np.nan, grade)


def graded_response(seed: int, items: int, slopes: np.ndarray) -> np.ndarray:
    """Grades 0 to 4 of a graded response model."""
    rng = np.random.default_rng(seed)
    eta = slopes[None, :, None] * rng.normal(size=items)[:, None, None]
    p = expit(eta - np.array([-2, -0.7, 0.7, 2.0]))
    return (rng.random((items, len(slopes), 1)) < p).sum(axis=2).astype(float)


def measure(found: wb.Instrument, name: str) -> pd.DataFrame:
    table = found.to_frame()
    return table[table["measure"] == name].set_index("term")


def test_planted_severities_lie_in_the_intervals_with_grades_missing() -> None:
    found = wb.instrument(rated(rasch(0, 800, missing=0.2)), grades="rating")
    table = measure(found, "severity")
    assert ((table["conf_low"] < SEVERE) & (table["conf_high"] > SEVERE)).all()
    assert table["q_value"].loc[["j0", "j3"]].max() < 1e-6
    assert found.misfit["estimate"].between(0.9, 1.1).all()
    assert found.settings["grades"] == [1, 2, 3, 4, 5]


def test_two_judges_have_the_closed_form_that_joint_likelihood_doubles() -> None:
    # of two judges and two grades, the likeliest difference is the log odds of the discordant
    y = np.repeat([[1.0, 0], [0, 1], [1, 1], [0, 0]], [60, 20, 30, 40], axis=0)
    table = measure(wb.instrument(rated(y), grades="rating"), "severity")
    apart = table.loc["j1", "estimate"] - table.loc["j0", "estimate"]
    assert apart == pytest.approx(np.log(60 / 20))
    error = 2 * table.loc["j1", "std_error"]
    assert error == pytest.approx(np.sqrt(1 / 60 + 1 / 20), rel=0.02)
    slopes = measure(wb.instrument(rated(y), grades="rating"), "discrimination")
    assert slopes["reason"].str.contains("without a third").all()


def test_severities_are_unbiased_and_their_errors_right() -> None:
    tables = [measure(wb.instrument(rated(rasch(seed, 150)), grades="rating"), "severity")
              for seed in range(12)]  # fmt: skip
    found = np.array([one["estimate"] for one in tables])
    spread, told = found.std(axis=0, ddof=1), np.mean([one["std_error"] for one in tables], axis=0)
    assert (np.abs(found.mean(axis=0) - SEVERE) < 3.5 * spread / 12**0.5).all()
    assert (np.abs(told / spread - 1) < 0.6).all()


def test_planted_slopes_lie_in_the_intervals() -> None:
    slopes = np.array([0.5, 1.0, 1.5, 2.5])
    found = wb.instrument(rated(graded_response(0, 2500, slopes)), grades="rating")
    table = measure(found, "discrimination")
    assert ((table["conf_low"] < slopes) & (table["conf_high"] > slopes)).all()
    assert len(found.figures()) == 2
    assert "severity" in found.summary()


def test_a_slope_without_end_is_no_estimate() -> None:
    y = graded_response(0, 400, np.array([1.0, 1.5, 2.0]))
    table = measure(wb.instrument(rated(y[:, [0, 1, 2, 2]]), grades="rating"), "discrimination")
    # the bound of the search was told as their slope
    assert table.loc[["j2", "j3"], "reason"].eq(
        "it follows another judge: the slope has no end").all()  # fmt: skip
    assert table.loc[["j2", "j3"], ["estimate", "conf_high"]].isna().all(axis=None)
    assert table.loc[["j0", "j1"], "conf_high"].notna().all()


def test_errors_of_many_grades_are_of_enough_clusters() -> None:
    cluster = np.repeat(np.arange(50), 5)
    category = np.zeros((250, 2), dtype=np.int64)
    grades = Grades(["a", "b"], category, np.arange(2.0), cluster, 50, {}, cut=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.calibration.instrument.grades.MOST_ITEMS", 10)
        rows, share = grades.sample()
        # one in twenty-five were two clusters
        assert (len(rows), share) == (250, 1.0)
        patch.setattr("workbench.calibration.instrument.grades._FEWEST_CLUSTERS", 10)
        rows, share = grades.sample()
        assert (len(np.unique(cluster[rows])), share) == (10, 0.2)


def test_people_who_grade_are_what_judges_are_measured_from() -> None:
    data = rated(rasch(1, 800))
    mine = data.labels["annotator"].eq("j0")
    labels = data.labels.assign(kind=data.labels["kind"].mask(mine, "human"))
    found = wb.instrument(wb.PreferenceData.from_tables(data.pairs, labels), grades="rating")
    table = measure(found, "severity")
    assert list(table.index) == ["j1", "j2", "j3"]
    truth = SEVERE[1:] - SEVERE[0]
    assert ((table["conf_low"] < truth) & (table["conf_high"] > truth)).all()
    assert "the mean of people" in found.settings["strength_is"]


def test_a_judge_severe_in_one_group_is_found_and_versions_are_compared() -> None:
    y = rasch(2, 1500)
    half = np.arange(1500) % 3 == 0
    y[half, 1] = np.maximum(y[half, 1] - 1, 1)
    data = rated(y)
    kinds = np.where(half, "code", np.where(np.arange(1500) % 3 == 1, "mail", "prose"))
    data = wb.PreferenceData.from_tables(data.pairs.assign(scenario=kinds), data.labels)
    found = wb.instrument(data, grades="rating", by="scenario", versions=["j0", "j3"])
    table = found.functioning.set_index(["term", "group"])
    assert table["q_value"].astype(float).idxmin() == ("j1", "code")
    assert table.loc[("j1", "code"), "estimate"] > 0.5
    changed = found.versions.set_index("term").loc["severity"]
    assert changed["estimate"] == pytest.approx(2.0, abs=0.2)
    assert changed["conf_low"] > 1.5
    assert not changed["equivalent"]


def test_graders_that_cannot_be_compared_say_why() -> None:
    y = rasch(3, 200)
    y[:, 3] = 4.0
    lone = np.full((200, 1), np.nan)
    others = np.tile([[np.nan] * 4 + [2.0], [np.nan] * 4 + [3.0]], (5, 1))
    apart = np.concatenate([np.concatenate([y, lone], axis=1), others])
    table = measure(wb.instrument(rated(apart), grades="rating"), "severity")
    assert table.loc["j3", "reason"] == "it gives one grade throughout"
    assert "no item that another judge" in table.loc["j4", "reason"]
    assert table.loc[["j0", "j1", "j2"], "estimate"].notna().all()
    same = wb.instrument(rated(np.full((20, 3), 3.0)), grades="rating").to_frame()
    assert same["reason"].eq("it gives one grade throughout").all()
    twin = measure(
        wb.instrument(rated(np.repeat(y[:, :1], 3, axis=1)), grades="rating"), "severity"
    )
    assert twin["reason"].eq("judges differ too little on these items to tell").all()
    doubled = measure(wb.instrument(rated(y[:, [0, 1, 1]]), grades="rating"), "severity")
    assert doubled.loc["j1", "estimate"] == pytest.approx(doubled.loc["j2", "estimate"])
    one = wb.instrument(rated(y[:, :3], each=200), grades="rating").to_frame()
    assert one["reason"].eq("one cluster: the error is not known").all()
    with pytest.raises(DesignError, match="no score 'mark'"):
        wb.instrument(rated(y), grades="mark")
    wide = np.round(rasch(4, 300) * 7 + np.random.default_rng(0).normal(size=(300, 4)), 2)
    assert wb.instrument(rated(wide), grades="rating").settings["cut"]
