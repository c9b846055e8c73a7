"""Factors of a data set in parts are the same bytes as in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.shuffled_engine import Shuffled
from workbench.data.parts.parted import PartedData, open_parts
from workbench.errors import DesignError
from workbench.factors.coding import scale_of, sum_of_squares

STYLE = list(wb.factors.STYLE)


def same_factors(data: wb.PreferenceData, parted: PartedData) -> None:
    assert parted.factor_names == data.factor_names
    assert dict(parted.factor_specs) == dict(data.factor_specs)
    assert parted.digest == data.digest
    for name in ("factors", "factor_values"):
        one = getattr(data, name).set_index("pair_id").sort_index()
        parts = [getattr(ref.open(), name) for ref in parted.refs]
        two = pd.concat(parts).set_index("pair_id").sort_index()
        pd.testing.assert_frame_equal(one, two, check_exact=True)


@pytest.mark.parametrize("n", [1, 3, 16])
def test_every_cut_gives_the_same_bytes(tmp_path: Path, n: int) -> None:
    data = wb.load("sample")
    # an engine that works out of order, and on some parts twice
    parted = wb.load_parts("sample", tmp_path / "out", parts=n, engine=Shuffled(seed=n))
    parted = wb.score_factors(parted, engine=Shuffled(seed=n))
    same_factors(wb.score_factors(data), parted)
    same_factors(wb.score_factors(data), open_parts(tmp_path / "out"))


def test_factors_come_beside_those_that_are_there(tmp_path: Path) -> None:
    data = wb.load("sample")
    parted = wb.load_parts("sample", tmp_path / "out", parts=3)
    for specs in (wb.factors.FAMILIES["length"], wb.factors.FAMILIES["tone"], STYLE[:2]):
        data, parted = wb.score_factors(data, specs), wb.score_factors(parted, specs)
        same_factors(data, parted)


def test_only_some_prompts_and_missing_texts(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 60
    pairs = pd.DataFrame(
        {
            "prompt": [f"Why is {k} odd?" if k % 10 == 0 else None for k in range(n)],
            "response_a": [" ".join(["word"] * int(k)) for k in rng.integers(1, 50, n)],
            "response_b": [None if k % 7 == 0 else f"It is {k} odd, sorry." for k in range(n)],
        }
    )
    labels = pd.DataFrame({"pair": range(n), "annotator": "p", "preference": rng.random(n)})
    for drop in ([], ["prompt"]):
        data = wb.PreferenceData.from_tables(pairs.drop(columns=drop), labels)
        wb.save(data, tmp_path / f"whole{len(drop)}")
        parted = wb.load_parts(tmp_path / f"whole{len(drop)}", tmp_path / f"o{len(drop)}", parts=9)
        same_factors(wb.score_factors(data), wb.score_factors(parted))


def test_a_part_that_is_scored_is_not_scored_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parted = wb.load_parts("sample", tmp_path / "out", parts=4)
    first = wb.score_factors(parted, STYLE[:3])
    (Path(first.refs[1].folder) / f"values-{first.scored}.parquet").unlink()
    (Path(first.refs[2].folder) / f"values-{first.scored}.parquet").write_bytes(b"PAR1")
    opened: list[str] = []

    class Counted:
        name = "local"

        def map(self, work, parts):  # type: ignore[no-untyped-def]
            for part in parts:
                raw = work.__self__.raw

                def counted(*given, part=part, raw=raw):  # type: ignore[no-untyped-def]
                    opened.append(part.name)
                    return raw.values(*given)

                own = replace(work.__self__, raw=replace(raw, values=counted))
                yield getattr(own, work.__name__)(part)

        map_with = None

    again = wb.score_factors(parted, STYLE[:3], engine=Counted())  # type: ignore[arg-type]
    assert opened == [first.refs[1].name, first.refs[2].name]
    assert again.digest == first.digest


def test_what_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    parted = wb.load_parts("sample", tmp_path / "out", parts=2)
    with pytest.raises(DesignError, match="stands twice"):
        wb.score_factors(parted, [STYLE[0], STYLE[0]])
    silent = replace(parted, facts=tuple(replace(one, has_text=False) for one in parted.facts))
    with pytest.raises(DesignError, match="no text"):
        wb.score_factors(silent)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_the_scale_is_the_root_mean_square(size: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=70_000) * np.exp(3 * rng.normal(size=70_000))
    largest = float(np.abs(x * size).max())
    cuts = np.split(x * size, [10, 10_000, 69_999])
    total = sum(sum_of_squares(part, largest) for part in cuts)
    assert total == sum_of_squares(x * size, largest)
    expected = np.sqrt(np.mean(x**2)) * size
    assert scale_of(total, len(x), largest) == pytest.approx(expected, rel=1e-14)
    assert scale_of(0, 3, 0.0) == 1.0
