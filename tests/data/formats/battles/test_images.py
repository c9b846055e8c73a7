"""Choices and rankings of images, and answers about them."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.formats.battles import hpd, image_reward, pick_a_pic, rlhf_v
from workbench.data.formats.registry import get_format

from .conftest import verdicts

IMAGES = ("media_a", "media_b", "preference")


def read(layout, records, **options):
    return layout.FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def pick(first=1.0, second=0.0, uids=("10", "11"), **changed):
    return {
        "caption": "a fox",
        "has_label": True,
        "image_0_uid": uids[0],
        "image_0_url": f"https://example.org/{uids[0]}.png",
        "image_1_uid": uids[1],
        "image_1_url": f"https://example.org/{uids[1]}.png",
        "label_0": first,
        "label_1": second,
        "model_0": "m1",
        "model_1": "m2",
        "user_id": 5,
        **changed,
    }


def test_pick_a_pic(read_file):
    records = [
        pick(), pick(0.0, 1.0), pick(0.5, 0.5, ("12", "11")),
        pick(None, None, has_label=False), pick(1.0, 1.0),
    ]  # fmt: skip
    name, frame = read_file(records)
    assert name == "pick_a_pic"
    assert frame["problem"].fillna("").tolist() == ["", "", "", "no judgement", "unknown label"]
    assert frame["preference"].tolist()[:3] == [1.0, 0.0, 0.5]
    assert frame["reason"].fillna("").tolist()[:3] == ["", "", "tie"]
    # the images are what was compared, in whatever order they stand
    assert frame["item"].tolist()[:3] == ["10 11", "10 11", "11 12"]
    assert frame["media_a"][0] == "https://example.org/10.png"
    assert (set(frame["annotator"]), set(frame["kind"])) == ({"5"}, {"human"})


def test_the_bytes_of_images_stay_unread():
    columns = [*pick(), "jpg_0", "jpg_1"]
    assert set(columns) - set(pick_a_pic.FORMAT.columns(columns, {})) == {"jpg_0", "jpg_1"}


def test_hpd_choices(read_file):
    records = [
        {"human_preference": [1, 0], "prompt": "a fox", "file_path": ["1.jpg", "2.jpg"],
         "user_hash": "h1"},
        {"human_preference": [0, 1], "prompt": "a fox", "file_path": ["1.jpg", "2.jpg"],
         "user_hash": "h2"},
    ]  # fmt: skip
    name, frame = read_file(records)
    assert name == "hpdv2"
    assert verdicts(frame, *IMAGES) == [("1.jpg", "2.jpg", 0.0), ("1.jpg", "2.jpg", 1.0)]
    assert frame["annotator"].tolist() == ["h1", "h2"]


@pytest.mark.parametrize("votes", ["raw_annotations", "raw_annotation"])
def test_hpd_rankings_are_each_person_s_own(read_file, votes):
    record = {
        "prompt": "a fox",
        "image_path": ["1.jpg", "2.jpg", "3.jpg"],
        "rank": [0, 1, 2],
        votes: [{"rank": [0, 1, 2], "user_hash": "h1"}, {"rank": [2, 1, 0], "user_hash": "h2"}],
    }
    name, frame = read_file([record, {**record, "prompt": "a mill"}])
    assert name == "hpdv2"
    own = frame[(frame["annotator"] == "h1") & (frame["prompt"] == "a fox")]
    assert own["preference"].tolist() == [1.0] * 3
    other = frame[(frame["annotator"] == "h2") & (frame["prompt"] == "a fox")]
    assert other["preference"].tolist() == [0.0] * 3
    # the mean ranking stands beside the votes and is none of them
    assert len(frame) == 12
    assert own[["consensus_rank_a", "consensus_rank_b"]].iloc[0].tolist() == [0, 1]


def test_hpd_counts_the_consensus_only_where_it_is_all_there_is():
    record = {"prompt": "a fox", "image_path": ["1.jpg", "2.jpg"], "rank": [1, 0],
              "raw_annotations": None}  # fmt: skip
    frame = read(hpd, [record])
    assert frame[["annotator", "preference"]].iloc[0].tolist() == ["consensus", 0.0]
    broken = read(hpd, [{**record, "rank": [1]}, {**record, "rank": None}])
    assert broken["problem"].tolist() == ["unparseable", "no judgement"]


def ranked(image, rank, prompt="p1", **changed):
    return {
        "prompt_id": prompt, "prompt": "a fox", "classification": "Animals",
        "image_path": image, "image_amount_in_total": 3, "rank": rank, "overall_rating": 8 - rank,
        "image_text_alignment_rating": 4, "fidelity_rating": 4, **changed,
    }  # fmt: skip


def better(frame):
    """Return what was preferred to what, or tied with it, whichever side it stands on."""
    good = frame[frame["problem"].isna()]
    return sorted(
        (a, b, "won") if p == 1 else (b, a, "won") if p == 0 else (*sorted((a, b)), "tied")
        for a, b, p in zip(good["media_a"], good["media_b"], good["preference"], strict=True)
    )


RANKED = [("1.webp", "2.webp", "won"), ("1.webp", "3.webp", "won"), ("2.webp", "3.webp", "tied")]


def test_image_reward_rows_of_a_prompt(read_file):
    # rows of a prompt may stand apart
    records = [ranked("1.webp", 1), ranked("9.webp", 1, "p2"), ranked("2.webp", 2),
               ranked("3.webp", 2)]  # fmt: skip
    name, frame = read_file(records)
    assert name == "image_reward"
    assert better(frame) == RANKED
    assert frame["problem"].fillna("").tolist().count("no judgement") == 1
    assert set(frame["cluster"].dropna()) == {"p1"}
    assert (set(frame["annotator"]), set(frame["kind"])) == ({"imagereward"}, {"human"})
    assert "overall_rating_a" in frame


def test_image_reward_lists_of_a_prompt(read_file):
    group = {
        "prompt_id": "p1", "prompt": "a fox", "classification": "Animals",
        "image": [{"bytes": None, "path": f"{i}.webp"} for i in (1, 2, 3)], "rank": [1, 2, 2],
        "overall_rating": [7, 5, 5], "image_text_alignment_rating": [5, 5, 5],
        "fidelity_rating": [4, 4, 4],
    }  # fmt: skip
    name, frame = read_file([group, {**group, "prompt_id": "p2"}])
    assert name == "image_reward"
    assert better(frame) == sorted(RANKED * 2)


def test_image_reward_better_and_worse(read_file):
    pair = {"prompt_id": "p1", "prompt": "a fox", "classification": "Animals"}
    records = [{**pair, "img_better": f"{i}.webp", "img_worse": f"{9 - i}.webp"} for i in range(4)]
    name, frame = read_file(records)
    assert name == "image_reward"
    assert better(frame) == [(f"{i}.webp", f"{9 - i}.webp", "won") for i in range(4)]


def test_the_side_of_an_image_says_nothing_of_its_rank():
    records = [ranked(f"{i}-{j}.webp", j + 1, f"p{i}") for i in range(200) for j in range(2)]
    frame = read(image_reward, records, seed=0)
    # by chance 100 of 200, standard error 7
    assert 70 < (frame["preference"] == 1).sum() < 130
    turned = read(image_reward, records[::-1], seed=0)
    assert better(turned) == better(frame)
    sides = [sorted(map(tuple, f[["media_a", "media_b"]].to_numpy())) for f in (frame, turned)]
    assert sides[0] == sides[1]


def test_an_image_without_a_rank():
    frame = read(image_reward, [ranked("1", 1), ranked("2", 2), ranked("3", 3) | {"rank": None}])
    assert frame["problem"].fillna("").tolist() == ["no judgement", ""]


def corrected(i=0, **changed):
    text = {"question": f"What is it, {i}?", "chosen": f"A barn {i}.", "rejected": f"A mill {i}."}
    return {"ds_name": "RLHF-V", "image_path": f"{i}.jpg", "text": json.dumps(text), "idx": i,
            **changed}  # fmt: skip


def test_rlhf_v(read_file):
    name, frame = read_file([corrected(i) for i in range(4)])
    assert name == "rlhf_v"
    won = frame["response_a"].where(frame["preference"] == 1, frame["response_b"])
    assert won.tolist() == [f"A barn {i}." for i in range(4)]
    assert frame["media"].tolist() == [f"{i}.jpg" for i in range(4)]
    assert frame["prompt"][0] == "What is it, 0?"
    assert (set(frame["annotator"]), set(frame["kind"])) == ({"human"}, {"human"})
    frame = read(rlhf_v, [corrected(), corrected(text="A barn.")])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable"]


def test_an_image_that_has_a_path_stays_unread():
    columns = ["text", "image", "image_path"]
    assert rlhf_v.FORMAT.columns(columns, {}) == ["text", "image_path"]
    assert rlhf_v.FORMAT.columns(["text", "image"], {}) == ["text", "image"]


def test_images_in_parquet(tmp_path):
    picture = {"bytes": b"\x89PNG", "path": None}
    path = tmp_path / "data.parquet"
    pq.write_table(pa.Table.from_pylist([corrected(image=picture, image_path=None)]), path)
    frame = get_format("rlhf_v").translate(pq.read_table(path), 1, {})
    assert frame["media"][0].startswith("embedded:")
