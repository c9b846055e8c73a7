"""The whole way: planted rules are found and hold on prompts that were held out; noise is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import workbench as wb
from tests.judges.models import Saying
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.llm.asker import Asker
from workbench.llm.journal import Journal
from workbench.llm.offline import OfflineModel
from workbench.principles.extract import extract
from workbench.principles.held_out.evaluate import EXECUTOR, WITH, WITHOUT, _mcnemar, evaluate
from workbench.principles.principle import Principle
from workbench.principles.recipe import Recipe
from workbench.principles.vote.votes import Vote, Votes

LISTS = "Select the response that has a list"


def planted(n: int, seed: int, strength: float) -> PreferenceData:
    """People prefer the response with a list, with the given log odds; nothing else matters."""
    rng = np.random.default_rng(seed)
    words = "plain words about a thing that somebody asked for and how it may be done".split()
    texts = []
    for _ in range(2 * n):
        # the same words, as a list or not: length says nothing of the list
        said = rng.choice(words, rng.integers(14, 30)).tolist()
        mark = "\n- " if rng.random() < 0.5 else " "
        texts.append(" ".join(said[:-4]) + "".join(mark + word for word in said[-4:]))
    a, b = texts[:n], texts[n:]
    pairs = pd.DataFrame({"prompt": [f"Ask {k // 2}" for k in range(n)], "response_a": a,
                          "response_b": b})  # fmt: skip
    lean = np.array([("\n- " in x) - ("\n- " in y) for x, y in zip(a, b, strict=True)])
    p = 1 / (1 + np.exp(-strength * lean))
    preference = (rng.random(n) < p).astype(float)
    labels = pd.DataFrame({"pair": range(n), "annotator": "ann", "preference": preference})
    return PreferenceData.from_tables(pairs, labels)


@pytest.fixture
def asker(tmp_path):
    with Journal(tmp_path / "j") as journal, Asker(OfflineModel(), journal) as opened:
        yield opened


def test_a_planted_rule_is_found_and_beats_the_baselines_that_do_not_know_it(asker):
    """Lists are a text factor too: that regression is as good as the rule, and no rival here."""
    found = extract(planted(300, 0, 3.0), asker, "ann", model="offline:plain", seed=1)
    assert found.principles[0].text == LISTS
    row = found.to_frame().set_index("term").loc[LISTS]
    assert row["q_value"] < 0.01
    assert row["conf_low"] > 0.2
    accuracy = found.evaluation.to_frame().set_index("term")["estimate"]
    others = accuracy.drop([WITH, EXECUTOR, "text factors"]).dropna()
    assert accuracy[WITH] > others.max()
    assert accuracy[EXECUTOR] > others.max()
    assert found.evaluation.to_frame().set_index("term").loc[WITHOUT, "p_value"] < 0.05


def test_nothing_of_the_held_out_prompts_is_learnt_from(asker):
    data = planted(120, 0, 3.0)
    found = extract(data, asker, "ann", model="offline:plain", judge=False)
    cluster = data.pairs.set_index("pair_id")["cluster"]
    assert not set(cluster[list(found.train)]) & set(cluster[list(found.test)])
    assert set(found.train) | set(found.test) == set(data.pairs["pair_id"])
    changed = data.labels.copy()
    held = changed["pair_id"].isin(found.test)
    changed.loc[held, "preference"] = 1 - changed.loc[held, "preference"]
    turned = PreferenceData(data.pairs, changed, data.factors, data.factor_values)
    again = extract(turned, asker, "ann", model="offline:plain", judge=False)
    # other labels of the held-out pairs change what is measured, not what is selected
    assert again.principles == found.principles
    assert again.training.to_frame().equals(found.training.to_frame())
    assert not again.effects.to_frame().equals(found.effects.to_frame())


def test_shuffled_labels_find_nothing_more_often_than_stated(tmp_path):
    """Runs whose constitution has a principle with q < .05 on held-out pairs: at most 5 %."""
    runs, found = 25, 0
    with Journal(tmp_path / "j") as journal, Asker(OfflineModel(), journal) as asker:
        base = planted(80, 3, 0.0)
        recipe = Recipe(repeats=1)
        for run in range(runs):
            rng = np.random.default_rng(run)
            labels = base.labels.assign(preference=rng.integers(0, 2, len(base)).astype(float))
            data = PreferenceData(base.pairs, labels, base.factors, base.factor_values)
            result = extract(data, asker, "ann", model="m", recipe=recipe, judge=False, seed=run)
            found += bool((result.to_frame()["q_value"] < 0.05).any())
    assert found <= binom.ppf(0.999, runs, 0.05)


def test_the_published_defaults_are_reachable(asker):
    recipe = Recipe.icai()
    found = extract(planted(80, 1, 3.0), asker, "ann", model="m", recipe=recipe, judge=False)
    assert found.settings["recipe"]["representative"] == "random"
    assert len(found.effects.to_frame()) == 3
    assert found.votes.codes.shape[2] == 3


def test_candidates_can_be_added_and_pinned(asker):
    mine = Principle("Select the response that sounds enthusiastic", pinned=True)
    found = extract(planted(80, 1, 3.0), asker, "ann", model="m", added=[mine], judge=False)
    assert mine in found.principles


def test_without_proposals_the_error_says_why(tmp_path):
    model = Saying(lambda texts, request: {"principles": ["Prefer the first"]})
    with (
        Journal(tmp_path / "j") as journal,
        Asker(model, journal) as asker,
        pytest.raises(DesignError, match="no rule"),
    ):
        extract(planted(40, 0, 1.0), asker, "ann", model="m")


def test_everything_comes_again_from_the_journal(asker):
    data = planted(60, 0, 3.0)
    one = extract(data, asker, "ann", model="m")
    two = extract(data, asker, "ann", model="m")
    assert one.to_dict()["tables"] == two.to_dict()["tables"]
    assert one.summary() == two.summary()
    assert one.plot().data


def test_accuracies_and_mcnemar_by_hand():
    """Ten held-out pairs, A preferred on all: the votes are right on 8, longer on 6."""
    n = 30
    pairs = pd.DataFrame({"prompt": [f"p{k}" for k in range(n)],
                          "response_a": ["aa" if k % 5 < 3 else "a" for k in range(n)],
                          "response_b": ["b" if k % 5 < 3 else "bb" for k in range(n)],
                          })  # fmt: skip
    labels = pd.DataFrame({"pair": range(n), "annotator": "ann", "preference": 1.0})
    labels.loc[10:19, "preference"] = [1.0, 0.0] * 5
    data = PreferenceData.from_tables(pairs, labels)
    ids = data.pairs["pair_id"].to_numpy()
    code = np.full(n, Vote.A, np.int8)
    code[10:20] = [Vote.A, Vote.B] * 5
    code[20:22] = Vote.B
    rule = Principle("Select the response that is fine")
    votes = Votes(ids, (rule,), code[:, None, None])
    found = evaluate(data, [rule], None, "ann", votes=votes, train=ids[:20], test=ids[20:])
    table = found.to_frame().set_index("term")
    assert table.loc[EXECUTOR, "estimate"] == pytest.approx(0.8)
    assert table.loc["longer", "estimate"] == pytest.approx(0.6)
    assert table.loc["majority", "estimate"] == 1.0
    assert np.isnan(table.loc["first position", "estimate"])
    # wrong by votes: 20, 21; wrong by length: 23, 24, 28, 29
    row = table.loc["longer"]
    assert (row["only_constitution"], row["only_it"]) == (4, 2)
    assert row["difference"] == pytest.approx(0.2)
    # mid-p of 2 of 6: 2 * (P(X <= 2) - P(X = 2) / 2) = 2 * (22 - 7.5) / 64
    assert row["p_value"] == pytest.approx(2 * 14.5 / 64)
    assert _mcnemar(0, 0) == 1.0
    with pytest.raises(DesignError, match="overlap"):
        evaluate(data, [rule], None, "ann", votes=votes, train=ids[:21], test=ids[20:])


def test_icai_s_synthetic_sets_are_predicted_on_held_out_pairs(shared_data, tmp_path):
    files = sorted((shared_data / "icai_synthetic").rglob("*orthogonal*.csv"))
    if not files:
        pytest.skip("the synthetic sets of inverse constitutional AI are absent")
    data = wb.load(files[0])
    with Journal(tmp_path / "j") as journal, Asker(OfflineModel(), journal) as asker:
        found = extract(data, asker, model="m", recipe=Recipe(test_share=0.4), judge=False)
    # 30 pairs and an offline model: the way goes through, and its numbers have their n
    assert found.effects.to_frame()["n"].max() == len(found.test)
    assert 0 < len(found.effects.to_frame()) <= 40
