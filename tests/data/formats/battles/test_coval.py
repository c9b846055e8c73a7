"""Collective Alignment: rankings as text, for oneself and for the world."""

import pyarrow as pa
import pytest

from workbench.data.formats.battles.coval import FORMAT

from .conftest import verdicts


def record(prompt="v1", **rankings):
    """Rankings by person: (personal, world)."""
    asked = [{"role": "user", "content": f"May I, {prompt}?"}]
    said = {"A": "Never.", "B": "Rarely.", "C": "Often."}
    return {
        "prompt_id": prompt,
        "prompt": {"id": prompt, "messages": asked},
        "responses": [
            {"response_index": letter, "messages": [{"role": "assistant", "content": text}]}
            for letter, text in said.items()
        ],
        "metadata": {
            "assessments": [
                {
                    "annotator_id": person,
                    "ranking_blocks": {
                        "personal": [{"ranking": own, "rationale": "r"}],
                        "world": [{"ranking": world, "rationale": "r"}],
                    },
                }
                for person, (own, world) in rankings.items()
            ]
        },
    }


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_rankings(read_file):
    name, frame = read_file([record(p1=("A>B=C", "C > B > A")), record("v2", p2=("B>A>C", ""))])
    assert name == "coval"
    own = frame[(frame["criterion"] == "personal") & (frame["annotator"] == "p1")]
    assert verdicts(own) == [
        ("Never.", "Often.", 1.0), ("Never.", "Rarely.", 1.0), ("Rarely.", "Often.", 0.5),
    ]  # fmt: skip
    world = frame[frame["criterion"] == "world"]
    # an empty block is no ranking, and no failure
    assert set(world["annotator"]) == {"p1"}
    assert verdicts(world) == [
        ("Never.", "Often.", 0.0), ("Never.", "Rarely.", 0.0), ("Rarely.", "Often.", 0.0),
    ]  # fmt: skip
    assert frame["cluster"].tolist() == ["v1"] * 6 + ["v2"] * 3
    assert set(frame["kind"]) == {"human"}
    assert frame["prompt"][0] == "May I, v1?"


def test_a_row_for_each_person(read_file):
    merged = []
    for person, ranking in (("p1", "A>B>C"), ("p2", "C>B>A")):
        row = record()
        del row["metadata"]
        blocks = {"personal": [{"ranking": ranking}]}
        merged.append({**row, "annotator_id": person, "ranking_blocks": blocks})
    name, frame = read_file(merged)
    assert name == "coval"
    assert frame["annotator"].tolist() == ["p1"] * 3 + ["p2"] * 3
    assert frame["preference"].tolist() == [1.0] * 3 + [0.0] * 3


@pytest.mark.parametrize("ranking", ["A>A", "A>Q", "first A"])
def test_what_is_no_ranking_is_counted(ranking):
    frame = read([record(p1=(ranking, "A>B"))])
    assert frame["problem"].fillna("").tolist() == ["unparseable", ""]
    assert frame["found"][0] == f"ranking: {ranking}"
    # a ranking of some is one of these
    assert verdicts(frame) == [("Never.", "Rarely.", 1.0)]


def test_nobody_ranked():
    frame = read([record(p1=("A>B>C", "A>B>C")), record("v2", p2=("", ""))])
    assert frame["problem"].tolist()[-1] == "no judgement"
