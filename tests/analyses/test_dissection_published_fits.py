"""The analysis of the published fits runs again and agrees with the published numbers."""

from __future__ import annotations

import pytest

from tests.analyses.running import assert_close, load_run, recorded
from tests.conftest import SHARED
from workbench.decompose.published import read_fits

FOLDER = "02_dissection_published_fits"
FITS = SHARED / "reference" / "dissection_fits"


@pytest.fixture(scope="module")
def run():
    return load_run(FOLDER)


@pytest.fixture(scope="module")
def fits():
    if not FITS.is_dir():
        pytest.skip("the published fits are not beside the project (../shared/reference)")
    return read_fits(FITS)


@pytest.fixture(scope="module")
def found(run, fits):
    return run.record(fits)


def test_the_recorded_numbers_come_again(found):
    assert_close(found, recorded(FOLDER), within=2e-4)


def test_they_are_the_published_ones(found):
    assert found["annotators"] == 33
    assert found["left_out"] == 0
    severe = found["percent"]["no severe errors"]
    published = {"human": 62.86, "GPT-4": 76.19, "GPT-3.5": 57.10}
    assert {name: round(value, 2) for name, value in severe.items()} == published
    stances = found["percent"]["support stances | w_stances"]
    assert round(stances["human"], 2) == 64.68
    # the paper prints two places
    sizes = [round(value, 2) for value in found["similarity_by_size"].values()]
    assert sizes == [0.83, 0.74, 0.88]
    assert round(found["similarity"]["human, GPT-4"], 3) == 0.742
    assert found["nearest_human"] == "qwen-72b"
    assert found["farthest_human"] == "llama-2-7b"


def test_the_prior_alone_gives_the_stated_range(run):
    # 95 % of a Laplace distribution of scale 0.1, as a probability: 42.6 to 57.4 %
    edge = 100 / (1 + pow(2.718281828459045, -run.PRIOR_END))
    assert round(edge, 1) == 57.4


def test_most_weights_are_small(found):
    assert round(found["share_of_weights"]["all"]["below 0.1"], 2) == 0.63


def test_everything_is_printed(run, fits, capsys):
    run.show(fits)
    text = capsys.readouterr().out
    for part in ("76.19", "0.883", "42.6 to 57.4 %", "llama-2-7b", "without draws"):
        assert part in text
