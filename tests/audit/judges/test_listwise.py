"""Lists of three: a judge that reads is told from one that takes a place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

import workbench as wb
from tests.audit.judges.test_reliability import triples
from workbench.audit.judges.listwise import _rows, listwise
from workbench.llm.fence import unfenced
from workbench.llm.reply import Reply


class Answers:
    """Who answers each list by a function of its responses."""

    base_url = "test:"

    def __init__(self, choose: Callable[[list[str]], str | None]) -> None:
        self.choose = choose

    def ask(self, requests: Any, stage: str) -> list[Reply | None]:
        return list(self.each(requests, stage))

    def each(self, requests: Any, stage: str, most: int | None = None) -> Iterator[Reply | None]:
        for request in requests:
            texts = unfenced(request.messages[-1]["content"])
            best = self.choose([texts[f"response {k}"] for k in (1, 2, 3)])
            yield None if best is None else Reply("", {"best": best})

    def spending(self) -> list[Any]:
        return []


def test_a_reader_wins_evenly_and_a_first_placer_does_not():
    data = triples(60)
    longest = Answers(lambda three: str(1 + int(np.argmax([len(one) for one in three]))))
    table = listwise(data, longest, model="m").to_frame().set_index("term")
    assert table.loc["the same response in every rotation", "estimate"] == 1.0
    shares = table.loc[[f"wins of place {k}" for k in (1, 2, 3)], "estimate"]
    assert shares.tolist() == pytest.approx([1 / 3] * 3)
    assert table.loc["chi-square of places", "p_value"] == 1.0
    first = listwise(data, Answers(lambda three: "1"), model="m").to_frame().set_index("term")
    assert first.loc["wins of place 1", "estimate"] == 1.0
    assert first.loc["the same response in every rotation", "estimate"] == 0.0
    # sixty prompts, all wins in one place: Pearson's statistic by hand, and no infinity
    assert first.loc["chi-square of places", "estimate"] == pytest.approx(60 * 3 * (4 + 1 + 1) / 9)
    assert first.loc["chi-square of places", "p_value"] < 1e-9


def test_a_list_without_every_reply_is_left_out_and_counted():
    data = triples(20)
    lost = Answers(lambda three: None if three[0].endswith("a") else "2")
    found = listwise(data, lost, model="m")
    assert "20 of 20 without a reply" in found.settings["what"]
    assert found.to_frame()["reason"].notna().all()


def test_the_joint_test_keeps_its_level_and_is_near_pearson_s():
    rng = np.random.default_rng(0)
    p_values, statistics = [], []
    for _ in range(400):
        said = rng.integers(0, 3, (300, 3))
        row = _rows(said, np.arange(300), 0.95)[-1]
        p_values.append(row["p_value"])
        oracle = chisquare(np.bincount(said.ravel(), minlength=3)).statistic
        statistics.append((row["estimate"], oracle))
    assert abs(np.mean(np.array(p_values) < 0.05) - 0.05) < 0.033  # three Monte-Carlo errors
    ours, oracle = np.array(statistics).T
    assert np.corrcoef(ours, oracle)[0, 1] > 0.99
    planted = rng.choice(3, (300, 3), p=[0.42, 0.29, 0.29])
    assert _rows(planted, np.arange(300), 0.95)[-1]["p_value"] < 0.01


def test_the_offline_model_reads_lists(tmp_path):
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        found = listwise(triples(30), asker, model="offline:plain").to_frame()
    assert found["n"].iloc[0] == 90
