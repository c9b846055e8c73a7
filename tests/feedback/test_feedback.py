"""Pairs from conversations: planted signals are found, and what gives no pair says why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import workbench as wb
from tests.feedback.chats import ASK, BAD, GOOD, MIXED, chat, many
from tests.hostile import HOSTILE
from workbench.errors import DataError, DesignError
from workbench.llm.reply import Reply, Usage

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="module")
def found() -> wb.Feedback:
    return wb.feedback(MIXED)


def test_each_conversation_has_its_outcome(found: wb.Feedback) -> None:
    assert found.outcomes.set_index("outcome")["n"].to_dict() == {
        "a pair": 3,
        "left after a complaint, without a word": 1,
        "dissatisfied, and not satisfied afterwards": 1,
        "no sign of dissatisfaction": 1,
        "satisfied only after something else was talked of": 1,
        "the user says nothing after an answer": 1,
        "the earlier and the later answer are the same, or one is empty": 1,
        "what the user says is not English: the rules are": 1,
    }


def test_pairs_are_the_complained_and_the_praised_answer(found: wb.Feedback) -> None:
    table = found.pairs.set_index("conversation")
    assert table["earlier"].to_dict() == dict.fromkeys(("pair", "twice", "repeat"), BAD)
    assert table["later"].to_dict() == dict.fromkeys(("pair", "twice", "repeat"), GOOD)
    assert table["corrections"].to_dict() == {"pair": 1, "twice": 2, "repeat": 1}
    assert (table["prompt"] == ASK).all()
    assert table["rule"].to_dict() == {"pair": "complaint", "twice": "complaint",
                                       "repeat": "repeat"}  # fmt: skip
    signs = found.signals.set_index(["conversation", "turn"])
    assert signs.loc[("pair", 1), "evidence"] == "that's wrong"
    assert signs.loc[("left", 2), "rule"] == "left after a complaint"


def test_the_pairs_are_data_of_people(found: wb.Feedback) -> None:
    data = found.to_preference_data()
    labels = data.labels.merge(data.pairs, on="pair_id")
    a_later = labels["response_a"] == GOOD
    assert (labels["preference"] == a_later.astype(float)).all()
    assert set(labels["kind"]) == {"human"}
    assert labels["source"].str.contains("rule signals").all()
    assert "That's wrong." in labels["raw"].str.cat()
    # one prompt and two answers three times: three judgements of one pair
    assert len(data.pairs) == 1
    assert len(labels) == 3
    report = data.load_report
    assert report is not None
    assert report.rows_read - report.n_left_out == report.rows_kept


def test_users_are_clusters_where_the_file_names_them() -> None:
    found = wb.feedback(many())
    data = found.to_preference_data()
    assert data.pairs["cluster"].nunique() == 20
    assert data.labels["annotator"].str.startswith("user u").all()
    assert len(found.pairs) == 20
    first = data.labels["preference"].to_numpy()
    assert 3 < first.sum() < 17
    assert found.to_preference_data().digest == data.digest


def test_rates_by_hand() -> None:
    found = wb.feedback(many())
    rates = found.rates.set_index("term")
    # replies: 20 x (complaint, thanks), 20 x thanks, 20 x (nothing, nothing)
    assert rates.loc["rule: satisfied", "estimate"] == pytest.approx(40 / 100)
    assert rates.loc["rule: dissatisfied", "estimate"] == pytest.approx(20 / 100)
    assert rates.loc["rule: any feedback", "estimate"] == pytest.approx(2 / 3)
    assert rates.loc["gives a pair", "estimate"] == pytest.approx(1 / 3)
    assert rates.loc["gives a pair", "n"] == 60
    assert (rates["conf_low"] < rates["estimate"]).all()
    chosen = found.selection.set_index("term")
    assert chosen.loc["answers in the conversation", "with_a_pair"] == 2
    apologies = found.apologies.set_index("term")["estimate"].tolist()
    assert apologies == [0.0, 1.0, 1.0]
    assert "feedback-apologies" in {one.rule_id for one in found.findings()}


class Reader:
    """A model that knows what was planted, with some turned answers."""

    base_url = "offline:test"

    def __init__(self, wrong: tuple[str, ...] = ()) -> None:
        self.wrong, self.asked = wrong, 0

    async def ask(self, request: Any) -> Reply:
        self.asked += 1
        text = request.messages[-1]["content"]
        said = text.rpartition("<<<next message")[2]
        signal = "none"
        for word, what in (("wrong", "dissatisfied"), ("hank", "satisfied")):
            if word in said:
                signal = what
        if any(word in said for word in self.wrong):
            signal = "none"
        value = {"signal": signal}
        return Reply(json.dumps(value), value, "json_schema", usage=Usage(1, 1, 1))


def asked(tmp_path: Path, source: Any, reader: Reader, **options: Any) -> wb.Feedback:
    with wb.Journal(tmp_path / "j.sqlite") as journal, wb.Asker(reader, journal) as asker:
        return wb.feedback(source, asks=asker, model="reader", **options)


def test_a_model_reads_the_turns_and_kappa_is_cohens(tmp_path: Path) -> None:
    reader = Reader(wrong=("that works",))
    found = asked(tmp_path, many(), reader)
    # equal questions are asked once; turns that ended nothing are not asked
    assert reader.asked <= 100
    both = found.signals.dropna(subset=["model"])
    assert len(both) == 100
    kappa = found.agreement.set_index("term")["estimate"]
    by_hand = cohen_kappa_score(both["signal"] == "satisfied", both["model"] == "satisfied")
    assert kappa["satisfied or not"] == pytest.approx(by_hand)
    assert kappa["dissatisfied or not"] == pytest.approx(1.0)
    # the model saw no satisfaction after the complaint: it makes no pair
    assert found.settings["by"] == "model"
    assert len(found.pairs) == 0
    with pytest.raises(DataError, match="No conversation gave a pair"):
        found.to_preference_data()
    assert found.counts["n"].sum() == 100
    rates = found.rates.set_index("term")["estimate"]
    # by the model, the twenty that were complained of and the twenty with mere thanks
    assert rates["model: any feedback"] == rates["rule: any feedback"] == pytest.approx(2 / 3)
    assert rates["model: satisfied"] == pytest.approx(20 / 100)
    again = asked(tmp_path, many(), reader, by="rule")
    assert len(again.pairs) == 20
    assert len(asked(tmp_path, many(), Reader(), by="both").pairs) == 0


def test_a_reply_that_cannot_be_read_is_no_signal(tmp_path: Path) -> None:
    class Broken(Reader):
        async def ask(self, request: Any) -> Reply:
            return Reply("maybe", None, "text", reason="no JSON", usage=Usage(1, 1, 1))

    found = asked(tmp_path, MIXED, Broken())
    assert found.settings["asked"]["failed"] == found.settings["asked"]["asked"] > 0
    assert found.signals["model"].isna().all()
    reasons = found.outcomes["outcome"].tolist()
    assert "no reply of the model on it" in reasons
    assert found.outcomes["n"].sum() == len(MIXED)


def test_layouts_are_read_and_broken_rows_are_counted(tmp_path: Path) -> None:
    one = chat(ASK, BAD, "That's wrong.", GOOD, "Thanks!")
    turned = [{"from": {"user": "human", "assistant": "gpt"}[m["role"]], "value": m["content"]}
              for m in one]  # fmt: skip
    lines = [
        json.dumps({"conversation": one, "conversation_hash": "w", "language": "English"}),
        json.dumps({"conversations": turned, "id": "s"}),
        json.dumps({"messages": one, "id": "s"}),
        "{broken",
        json.dumps({"text": "no conversation"}),
        json.dumps({"messages": [{"role": "user", "content": "hello?"}]}),
        json.dumps({"messages": []}),
        json.dumps({"messages": [{"role": "user"}, *one]}),
    ]
    path = tmp_path / "chats.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    found = wb.feedback(path)
    counts = found.outcomes.set_index("outcome")["n"].to_dict()
    assert counts == {
        "a pair": 3,
        "a row that is no record": 1,
        "a record without messages": 2,
        "messages of which one cannot be read": 1,
        "a conversation without an answer of an assistant": 1,
    }
    # two conversations of one id stay two
    assert sorted(found.pairs["conversation"]) == ["s", "s (2)", "w"]
    frame = pd.DataFrame([json.loads(lines[0]), {"conversation": one, "language": "French"}])
    frame.to_parquet(tmp_path / "chats.parquet")
    french = wb.feedback(tmp_path / "chats.parquet")
    assert french.outcomes.set_index("outcome")["n"].to_dict() == {
        "a pair": 1,
        "what the user says is not English: the rules are": 1,
    }
    (tmp_path / "held.json").write_text(json.dumps({"data": [{"messages": one}]}), encoding="utf-8")
    assert len(wb.feedback(tmp_path / "held.json").pairs) == 1
    with pytest.raises(DataError, match="There is no such file"):
        wb.feedback(tmp_path / "none.jsonl")
    (tmp_path / "own.jsonl").write_text(json.dumps({"log": one}) + "\n", encoding="utf-8")
    assert len(wb.feedback(tmp_path / "own.jsonl", column="log").pairs) == 1
    with pytest.raises(DataError, match="There is no conversation"):
        wb.feedback(tmp_path / "own.jsonl")


def test_order_of_rows_changes_nothing(found: wb.Feedback) -> None:
    again = wb.feedback(MIXED[::-1])
    for name in ("rates", "signals", "pairs", "outcomes", "selection"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(found, name))
    assert again.to_preference_data().digest == found.to_preference_data().digest
    assert again.provenance.dataset == found.provenance.dataset


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text: str, tmp_path: Path) -> None:
    said = chat(text, f"{text} 1", "That's wrong.", f"{text} 2", f"Thanks! {text}")
    found = wb.feedback([{"messages": said, "conversation_id": text, "user": text}])
    assert len(found.pairs) == 1
    data = found.to_preference_data()
    assert set(data.pairs[["response_a", "response_b"]].iloc[0]) == {f"{text} 1", f"{text} 2"}
    wb.report(found, data=data).save(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>document.title" not in page


def test_messages_of_one_role_in_a_row_and_tools_are_one_turn() -> None:
    said = [
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Hello, what can I do?"},
        {"role": "user", "content": "Name a river"},
        {"role": "assistant", "content": "Etna"},
        {"role": "assistant", "content": "in Italy"},
        {"role": "tool", "content": "{}"},
        {"role": "user", "content": "that's wrong"},
        {"role": "assistant", "content": "The Po"},
        {"role": "user", "content": "great job"},
    ]
    found = wb.feedback([said])
    pair = found.pairs.iloc[0]
    assert pair["earlier"] == "Etna\n\nin Italy"
    # a greeting that nobody asked for is no answer; it stands in the prompt
    assert pair["turn"] == 1
    assert "Hello, what can I do?" in pair["prompt"]


def test_a_step_to_an_answer_is_no_answer_that_the_user_judges() -> None:
    call = {"id": "1", "function": {"name": "look", "arguments": "{}"}}
    looks = {"role": "assistant", "content": "Let me look.", "tool_calls": [call]}
    tool = {"role": "tool", "content": "rain"}
    said = chat(ASK, BAD, "That's wrong.", GOOD, "Thanks!")
    found = wb.feedback([{"messages": [said[0], looks, tool, *said[1:]]}])
    assert found.pairs["earlier"].tolist() == [BAD]
    assert found.pairs["corrections"].tolist() == [1]
    assert "rain" in found.pairs["prompt"].iloc[0]
    assert found.rates.set_index("term").loc["rule: dissatisfied", "n"] == 2


def test_an_id_that_looks_like_anothers_second_stays_a_conversation_of_its_own() -> None:
    said = MIXED[0]["messages"]
    found = wb.feedback([{"id": name, "messages": said} for name in ("x", "x", "x (2)", "x")])
    assert found.pairs["conversation"].nunique() == 4


def test_few_conversations_with_a_pair_do_not_tell_who_complains() -> None:
    plain = [{"messages": chat(f"word {'w ' * (k % 7)}", GOOD, "and more?", "x " * (k % 5 + 1))}
             for k in range(200)]  # fmt: skip
    one = wb.feedback([MIXED[0], *plain]).selection
    assert one["estimate"].notna().all()
    assert one[["conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert one["reason"].str.contains("fewer than 5").all()
    # five that are alike by chance: with whom they are held against they vary all the same
    five = wb.feedback([MIXED[0]] * 5 + plain).selection
    longer = five.set_index("term").loc["words of the first request"]
    first = [3 + 2] * 5, [1 + k % 7 for k in range(200)]
    pooled = np.var(np.concatenate(first)) * (1 / 5 + 1 / 200)
    assert longer["std_error"] > 0.9 * np.sqrt(pooled)
    assert five["q_value"].notna().any()


def test_chosen_by_chance_differ_in_five_of_a_hundred() -> None:
    from workbench.feedback.measures import selection
    from workbench.feedback.reading import PAIR, Found

    rng, clear, tests = np.random.default_rng(0), 0, 0
    for _ in range(150):
        kinds = np.where(np.arange(120) < 6, PAIR, "other")
        some = [Found(f"c{k}", f"c{k}", kind, *rng.geometric([0.4, 0.2, 0.1]).tolist(), None)
                for k, kind in enumerate(kinds)]  # fmt: skip
        p = selection(some, 0.95)["p_value"].to_numpy()
        clear, tests = clear + int((p < 0.05).sum()), tests + len(p)
    assert clear / tests < 0.09


def test_options_and_nothing_are_refused() -> None:
    with pytest.raises(DesignError):
        wb.feedback(MIXED, by="model")
    with pytest.raises(DesignError):
        wb.feedback(MIXED, level=2.0)
    with pytest.raises(DataError, match="There is no conversation"):
        wb.feedback([])
    one = wb.feedback([MIXED[0]])
    assert np.isnan(one.rates["std_error"]).all()
    assert "Feedback in 1 conversations" in one.summary()
    one.plot()
    assert one._repr_html_()


def test_a_large_file_is_read_piece_by_piece(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("workbench.data.parts.pieces.PIECE", 4096)
    path = tmp_path / "chats.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in many(300)), encoding="utf-8")
    assert path.stat().st_size > 10 * 4096
    found = wb.feedback(path)
    whole = wb.feedback(many(300))
    pd.testing.assert_frame_equal(found.pairs, whole.pairs)
    pd.testing.assert_frame_equal(found.rates, whole.rates)


@pytest.mark.skipif(not (SHARED / "data/hh_rlhf_test").exists(), reason="shared/data is not here")
def test_real_dialogues_give_signals() -> None:
    path = SHARED / "data/hh_rlhf_test/helpful-online.test.jsonl.gz"
    found = wb.feedback(path, column="chosen")
    assert found.settings["n_conversations"] > 1000
    assert found.outcomes["n"].sum() == found.settings["n_conversations"]
    rates = found.rates.set_index("term")["estimate"]
    assert 0 < rates["rule: dissatisfied"] < rates["rule: satisfied"] + 0.5
