"""Choosing pairs: formulas by hand, a planted truth, real ratings, invariances, refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.analyses.running import load_run
from tests.calibration.choosing import planted_pairs, seen, two_rounds
from workbench.calibration.choose.kept import read_choice
from workbench.calibration.choose.layout import layout
from workbench.calibration.choose.sequential import choose_in_sequence
from workbench.data.identity import exchanged
from workbench.errors import DataError, DesignError

NOBODY = np.zeros(0, dtype=np.int64)


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    return planted_pairs(0, pairs=800)


@pytest.fixture(scope="module")
def pilot(data) -> wb.PreferenceData:
    return seen(data, data.pairs["pair_id"][::4])


def test_each_turn_takes_what_adds_most_to_the_determinant_or_to_the_targets():
    """By brute force: the whole information matrix of each candidate, inverted."""
    rng = np.random.default_rng(3)
    X, w = rng.normal(size=(60, 3)), rng.uniform(0.01, 0.25, 60)
    H, places = np.eye(3), np.zeros(12, dtype=bool)
    for told in (None, np.eye(3)[:, :2]):
        found = choose_in_sequence(X, w, np.linalg.inv(H), NOBODY, places, told)
        now, left = H.copy(), set(range(60))
        for row, gain in zip(found.chosen, found.gain, strict=True):

            def worth(k: int, now=now, told=told) -> float:
                then = now + w[k] * np.outer(X[k], X[k])
                if told is None:
                    return float(np.linalg.slogdet(then)[1] - np.linalg.slogdet(now)[1])
                lost = np.linalg.inv(now) - np.linalg.inv(then)
                return float(np.trace(told.T @ lost @ told))

            assert row == max(left, key=worth)
            assert gain == pytest.approx(worth(row))
            left.remove(row)
            now = now + w[row] * np.outer(X[row], X[row])


def test_without_enough_labels_a_random_pilot_comes_first(data):
    nothing = wb.choose_pairs(seen(data, ()), 200)
    assert set(nothing.chosen["why"]) == {"random pilot"}
    assert len(nothing.chosen) == 100  # max(100, 5 K) of four factors
    assert nothing.to_frame()["estimate"].isna().all()
    assert nothing.to_frame()["reason"].notna().all()
    assert [f.rule_id for f in nothing.findings()] == ["pilot-first"]
    assert nothing.chosen["weight"].eq(8).all()  # each stands for 8 of the 800
    assert "pilot comes first" in nothing.summary()
    assert "100 of the 200" in nothing.summary()
    some = wb.choose_pairs(seen(data, data.pairs["pair_id"][:70]), 200)
    assert len(some.chosen) == 30


def test_a_quarter_is_random_in_every_stretch_and_each_pair_says_why(pilot):
    found = wb.choose_pairs(pilot, 200)
    chosen = found.chosen
    by_batch = chosen.groupby("batch")["why"].apply(lambda why: (why == "random").sum())
    assert set(by_batch) <= {6, 7}
    assert by_batch.sum() == 50
    assert chosen["rank"].tolist() == list(range(1, 201))
    assert chosen["pair_id"].is_unique
    optimal = chosen[chosen["why"] == "optimal"]
    assert optimal["weight"].isna().all()
    assert optimal["note"].str.contains("biased").all()
    assert chosen.loc[chosen["why"] == "random", "weight"].eq(600 / 50).all()
    assert not set(chosen["pair_id"]) & set(pilot.labels["pair_id"])
    # close calls tell more of a logit than plain answers
    gap = (chosen["p_a"] - 0.5).abs().groupby(chosen["why"]).mean()
    assert gap["optimal"] < gap["random"]
    assert (found.to_frame()["estimate"] < found.to_frame()["random"]).all()
    assert (found.to_frame()["random"] < found.to_frame()["now"]).all()
    # weights are of the pairs that are open now: those of a first choice are of all
    assert "as many of the 600 pairs still open now as its weight says" in found.summary()


def test_a_mean_over_random_pairs_is_unbiased_where_the_optimal_ones_mislead(data, pilot):
    chosen = wb.choose_pairs(pilot, 200, random_share=0.5).chosen.set_index("pair_id")
    edge = (data.factors.set_index("pair_id") @ np.array([1.5, -1.0, 0.7, 0.4])).abs()
    whole = edge.drop(pilot.labels["pair_id"]).mean()
    drawn = edge.reindex(chosen.index[chosen["why"] == "random"])
    picked = edge.reindex(chosen.index[chosen["why"] == "optimal"])
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - whole) < 3 * error < abs(picked.mean() - whole)


def test_targets_get_smaller_errors_than_the_determinant_gives_them(pilot):
    alone = wb.choose_pairs(pilot, 100, target="f3").to_frame().set_index("term")["estimate"]
    whole = wb.choose_pairs(pilot, 100).to_frame().set_index("term")["estimate"]
    assert alone["f3"] < whole["f3"]
    assert alone.drop("f3").mean() > whole.drop("f3").mean()


def test_what_is_promised_is_achieved_within_15_percent_where_the_model_holds():
    ratios = []
    for seed in range(4):
        data = planted_pairs(seed)
        rounds = two_rounds(data, 300, 300, seed)
        ids = [*rounds[0].chosen["pair_id"], *rounds[1].pair_ids]
        checked = wb.check_choice(seen(data, ids), rounds)
        ratios += checked.to_frame()["estimate"].tolist()
        assert checked.settings["labelled"] == 300
        assert checked.settings["random"] == 375
        assert not [f for f in checked.findings() if f.rule_id == "choice-misspecified"]
    assert np.mean(np.abs(np.array(ratios) - 1) < 0.15) >= 0.9
    assert abs(np.median(ratios) - 1) < 0.05


def test_a_quadratic_effect_is_warned_about_and_names_its_factor():
    data = planted_pairs(2, bend=-0.7)
    rounds = two_rounds(data, 300, 300, 2)
    ids = [*rounds[0].chosen["pair_id"], *rounds[1].pair_ids]
    checked = wb.check_choice(seen(data, ids), rounds)
    warned = {f.term for f in checked.findings() if f.rule_id == "choice-misspecified"}
    assert "f0, bent" in warned
    assert "contradict the model:" in checked.summary()


def test_errors_know_clusters_and_a_promise_of_whole_batches(data, pilot):
    """Copies of a prompt's labels: errors over clusters are larger than the promise."""
    found = wb.choose_pairs(pilot, 100)
    part = [*pilot.labels["pair_id"], *found.pair_ids[:60]]
    checked = wb.check_choice(seen(data, part), found)
    after_50 = found.promised[found.promised["n"] == 50].set_index("term")["std_error"]
    assert checked.to_frame().set_index("term")["promised"].equals(after_50.rename("promised"))
    few = wb.check_choice(seen(data, part[:201]), found)
    assert few.to_frame()["estimate"].isna().all()
    assert set(few.to_frame()["reason"]) == {"no batch is labelled as a whole"}
    gone = replace(found, promised=found.promised[found.promised["term"] != "f0"])
    reasons = wb.check_choice(seen(data, part), gone).to_frame().set_index("term")["reason"]
    assert reasons["f0"] == "it was not promised"
    assert reasons.drop("f0").isna().all()
    one = replace(data, pairs=data.pairs.assign(cluster="all"))
    alone = wb.check_choice(one, found)
    assert alone.to_frame()["clustered"].isna().all()
    assert alone.tests["reason"].str.contains("1 clusters").all()


def test_neither_order_nor_sides_nor_names_of_annotators_change_the_choice(data, pilot):
    found = wb.choose_pairs(pilot, 80)
    order = np.random.default_rng(1).permutation(len(pilot.pairs))
    moved = replace(
        pilot,
        pairs=pilot.pairs.iloc[order].reset_index(drop=True),
        labels=pilot.labels.iloc[::-1].reset_index(drop=True),
        factors=pilot.factors.iloc[order].reset_index(drop=True),
        factor_values=pilot.factor_values.iloc[order].reset_index(drop=True),
    )
    assert wb.choose_pairs(moved, 80).pair_ids == found.pair_ids
    turned = np.arange(len(pilot.pairs)) % 3 == 0
    names = pilot.factor_names
    factors = pilot.factors.copy()
    factors[names] = factors[names].mul(np.where(turned, -1.0, 1.0), axis=0)
    other = replace(
        pilot, pairs=exchanged(pilot.pairs, turned), factors=factors,
        labels=exchanged(pilot.labels, turned[pilot.pair_rows]),
    )  # fmt: skip
    assert wb.choose_pairs(other, 80).pair_ids == found.pair_ids
    again = wb.choose_pairs(pilot, 80)
    assert again.to_dict() == found.to_dict()
    assert wb.choose_pairs(pilot, 80, seed=1).pair_ids != found.pair_ids


def test_ratings_ask_for_models_that_met_least_and_give_errors_against_the_mean():
    """Two of four models met often: the pairs of the others tell more."""
    rng = np.random.default_rng(0)
    sides = [("a", "b")] * 260 + [tuple(rng.permutation(list("abcd"))[:2]) for _ in range(400)]
    pairs = pd.DataFrame(sides, columns=["model_a", "model_b"])
    pairs["pair_id"] = [f"{k:04d}" for k in range(len(pairs))]
    labelled = [*range(200), *range(260, 300)]
    said = rng.integers(0, 2, len(labelled)).astype(float)
    labels = pd.DataFrame(
        {"pair": labelled, "annotator": "ann", "kind": "human", "preference": said}
    )
    data = wb.PreferenceData.from_tables(pairs, labels)
    found = wb.choose_pairs(data, 40, design="ratings", random_share=0)
    assert found.to_frame()["term"].tolist() == ["a", "b", "c", "d"]
    met = pairs.set_index("pair_id").loc[found.pair_ids]
    assert not (set(met["model_a"]) | set(met["model_b"])) <= {"a", "b"}
    assert ((met["model_a"].isin(["a", "b"])) & (met["model_b"].isin(["a", "b"]))).sum() == 0
    # against a matrix by hand: errors of contrasts with the mean, the common direction left out
    laid = layout(data, "human", None, "ratings")
    information, _ = laid.information(laid.fit())
    centre = np.eye(4) - 0.25
    by_hand = np.sqrt(np.diag(centre @ np.linalg.pinv(information) @ centre))
    assert laid.errors(information) == pytest.approx(by_hand)


def test_models_that_never_met_have_no_error():
    pairs = pd.DataFrame({"model_a": ["a", "c"] * 60, "model_b": ["b", "d"] * 60})
    pairs["pair_id"] = [f"{k:04d}" for k in range(120)]
    labels = pd.DataFrame({"pair": np.arange(110), "annotator": "ann", "kind": "human",
                           "preference": np.arange(110) % 3 / 2})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    found = wb.choose_pairs(data, 5, design="ratings")
    assert found.to_frame()["estimate"].isna().all()
    assert set(found.to_frame()["reason"]) == {"these labels do not tell it"}


def test_what_cannot_be_chosen_is_counted_and_what_makes_no_sense_is_refused(data, pilot):
    holes = pilot.factors.copy()
    holes.loc[:9, "f1"] = np.nan
    found = wb.choose_pairs(replace(pilot, factors=holes), 20)
    assert found.exclusions.to_dict("records") == [{"reason": "missing factor value", "n": 10}]
    still = replace(pilot, factors=pilot.factors.assign(f1=0.0))
    assert wb.choose_pairs(still, 20).to_frame()["term"].tolist() == ["f0", "f2", "f3"]
    twin = replace(pilot, factors=pilot.factors.assign(f1=pilot.factors["f0"]))
    for bad, message in (
        (lambda: wb.choose_pairs(twin, 20), "cannot be told apart"),
        (lambda: wb.choose_pairs(data, 20), "no pair to choose"),
        (lambda: wb.choose_pairs(pilot, 0), "Option n"),
        (lambda: wb.choose_pairs(pilot, 10, random_share=1.5), "random_share"),
        (lambda: wb.choose_pairs(pilot, 10, random_share=True), "random_share"),
        (lambda: wb.choose_pairs(pilot, 10, target="nothing"), "no weight of 'nothing'"),
        (lambda: wb.choose_pairs(pilot, 10, factors=["f9"]), "no factor 'f9'"),
        (lambda: wb.choose_pairs(pilot, 10, design="ratings"), "no models"),
        (lambda: wb.choose_pairs(pilot, 10, design="other"), "Option design"),
        (lambda: wb.check_choice(pilot, wb.choose_pairs(pilot, 10)), "None of the chosen"),
        (lambda: wb.check_choice(data, []), "Nothing was promised"),
        (lambda: wb.check_choice(data, wb.choose_pairs(seen(data, ()), 9)), "Nothing was"),
    ):  # fmt: skip
        with pytest.raises(DesignError, match=message):
            bad()
    with pytest.raises(DataError, match="Nobody is called"):
        wb.choose_pairs(pilot, 10, reference="humman")
    # labels that all say the same, and ties alone, still give a finite choice
    for value in (1.0, 0.5):
        flat = replace(pilot, labels=pilot.labels.assign(preference=value))
        assert wb.choose_pairs(flat, 30).chosen["pair_id"].is_unique
    more = wb.choose_pairs(pilot, 5_000)
    assert len(more.chosen) == 600
    assert "there are no more" in more.summary()


def test_labels_without_weight_or_verdict_leave_a_pair_open(pilot):
    labels = pilot.labels.copy()
    labels.loc[0, "weight"] = 0.0
    labels.loc[1, ["preference", "reason"]] = [np.nan, "failed"]
    found = wb.choose_pairs(replace(pilot, labels=labels), 5_000)
    assert set(labels["pair_id"][:2]) <= set(found.pair_ids)


def test_a_kept_choice_is_read_and_another_file_is_refused(pilot, tmp_path):
    from workbench.json_values import to_json

    found = wb.choose_pairs(pilot, 50)
    (tmp_path / "result.json").write_text(to_json(found.to_dict()), encoding="utf-8")
    again = read_choice(tmp_path)
    assert again.pair_ids == found.pair_ids
    assert again.promised["std_error"].to_numpy() == pytest.approx(found.promised["std_error"])
    without = found.to_dict()
    without["tables"].pop("by_batch")
    for text in (
        to_json(without),
        "{",
        "[]",
        '{"type": "Choice"}',
        '{"type": "Contrast", "settings": {}, "tables": {}}',
    ):
        (tmp_path / "result.json").write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match="no choice of pairs"):
            read_choice(tmp_path)
    with pytest.raises(DataError, match="no choice of pairs"):
        read_choice(tmp_path / "nowhere")


def test_real_ratings_need_half_the_labels(shared_data):
    """Cohere's 2,218 sittings: local design beats chance; a design for weights of 0 does not."""
    run = load_run("03_human_rated_properties")
    data = run.own_data(run.sittings(shared_data / "hf_not_gold"))
    full = layout(data, "own", None, "factors").fit()

    def missed(ids) -> float:
        mine = layout(seen(data, ids), "own", None, "factors").fit()
        return float(np.sqrt(((mine - full) ** 2).mean()))

    ours, chance = [], []
    for seed in range(2):
        lot = np.random.default_rng(seed).permutation(data.pairs["pair_id"])
        ids = list(lot[:100])
        for n in (200, 400, 800):
            ids += wb.choose_pairs(
                seen(data, ids), n - len(ids), reference="own", seed=seed
            ).pair_ids
            ours.append(missed(ids))
            chance.append(missed(lot[:n]))
    ours, chance = (np.reshape(x, (2, 3)).mean(axis=0) for x in (ours, chance))
    assert (ours < 0.75 * chance).all()
    assert ours[1] < chance[2] * 1.25  # 400 chosen tell about as much as 800 drawn
    laid = layout(data, "own", None, "factors")
    blind = choose_in_sequence(
        laid.X, np.full(len(laid.X), 0.25), 4 * np.eye(16), NOBODY, np.zeros(800, dtype=bool)
    )
    assert missed(data.pairs["pair_id"].to_numpy()[laid.row[blind.chosen]]) > chance[2]
