"""The 29 properties of preference dissection: coding, gaps, subsets."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.data.dissection_ratings import APPLIES, ERRORS, PROPERTY_NAMES, canonical
from workbench.errors import DataError, DesignError
from workbench.factors.coding import Coding
from workbench.factors.dissection import dissection_factors, rating_problems
from workbench.factors.dissection_properties import PROPERTIES, properties
from workbench.factors.dissection_subsets import (
    CASES,
    SCENARIOS,
    SUBSETS,
    in_subsets,
    only_subsets,
    subsets,
)

PLAIN = [n for n in PROPERTY_NAMES[:20] if n not in ("non-repetitive", "relevant")]
STANCES = ["strongly opposed", "weakly opposed", "neutral", "weakly supported",
           "strongly supported"]  # fmt: skip
MISTAKES = ["neither pointed out nor corrected", "pointed out but not corrected",
            "corrected without being pointed out", "pointed out and corrected"]  # fmt: skip


def build(n: int, seed: int = 0, **columns) -> wb.PreferenceData:
    rng = np.random.default_rng(seed)
    pairs = pd.DataFrame({"item": np.arange(n), **columns})
    labels = pd.DataFrame(
        {
            "pair": np.arange(n),
            "annotator": "eye",
            "preference": rng.integers(0, 2, n).astype(float),
        }
    )
    return wb.PreferenceData.from_tables(pairs, labels)


def wide(data: wb.PreferenceData, **columns) -> pd.DataFrame:
    """Return a wide table of ratings; a column holds (A, B) for each pair."""
    table = pd.DataFrame({"pair_id": data.pairs["pair_id"].repeat(2).array})
    table["side"] = ["a", "b"] * len(data)
    for name, values in columns.items():
        table[name] = pd.Series([v for pair in values for v in pair], dtype=object)
    return table


def random_ratings(n: int, rng: np.random.Generator) -> list[dict]:
    """Return random values of both sides of n pairs, with facts that vary."""
    made = []
    for _ in range(n):
        facts = {
            "intent_clear": bool(rng.integers(2)), "feelings": bool(rng.integers(2)),
            "constraints": ["c"] * rng.integers(0, 4), "stances": ["s"] * rng.integers(0, 3),
            "mistakes": ["m"] * rng.integers(0, 3),
        }  # fmt: skip
        sides = []
        for _ in "ab":
            values = {name: int(rng.integers(0, 4)) for name in (*PLAIN, "relevant", "repetitive")}
            values |= {name: int(rng.integers(0, 3)) for name in ERRORS.values()}
            values["lengthy"] = int(rng.integers(0, 120))
            values["clarify intent"] = None if facts["intent_clear"] else int(rng.integers(0, 4))
            values["show empathetic"] = int(rng.integers(0, 4)) if facts["feelings"] else None
            values["satisfy constraints"] = [int(rng.integers(0, 4)) for _ in facts["constraints"]]
            values["support stances"] = [str(rng.choice(STANCES)) for _ in facts["stances"]]
            values["correct mistakes"] = [str(rng.choice(MISTAKES)) for _ in facts["mistakes"]]
            sides.append(values)
        made.append({"facts": facts, "sides": sides})
    return made


def sign(x: float) -> int:
    return (x > 0) - (x < 0)


def published_coding(one: dict) -> list[int]:
    """Return the 29 codes of a pair, the published rules written out."""
    a, b = one["sides"]
    codes = [sign(a[name] - b[name]) if name in PLAIN else 0 for name in PROPERTY_NAMES]
    codes[15] = -sign(a["repetitive"] - b["repetitive"])
    codes[17] = (a["relevant"] > 0 == b["relevant"]) - (a["relevant"] == 0 < b["relevant"])
    for k in (20, 21, 22):
        codes[k] = sign(b[PROPERTY_NAMES[k]] - a[PROPERTY_NAMES[k]])
    if not one["facts"]["intent_clear"]:
        codes[23] = sign(a["clarify intent"] - b["clarify intent"])
    if one["facts"]["feelings"]:
        codes[24] = sign(a["show empathetic"] - b["show empathetic"])
    for k, scores in ((25, None), (26, STANCES), (27, MISTAKES)):
        low = -2 if k == 26 else 0
        totals = [
            sum(v if scores is None else scores.index(v) + low for v in side[PROPERTY_NAMES[k]])
            for side in (a, b)
        ]
        codes[k] = sign(totals[0] - totals[1])
    short, long = sorted((a["lengthy"], b["lengthy"]))
    enough = [1, 3, 5, 7, 8, 10, 11, 13, 14, 16, 17, 19]
    gap = long - short
    differs = long >= enough[short] if short < 12 else (
        (10 * short <= 7 * long and gap >= 10) or (10 * short <= 8 * long and gap >= 20)
        or (10 * short <= 9 * long and gap >= 40)
    )  # fmt: skip
    codes[28] = sign(a["lengthy"] - b["lengthy"]) if differs else 0
    return codes


def as_wide(data: wb.PreferenceData, made: list[dict]) -> pd.DataFrame:
    rows = []
    for pair_id, one in zip(data.pairs["pair_id"], made, strict=True):
        rows += [
            {"pair_id": pair_id, "side": side, **values, **one["facts"]}
            for side, values in zip("ab", one["sides"], strict=True)
        ]
    return pd.DataFrame(rows)


def as_long(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row in table.to_dict("records"):
        for name, value in row.items():
            if name in ("pair_id", "side") or value is None or value != value:
                continue
            listed = isinstance(value, list) and name not in ("constraints", "stances", "mistakes")
            for item in value if listed else [value]:
                rows.append((row["pair_id"], row["side"], name, item))
    return pd.DataFrame(rows, columns=["pair_id", "side", "property", "value"])


def test_names_are_the_published_ones_in_the_order_of_the_coefficients():
    assert [spec.name for spec in PROPERTIES] == list(PROPERTY_NAMES)
    assert (len(PROPERTIES), PROPERTY_NAMES[0], PROPERTY_NAMES[22], PROPERTY_NAMES[28]) == (
        29, "harmless", "no severe errors", "lengthy",
    )  # fmt: skip
    assert all(spec.meaning and spec.family == "dissection" for spec in PROPERTIES)
    assert canonical("innovative and novel") == "novel"
    assert canonical("Metaphors, personification, similes, hyperboles, irony, parallelism") == (
        "use rhetorical devices"
    )


@pytest.mark.parametrize("layout", ["wide", "long"])
def test_ternary_coding_of_all_29_is_the_published_one(layout):
    made = random_ratings(300, np.random.default_rng(1))
    data = build(300)
    table = as_wide(data, made)
    if layout == "long":
        table = as_long(table)
    scored = dissection_factors(data, table.sample(frac=1, random_state=0))
    assert scored.factor_names == list(PROPERTY_NAMES)
    expected = [published_coding(one) for one in made]
    np.testing.assert_array_equal(scored.factors[list(PROPERTY_NAMES)].to_numpy(), expected)
    # every rule is put to the test
    assert all(set(column) == {-1, 0, 1} for column in zip(*expected, strict=True))


def test_normalised_coding_by_hand():
    data = build(3)
    table = wide(
        data,
        clear=[(3, 1), (0, 3), (1.5, 1.5)],
        relevant=[(3, 1), (0, 3), (0, 1)],
        repetitive=[(3, 0), (0, 1), (2, 2)],
        **{"severe errors": [(0, 9), (1, 0), (2, 2)]},
        words=[(0, 499), (600, 0), (7, 9)],
    )
    scored = dissection_factors(data, table, coding="normalised").factors
    by_hand = {
        "clear": [2 / 3, -1, 0],
        "relevant": [2 / 3, -1, -1 / 3],
        "non-repetitive": [-1, 1 / 3, 0],
        "no severe errors": [1, -1 / 5, 0],
        "lengthy": [-math.log(500) / math.log(501), 1, -math.log(3) / math.log(501)],
    }
    for name, expected in by_hand.items():
        np.testing.assert_allclose(scored[name], expected, atol=1e-15)


def test_conditional_properties_are_zero_where_they_do_not_apply():
    facts = {
        "intent_clear": ["yes", "no", None],
        "feelings": [0, 2, None],
        "constraints": ["", "in verse", None],
        "stances": ["[]", '["tea is best"]', None],
        "mistakes": [False, True, None],
    }
    data = build(3, **{name: pd.Series(v, dtype=object).astype("str") for name, v in facts.items()})
    table = wide(data, **{name: [(2, 1), (2, 1), (1, 2)] for name in APPLIES})
    scored = dissection_factors(data, table)
    for name in APPLIES:
        assert scored.factors[name].tolist() == [0, 1, -1]
    # unknown fact, no rating on either side: it does not apply
    table = wide(
        data, clear=[(1, 1)] * 3, **{"show empathetic": [(None, None), (1, 0), (None,) * 2]}
    )
    assert dissection_factors(data, table).factors["show empathetic"].tolist() == [0, 1, 0]


def test_a_property_that_applies_but_is_rated_on_one_side_only_is_missing():
    data = build(2, feelings=["yes", "no"])
    table = wide(data, **{"show empathetic": [(2, None), (2, None)]})
    assert dissection_factors(data, table).factors["show empathetic"].isna().tolist() == [
        True,
        False,
    ]


def test_unchecked_errors_leave_the_pair_out_of_every_fit_and_are_counted():
    n = 60
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 3, (n, 2)).astype(object)
    unchecked = counts.copy()
    unchecked[:4, 0] = "not applicable"
    data = build(n)
    table = wide(
        data,
        clear=rng.integers(0, 4, (n, 2)).tolist(),
        **{"minor errors": counts.tolist(), "severe errors": unchecked.tolist()},
    )
    scored = dissection_factors(data, table)
    missing = scored.factors[["no minor errors", "no severe errors"]].isna()
    assert missing.sum().tolist() == [4, 4]
    assert missing.iloc[:4].all(axis=None)
    fit = wb.decompose(scored, factors=["clear", "no severe errors"], folds=0)
    assert set(fit.to_frame()["n"]) == {n - 4}
    problems = rating_problems(data, table).set_index(["property", "reason"])
    assert problems.loc[("no severe errors", "not applicable"), "n_pairs"] == 4
    assert any("8 not applicable" in note for note in scored.load_report.notes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clear", "good"), ("clear", 4), ("clear", -1), ("clear", True), ("clear", "[1, [2]]"),
        ("support stances", "maybe"), ("correct mistakes", "done"), ("no minor errors", -2),
        ("satisfy constraints", [3, "?"]), ("lengthy", "long"), ("clear", float("inf")),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_missing_and_counted_and_zero_in_legacy(name, value):
    data = build(3)
    table = wide(data, polite=[(0, 1)] * 3, **{name: [(value, 2), (2, 1), (0, 2)]})
    scored = dissection_factors(data, table)
    assert scored.factors[name].isna().tolist() == [True, False, False]
    problems = rating_problems(data, table).set_index(["property", "reason"])
    assert problems.loc[(name, "unreadable"), "n"] == 1
    assert any("unreadable" in note and name in note for note in scored.load_report.notes)
    legacy = dissection_factors(data, table, legacy=True)
    zeroed = {"satisfy constraints": [3, 0], "clear": [1, 0] if value == "[1, [2]]" else 0}
    as_zero = table.copy()
    as_zero[name] = pd.Series([zeroed.get(name, 0), *table[name].tolist()[1:]], dtype=object)
    pd.testing.assert_frame_equal(legacy.factors, dissection_factors(data, as_zero).factors)


def test_a_missing_rating_is_missing_in_legacy_too():
    data = build(2)
    table = wide(data, clear=[(None, 2), (2, 1)], polite=[("N/A", 1), (1, 1)])
    for legacy in (False, True):
        assert dissection_factors(data, table, legacy=legacy).factors["clear"].isna().sum() == 1
    # the paper's score of any other text is 0
    assert dissection_factors(data, table, legacy=True).factors["polite"].tolist() == [-1, 0]


def test_swapping_the_sides_flips_every_code():
    made = random_ratings(80, np.random.default_rng(2))
    data = build(80)
    table = as_wide(data, made)
    swapped = table.assign(side=table["side"].map({"a": "b", "b": "a"}))
    for coding, legacy in itertools.product(("ternary", "normalised"), (False, True)):
        forth = dissection_factors(data, table, coding=coding, legacy=legacy).factors
        back = dissection_factors(data, swapped, coding=coding, legacy=legacy).factors
        np.testing.assert_array_equal(forth.drop(columns="pair_id"), -back.drop(columns="pair_id"))


def test_raw_values_of_both_sides_are_kept_and_recode_from_the_pairs_own_columns():
    data = build(2)
    table = wide(data, clear=[(3, 1), (0, 2)], **{"Severe errors": [(1, 0), (2, 2)]})
    scored = dissection_factors(data, table)
    assert scored.factor_values["no severe errors_a"].tolist() == [1, 2]
    values = scored.factor_values.drop(columns="pair_id")
    own = build(2, **{c: values[c] for c in values if not c.startswith("lengthy")})
    again = dissection_factors(own)
    for name in ("clear", "no severe errors"):
        assert again.factors[name].tolist() == scored.factors[name].tolist()
        spec = scored.factor_specs[name]
        assert Coding.from_dict(spec["coding"]).scale == 1.0


def test_length_counts_words_and_punctuation_where_no_words_are_given():
    text = {
        "response_a": ["I can't say; it's well-known.", "Yes.", "Café — 1,000 мир"],
        "response_b": ["No?!", "", None],
    }
    data = build(3, **text)
    scored = dissection_factors(data, wide(data, clear=[(1, 1)] * 3))
    # I can 't say ; it 's well-known .
    assert scored.factor_values["lengthy_a"].tolist() == [9, 2, 4]
    assert scored.factor_values["lengthy_b"].tolist()[:2] == [3, 0]
    assert scored.factors["lengthy"].tolist()[:2] == [1, 1]
    assert np.isnan(scored.factors["lengthy"][2])


def test_properties_that_nobody_rated_get_no_factor_and_a_note():
    data = build(2)
    scored = dissection_factors(data, wide(data, clear=[(1, 0)] * 2, funny=[(None, None)] * 2))
    assert scored.factor_names == ["clear"]
    assert any("harmless" in note and "funny" in note for note in scored.load_report.notes)


def test_properties_keep_the_published_order_beside_other_factors():
    data = build(2, item_b=[1, 2], item_a=[2, 5])
    data = wb.factors.from_columns(data, "item")
    once = dissection_factors(data, wide(data, clear=[(1, 0)] * 2, novel=[(1, 0)] * 2))
    twice = dissection_factors(once, wide(data, polite=[(0, 1)] * 2, novel=[(0, 1)] * 2))
    assert twice.factor_names == ["item", "polite", "clear", "novel"]
    assert twice.factors["novel"].tolist() == [-1, -1]


def test_rows_that_cannot_be_placed_are_counted():
    data = build(2)
    table = wide(data, clear=[(1, 0), (0, 1)], mood=[(1, 1)] * 2)
    extra = pd.DataFrame(
        {
            "pair_id": ["?", data.pairs["pair_id"][0], data.pairs["pair_id"][0]],
            "side": ["a", "c", "A"],
            "clear": [3, 3, 3],
        }
    )
    table = pd.concat([table, extra])
    scored = dissection_factors(data, table)
    assert scored.factors["clear"].tolist() == [1, -1]
    reasons = rating_problems(data, table).query("property == ''").set_index("reason")["n"]
    assert reasons.to_dict() == {
        "rows of no pair of the data": 1,
        "rows of no side": 1,
        "further rows of one pair and side": 1,
        "columns that are no property": 1,
    }
    foreign = as_long(wide(data, clear=[(1, 0)] * 2, mood=[(1, 1)] * 2))
    problems = rating_problems(data, foreign).set_index("reason")["n"]
    assert problems["properties that are none of the 29"] == 4


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (lambda t: t.drop(columns="pair_id"), DataError, "pair_id"),
        (lambda t: t.assign(pair_id="?"), DataError, "No column names pairs"),
        (lambda t: t.drop(columns="side"), DesignError, "which side"),
        (lambda t: t.drop(columns="clear"), DesignError, "No property"),
        (lambda t: t.assign(**{"clear and understandable": 1}), DesignError, "under two names"),
        (lambda t: t.assign(repetitive=1, **{"non-repetitive": 1}), DesignError, "two names"),
        (lambda t: t.iloc[:0], DataError, "No column names pairs"),
    ],
)
def test_tables_that_cannot_be_used_say_why(change, error, said):
    data = build(2)
    with pytest.raises(error, match=said):
        dissection_factors(data, change(wide(data, clear=[(1, 0), (2, 1)])))
    with pytest.raises(DesignError, match="No property"):
        dissection_factors(data)
    with pytest.raises(DesignError, match="ternary"):
        properties("binary")


def subset_data() -> wb.PreferenceData:
    rng = np.random.default_rng(3)
    n = 240
    data = build(
        n,
        scenario=rng.choice(["code", "Creative_Writing", "Chess"], n),
        intent_clear=rng.choice(["Yes", "No"], n, p=[0.7, 0.3]),
        constraints=rng.choice(["", "in verse"], n),
        mistakes=[""] * n,
        cluster=rng.integers(0, 40, n).astype(str),
    )
    table = wide(data, clear=rng.integers(0, 4, (n, 2)), polite=rng.integers(0, 4, (n, 2)))
    return dissection_factors(data, table)


def test_the_16_subsets_are_the_published_ones():
    assert (len(SCENARIOS), len(CASES), len(SUBSETS)) == (11, 5, 16)


def test_subsets_of_scenarios_and_overlapping_cases():
    data = subset_data()
    found = subsets(data)
    assert list(found.columns) == ["Code", "Creative Writing", "Chess", "w_constraints",
                                   "intent_unclear"]  # fmt: skip
    assert found.index.tolist() == data.pairs["pair_id"].tolist()
    assert (found[["Code", "Creative Writing", "Chess"]].sum(axis=1) == 1).all()
    np.testing.assert_array_equal(found["w_constraints"], data.pairs["constraints"] == "in verse")
    np.testing.assert_array_equal(found["intent_unclear"], data.pairs["intent_clear"] == "No")


def test_a_fit_by_subset_is_the_fit_of_each_subset_alone():
    data = subset_data()
    found = subsets(data)
    spread = in_subsets(data)
    spread.check()
    assert len(spread.labels) == found.to_numpy().sum()
    both = wb.decompose(spread, by=["annotator", "subset"], folds=0).to_frame()
    for name in found.columns:
        alone = data.filter(pair_ids=found.index[found[name]])
        expected = wb.decompose(alone, folds=0).to_frame()
        mine = both[both["group"] == f"eye | {name}"]
        columns = ["estimate", "std_error", "n", "n_clusters"]
        np.testing.assert_allclose(
            mine[columns].to_numpy(float), expected[columns].to_numpy(float), rtol=1e-6, atol=1e-9
        )


def test_only_subsets_takes_scenarios_and_cases_each_pair_once():
    data = subset_data()
    found = subsets(data)
    names = [data.pairs["scenario"].iloc[0], "w_constraints"]
    expected = (data.pairs["scenario"] == names[0]).to_numpy() | found["w_constraints"].to_numpy()
    chosen = only_subsets(data, names)
    assert chosen.pairs["pair_id"].tolist() == data.pairs["pair_id"][expected].tolist()
    assert not expected.all()
    plain = only_subsets(data, names[:1])
    assert plain.digest == data.filter(scenarios=names[:1]).digest
    for bare in (data, planted({"ann": [1.0]}, n=20)):
        with pytest.raises(DataError, match="no scenario 'w_nothing'"):
            only_subsets(bare, ["w_nothing"])


def test_some_subsets_and_labels_outside_are_counted():
    data = subset_data()
    spread = in_subsets(data, ["Code"])
    code = int(subsets(data)["Code"].sum())
    assert set(spread.labels["subset"]) == {"Code"}
    assert any(f"{240 - code} labels on pairs of no subset" in n for n in spread.load_report.notes)
    with pytest.raises(DataError, match="no subset 'Codes'"):
        in_subsets(data, ["Codes"])
    with pytest.raises(DataError, match="already"):
        in_subsets(spread)
    with pytest.raises(DataError, match="No subset is asked for"):
        in_subsets(data, [])
    with pytest.raises(DataError, match="no subsets"):
        subsets(build(3))
    bare = subset_data()
    with pytest.raises(DataError, match="No pair of these subsets"):
        in_subsets(wb.PreferenceData(bare.pairs, bare.labels.iloc[:0], bare.factors,
                                     bare.factor_values))  # fmt: skip


def test_facts_of_the_ratings_go_to_the_pairs():
    data = build(2)
    table = wide(data, clear=[(1, 0)] * 2, constraints=[(["short", "in verse"],) * 2, ([],) * 2],
                 **{"Clear Intent": [("No",) * 2, ("Yes", None)]})  # fmt: skip
    scored = dissection_factors(data, table)
    assert scored.pairs["constraints"].tolist() == ["short; in verse", ""]
    assert subsets(scored).to_numpy().tolist() == [[True, True], [False, False]]
    assert scored.digest != data.digest


def test_saved_data_come_back(tmp_path):
    from workbench.data import store

    data = in_subsets(subset_data())
    store.save(data, tmp_path / "set")
    again = wb.load(tmp_path / "set")
    assert again.digest == data.digest
    assert again.factor_specs == data.factor_specs
