"""Stated preferences: planted habits, strict answers, the published rule, choices, instructions."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

import workbench as wb
from tests.hostile import HOSTILE
from workbench.audit.followed.context import shuffled
from workbench.audit.followed.planted import planted_replies
from workbench.audit.followed.strict import yes_or_no
from workbench.errors import DataError, DesignError

PREFEVAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "prefeval"


def shares(found: wb.Followed, turns: str = "all", condition: str = "with the preference"):
    own = found.estimates[found.estimates["turns"].eq(turns)]
    return own[own["condition"].eq(condition)].set_index("term")["estimate"]


def test_each_planted_habit_is_seen_for_what_it_is():
    follows = wb.followed(planted_replies("follows"))
    assert shares(follows)["followed"] > 0.85
    assert (follows.lift["conf_low"] > 0.3).all()
    assert (follows.lift["q_value"] < 0.001).all()
    assert follows.findings() == []
    ignores = wb.followed(planted_replies("ignores"))
    # what fits by chance is followed too: without the lift it would look like a third
    assert shares(ignores)["followed"] == pytest.approx(shares(ignores, "–", "without it")
                                                         ["followed"])  # fmt: skip
    assert (ignores.lift["estimate"] == 0).all()
    assert shares(ignores)["unaware"] > 0.6
    assert {one.rule_id for one in ignores.findings()} == {
        "stating-preferences-makes-no-difference"
    }
    made_up = wb.followed(planted_replies("hallucinates"))
    assert shares(made_up)["hallucinated"] > 0.5
    assert shares(made_up)["unaware"] < 0.15
    assert shares(made_up)["followed, but made up"] > 0.15
    refuses = wb.followed(planted_replies("refuses"))
    assert shares(refuses)["unhelpful"] > 0.85
    assert (refuses.lift["conf_high"] < 0).all()


def test_the_rule_is_the_published_one_on_every_combination():
    rows = [dict(zip(("acknowledge", "hallucinate", "violate", "helpful"), one, strict=True))
            for one in itertools.product(("yes", "no"), repeat=4)]  # fmt: skip
    found = wb.followed(pd.DataFrame([{"item": k, **row} for k, row in enumerate(rows)]))
    n = dict.fromkeys(("unaware", "hallucinated", "inconsistent", "unhelpful", "followed"), 0)
    for row in rows:
        a, h, v, u = (row[name] == "yes" for name in row)
        kinds = {"unaware": not a and v and u, "hallucinated": a and h and v and u,
                 "inconsistent": a and not h and v and u, "unhelpful": not u}  # fmt: skip
        kinds["followed"] = not any(kinds.values())
        n = {name: n[name] + kinds[name] for name in n}
    assert {name: shares(found, "0")[name] * 16 for name in n} == pytest.approx(n)


@pytest.mark.parametrize(
    ("said", "is_"),
    [("yes", True), ("No.", False), (' "YES" ', True), ("**no**", False), (True, True), (0, False),
     ("<answer>Yes</answer>", True), ("Because no.\n<answer> no </answer>", False),
     ('{"answer": "yes"}', True), ("yes, though it violates", None), ("no yes", None), ("", None),
     ("<answer>yes</answer><answer>no</answer>", None), (None, None), (float("nan"), None),
     ('{"answer": "yes", "answer": "no"}', None), ('{"a": 1}', None), ("eyes", None),
     ("not yes", None), ("[" * 5000, None), ("{" * 5000, None)],
)  # fmt: skip
def test_answers_are_read_strictly(said, is_):
    assert yes_or_no(said) is is_


def test_hostile_answers_are_unread_and_in_no_share():
    rows = planted_replies("follows", 40, (0,))
    told = rows["told"].eq("with").to_numpy()
    at = np.flatnonzero(told)[: len(HOSTILE)]
    rows["violate"] = rows["violate"].astype(object)
    rows.loc[at, "violate"] = list(HOSTILE)
    found = wb.followed(rows)
    row = found.estimates.iloc[0]
    assert (row["n"], row["n_unread"]) == (20, 20)
    assert found.exclusions["n"].tolist() == [20]
    assert "neither yes nor no" in found.summary()
    named = rows.assign(item=[HOSTILE[k % len(HOSTILE)] + str(k // 2) for k in range(80)],
                        reply=HOSTILE[16])  # fmt: skip
    page = wb.report([wb.followed(named)]).html()
    assert "<script>document.title" not in page


def test_the_lift_is_mcnemar_s_exact_test_and_rows_may_come_in_any_order():
    rows = planted_replies("follows", 30, (3,), seed=2)
    found = wb.followed(rows)
    row = found.lift.iloc[0]
    more, less = int(row["only_with"]), int(row["only_without"])
    assert row["p_value"] == pytest.approx(binomtest(more, more + less).pvalue)
    assert row["estimate"] == pytest.approx((more - less) / 30)
    other = wb.followed(rows.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(found.estimates, other.estimates)
    assert found.provenance.dataset == other.provenance.dataset


def test_a_violation_of_unknown_kind_is_no_follower_and_of_no_kind():
    base = {"hallucinate": "no", "violate": "yes", "helpful": "yes"}
    found = wb.followed(pd.DataFrame([{"item": 0, "acknowledge": "hm", **base},
                                      {"item": 1, "acknowledge": "no", **base}]))  # fmt: skip
    own = found.estimates.set_index("term")
    assert (own.loc["followed", "n"].iloc[0], own.loc["unaware", "n"]) == (2, 1)
    assert own.loc["unaware", "n_unread"] == 1


def test_choices_have_a_chance_and_a_lift():
    rows = [{"item": k, "told": told, "chosen": "B" if told else "ABCD"[k % 4], "right": "B",
             "options": 4} for k in range(40) for told in (True, False)]  # fmt: skip
    rows[0]["chosen"] = None
    found = wb.followed(pd.DataFrame(rows))
    told = found.estimates.iloc[0]
    assert (told["estimate"], told["chance"], told["n"], told["n_unread"]) == (1.0, 0.25, 39, 1)
    # of the others ten choose B by chance; one of those without is paired with what is missing
    assert found.lift["estimate"].tolist() == pytest.approx([29 / 39])


def test_what_is_no_option_is_unread_and_what_has_no_partner_is_not():
    rows = [{"item": k, "told": True, "chosen": one, "right": "B", "options": 4}
            for k, one in enumerate(["B", "E", 7, "a", "b."])]  # fmt: skip
    rows.append({"item": 0, "told": False, "chosen": "A", "right": "B", "options": 4})
    found = wb.followed(pd.DataFrame(rows))
    told = found.estimates.iloc[0]
    # of B, a and what merely names none of them, one is right
    assert (told["estimate"], told["n"], told["n_unread"]) == (pytest.approx(1 / 3), 3, 2)
    lift = found.lift.iloc[0]
    assert (lift["n"], lift["n_unread"]) == (1, 2)
    other = pd.DataFrame({"item": range(3), "chosen": ["X", "Y", "Y"], "right": ["X", "Y", "X"],
                          "options": 2})  # fmt: skip
    assert wb.followed(other).estimates.iloc[0]["n"] == 3  # letters need not begin at A
    lost = found.exclusions.set_index("reason")["n"]
    assert lost["none of the options"] == 2
    assert lost["the question was not answered without the preference"] == 4


def test_orders_of_options_depend_on_seed_and_item_and_put_no_place_first():
    first = [shuffled(4, 0, f"item {k}").index(0) for k in range(400)]
    counts = np.bincount(first, minlength=4)
    assert counts.min() > 70
    assert shuffled(4, 0, "x") == shuffled(4, 0, "x")
    assert any(shuffled(4, 0, f"{k}") != shuffled(4, 1, f"{k}") for k in range(9))


def test_instructions_by_hand():
    found = wb.followed(pd.DataFrame({
        "item": range(4), "selected": ["a|b", ["a"], None, '["c", "d"]'],
        "relevant": [["b", "a"], "b", "x", "c"],
    }))  # fmt: skip
    own = shares(found, "0")
    assert own.to_dict() == pytest.approx(
        {"precision": (1 + 0 + 0.5) / 3, "recall": (1 + 0 + 0 + 1) / 4, "exact match": 0.25}
    )
    assert found.exclusions["n"].tolist() == [1]


def test_instructions_of_which_nothing_is_said_are_in_no_share():
    found = wb.followed(pd.DataFrame({"item": range(3), "selected": ["a", "a", ""],
                                      "relevant": ["a", None, "[]"]}))  # fmt: skip
    own = found.estimates.set_index("term")
    assert own.loc["exact match", "n"] == 2
    assert own.loc["exact match", "estimate"] == 1
    assert found.exclusions["reason"].str.startswith("not said").sum() == 1


@pytest.mark.parametrize(
    "bad",
    [{"item": [0]}, {"violate": ["no"], "helpful": ["yes"]},
     {"item": [0, 0], "violate": "no", "helpful": "yes"},
     {"item": [0], "violate": "no", "helpful": "yes", "told": "perhaps"},
     {"item": [0], "violate": "no", "helpful": "yes", "turns": -1},
     {"item": [0], "chosen": "A", "right": "A", "options": 1}, {"item": []},
     {"item": [0, 1], "chosen": "A", "right": ["A", None], "options": 2},
     {"item": [0, 1], "chosen": 1, "right": [1, 3], "options": 2},
     {"item": [0, None], "violate": "no", "helpful": "yes"}],
)  # fmt: skip
def test_tables_that_cannot_be_used_say_why(bad):
    with pytest.raises(DataError, match="table of replies cannot be used"):
        wb.followed(pd.DataFrame(bad))


def test_one_item_and_nothing_readable_are_undefined_with_a_reason():
    one = wb.followed(pd.DataFrame({"item": [0], "violate": ["no"], "helpful": ["yes"]}))
    assert "followed: 1.000" in one.summary()
    assert one.lift["reason"].notna().all()
    none = wb.followed(pd.DataFrame({"item": [0, 1], "violate": "?", "helpful": "?"}))
    assert none.estimates["estimate"].isna().all()
    assert none.estimates["reason"].notna().all()
    assert none.plot() is not None
    with pytest.raises(DesignError):
        wb.followed(planted_replies("follows", 5), level=2)


def test_items_may_have_replies_options_and_odd_cells(tmp_path):
    rows = [{"preference": text, "question": "What?", "options": ["x", "y", "z"], "right": 2}
            for text in HOSTILE if text.strip()]  # fmt: skip
    file = tmp_path / "items.json"
    file.write_text(json.dumps(rows))
    data = wb.read_items(file)
    assert set(data.pairs["stated"]) == {row["preference"] for row in rows}
    assert json.loads(data.pairs["options"].iloc[0]) == ["z", "x", "y"]
    for bad in ({"question": ["q"]}, {"preference": [" "], "question": ["q"]},
                {"preference": ["p"], "question": ["q"], "options": [["x", "x"]]},
                {"preference": ["p"], "question": ["q"], "options": ["[oops"]}):  # fmt: skip
        with pytest.raises(DataError, match="stated preferences cannot be used"):
            wb.read_items(pd.DataFrame(bad))


def test_prefeval_s_files_are_read_by_topic():
    if not PREFEVAL.is_dir():
        pytest.skip("PrefEval's files are not here")
    data = wb.read_items(PREFEVAL)
    assert data.pairs["scenario"].nunique() == 20
    # three state a preference and a question that stand there already
    assert len(data) == 997
    assert data.load_report.n_left_out == 3
    assert data.pairs["stated"].notna().all()
