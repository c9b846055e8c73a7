"""Objects of wins by model: the numbers' meaning is theirs to show, or the user's to say."""

import pyarrow as pa
import pytest

from workbench.data.formats.battles.win_counts import FORMAT
from workbench.errors import DataError

from .conftest import verdicts

MODELS = ("model_a", "model_b", "preference")


def wins(*numbers):
    return dict(zip(("m1", "m2", "m3"), numbers, strict=True))


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_more_wins_are_better(read_file):
    name, frame = read_file([wins(3, 1, 1), wins(0, 2, 3)])
    assert name == "win_counts"
    first, second = (frame[frame["row"] == row] for row in (1, 2))
    assert verdicts(first, *MODELS) == [("m1", "m2", 1.0), ("m1", "m3", 1.0), ("m2", "m3", 0.5)]
    assert verdicts(second, *MODELS) == [("m1", "m2", 0.0), ("m1", "m3", 0.0), ("m2", "m3", 0.0)]
    assert (set(frame["annotator"]), set(frame["kind"])) == ({"judge"}, {"unknown"})
    assert frame["cluster"].nunique() == 2
    assert "wins" in frame.attrs["notes"][0]


@pytest.mark.parametrize("numbers", [(1, 2, 3), (2, 0, 1), (1, 1, 2), (1, 2, 2), (0, 1, 1)])
def test_what_may_be_ranks_is_asked_for(numbers):
    with pytest.raises(DataError, match="may be wins or ranks"):
        read([wins(*numbers)])
    assert (
        read([wins(*numbers)], rule={"numbers": "wins"})["preference"][0]
        == 1 - (read([wins(*numbers)], rule={"numbers": "ranks"})["preference"][0])
    )


def test_a_rule_that_says_nothing_of_the_numbers():
    with pytest.raises(DataError, match="rule"):
        read([wins(3, 1, 1)], rule={"numbers": "points"})


@pytest.mark.parametrize(
    "record",
    [
        {"helpfulness": 3, "correctness": 1, "coherence": 1},
        {"age": 3, "m1": 1, "m2": 1},
        {"m1": 3.5, "m2": 1, "m3": 1},
        {"m1": 30, "m2": 1, "m3": 1},
        {"m1": 1, "m2": 0},
        {"m1": "x", "m2": 1, "m3": 1},
        {"length_a": 1, "length_b": 2, "m": 1},
    ],
)
def test_other_numbers_are_no_wins(format_of, record):
    assert format_of([record, record]) != "win_counts"
