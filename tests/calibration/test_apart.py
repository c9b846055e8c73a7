"""Length and correctness apart: planted weights, shares by hand, invariances, odd data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import workbench as wb
from tests.conftest import SHARED
from workbench.calibration.apart.accuracies import GAP, PLACES
from workbench.calibration.apart.apart import EQUAL, EXCHANGE
from workbench.calibration.apart.exchange import NO_WEIGHT, exchange
from workbench.calibration.apart.planted import planted_lengths
from workbench.calibration.apart.result import Apart
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError, DesignError

ROOT = Path(__file__).resolve().parents[2]
JUDGES = {"both": (1.0, 0.5), "longer": (0.0, 1.5), "right": (2.0, 0.0)}
LONGER = "weight: longer (tokens, per doubling)"
RIGHT = "weight: right"


@pytest.fixture(scope="module")
def data() -> PreferenceData:
    return planted_lengths(JUDGES, prompts=400)


@pytest.fixture(scope="module")
def found(data: PreferenceData) -> Apart:
    return wb.apart(data, length="tokens")


def rows(found: Apart) -> pd.DataFrame:
    return found.to_frame().set_index(["group", "term"])


def told(table: pd.DataFrame, preference: list[float], who: str = "m") -> PreferenceData:
    labels = pd.DataFrame({"pair": range(len(preference)), "annotator": who, "kind": "llm",
                           "preference": preference})  # fmt: skip
    return PreferenceData.from_tables(table, labels)


def test_planted_weights_and_the_rate_between_them_are_found(found: Apart) -> None:
    table = rows(found)
    for name, (right, longer) in JUDGES.items():
        for term, truth in ((RIGHT, right), (LONGER, longer), (EQUAL, expit(right))):
            row = table.loc[(name, term)]
            assert row["conf_low"] - 0.1 < truth < row["conf_high"] + 0.1
    both = table.loc[("both", EXCHANGE)]
    assert both["conf_low"] < 4 < both["conf_high"]
    # a judge who does not weigh length has no rate
    assert np.isnan(table.loc[("right", EXCHANGE), "estimate"])
    assert table.loc[("right", EXCHANGE), "reason"] == NO_WEIGHT


def test_a_judge_of_length_is_named(found: Apart) -> None:
    told = {(one.rule_id, one.group) for one in found.findings()}
    assert told == {("length-over-right", "longer"), ("right-by-length", "longer"),
                    ("right-by-length", "both")}  # fmt: skip
    text = found.summary()
    assert "beside both" in text
    assert "800 pairs in 400 clusters" in text


def test_intervals_cover() -> None:
    inside = []
    for seed in range(12):
        one = planted_lengths({"j": (1.0, 0.6)}, prompts=120, seed=seed)
        table = rows(wb.apart(one, length="tokens")).loc["j"]
        for term, truth in ((RIGHT, 1.0), (LONGER, 0.6), (EXCHANGE, 2 ** (1 / 0.6))):
            low, high = table.loc[term, ["conf_low", "conf_high"]]
            inside.append(np.isnan(low) or low <= truth <= high)
    assert np.mean(inside) > 0.85  # 36 intervals of 95 %


def test_shares_are_those_of_a_count_by_hand() -> None:
    table = pd.DataFrame({
        "prompt": [f"q{i % 10}" for i in range(40)],
        "response_a": [f"a{i}" for i in range(40)], "response_b": [f"b{i}" for i in range(40)],
        "passed_a": [3] * 40, "passed_b": [1] * 20 + [1] * 10 + [3] * 10,
        "size_a": [200.0] * 10 + [100.0] * 10 + [109.0] * 10 + [1.0] * 10,
        "size_b": [100.0] * 10 + [200.0] * 10 + [100.0] * 10 + [9.0] * 10,
    })  # fmt: skip
    votes = [1.0] * 8 + [0.0] * 2 + [1.0] * 3 + [0.0] * 6 + [0.5] + [1.0] * 10 + [1.0] * 10
    found = wb.apart(told(table, votes), correct="passed", length="size")
    one = rows(found).loc["m"]
    assert [one.loc[PLACES[k], "estimate"] for k in (1, 0, -1)] == pytest.approx([0.8, 1.0, 0.35])
    assert one.loc[GAP, "estimate"] == pytest.approx(0.45)
    assert found.settings["left_out"] == {"neither response has more passed": 10}
    assert found.settings["n_pairs"] == 30


def test_what_is_no_number_is_told_apart_from_what_is_alike(data: PreferenceData) -> None:
    table = pd.DataFrame({
        "prompt": [f"q{k}" for k in range(30)], "response_a": "a", "response_b": "b",
        "passed_a": [1.0, 0.0] * 13 + [1.0, np.nan, 1.0, 1.0],
        "passed_b": [0.0, 1.0] * 13 + [1.0, 1.0, 0.0, 0.0],
        "size_a": [3.0, 5.0, 2.0, 7.0] * 7 + [np.inf, 4.0], "size_b": 4.0,
    })  # fmt: skip
    found = wb.apart(told(table, [1.0, 0.0, 0.0] * 10), correct="passed", length="size")
    assert found.settings["left_out"] == {
        "neither response has more passed": 1, "no number passed of both responses": 1,
        "no size of both responses above 0": 1,
    }  # fmt: skip
    assert rows(found).loc[("m", "right"), "n"] == 27


def test_weights_are_those_of_decompose_on_the_same_columns(data: PreferenceData) -> None:
    ids = data.pairs[["tokens_a", "tokens_b"]]
    gold = data.labels[data.labels["annotator"].eq("gold")].set_index("pair_id")["preference"]
    right = 2 * gold.loc[data.pairs["pair_id"]].to_numpy() - 1
    pairs = data.pairs.assign(right=right, twice=np.log2(ids["tokens_a"] / ids["tokens_b"]))
    plain = PreferenceData.from_tables(pairs, data.labels.drop(columns="replicate"))
    coded = wb.factors.from_columns(
        plain, ["right", "twice"], coding=wb.factors.Coding("difference", standardise=False)
    )
    fit = wb.decompose(coded, annotator="both", folds=0).to_frame().set_index("term")
    mine = rows(wb.apart(data, length="tokens", annotators="both")).loc["both"]
    sd = {"right": 1.0, "twice": np.sqrt(np.mean(pairs["twice"] ** 2))}
    for term, name in ((RIGHT, "right"), (LONGER, "twice")):
        # a column of differences is divided by its root mean square
        scale = {fit.loc[name, "estimate"], fit.loc[name, "estimate"] / sd[name]}
        assert min(abs(mine.loc[term, "estimate"] - one) for one in scale) < 1e-8


def test_rows_sides_and_names_change_nothing(data: PreferenceData, found: Apart) -> None:
    sides = {"tokens_a": "tokens_b", "response_a": "response_b"}
    swap = data.pairs.rename(columns={**sides, **{new: old for old, new in sides.items()}})
    names = {"both": "x", "longer": "y", "right": "z"}
    labels = data.labels.assign(preference=1 - data.labels["preference"])
    labels = labels.assign(annotator=labels["annotator"].replace(names))
    order = np.random.default_rng(0).permutation(len(swap))
    swap = swap.iloc[order].reset_index(drop=True)
    place = {pair: i for i, pair in enumerate(swap["pair_id"])}
    labels = labels.assign(pair=labels["pair_id"].map(place)).drop(columns="pair_id")
    other = PreferenceData.from_tables(swap.drop(columns="pair_id"), labels.iloc[::-1])
    second = wb.apart(other, length="tokens")
    columns = ["estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value", "n"]
    np.testing.assert_allclose(
        found.estimates[columns].to_numpy(float), second.estimates[columns].to_numpy(float),
        rtol=1e-6, atol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(found.contrast["estimate"], second.contrast["estimate"], rtol=1e-6)


def test_fieller_is_the_set_that_a_t_test_does_not_reject() -> None:
    from scipy.stats import t

    b, v = np.array([0.8, 0.4]), np.array([[0.02, 0.004], [0.004, 0.01]])
    ends = exchange(b, v, 30.0, 0.9)
    for end in (ends["conf_low"], ends["conf_high"]):
        rho = np.log2(end)
        error = np.sqrt(v[0, 0] - 2 * rho * v[0, 1] + rho**2 * v[1, 1])
        assert abs(b[0] - rho * b[1]) / error == pytest.approx(t.ppf(0.95, 30))
    # who likes brevity: a wrong response must be shorter
    assert exchange(b * [1, -1], v, 30.0, 0.9)["estimate"] == pytest.approx(0.25)


def test_a_rule_of_length_has_shares_and_says_why_it_has_no_weight() -> None:
    data = planted_lengths({}, prompts=60)
    longer = (data.pairs["tokens_a"] > data.pairs["tokens_b"]).astype(float)
    labels = pd.DataFrame({"pair_id": data.pairs["pair_id"], "annotator": "rule", "kind": "rule",
                           "preference": longer, "weight": 1.0})  # fmt: skip
    both = pd.concat([data.labels.drop(columns="replicate"), labels])
    one = PreferenceData.from_tables(data.pairs, both)
    found = wb.apart(one, length="tokens")
    table = rows(found).loc["rule"]
    assert table.loc[PLACES[1], "estimate"] == 1
    assert table.loc[PLACES[-1], "estimate"] == 0
    assert table.loc[GAP, "conf_low"] > 0.8
    assert table.loc[GAP, "q_value"] < 1e-6
    assert np.isnan(table.loc[LONGER, "estimate"])
    assert "separation" in table.loc[LONGER, "reason"]
    assert "undefined" in found.summary()
    assert found.contrast.empty


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"length": "nothing"}, DesignError),
        ({"correct": "nothing"}, DesignError),
        ({"correct": "tokens", "reference": "gold"}, DesignError),
        ({"reference": "nobody"}, (DesignError, DataError)),
        ({"annotators": "nobody"}, DataError),
        ({"against": "nobody"}, DesignError),
        ({"equal": -1}, DesignError),
        ({"level": 1}, DesignError),
    ],
)
def test_what_cannot_be_is_refused(data: PreferenceData, given: dict, error: type) -> None:
    with pytest.raises(error):
        wb.apart(data, **{"length": "tokens", **given})


def test_few_labels_one_prompt_and_ties_alone_are_said_to_be_so() -> None:
    one = planted_lengths({"j": (1.0, 1.0)}, prompts=1, pairs=4)
    told_ = rows(wb.apart(one, length="tokens")).loc["j"]
    assert told_.loc[[RIGHT, LONGER, EXCHANGE], "estimate"].isna().all()
    assert told_.loc[[RIGHT, LONGER, EXCHANGE], "reason"].notna().all()
    with pytest.raises(DesignError, match="Nobody has chosen"):
        wb.apart(planted_lengths({}, prompts=3), length="tokens")
    ties = one.labels["preference"].where(one.labels["annotator"].eq("gold"), 0.5)
    tied = PreferenceData.from_tables(
        one.pairs, one.labels.assign(preference=ties).drop(columns="replicate")
    )
    assert rows(wb.apart(tied, length="tokens")).loc[("j", "right"), "estimate"] == 0.5


def test_public_verdicts_of_judgebench() -> None:
    folder = SHARED / "data" / "judgebench" / "outputs"
    if not folder.is_dir():
        pytest.skip("JudgeBench's verdicts are not beside the project")
    (file,) = folder.glob("*judge_model=Skywork_Skywork-Reward-Gemma-2-27B.jsonl")
    found = wb.apart(wb.load(file))
    (name,) = found.settings["judges"]
    # 64.29 is published
    assert rows(found).loc[(name, "right"), "estimate"] == pytest.approx(0.6429, abs=5e-3)


def test_what_wins_where_people_and_correctness_part_in_code() -> None:
    page = (ROOT / "docs" / "methods" / "apart.md").read_text("utf-8")
    (shown,) = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    names: dict[str, Any] = {}
    exec(shown, names)  # noqa: S102 - our own text
    found = names["parted"]
    wrong = found.wrong.set_index(["group", "factor", "term"])
    longer = "longer (lines, per doubling)"
    assert wrong.index.is_unique
    won = wrong.xs("difference", level="term")
    assert won.loc[("judge", longer), "conf_low"] > 0.1
    assert won.loc[("person", "seconds"), "conf_high"] < -0.1
    assert won.loc[("person", longer), "q_value"] > 0.05
    assert won.loc[("judge", "findings"), "q_value"] > 0.05
    shares = wrong["estimate"].sort_index().loc["judge", longer]
    assert shares["difference"] == pytest.approx(
        shares["the wrong one has more, where the wrong one is chosen"]
        - shares["the wrong one has more, where the right one is"]
    )
    assert "wrong ones chosen have more lines oftener" in found.summary()
    # the same columns as factors: people's weights, without any run of code
    fit = names["fits"].to_frame().set_index(["group", "term"])
    assert fit.loc[("person", "passed"), "conf_low"] > 0
    assert fit.loc[("person", "seconds"), "conf_high"] < 0
    assert fit.loc[("person", "lines"), "q_value"] > 0.01
    assert fit.loc[("judge", "lines"), "conf_low"] > 0
