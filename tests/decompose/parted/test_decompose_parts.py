"""A decomposition of data in parts is that of the same data in memory."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.parted_data import divided
from tests.planted import planted
from tests.shuffled_engine import Shuffled
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
from workbench.engine import Local
from workbench.errors import DataError, DesignError


def same(
    found: Decomposition, wanted: Decomposition, areas: float = 1e-9, likelihood: float = 1e-9
) -> None:
    """Coefficients to 1e-10, errors and scores to 1e-9, and every word."""
    mine, theirs = found.to_frame(), wanted.to_frame()
    pd.testing.assert_frame_equal(mine[["estimate"]], theirs[["estimate"]], rtol=1e-10, atol=1e-10)
    pd.testing.assert_frame_equal(mine, theirs, rtol=1e-8, atol=1e-9)
    pd.testing.assert_frame_equal(found.exclusions, wanted.exclusions)
    pd.testing.assert_frame_equal(found.diagnostics, wanted.diagnostics, rtol=likelihood)
    assert found.warnings == wanted.warnings
    assert found.groups == wanted.groups
    assert found.settings == wanted.settings
    pd.testing.assert_frame_equal(found.weights().keys, wanted.weights().keys)
    pd.testing.assert_frame_equal(found.held_out, wanted.held_out, rtol=1e-8, atol=areas)


def compare(
    data: PreferenceData, folder: Path, n: int, areas: float = 1e-9, **options: Any
) -> Decomposition:
    found = wb.decompose(divided(data, folder, n), **options)
    same(found, wb.decompose(data, **options), areas)
    return found


def many_sided(n: int = 900, people: int = 14, seed: int = 0) -> PreferenceData:
    """Soft labels, weights, ties, shown orders, missing factors; people who pool, a judge apart."""
    data = planted({"judge": [0.8, -0.4, 0.0, 0.3]}, n=n, clusters=n // 4, position=0.3, seed=seed)
    rng = np.random.default_rng(seed)
    labels = [data.labels.assign(weight=rng.choice([0.5, 1.0, 2.0], n))]
    for k in range(people):
        own = data.labels[rng.random(n) < 0.2].copy()
        y = rng.choice([0.0, 0.2, 0.5, 0.9, 1.0], len(own))
        kind = {"annotator": f"p{k:02}", "kind": "human", "preference": y}
        labels.append(own.assign(**kind, reason=np.where(y == 0.5, "tie", None)))
    factors = data.factors.copy()
    factors.loc[factors.index[::50], "f2"] = np.nan
    whole = pd.concat(labels, ignore_index=True)
    return replace(data, labels=whole, factors=factors)


@pytest.fixture(scope="module")
def sample() -> PreferenceData:
    return wb.score_factors(wb.load("sample"))


@pytest.mark.parametrize(("n", "factors"), [(1, None), (3, None), (16, ["words", "bold"])])
def test_the_sample_in_parts_is_fitted_as_in_memory(
    sample: PreferenceData, tmp_path: Path, n: int, factors: list[str] | None
) -> None:
    # predictions that are equal but for rounding are a tie of an area, or are not
    compare(sample, tmp_path / "set", n, areas=1e-6, annotator="human", factors=factors)
    assert not (tmp_path / "set" / "work").exists()


def test_all_annotators_of_the_sample(sample: PreferenceData, tmp_path: Path) -> None:
    compare(sample, tmp_path / "set", 3, factors=["words", "bold", "hedges"])


@pytest.mark.parametrize(
    "options",
    [
        {"by": ["annotator", "scenario"], "ties": "drop", "folds": 0},
        {"by": [], "covariance": "HC1", "folds": 3},
        {"annotator": ["judge", "p03"], "covariance": "classical", "folds": 0},
        {"by": "kind", "folds": 4},
        {"by": [], "cluster": ["cluster", "annotator"], "folds": 0},
        {"by": [], "cluster": "annotator", "folds": 0},
        {"by": [], "cluster": ["annotator", "session"], "folds": 0},
    ],
)
def test_soft_labels_weights_ties_people_and_missing_factors(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    data = many_sided()
    rng = np.random.default_rng(1)
    session = pd.Series(rng.integers(0, 30, len(data.labels)).astype(str))
    session[rng.random(len(session)) < 0.05] = None
    data = replace(
        data,
        labels=data.labels.assign(session=session),
        pairs=data.pairs.assign(scenario=rng.choice(["a", "b", "c"], len(data))),
    )
    compare(data, tmp_path / "set", 5, **options)


def test_many_clusters_have_bounded_degrees_as_in_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    data = planted({"judge": rng.normal(size=27).tolist()}, n=9000, clusters=9000, seed=3)
    found = compare(data, tmp_path / "set", 4, folds=0)
    assert found.fits["judge"].n_clusters * 27**3 > 1e8


def test_constant_collinear_thin_and_separating_factors(tmp_path: Path) -> None:
    data = planted({"judge": [1.0, 0.0]}, n=600, clusters=200, seed=5)
    rng = np.random.default_rng(6)
    y = data.labels["preference"].to_numpy()
    f0 = data.factors["f0"].to_numpy()
    thin = np.where(data.pairs["cluster"].isin(["c1", "c2"]), rng.normal(size=600), 0.0)
    extra = {
        "same": np.full(600, 2.0),
        "twice": 2 * f0,
        "thin": thin,
        "sure": np.where(rng.random(600) < 0.3, 2 * y - 1, 0.0),
    }
    data = replace(data, factors=data.factors.assign(**extra))
    for names in (["f0", "f1", "same", "twice", "thin"], ["f0", "f1", "sure"], ["sure"]):
        for n in (1, 4):
            folder = tmp_path / f"{len(names)}-{n}-{names[-1]}"
            found = wb.decompose(divided(data, folder, n), factors=names, folds=0)
            # weights on their way to infinity have a likelihood on its way to its limit
            same(found, wb.decompose(data, factors=names, folds=0), likelihood=1e-6)


def test_an_annotator_who_is_in_some_parts_only_and_parts_without_labels(tmp_path: Path) -> None:
    data = many_sided(400, people=3)
    number = pd.factorize(data.pairs["cluster"])[0] % 5
    part = number[data.pair_rows]
    kept = ~data.labels["annotator"].eq("p01").to_numpy() | (part == 2)
    data = replace(data, labels=data.labels[kept & (part != 4)].reset_index(drop=True))
    compare(data, tmp_path / "set", 5, annotator="p01", folds=0, factors=["f0"])
    compare(data, tmp_path / "all", 5, folds=2)


def test_several_criteria(tmp_path: Path) -> None:
    data = many_sided(300, people=2)
    other = data.labels.assign(criterion="tone", preference=0.5)
    labels = pd.concat([data.labels.assign(criterion="overall"), other], ignore_index=True)
    both = replace(data, labels=labels)
    compare(both, tmp_path / "set", 3, folds=0)
    compare(both, tmp_path / "by", 3, by=["annotator", "criterion"], folds=0)
    alone = labels["annotator"].eq("p00") & labels["criterion"].eq("overall")
    parted = divided(replace(data, labels=labels[~alone].reset_index(drop=True)), tmp_path / "x", 3)
    with pytest.raises(DataError, match="answered other questions only"):
        wb.decompose(parted)


def _sent(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))  # noqa: S301


class _Sent(Local):
    """An engine that sends work, parts and results to another process and back."""

    def map(self, work: Any, parts: Any) -> Any:
        for part in parts:
            yield _sent(_sent(work)(_sent(part)))


@pytest.mark.parametrize(
    "engine", [Local(3), Shuffled(), _Sent()], ids=lambda one: type(one).__name__
)
def test_every_engine_gives_the_same_bytes(tmp_path: Path, engine: Any) -> None:
    parts = divided(many_sided(200, people=2), tmp_path / "set", 4)
    options = {"by": "kind", "factors": ["f0", "f3"], "folds": 2}
    one, two = (wb.decompose(parts, **options, engine=each) for each in (None, engine))
    pd.testing.assert_frame_equal(one.to_frame(), two.to_frame(), check_exact=True)
    pd.testing.assert_frame_equal(one.held_out, two.held_out, check_exact=True)


class _KilledError(Exception):
    """Stands for the end of a process."""


class _Stopping(Local):
    """An engine that stops after some parts."""

    def map(self, work: Any, parts: Any) -> Any:
        for number, part in enumerate(parts):
            if number == 3:
                raise _KilledError
            yield work(part)


def test_a_run_that_was_killed_goes_on_from_the_parts_it_laid_out(tmp_path: Path) -> None:
    data = many_sided(300)
    parts = divided(data, tmp_path / "set", 5)
    with pytest.raises(_KilledError):
        wb.decompose(parts, folds=0, engine=_Stopping())
    laid = sorted((tmp_path / "set" / "work").rglob("facts.json"))
    assert len(laid) == 3
    before = [path.stat().st_mtime_ns for path in laid]
    seen: list[int] = []

    class Watching(Local):
        def map(self, work: Any, parts: Any) -> Any:
            for part in parts:
                yield work(part)
                seen.extend(p.stat().st_mtime_ns for p in laid if p.exists())

    same(wb.decompose(parts, folds=0, engine=Watching()), wb.decompose(data, folds=0))
    assert set(seen) == set(before)
    assert not (tmp_path / "set" / "work").exists()


def test_what_needs_rows_says_so(tmp_path: Path) -> None:
    fit = wb.decompose(divided(many_sided(300), tmp_path / "set", 2), folds=0)
    for verb in (wb.bootstrap, wb.check_fit):
        with pytest.raises(DesignError, match=r"(?s)in parts.*data\.sample.*data\.whole"):
            verb(fit)
    with pytest.raises(DesignError, match="lie in parts"):
        fit.design.compact(0)


def test_errors_are_those_of_data_in_memory(tmp_path: Path) -> None:
    data = many_sided(60, people=1)
    parts = divided(data, tmp_path / "set", 2)
    for options in ({"annotator": "nobody"}, {"factors": ["f9"]}, {"by": "nothing"}, {"folds": 99}):
        with pytest.raises((DataError, DesignError)) as wanted:
            wb.decompose(data, **options)
        with pytest.raises((DataError, DesignError)) as found:
            wb.decompose(parts, **options)
        assert str(found.value).split("\n")[0] == str(wanted.value).split("\n")[0]
