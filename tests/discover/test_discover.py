"""Planted properties are found, named and tested; nothing is found in shuffled labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.discover.planted import WEIGHTS, exchanged, planted
from workbench.discover import Discovery
from workbench.discover.thirds import LEARN, NAME, SCREEN, thirds
from workbench.embedding import StoredEmbedding
from workbench.errors import DataError, DesignError

HOW = {"k": 12, "fidelity_pairs": 40}


@pytest.fixture(scope="module")
def data():
    return planted(2500)


@pytest.fixture(scope="module")
def found(data):
    return wb.discover(data, "human", **HOW)


def row_of(found: Discovery, word: str) -> pd.Series:
    """The row of the survivor that a word names, of greatest fidelity."""
    own = found.survivors[found.survivors["term"].str.contains(f'"{word}"')]
    return own.loc[own["fidelity"].idxmax()]


@pytest.mark.parametrize(
    ("word", "weight"),
    [("kindly", WEIGHTS["kind"]), ("certainly", WEIGHTS["sure"]), ("firstly", WEIGHTS["lists"]),
     ("budget", WEIGHTS["money"])],
)  # fmt: skip
def test_each_planted_property_survives_and_two_are_expressed(found, word, weight):
    row = row_of(found, word)
    assert row["fidelity_low"] > 0.8
    assert row["measurable"]
    assert row["expressed"] == (weight != 0)
    assert np.sign(row["estimate"]) == np.sign(weight) or weight == 0
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_what_is_measurable_stands_apart_from_what_is_expressed(found):
    table = found.directions
    assert table["measurable"].all()
    assert not table["expressed"].all()
    both = table[~table["expressed"] & table["survives"]]
    assert both["term"].str.contains("budget|firstly").sum() == 2


def test_weights_are_of_prompts_that_chose_nothing(data, found):
    part = thirds(data, (0.4, 0.2, 0.4), 0)
    clusters = [set(data.pairs["cluster"][part == k]) for k in (LEARN, NAME, SCREEN)]
    assert not any(clusters[a] & clusters[b] for a, b in ((0, 1), (0, 2), (1, 2)))
    assert set(found.data.pairs["pair_id"]) == set(data.pairs["pair_id"][part == SCREEN])
    assert set(found.shown["pair_id"]) <= set(data.pairs["pair_id"][part == NAME])
    # labels of other prompts change nothing
    labels = data.labels.copy()
    other = labels["pair_id"].isin(set(data.pairs["pair_id"][part != SCREEN]))
    labels.loc[other, "preference"] = 1.0 - labels.loc[other, "preference"]
    again = wb.discover(wb.PreferenceData.from_tables(data.pairs, labels), "human", **HOW)
    pd.testing.assert_frame_equal(again.directions, found.directions)


def test_exchanging_a_and_b_turns_the_columns_and_keeps_the_rest(data, found):
    which = np.random.default_rng(5).random(len(data)) < 0.5
    turned = wb.discover(exchanged(data, which), "human", **HOW)
    assert turned.dictionary.digest == found.dictionary.digest
    same = ["term", "fate", "fidelity_n", "active", "measurable", "expressed"]
    pd.testing.assert_frame_equal(turned.directions[same], found.directions[same])
    for column in ("estimate", "fidelity", "q_value"):
        np.testing.assert_allclose(turned.directions[column], found.directions[column], rtol=1e-6)
    ids = found.data.pairs["pair_id"]
    flip = pd.Series(np.where(which, -1.0, 1.0), index=data.pairs["pair_id"])[ids].to_numpy()
    name = found.data.factor_names[0]
    before = found.data.factors[name].to_numpy()
    after = turned.data.factors.set_index("pair_id").loc[ids, name].to_numpy()
    assert np.array_equal(after, flip * before)


def test_the_order_of_rows_changes_no_byte(data, found):
    order = np.random.default_rng(6).permutation(len(data))
    shuffled = wb.PreferenceData.from_tables(
        data.pairs.iloc[order].reset_index(drop=True), data.labels.iloc[::-1]
    )
    again = wb.discover(shuffled, "human", **HOW)
    assert again.dictionary.digest == found.dictionary.digest
    pd.testing.assert_frame_equal(again.directions, found.directions, rtol=1e-9)
    assert again.summary() == found.summary()


def test_survivors_are_ordinary_factors(data, found):
    fit = wb.decompose(found.data, annotator="human", folds=0)
    terms = [one for one in fit.to_frame()["term"] if one != "position"]
    assert terms == found.survivors["term"].tolist()
    shares = wb.attribute(fit)
    assert len(shares.to_frame())
    spec = found.data.factor_specs[row_of(found, "kindly")["term"]]
    assert "r = 0.9" in spec["meaning"]
    assert spec["source"] == "discovered offline:plain"


def test_new_pairs_are_measured_by_the_dictionary_or_scored_by_the_name(found, tmp_path):
    new = planted(200, seed=9)
    measured = found.apply(new)
    name = row_of(found, "kindly")["term"]
    says = [new.pairs[f"response_{side}"].str.contains("kindly").astype(float) for side in "ab"]
    said = says[0] - says[1]
    assert np.corrcoef(measured.factors[name], said)[0, 1] > 0.9
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        scored = wb.score_rubric(new, found.rubric(), asker, model="offline:plain")
    assert np.corrcoef(scored.data.factors[name], said)[0, 1] > 0.99


def test_writing_and_reading_changes_nothing(found, tmp_path):
    found.save(tmp_path / "d")
    again = Discovery.load(tmp_path / "d")
    pd.testing.assert_frame_equal(again.directions, found.directions)
    assert again.summary() == found.summary()
    new = planted(30, seed=3)
    assert again.apply(new).factors.equals(found.apply(new).factors)
    from workbench.factors.rubric.definition import read_rubric

    assert read_rubric(tmp_path / "d" / "rubric.toml").factors == found.rubric().factors
    (tmp_path / "d" / "discovery.json").write_text("{")
    with pytest.raises(DataError, match="no discovery"):
        Discovery.load(tmp_path / "d")


def test_offline_numbers_are_named_as_such(data, found):
    assert "offline:plain (built in" in found.summary()
    assert "embeddings: offline" in found.summary()
    page = wb.report([found], data=found.data).html()
    assert "Offline model." in page
    assert "Discovered factors" in page


def test_nothing_is_expressed_in_shuffled_labels():
    base = planted(400, seed=1)
    some = 0
    for seed in range(10):
        labels = base.labels.copy()
        won = np.random.default_rng(seed).permutation(labels["preference"].to_numpy())
        shuffled = replace(base, labels=labels.assign(preference=won))
        found = wb.discover(shuffled, "human", k=4, fidelity_pairs=2, shown=2)
        some += bool(found.directions["expressed"].any())
    # one run in twenty is to find something: of 10, three or more have a chance of 1 %
    assert some <= 2


def test_embeddings_of_one_s_own_need_no_model(data):
    rng = np.random.default_rng(0)
    kind = [
        np.array(["kindly" in text for text in data.pairs[f"response_{side}"]]) for side in "ab"
    ]
    vectors = [rng.normal(size=(len(data), 6)) * 0.1 + np.eye(6)[0] * one[:, None] for one in kind]
    own = StoredEmbedding.of_arrays("mine", data.pairs["pair_id"], *vectors)
    found = wb.discover(data, "human", embedding=own, k=6, fidelity_pairs=40)
    assert "kindly" in found.survivors.sort_values("fidelity")["term"].iloc[-1]
    with pytest.raises(DesignError, match="not kept with them"):
        found.apply(data)
    assert found.apply(data, own).factor_names == found.data.factor_names
    other = StoredEmbedding.of_arrays("other", data.pairs["pair_id"], *vectors)
    with pytest.raises(DesignError, match="another one"):
        found.apply(data, other)


def test_pairs_without_text_have_directions_without_names():
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame({"pair_id": [f"p{k}" for k in range(400)]})
    labels = pd.DataFrame({"pair_id": pairs["pair_id"], "annotator": "a",
                           "preference": (rng.random(400) < 0.5) * 1.0})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    a, b = rng.normal(size=(2, 400, 5))
    own = StoredEmbedding.of_arrays("mine", pairs["pair_id"], a, b)
    found = wb.discover(data, embedding=own, k=5)
    assert set(found.directions["fate"]) == {"no name"}
    assert found.directions["estimate"].notna().all()
    with pytest.raises(DesignError, match="No factor was discovered"):
        found.rubric()
    assert "0 factors of 5 directions" in found.summary()
    assert found.plot() is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [({"k": 0}, "Option k"), ({"active": 0}, "Option active"), ({"shown": 1}, "Option shown"),
     ({"shares": (0.5, 0.5, 0.5)}, "Option shares"), ({"level": 1.0}, "Option level"),
     ({"seed": -1}, "Option seed"), ({"fidelity_pairs": 1}, "Option fidelity_pairs")],
)  # fmt: skip
def test_options_out_of_range_are_refused(data, options, said):
    with pytest.raises(DesignError, match=said):
        wb.discover(data, **options)


def test_few_prompts_and_few_pairs_are_refused(data):
    few = data.filter(pair_ids=data.pairs["pair_id"][:15])
    with pytest.raises(DesignError, match="too few prompts"):
        wb.discover(few)
    with pytest.raises(DesignError, match="too few pairs"):
        wb.discover(data.filter(pair_ids=data.pairs["pair_id"][:20]), embedding="offline", d=4)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"annotator": "nobody"}, "no annotator"), ({"controls": ["wordz"]}, "no factor 'wordz'")],
)
def test_what_cannot_be_screened_is_refused_before_a_model_is_asked(data, tmp_path, options, said):
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        with pytest.raises(wb.WorkbenchError, match=said):
            wb.discover(data, asks=asker, **options)
        silent = replace(data, labels=data.labels.assign(preference=np.nan))
        with pytest.raises(DesignError, match="No label can be screened"):
            wb.discover(silent, "human", asker)
        assert asker.spending() == []


def test_the_snippet_shown_runs(capsys):
    page = Path(__file__).resolve().parents[2] / "docs" / "methods" / "discover.md"
    shown = page.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    exec(shown, {})  # noqa: S102 - our own text
    assert "directions; embeddings: offline" in capsys.readouterr().out
