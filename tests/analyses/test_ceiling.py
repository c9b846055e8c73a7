"""The ceiling of public sets: what was recorded, and a set that is measured again."""

from __future__ import annotations

import pytest

from tests.analyses.running import ANALYSES, assert_close, load_run, recorded

FOLDER = "13_ceiling"
SMALL = "JudgeBench, GPT-4o's pairs"


def test_the_page_shows_what_was_recorded():
    page = (ANALYSES / FOLDER / "README.md").read_text("utf-8")
    for name, found in recorded(FOLDER).items():
        share, low, high = found["shares"]["AUC"]
        row = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
        assert f"{share:.2f} [{low:.2f}, {high:.2f}]" in row
        assert f"| {found['labels']:,} | {found['prompts']:,} |" in row
        assert f"| {found['scores']['ceiling']['auc'][0]:.3f} |" in row


def test_a_judge_is_as_right_as_published_and_its_numbers_are_those_recorded(shared_data):
    run = load_run(FOLDER)
    one = run.SETS[SMALL]
    found = run.recorded(run.measured(run.read(shared_data, one), one, black_boxes=[]))
    expected = recorded(FOLDER)[SMALL]
    for name in ("factors", one.judge):
        assert_close(found["scores"][name], expected["scores"][name], within=2e-3)
    # published: 64.29 % of GPT-4o's 350 pairs
    assert found["scores"][one.judge]["accuracy"][0] == pytest.approx(0.6429, abs=5e-4)
    assert (found["labels"], found["prompts"]) == (350, 350)
