"""Inputs that leave little to tell: a number with its interval, or nothing with a reason."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import answering, planted
from workbench.data.dataset import PreferenceData
from workbench.overview.findings import find, findings_frame

TASTE = [0.8, 0.5, -0.3]
TWO = {"ann": TASTE, "judge": TASTE}
FACTORS = ["f0", "f1", "f2"]
INTERVALS = ("ame", "per_sd", "probability", "ratio", "agreement", "kappa", "accuracy", "gain")


def judged(change: Callable[[np.ndarray], np.ndarray]) -> PreferenceData:
    return answering(planted(TWO, n=100), "judge", change)


def tied() -> PreferenceData:
    data = planted(TWO, n=100)
    return replace(data, labels=data.labels.assign(preference=0.5))


def almost(y: np.ndarray) -> np.ndarray:
    """Return all labels but the first turned round."""
    return np.r_[y[:1], 1 - y[1:]]


def one_label_each() -> PreferenceData:
    people = [f"p{k:02d}" for k in range(12)]
    data = planted({**dict.fromkeys(people, TASTE), "judge": TASTE}, n=12)
    labels = data.labels
    own = labels["annotator"].map({name: k for k, name in enumerate(people)})
    kept = own.isna() | own.eq(labels.groupby("annotator").cumcount())
    return replace(data, labels=labels[kept].reset_index(drop=True))


def in_units(size: float, names: list[str]) -> PreferenceData:
    data = planted({"ann": TASTE, "judge": [2 * w for w in TASTE]}, n=300)
    changed = {name: data.factors[name] * size for name in names}
    return replace(data, factors=data.factors.assign(**changed))


def apart() -> PreferenceData:
    """Return labels of two annotators who share no pair."""
    data = planted(TWO, n=200)
    first = data.labels["pair_id"].isin(data.pairs["pair_id"].iloc[:100])
    kept = data.labels["annotator"].eq("judge") == first
    return replace(data, labels=data.labels[kept].reset_index(drop=True))


CASES: dict[str, Callable[[], PreferenceData]] = {
    **{f"{g} clusters": lambda g=g: planted(TWO, n=120, clusters=g) for g in (1, 2, 5)},
    **{f"{n} pairs": lambda n=n: planted(TWO, n=n) for n in (2, 6, 20)},
    "one factor": lambda: planted({"ann": [0.8], "judge": [-0.8]}, n=200),
    "all ties": tied,
    "ties of the judge": lambda: judged(lambda y: np.full(len(y), 0.5)),
    "always A": lambda: judged(np.ones_like),
    "same": lambda: judged(lambda y: y),
    "opposite": lambda: judged(lambda y: 1 - y),
    "nearly opposite": lambda: judged(almost),
    "one label each": one_label_each,
    "tiny weights": lambda: planted({"ann": [1e-6] * 3, "judge": [1e-6] * 3}, n=200),
    "huge weights": lambda: planted({"ann": [100, 50, -30], "judge": TASTE}, n=200),
    "tiny units": lambda: in_units(1e-8, FACTORS),
    "huge units": lambda: in_units(1e8, FACTORS),
    "one huge unit": lambda: in_units(1e8, FACTORS[1:2]),
    "constant factors": lambda: in_units(0.0, FACTORS),
    "no shared pair": apart,
}


def wanting(name: str, table: pd.DataFrame) -> list[str]:
    """Return what is wrong with a table's estimates."""
    given = table["reason"].notna() if "reason" in table else pd.Series(False, table.index)
    wrong = []
    for stem in ("conf", *INTERVALS):
        estimate = "estimate" if stem == "conf" else stem
        if not {estimate, f"{stem}_low"} <= set(table):
            continue
        value, low, high = (
            table[c].astype(float) for c in (estimate, f"{stem}_low", f"{stem}_high")
        )
        checks = {
            "is infinite": np.isinf(value) | np.isinf(low) | np.isinf(high),
            "has no value and no reason": value.isna() & ~given,
            "has no interval and no reason": (low.isna() | high.isna()) & ~given,
            "is outside its interval": (value < low) | (value > high),
            "has an interval without a width": high == low,
        }
        wrong += [f"{name}: {estimate} {what}" for what, where in checks.items() if where.any()]
    for test in {"p_value", "proportional_p", "ame_p_value"} & set(table):
        wrong += [f"{name}: no {test}, no reason"] if (table[test].isna() & ~given).any() else []
    return wrong


@pytest.mark.parametrize("covariance", ["cluster", "HC1", "classical"])
@pytest.mark.parametrize("case", CASES)
def test_every_number_has_an_interval_and_what_is_missing_a_reason(case, covariance):
    data = CASES[case]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = wb.decompose(data, covariance=covariance, folds=0)
        gap = wb.contrast(fits, fits.groups[0])
        wrong = wanting("fit", fits.to_frame())
        for name, table in gap.tables().items():
            wrong += wanting(name, table)
        found = find([fits, gap])
        hovers = [str(t.hovertext) for f in (*fits.figures().values(), *gap.figures().values())
                  for t in f.data]  # fmt: skip
    texts = [fits.summary(), gap.summary(), *hovers, *(one.message for one in found)]
    assert wrong == []
    assert [text for text in texts if re.search(r"\bnan\b", text)] == []
    assert len(findings_frame(found)) == len(found)


def test_one_factor_of_a_pool_by_prompts_and_annotators_is_contrasted_without_a_ratio():
    people = [f"p{k:02d}" for k in range(12)]
    data = planted({**{name: [0.8] for name in people}, "judge": [1.6]}, n=60)
    pool = np.where(data.labels["annotator"].eq("judge"), "judge", "people")
    data = replace(data, labels=data.labels.assign(pool=pool))
    fits = wb.decompose(data, by="pool", folds=0)
    assert len(fits.fits["people"].dimensions) == 2
    gap = wb.contrast(fits, "people")
    assert gap.scale["reason"].tolist() == ["one factor alone cannot tell sharpness from taste"]
    assert gap.wald["p_value"].between(0, 1).all()
    assert "nan" not in gap.summary()


@pytest.mark.parametrize("covariance", ["cluster", "HC1"])
def test_labels_that_do_not_vary_leave_no_weight_to_tell(covariance):
    fits = wb.decompose(tied(), covariance=covariance)
    table = fits.to_frame()[:3]
    assert table["reason"].tolist() == ["no variation: the error is not known"] * 3
    assert table[["estimate", "ame", "per_sd", "probability"]].isna().all(axis=None)
    assert "every label is a tie" in fits.summary()


def test_soft_labels_that_follow_the_model_exactly_tell_their_weights():
    data = planted({"judge": TASTE}, n=100)
    taste = [0.8, 0.5, 0.0]
    sure = 1 / (1 + np.exp(-data.factors[FACTORS].to_numpy() @ taste))
    soft = replace(data, labels=data.labels.assign(preference=sure))
    table = wb.decompose(soft, folds=0).to_frame()[:3]
    np.testing.assert_allclose(table["estimate"], taste, atol=1e-6)


def test_labels_of_one_cluster_leave_no_weight_to_tell_and_say_so():
    table = wb.decompose(planted(TWO, n=120, clusters=1), folds=0).to_frame()
    factors = table[table["term"] != "position"]
    assert set(factors["reason"]) == {"one cluster: the error is not known"}
    assert factors["estimate"].isna().all()
    # by another dimension there are several
    pool = planted({f"p{k:02d}": TASTE for k in range(12)}, n=40, clusters=1)
    by_person = wb.decompose(pool, annotator="human", cluster="annotator", folds=0).to_frame()
    assert by_person["std_error"][:3].gt(0).all()


def test_a_dimension_named_twice_is_one():
    data = planted(TWO, n=200, clusters=40)
    once, twice = (
        wb.decompose(data, cluster=names, folds=0).to_frame()
        for names in (["cluster"], ["cluster", "cluster"])
    )
    pd.testing.assert_frame_equal(once, twice)


def test_labels_of_one_side_have_no_auc_and_a_single_cluster_no_interval():
    fits = wb.decompose(judged(np.ones_like))
    scores = fits.held_out.set_index(["group", "predictor"])["reason"]
    assert "one side" in scores["judge", "majority"]
    lonely = wb.decompose(one_label_each(), folds=2)
    assert "one cluster" in lonely.summary()
    for text in (fits.summary(), lonely.summary()):
        assert not re.search(r"\bnan\b", text)


def test_a_pool_that_is_not_clustered_by_annotator_is_not_called_too_small():
    pool = planted({f"judge-{k:02d}": TASTE for k in range(12)}, n=60)
    both = wb.decompose(pool, annotator="llm", folds=0)
    assert both.to_frame()["over"][0] == "clusters of prompts and annotators"
    prompts = wb.decompose(pool, annotator="llm", cluster="cluster", folds=0)
    assert "12 annotators are pooled, not clustered by" in prompts.warnings[0]
