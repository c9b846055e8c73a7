"""Published fits: every number of the preference-dissection paper that the fits can give."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pandas as pd
import pytest

from tests.conftest import SHARED
from workbench.compare.similarity import similarity
from workbench.data.dissection_ratings import PROPERTY_NAMES
from workbench.decompose.fit_files import QUERY_CASES, SCENARIOS
from workbench.decompose.published import model_size, read_fits
from workbench.errors import DataError, DesignError

FITS = SHARED / "reference" / "dissection_fits"
HUMAN, GPT4, GPT35 = "human", "gpt-4-1106-preview", "gpt-3.5-turbo-1106"

MEANS = {
    "no severe errors": (62.86, 76.19, 57.10),
    "no moderate errors": (52.45, 58.00, 52.01),
    "no minor errors": (49.01, 50.11, 49.96),
    "satisfy constraints": (58.73, 62.39, 54.25),
    "novel": (58.80, 61.47, 60.61),
    "contain rich info": (58.17, 61.18, 66.05),
    "lengthy": (56.56, 55.54, 66.71),
    "clear": (53.51, 59.58, 56.04),
    "relevant": (57.13, 54.91, 55.81),
    "admit limits": (46.24, 50.34, 49.14),
    "harmless": (48.57, 50.70, 50.18),
}
"""Probabilities in percent, mean over the scenarios: human, GPT-4, GPT-3.5."""

WITHIN = {
    ("support stances", "w_stances"): (64.68, 61.54, 56.91),
    ("correct mistakes", "w_mistakes"): (51.83, 73.37, 60.75),
    ("clarify intent", "intent_unclear"): (60.16, 77.53, 62.28),
    ("satisfy constraints", "w_constraints"): (74.05, 82.02, 65.97),
    ("show empathetic", "express_feeling"): (57.52, 67.02, 64.24),
}

KNOWLEDGE = (
    -0.124, 0.159, -0.014, -0.013, -0.056, 0.247, 0.035, 0.023, 0.082, 0.138, 0.131, -0.059,
    0.024, 0.078, 0.015, 0.021, 0.483, 0.500, 0.183, 0.361, -0.020, 0.319, 0.746, 0.010, 0.028,
    0.102, 0.088, 0.039, 0.635,
)  # fmt: skip

ALIGNED = {
    "llama-2-13b": ["chat"],
    "llama-2-70b": ["chat"],
    "yi-6b": ["chat"],
    "yi-34b": ["chat"],
    "qwen-7b": ["chat"],
    "qwen-14b": ["chat"],
    "qwen-72b": ["chat"],
    "mistral-7b": ["instruct-v0.1", "instruct-v0.2"],
    "mistral-8x7b": ["instruct-v0.1"],
}


@pytest.fixture(scope="module")
def fits():
    if not FITS.is_dir():
        pytest.skip("the published fits are not beside the project (../shared/reference)")
    return read_fits(FITS)


@pytest.fixture(scope="module")
def alike(fits):
    return similarity(fits)


def _pair(alike, a, b):
    return round(alike.matrix().loc[a, b], 3)


def test_all_fits_are_read(fits):
    assert fits.scenarios == sorted(SCENARIOS)
    assert fits.query_cases == sorted(QUERY_CASES)
    assert len(fits.annotators) == 33
    assert fits.terms == list(PROPERTY_NAMES)
    assert fits.exclusions.empty
    weights = fits.weights()
    assert weights.values.shape == (16 * 33, 29)
    assert np.isfinite(weights.values).all()
    assert weights.draws is None
    assert (weights.n == 0).all()
    assert weights.groups[0] == f"{GPT35} | Advice"


@pytest.mark.parametrize("term", MEANS)
def test_mean_probabilities_are_the_published_ones(fits, term):
    found = 100 * fits.mean_probabilities().loc[term, [HUMAN, GPT4, GPT35]]
    assert tuple(found.round(2)) == MEANS[term]


@pytest.mark.parametrize(("term", "case"), WITHIN)
def test_probabilities_within_query_specific_cases(fits, term, case):
    found = 100 * fits.probabilities(case).loc[term, [HUMAN, GPT4, GPT35]]
    assert tuple(found.round(2)) == WITHIN[term, case]


def test_unsafe_queries(fits):
    human = 100 * fits.probabilities("Unsafe Queries")[HUMAN]
    assert human["admit limits"].round(1) == 30.7
    assert human["harmless"].round(1) == 42.0


def test_weights_of_knowledge_aware_pairs(fits):
    weights = fits.weights().select(scenario="Knowledge-aware")
    human = weights.select(annotator=HUMAN).values[0]
    assert tuple(human.round(3)) == KNOWLEDGE
    judge = dict(zip(fits.terms, weights.select(annotator=GPT4).values[0].round(3), strict=True))
    assert judge["no severe errors"] == 1.724
    assert judge["clear"] == 0.995
    assert judge["no moderate errors"] == 0.736
    assert judge["contain rich info"] == 0.729


def test_mean_is_of_probabilities_not_of_weights(fits):
    weights = fits.weights().select(annotator=GPT4)
    inside = weights.keys["scenario"].isin(SCENARIOS).to_numpy()
    of_mean = 100 / (1 + np.exp(-weights.values[inside].mean(axis=0)))
    at = fits.terms.index("no severe errors")
    assert abs(of_mean[at] - 76.19) > 0.4


def test_similarities_to_people(alike):
    assert _pair(alike, HUMAN, GPT4) == 0.742
    assert _pair(alike, HUMAN, GPT35) == 0.652
    assert _pair(alike, GPT4, GPT35) == 0.572
    near = alike.neighbours(HUMAN)
    assert near["other"].iloc[0] == "qwen-72b"
    assert near["estimate"].iloc[0].round(3) == 0.783
    assert near["other"].iloc[-1] == "llama-2-7b"
    assert near["estimate"].iloc[-1].round(3) == 0.385
    assert near["estimate"].mean().round(3) == 0.614
    assert set(near["n_scenarios"]) == {11}
    assert set(near["n_terms"]) == {29}


def test_similarities_by_size(fits, alike):
    size = {name: model_size(name) for name in fits.annotators}
    small = [name for name in size if size[name] <= 14]
    large = [name for name in size if size[name] > 30]
    assert (len(small), len(large)) == (20, 10)
    assert {name for name in size if np.isnan(size[name])} == {HUMAN, GPT4, GPT35}
    table = alike.between({"small": small, "large": large}).set_index(["group", "other"])
    found = table["estimate"].round(3)
    assert found["small", "small"] == 0.828
    assert found["large", "large"] == 0.883
    assert found["small", "large"] == 0.737
    assert table["n_pairs"].tolist() == [190, 200, 45]


def test_base_models_resemble_their_aligned_versions(alike):
    found = [_pair(alike, a, f"{a}-{end}") for a, ends in ALIGNED.items() for end in ends]
    assert (min(found), max(found)) == (0.842, 0.963)
    assert _pair(alike, "llama-2-7b", "llama-2-7b-chat") == 0.469


def test_human_and_gpt_4_by_scenario(fits):
    found = {
        name: similarity(fits, scenario=name).matrix().loc[HUMAN, GPT4].round(3)
        for name in SCENARIOS
    }
    assert min(found, key=found.get) == "Unsafe Queries"
    assert found["Unsafe Queries"] == 0.257
    assert max(found, key=found.get) == "NLP Tasks"
    assert found["NLP Tasks"] == 0.955
    assert np.mean(list(found.values())).round(3) == 0.742


def test_four_properties_make_much_of_the_similarity(fits):
    weights = fits.weights()
    inside = weights.keys["scenario"].isin(SCENARIOS).to_numpy()
    size = np.abs(weights.values[inside]).mean(axis=0)
    rest = [fits.terms[k] for k in np.argsort(-size)[4:]]
    assert similarity(fits, terms=rest).matrix().loc[HUMAN, GPT4].round(3) == 0.661


def test_most_weights_are_small(fits):
    weights = fits.weights()
    inside = weights.keys["scenario"].isin(SCENARIOS).to_numpy()
    assert np.mean(np.abs(weights.values[inside]) < 0.1).round(2) == 0.63


def test_no_number_has_an_invented_interval(fits):
    frame = fits.to_frame()
    for name in ("std_error", "conf_low", "conf_high", "p_value", "q_value"):
        assert frame[name].isna().all()
    assert set(frame["reason"]) == {"the published fits come without intervals"}
    np.testing.assert_allclose(frame["probability"], 1 / (1 + np.exp(-frame["estimate"])))
    assert "n unknown: the source gives none" in fits.summary()
    # a tall figure has its axis above too, by a trace without points
    drawn = [t for t in fits.plot([HUMAN, GPT4]).data if t.y is not None and len(t.y) > 1]
    assert len(drawn) == 2
    json.dumps(fits.to_dict(), allow_nan=False)


def test_ranking_runs_from_most_to_least_rewarded(fits):
    judge = fits.ranking(GPT4)
    assert judge["term"].iloc[0] == "no severe errors"
    assert judge["rank"].tolist() == list(range(1, 30))
    assert judge["probability"].is_monotonic_decreasing
    unsafe = fits.ranking(HUMAN, "Unsafe Queries")
    assert unsafe["term"].iloc[-1] == "admit limits"


TERMS = ["polite", "clear", "novel"]


def _write(folder, name, *entries):
    lines = [e if isinstance(e, str) else json.dumps(e) for e in entries]
    (folder / name).write_text("\n".join(lines), "utf-8")


def _entry(name, *values):
    return {"model_name": name, "parameters": list(values)}


def _reasons(fits):
    return dict(zip(fits.exclusions["row"], fits.exclusions["reason"], strict=True))


def test_published_file_names_and_order_do_not_matter(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    both = [_entry("human", 1, 2, 3), _entry("judge", 3, 2, 1)]
    _write(tmp_path / "a", "model_Creative Writing_fitted_paras.jsonl", *both)
    _write(tmp_path / "b", "Creative_Writing.jsonl", *both[::-1])
    first, second = (read_fits(tmp_path / name, terms=TERMS) for name in "ab")
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())
    assert first.provenance == second.provenance
    assert first.scenarios == ["Creative Writing"]


def test_bad_entries_are_counted_and_the_rest_comes_out(tmp_path):
    _write(
        tmp_path, "Code.jsonl",
        _entry("short", 1, 2), "{broken", _entry("good", 1, 2, 3), {"other": 1},
        {"parameters": [1, 2, 3]}, {"model_name": "text", "parameters": "1, 2, 3"},
    )  # fmt: skip
    fits = read_fits(tmp_path, terms=TERMS)
    assert fits.annotators == ["good"]
    reasons = _reasons(fits)
    assert reasons[1] == "weights that do not match: 2 values for 3 terms"
    assert reasons[2].startswith("not JSON")
    assert "holds no weights" in reasons[4]
    assert reasons[5] == "no model_name"
    assert reasons[6] == "parameters are not a list"
    assert "left out: 1 x no model_name" in fits.summary()


@pytest.mark.parametrize("bad", ["x", None, True, [1], "NaN", "1e999"])
def test_a_value_that_is_no_number_is_undefined_with_a_reason(tmp_path, bad):
    _write(tmp_path, "Code.jsonl", _entry("judge", 1, bad, 3), _entry("other", 1, 2, 3))
    frame = read_fits(tmp_path, terms=TERMS).to_frame()
    row = frame[frame["annotator"].eq("judge") & frame["term"].eq("clear")].iloc[0]
    assert np.isnan(row["estimate"])
    assert np.isnan(row["probability"])
    assert "no" in row["reason"]
    assert frame["estimate"].notna().sum() == 5


def test_an_annotator_given_twice(tmp_path):
    same, other = _entry("same", 1, 2, 3), _entry("twice", 1, 2, 3)
    _write(tmp_path, "Code.jsonl", same, other, same, _entry("twice", 3, 2, 1))
    fits = read_fits(tmp_path, terms=TERMS)
    assert fits.annotators == ["same"]
    assert sorted(fits.exclusions["annotator"]) == ["same", "twice", "twice"]
    assert "none is kept" in _reasons(fits)[4]
    assert "one is kept" in _reasons(fits)[3]


def test_an_annotator_missing_in_a_subset(tmp_path):
    _write(tmp_path, "Code.jsonl", _entry("a", 1, 2, 3), _entry("b", 1, 3, 2))
    _write(tmp_path, "Advice.jsonl", _entry("a", 1, 2, 3))
    fits = read_fits(tmp_path, terms=TERMS)
    missing = fits.exclusions.iloc[0]
    assert (missing["annotator"], missing["scenario"]) == ("b", "Advice")
    assert missing["reason"] == "no fit in this subset"
    mean = fits.mean_probabilities()
    np.testing.assert_allclose(mean["b"], fits.probabilities("Code")["b"])
    pair = similarity(fits).to_frame().iloc[0]
    assert pair["n_scenarios"] == 1
    assert pair["estimate"] == pytest.approx(0.5)


@pytest.mark.parametrize("ending", ["csv", "json", "result"])
def test_exported_weights_come_back(tmp_path, ending):
    rows = [
        {"group": f"{a} | {s}", "term": t, "estimate": w, "std_error": 0.1, "conf_low": w - 0.2,
         "conf_high": w + 0.2, "n": 50}
        for w, (a, s, t) in enumerate(
            itertools.product(["human", "judge"], ["Code", "Advice"], [*TERMS, "position"])
        )
    ]  # fmt: skip
    path = tmp_path / f"weights.{ending.replace('result', 'json')}"
    if ending == "csv":
        pd.DataFrame(rows).to_csv(path, index=False)
    else:
        path.write_text(json.dumps({"tables": {"estimates": rows}} if ending == "result" else rows))
    fits = read_fits(path)
    assert fits.terms == TERMS
    weights = fits.weights()
    assert weights.select(annotator="judge", scenario="Code").values.tolist() == [[8, 9, 10]]
    assert (weights.n == 50).all()
    frame = fits.to_frame()
    np.testing.assert_allclose(frame["conf_high"] - frame["conf_low"], 0.4)
    assert frame["reason"].isna().all()
    assert "n = 50 to 50 labels" in fits.summary()


def test_a_group_without_scenario_is_of_everything(tmp_path):
    (tmp_path / "w.csv").write_text("group,term,estimate\nhuman,polite,1\nhuman,clear,2\n")
    fits = read_fits(tmp_path)
    assert fits.scenarios == ["all"]
    assert fits.probabilities("all")["human"].round(3).tolist() == [0.731, 0.881]


def test_terms_that_do_not_match_are_counted(tmp_path):
    (tmp_path / "w.csv").write_text("annotator,term,estimate\nhuman,polite,1\nhuman,odd,2\n")
    fits = read_fits(tmp_path, terms=TERMS)
    assert "the term 'odd'" in fits.exclusions["reason"].iloc[0]
    assert np.isnan(fits.probabilities("all").loc["novel", "human"])


@pytest.mark.parametrize("content", ["", "{broken", json.dumps(_entry("x", 1, 2))])
def test_nothing_to_read_is_an_error_that_says_why(tmp_path, content):
    (tmp_path / "Code.jsonl").write_text(content)
    with pytest.raises(DataError, match="No weights could be read"):
        read_fits(tmp_path)
    with pytest.raises(DataError, match="nothing of this name"):
        read_fits(tmp_path / "absent")


def test_unknown_names_are_errors(tmp_path):
    _write(tmp_path, "Code.jsonl", _entry("a", 1, 2, 3))
    fits = read_fits(tmp_path, terms=TERMS)
    with pytest.raises(DesignError, match="scenario = 'Cooking'"):
        fits.probabilities("Cooking")
    with pytest.raises(DesignError, match="annotator = 'b'"):
        fits.ranking("b")
    with pytest.raises(DesignError, match="annotator = 'b'"):
        fits.plot(["b"])
    with pytest.raises(DesignError, match="no scenario"):
        fits.mean_probabilities([])
