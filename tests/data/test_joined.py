"""Parts without a pair in common are put one after the other: nothing of them is made again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb
from workbench.data.rows import kept_rows, taken_rows


def _parts(data: wb.PreferenceData, n: int) -> list[wb.PreferenceData]:
    ids = data.pairs["pair_id"]
    return [data.filter(pair_ids=ids[k::n]) for k in range(n)]


@pytest.fixture(scope="module")
def scored() -> wb.PreferenceData:
    return wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])


def test_joined_parts_are_the_whole_in_another_order(scored) -> None:
    joined = wb.concat(_parts(scored, 3))
    assert joined.digest == scored.digest == replace(joined).digest
    assert (joined.pair_rows == replace(joined).pair_rows).all()
    joined.check()
    for name in ("pairs", "factors", "factor_values"):
        one, other = (
            getattr(d, name).sort_values("pair_id", ignore_index=True) for d in (joined, scored)
        )
        pd.testing.assert_frame_equal(one, other)
    key = list(wb.data.columns.LABEL_KEY)
    labels = [d.labels.sort_values(key, ignore_index=True) for d in (joined, scored)]
    pd.testing.assert_frame_equal(*labels)


def test_digests_do_not_hang_on_what_was_known_of_the_parts(scored) -> None:
    known, fresh = _parts(scored, 2), [replace(part) for part in _parts(scored, 2)]
    assert [len(part.digest) for part in known] == [32, 32]
    assert wb.concat(known).digest == wb.concat(fresh).digest
    one = wb.concat([known[0], fresh[1]])
    assert one.digest == scored.digest
    assert one.filter(kinds=["llm"]).digest == scored.filter(kinds=["llm"]).digest


def test_nobody_in_two_parts_is_called_by_kind_as_in_one() -> None:
    pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": "x", "response_b": "y"})
    labels = pd.DataFrame({"pair": [0, 1], "preference": 1.0, "kind": ["human", "llm"]})
    parts = [
        wb.PreferenceData.from_tables(pairs.iloc[[k]], labels.iloc[[k]].assign(pair=0))
        for k in (0, 1)
    ]
    both = wb.PreferenceData.from_tables(pairs, labels)
    found = wb.concat(parts)
    assert set(found.labels["annotator"]) == {"unnamed human", "unnamed llm"}
    assert found.digest == both.digest


def test_parts_of_other_columns_are_joined_as_before() -> None:
    one, other = _parts(wb.load("sample"), 2)
    more = replace(other, pairs=other.pairs.assign(further=1.5))
    joined = wb.concat([one, more])
    assert joined.pairs["further"].notna().sum() == len(other)
    assert joined.digest == replace(joined).digest != wb.concat([one, other]).digest


def _long(seed: int, n: int = 2_000) -> wb.PreferenceData:
    texts = pd.Series([f"{seed} {k} " + "word " * 80 for k in range(n)])
    pairs = pd.DataFrame({"prompt": texts, "response_a": texts + "a", "response_b": texts + "b"})
    pairs["cluster"] = [f"{k}" for k in range(n)]
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "x", "preference": 1.0})
    return wb.PreferenceData.from_tables(pairs, labels)


def test_texts_of_saved_parts_are_not_copied(tmp_path: Path) -> None:
    folders = [wb.save(_long(k), tmp_path / str(k)) for k in range(4)]
    texts = sum((folder / "pairs.texts.arrow").stat().st_size for folder in folders)
    before = pa.total_allocated_bytes()
    joined = wb.concat([wb.open_folder(folder) for folder in folders])
    whole = joined.filter(annotators=["x"], pair_ids=joined.pairs["pair_id"])
    assert pa.total_allocated_bytes() - before < 0.02 * texts
    # some rows of each part: what Arrow takes at most on the way is what it keeps
    pool, keep = pa.default_memory_pool(), np.arange(len(joined)) % 500 == 7
    rows = np.flatnonzero(keep)[::-1]
    most = pool.max_memory()
    filler = pa.allocate_buffer(most - pa.total_allocated_bytes())
    some = whole._take(keep, keep[whole.pair_rows])
    taken = taken_rows(whole.pairs, rows)
    assert pool.max_memory() - most < 0.1 * texts
    del filler
    wanted = pd.DataFrame({n: c.tolist() for n, c in joined.pairs.items()})[keep]
    assert some.pairs["prompt"].tolist() == wanted["prompt"].tolist()
    assert taken["response_b"].tolist() == wanted["response_b"].tolist()[::-1]
    assert some.digest == replace(some).digest


def test_rows_are_those_that_a_frame_takes() -> None:
    rng = np.random.default_rng(0)
    parts = [
        pd.DataFrame({"n": np.arange(m) + 0.5, "t": [f"{m} {k}" if k % 3 else None
                      for k in range(m)], "o": [[k] for k in range(m)]}).astype({"t": "str"})
        for m in (4, 1, 7)
    ]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    plain = pd.DataFrame({"n": table["n"], "t": table["t"].tolist(), "o": table["o"]})
    plain = plain.astype({"t": "str"})
    for rows in (rng.permutation(12), [11, 0, 0, 5, 11], [], [4]):
        at = np.asarray(rows, dtype=np.int64)
        want = plain.iloc[at].reset_index(drop=True)
        pd.testing.assert_frame_equal(taken_rows(table, at), want)
    for keep in (rng.random(12) < 0.5, np.zeros(12, bool), np.ones(12, bool)):
        want = plain[keep].reset_index(drop=True)
        pd.testing.assert_frame_equal(kept_rows(table, keep), want)
