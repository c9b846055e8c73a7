"""The calls of a run as they are read back: paged, searched, damaged, under way, many."""

from __future__ import annotations

import resource
import sqlite3
import time
from pathlib import Path

import pandas as pd
import pytest

import workbench as wb
from workbench.annotate.calls import (
    call_counts,
    calls_of,
    every_call,
    learnt_forms,
    pairs_of,
)
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.annotate.run import execute, prepare
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

HOSTILE = '<script>window.planted=1</script> ![x](http://127.0.0.1:9/x.png) "quoted" 100% a_b \\ é'


def asked(text: str) -> Request:
    return Request(
        "m", ({"role": "system", "content": "Judge."}, {"role": "user", "content": text})
    )


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    with Journal(tmp_path / "journal.sqlite") as journal:
        for k in range(30):
            thought = f"I think {k}" if k == 3 else ""
            said = Reply(f'{{"verdict": "{"AB"[k % 2]}"}}', {"verdict": "AB"[k % 2]},
                         usage=Usage(100, 5), thinking=thought)  # fmt: skip
            journal.put({f"k{k}": said}, {f"k{k}": asked(f"question {k} of the run")})
        lost = Reply("no idea", None, reason="unreadable: the server said 'Try later'")
        journal.put({"k30": lost}, {"k30": asked(HOSTILE)})
    return RunFolder(tmp_path)


def all_of(folder: RunFolder, **options) -> list[str]:
    names, after = [], None
    while True:
        page = calls_of(folder, after=after, n=7, **options)
        names += [call.name for call in page.calls]
        if page.next is None:
            return names
        after = page.next


def test_pages_hold_every_call_once_failures_first(folder):
    assert all_of(folder) == ["f1", *(f"a{k}" for k in range(1, 31))]
    assert all_of(folder, which="failed") == ["f1"]
    assert all_of(folder, which="answered") == [f"a{k}" for k in range(1, 31)]
    assert calls_of(folder).total == 31
    assert call_counts(folder) == {"answered": 30, "failed": 1}


def test_a_page_that_is_exactly_full_has_no_next(folder):
    assert calls_of(folder, n=31).next is None
    assert calls_of(folder, n=30).next == "a29"


def test_a_call_is_what_was_sent_and_what_came(folder):
    (lost,) = calls_of(folder, which="failed").calls
    assert lost.messages == (("system", "Judge."), ("user", HOSTILE))
    assert (lost.reply, lost.read) == ("no idea", "")
    assert lost.reason == "unreadable: the server said 'Try later'"
    answer = calls_of(folder, which="answered").calls[0]
    assert (answer.reply, answer.read) == ('{"verdict": "A"}', '{"verdict": "A"}')
    assert '"max_tokens": 1024' in answer.sent
    assert (answer.prompt_tokens, answer.completion_tokens, answer.attempts) == (100, 5, 1)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("question 17 ", ["a18"]),
        ("QUESTION 17 ", ["a18"]),
        ("try LATER", ["f1"]),
        ("i think", ["a4"]),
        ('"verdict": "B"', [f"a{k}" for k in range(2, 31, 2)]),
        ('"quoted" 100% a_b \\ é', ["f1"]),
        ("100_", []),
        ("%", ["f1"]),
        ("prompt_tokens", []),
        ("max_tokens", []),
        ("'; DROP TABLE answers; --", []),
        ("  ", ["f1", *(f"a{k}" for k in range(1, 31))]),
    ],
)
def test_words_are_searched_in_texts_alone(folder, words, found):
    assert all_of(folder, search=words) == found


def test_every_call_is_plain_json_and_bounded(folder):
    records = list(every_call(folder))
    assert len(records) == 31
    assert records[0]["messages"][1] == {"role": "user", "content": HOSTILE}
    assert len(list(every_call(folder, most=4))) == 4
    assert [one["name"] for one in every_call(folder, search="question 17 ")] == ["a18"]


def test_a_damaged_row_is_told_and_the_others_are_shown(folder):
    with sqlite3.connect(folder.path / "journal.sqlite") as connection:
        connection.execute("UPDATE answers SET reply = replace(reply, 'B', 'A') WHERE rowid = 2")
    page = calls_of(folder, which="answered", n=40)
    assert page.damaged == 1
    assert [call.name for call in page.calls][:3] == ["a1", "a3", "a4"]


def test_a_file_that_is_no_journal_is_told(tmp_path):
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(wb.WorkbenchError, match="journal of the run cannot be read"):
        calls_of(RunFolder(tmp_path))


def test_a_run_under_way_is_read_while_it_writes(folder):
    with Journal(folder.path / "journal.sqlite") as journal:
        journal.put({"new": Reply("A", "A")}, {"new": asked("the latest")})
        assert all_of(folder, search="the latest") == ["a31"]
        journal.put({"newer": Reply("A", "A")}, {"newer": asked("the very latest")})
        assert call_counts(folder)["answered"] == 32


def test_what_a_server_wants_otherwise_is_told(folder):
    with Journal(folder.path / "journal.sqlite") as journal:
        journal.learn("http://127.0.0.1:1/v1", "m", ("omit seed", "omit n"))
        journal.expect([("omit top_p",)])
    assert learnt_forms(folder) == {"m": ["omit seed", "omit n"]}


def test_a_call_leads_to_the_pair_that_it_is_about(tmp_path):
    data = wb.load("sample")
    run = prepare(AnnotateConfig(model="offline:plain", pairs=6), data, tmp_path / "run")
    execute(run)
    page = calls_of(run, n=50)
    found = [pairs_of(call, run) for call in page.calls]
    assert all(len(one) == 1 for one in found)
    wanted = sorted(run.data.pairs["pair_id"])
    assert sorted({one[0] for one in found}) == wanted
    # both orders of a pair are two calls
    assert pd.Series([one[0] for one in found]).value_counts().tolist() == [2] * 6


def test_a_question_of_one_response_leads_to_every_pair_that_has_it(tmp_path):
    pairs = pd.DataFrame({"prompt": ["p", "p", "q"], "response_a": ["one", "one", "other"],
                          "response_b": ["two", "three", "four"]})  # fmt: skip
    labels = pd.DataFrame({"pair": [0], "annotator": ["h"], "preference": [1.0]})
    data = wb.PreferenceData.from_tables(pairs, labels)
    run = prepare(AnnotateConfig(model="offline:plain", pointwise=True), data, tmp_path / "run")
    execute(run)
    (call,) = [one for one in calls_of(run).calls if one.texts["response"] == "one"]
    ids = data.pairs.set_index("response_a").loc["one", "pair_id"]
    assert sorted(pairs_of(call, run)) == sorted(ids)


def test_a_page_of_many_calls_takes_little_time_and_memory(tmp_path):
    n = 20_000
    with Journal(tmp_path / "journal.sqlite") as journal:
        for start in range(0, n, 5000):
            keys = range(start, start + 5000)
            texts = {f"k{k}": asked(f"pair {k} " + "some words " * 100) for k in keys}
            journal.put({key: Reply("A", "A") for key in texts}, texts)
    folder = RunFolder(tmp_path)
    assert (Path(tmp_path) / "journal.sqlite").stat().st_size > 25e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    assert len(calls_of(folder, after=f"a{n - 50}").calls) == 25
    assert len(calls_of(folder, search=f"pair {n - 2} ").calls) == 1
    assert time.process_time() - start < 1.0
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 40_000  # kB
