"""From the first screen to the report as a user goes: on the sample, and on two real data sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.pages.browsing import dashboard
from tests.pages.walking import Told, Walker
from workbench.ratings.bradley_terry import rate

# held constant at first, as in the Arena's leaderboard
STYLE = ("words", "headers", "bullets", "numbered_items", "bold")

pytestmark = pytest.mark.browser


def test_a_walk_on_the_sample(browser, tmp_path):
    told = Told.of("sample")
    with dashboard(tmp_path) as link:
        _walk(Walker(browser, link, "sample"), link, told)


def test_a_walk_on_a_folder_that_is_served(browser, tmp_path, shared_data):
    folder = _there(shared_data / "vicuna80" / "data" / "vicuna80")
    told = Told.of(folder)
    with dashboard(tmp_path, str(folder)) as link:
        _walk(Walker(browser, link, "vicuna80"), link, told)


def test_a_walk_on_a_file_that_is_uploaded(browser, tmp_path, shared_data):
    file = _there(shared_data / "auto_j" / "testdata_pairwise.jsonl")
    told = Told.of(file)
    with dashboard(tmp_path) as link:
        _walk(Walker(browser, link, "auto_j"), link, told, file)


def _there(path: Path) -> Path:
    if not path.exists():
        pytest.skip(f"{path.name} is not among the real data")
    return path


def _walk(who: Walker, link: str, told: Told, file: Path | None = None) -> None:
    who.arrive(link)
    if file is not None:
        who.upload(file)
        who.picture("load")
        who.visit("Overview")
    _overview(who, told)
    _pairs(who, told)
    who.page.go_back()
    who.heading("Overview")
    who.page.get_by_text(told.found.points[0].message, exact=True).wait_for()
    _compare(who, told)
    _leaderboard(who, told)
    _report(who, told)
    assert who.wrong == []
    who.context.close()


def _overview(who: Walker, told: Told) -> None:
    """The numbers are those of the library for the same file."""
    who.chart()
    who.page.get_by_role("link", name="Show the pairs").first.wait_for()
    who.settle()
    said = who.page.get_by_test_id("stMain").inner_text()
    assert told.found.line in said
    assert told.found.points
    for point in told.found.points:
        assert point.message in said
    assert told.number in told.found.points[0].message
    for row in told.found.verdicts.to_dict("records"):
        assert f"{row['judge']}\n{row['verdict']}\n" in _lines(said)
        assert f"{100 * row['agreement']:.0f}% [" in said
    who.picture("overview")


def _lines(said: str) -> str:
    return "\n".join(line.strip() for line in said.splitlines() if line.strip())


def _pairs(who: Walker, told: Told) -> None:
    """One click shows the pair that speaks most for the first finding."""
    who.page.get_by_role("link", name="Show the pairs").first.click()
    who.heading("Examples")
    first = told.first_pair
    who.page.get_by_text(f"Pair {first['pair_id']}").first.wait_for()
    line = max(str(first["prompt"]).splitlines(), key=len)[:120]
    who.page.get_by_test_id("stCode").filter(has_text=line).first.wait_for()
    who.picture("examples")


def _compare(who: Walker, told: Told) -> None:
    who.visit("Compare")
    who.chart()
    who.picture("compare-weights")
    who.tab("Differences")
    if told.job.gap is None:
        who.page.get_by_text("Choose at least one annotator").wait_for()
        who.tab("Weights")
        table: Any = told.job.people.to_frame()
    else:
        who.chart()
        who.picture("compare-differences")
        table = told.job.gap.to_frame()
    who.row()
    who.heading("Examples")
    who.page.get_by_text("Prompt", exact=True).first.wait_for()
    # whom a page shows at first stands in no address
    group = table["group"].iloc[0]
    assert who.asked("group") == ([] if group in told.job.people.groups else [group])
    assert who.asked("term") == [table["term"].iloc[0]]
    who.picture("examples-of-a-row")


def _leaderboard(who: Walker, told: Told) -> None:
    known = told.data.pairs[["model_a", "model_b"]].notna().any(axis=None)
    who.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Leaderboard").click()
    who.page.get_by_role("heading", level=1, name="Leaderboard").wait_for()
    who.settle()
    if known:
        who.well()
        who.chart()
        rated = rate(told.data, annotator="human", covariates=STYLE).to_frame()
        models = set(rated.loc[rated["estimate"].notna(), "term"])
        assert models
        ticks = who.page.locator(".js-plotly-plot .ytick").all_text_contents()
        assert {tick.strip() for tick in ticks} >= models
    else:
        # there is nothing to rate, and the page says so
        who.page.get_by_text("model_a").first.wait_for()
    who.picture("leaderboard")


def _report(who: Walker, told: Told) -> None:
    who.visit("Report")
    who.well()
    who.picture("report")
    for name in ("HTML", "JSON"):
        with who.page.expect_download() as coming:
            who.page.get_by_role("button", name=name).click()
        who.files[name] = Path(coming.value.path()).read_bytes()
    record = json.loads(who.files["JSON"])
    assert record["data"]["digest"] == told.data.digest
    assert record["data"]["n_labels"] == len(told.data.labels)
    assert 10_000 < len(who.files["HTML"]) < 2 * 2**20
    assert told.found.points[0].message.encode() in who.files["HTML"]
