"""The verb that gives data their text factors."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors import (
    FAMILIES,
    STYLE,
    Coding,
    FactorSpec,
    Vocabulary,
    prompt_words,
    score,
    text_values,
)

NAMES = [spec.name for spec in STYLE]
SPEC = {spec.name: spec for spec in STYLE}


def build(pairs: dict) -> PreferenceData:
    labels = pd.DataFrame({"pair": [0], "annotator": "a", "preference": [1.0]})
    return PreferenceData.from_tables(pd.DataFrame(pairs), labels)


@pytest.fixture(scope="module")
def sample() -> PreferenceData:
    return wb.load("sample")


@pytest.fixture(scope="module")
def scored(sample) -> PreferenceData:
    return wb.score_factors(sample)


def test_values_of_both_sides_are_those_of_the_batch_function(sample, scored):
    prompts = sample.pairs["prompt"].tolist()
    for side in "ab":
        values = text_values(sample.pairs[f"response_{side}"].tolist(), prompts)
        for name in NAMES:
            np.testing.assert_allclose(
                scored.factor_values[f"{name}_{side}"], values[name], err_msg=name, atol=1e-12
            )


def test_records_rebuild_the_coded_differences(scored):
    for name in NAMES:
        spec = FactorSpec.from_dict(json.loads(json.dumps(dict(scored.factor_specs[name]))))
        assert replace(spec, coding=SPEC[name].coding) == SPEC[name]
        a, b = (scored.factor_values[f"{name}_{side}"].to_numpy() for side in "ab")
        raw = a - b
        if spec.coding.transform == "relative":
            raw = np.divide(raw, a + b, out=np.zeros(len(a)), where=a + b > 0)
        np.testing.assert_allclose(scored.factors[name], raw / spec.coding.scale, atol=1e-12)


def test_exchanging_a_and_b_flips_every_sign_and_nothing_else(sample, scored):
    names = {"response_a": "response_b", "response_b": "response_a"}
    pairs = sample.pairs.rename(columns=names)
    other = wb.score_factors(replace(sample, pairs=pairs))
    pd.testing.assert_frame_equal(other.factors[NAMES], -scored.factors[NAMES], check_exact=True)
    assert other.factor_specs == scored.factor_specs


def test_order_and_company_of_the_pairs_change_no_value(sample, scored):
    rows = np.random.default_rng(0).permutation(len(sample))[:500]
    part = wb.score_factors(sample.filter(pair_ids=sample.pairs["pair_id"].iloc[rows].tolist()))
    whole = scored.factor_values.set_index("pair_id").loc[part.pairs["pair_id"]]
    # the rarity of a word is learnt from the data's prompts
    mine = part.factor_values.set_index("pair_id").drop(
        columns=["tfidf_cosine_a", "tfidf_cosine_b"]
    )
    pd.testing.assert_frame_equal(mine, whole[mine.columns])


def test_pieces_of_any_size_give_the_same_values(sample, scored, monkeypatch):
    monkeypatch.setattr(score, "_BYTES", 20_000)
    monkeypatch.setattr(score, "_PAIRS", 31)
    pieces = wb.score_factors(sample)
    pd.testing.assert_frame_equal(pieces.factor_values, scored.factor_values, check_exact=True)


@pytest.mark.parametrize("n_parts", [1, 16])
def test_parts_with_the_vocabulary_of_all_have_the_values_of_the_whole(sample, scored, n_parts):
    # parts that share prompts: a prompt counts once, wherever it stands
    part_of = np.arange(len(sample)) % n_parts
    parts = [
        sample.filter(pair_ids=sample.pairs["pair_id"][part_of == k].tolist())
        for k in range(n_parts)
    ]
    vocabulary = Vocabulary.of_parts(prompt_words(part) for part in parts)
    values = pd.concat(
        wb.score_factors(part, vocabulary=vocabulary).factor_values for part in parts
    )
    values = values.set_index("pair_id").loc[scored.factor_values["pair_id"]].reset_index()
    pd.testing.assert_frame_equal(values, scored.factor_values, check_exact=True)


def test_the_prompts_of_both_sides_are_in_the_vocabulary():
    pairs = {"prompt": ["p x", "p x"], "prompt_b": ["q", None], "response_a": ["a", None]}
    part = prompt_words(build({**pairs, "response_b": ["b", "c"]}))
    assert sorted(part.sizes.tolist()) == [1, 2]


def test_identical_responses_are_computed_once(monkeypatch):
    seen: list[str] = []
    batch = score.Batch

    def spying(texts):
        seen.extend(texts)
        return batch(texts)

    monkeypatch.setattr(score, "Batch", spying)
    data = build(
        {
            "prompt": ["p", "p", "q"],
            "response_a": ["same", "same", "same"],
            "response_b": ["one", "two", "one"],
        }
    )
    values = wb.score_factors(data, FAMILIES["length"]).factor_values
    assert sorted(seen) == ["one", "same", "two"]
    assert values["characters_a"].tolist() == [4, 4, 4]
    assert values["characters_b"].tolist() == [3, 3, 3]


def test_a_coding_can_be_changed(sample):
    spec = replace(SPEC["words"], coding=Coding("dissection_length", standardise=False))
    coded = wb.score_factors(sample, spec).factors["words"]
    assert set(coded.unique()) == {-1.0, 0.0, 1.0}


def test_missing_text_is_missing_not_zero():
    data = build(
        {
            "prompt": ["write a poem", None, "write a song"],
            "response_a": ["a poem", "a", None],
            "response_b": ["", "b", "c"],
        }
    )
    values = wb.score_factors(data).factor_values
    assert values["words_a"].isna().tolist() == [False, False, True]
    assert values["words_b"].tolist() == [0, 1, 1]
    assert values["prompt_overlap_b"].isna().tolist() == [False, True, False]
    coded = wb.score_factors(data).factors
    assert coded["echo"].isna().tolist() == [False, True, True]


def test_data_without_any_prompt_still_score():
    data = build({"response_a": ["a b"], "response_b": ["c"]})
    coded = wb.score_factors(data).factors
    assert coded["prompt_overlap"].tolist() == [0]
    assert not coded[NAMES].isna().any(axis=None)


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ([], "no factor to compute"),
        ([SPEC["words"], SPEC["words"]], "stands twice"),
        (["words"], "'words'.*\n.*\n.*STYLE"),
        ([FactorSpec("glow", "Shine.", "user", "score", source="column")], "from_columns"),
    ],
)
def test_a_list_that_cannot_be_scored_says_why(sample, factors, said):
    with pytest.raises(DesignError, match=said):
        wb.score_factors(sample, factors)


def test_data_without_text_are_sent_to_column_factors():
    with pytest.raises(DesignError, match="from_columns"):
        wb.score_factors(build({"glow_a": [1.0], "glow_b": [2.0]}))


def test_lengths_agree_with_the_published_ones(shared_data):
    """AlpacaEval publishes the mean length of a model's outputs in characters."""
    folder = shared_data / "alpaca_eval"
    board = pd.read_csv(folder / "leaderboard.csv", index_col=0)
    for model in ("gpt4_1106_preview", "gpt4_1106_preview_concise", "gpt4_1106_preview_verbose"):
        file = folder / "model_outputs" / f"{model}.json.gz"
        outputs = [record["output"] for record in json.loads(gzip.decompress(file.read_bytes()))]
        mean = text_values(outputs, names=["characters"])["characters"].mean()
        assert int(mean) == board.loc[model, "avg_length"]
