"""Quoted pairs: those behind the finding, who preferred what, and how much of a text is shown."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import workbench as wb
from tests.planted import planted
from workbench.report.main_job import main_job
from workbench.report.page import Quoted

HOSTILE = "</blockquote><script>alert(1)</script> $x$ `code`"


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    """A judge that likes what people do not; the texts are hostile and long."""
    made = planted({"people": [1.0, -0.8], "judge": [1.0, 0.9]}, n=900)
    n = len(made.pairs)
    pairs = made.pairs.assign(
        prompt=[f"prompt {k} {HOSTILE}" for k in range(n)],
        response_a=[f"a{k} " + "x" * 3306 for k in range(n)],
        response_b=[f"b{k}" for k in range(n)],
    )
    return replace(made, pairs=pairs)


@pytest.fixture(scope="module")
def report(data: wb.PreferenceData):
    fits = wb.decompose(data, folds=0)
    return wb.report([fits, wb.contrast(fits, "people")], data=data)


@pytest.fixture(scope="module")
def shown(report) -> Quoted:
    [k] = [k for k, one in enumerate(report.findings) if one.term == "f1"]
    assert report.findings[k].message == "judge rewards f1, which people punishes"
    return report.quoted[k]


def test_three_pairs_stand_behind_a_difference_and_show_it(shown: Quoted, data) -> None:
    assert len(shown.quotes) == 3
    coded = data.factors.set_index("pair_id")["f1"]
    for quote in shown.quotes:
        judge, people, value = quote.facts
        side = "A" if coded[quote.pair_id] > 0 else "B"
        other = "B" if side == "A" else "A"
        assert judge.startswith(f"judge prefers {side} (")
        assert people.startswith(f"people prefers {other} (")
        assert value.endswith(f"{coded[quote.pair_id]:+.3g}")


def test_texts_are_those_of_the_pair_and_a_cut_is_told(shown: Quoted, data) -> None:
    pairs = data.pairs.set_index("pair_id")
    for quote in shown.quotes:
        names = [name for name, _ in quote.texts]
        assert [name.split(" (")[0] for name in names] == ["Prompt", "Response A", "Response B"]
        prompt, first, second = (text for _, text in quote.texts)
        own = pairs.loc[quote.pair_id]
        assert (prompt.text, prompt.cut) == (own["prompt"], None)
        assert first.text == own["response_a"][:1200]
        assert first.cut == f"… 1,200 of {len(own['response_a']):,} characters"
        assert (second.text, second.cut) == (own["response_b"], None)


def test_the_finding_leads_to_its_pairs_and_their_text_is_only_text(report, shown: Quoted) -> None:
    page = report.html()
    assert page.count(f'href="#{shown.anchor}"') == 1
    assert page.count(f'id="{shown.anchor}"') == 1
    assert "<script" not in page
    assert "&lt;/blockquote&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    record = report.to_dict()["findings"]
    [one] = [f for f in record if f["term"] == "f1"]
    assert one["evidence"] == [quote.pair_id for quote in shown.quotes]


def test_a_report_without_the_data_or_the_section_leads_nowhere(report) -> None:
    for other in (
        wb.report(list(report.results)),
        wb.report(list(report.results), data=report.data, sections=["findings"]),
    ):
        page = other.html()
        assert "#pairs" not in page
        assert "blockquote>" not in page


def test_a_caution_stands_where_others_may_hold_rights(report) -> None:
    def text(page: str) -> str:
        return re.sub(r"\s+", " ", page.split('<section id="pairs"')[1])

    assert "licence of the data is not stated" in text(report.html())
    licensed = wb.report(list(report.results), data=report.data, licence="CC BY-NC <4.0>")
    assert "Licence of the data: CC BY-NC &lt;4.0&gt;. See that it allows" in text(licensed.html())
    sample = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    page = main_job(sample, annotators=["sim-judge-length"], folds=0).report().html()
    assert "not stated: ask" not in text(page)


def test_a_finding_that_names_its_pairs_shows_these(data) -> None:
    from workbench.finding import Finding
    from workbench.report.quoted import quoted

    ids = tuple(data.pairs["pair_id"][:5])
    own = Finding("r", "note", "m", 1.0, 0.5, 2.0, "t", 9, "h", ("nobody", *ids))
    [found] = quoted([own], data).values()
    assert [quote.pair_id for quote in found.quotes] == list(ids[:3])
    assert any(fact.startswith("judge prefers") for fact in found.quotes[0].facts)
    assert quoted([own], None) == {}
