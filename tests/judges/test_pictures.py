"""A judge that is shown images: parts of the message, both orders, what is not shown, no fetch."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.data.test_pictures import SVG, asks, data_url, image
from tests.judges.models import Saying
from workbench.annotate.calls import calls_of
from workbench.annotate.config import AnnotateConfig
from workbench.annotate.estimate import estimate
from workbench.annotate.run import execute, prepare
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DesignError, JudgeError
from workbench.judges.pictures import Images
from workbench.llm.asker import Asker
from workbench.llm.asking.bends import _without_system
from workbench.llm.batch import write_batch
from workbench.llm.batches.spooled import SpooledRequests
from workbench.llm.journal import Journal
from workbench.llm.request import Picture, Request

RED, BLUE, GREEN = (data_url(image(colour)) for colour in ("red", "blue", "green"))


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def pairs(n=1, **columns) -> PreferenceData:
    table = pd.DataFrame(
        {"prompt": [f"Draw {k}." for k in range(n)], "response_a": "Here.", "response_b": "There.",
         **columns}
    )  # fmt: skip
    labels = pd.DataFrame({"pair": range(n), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(table, labels)


def parts_of(request):
    *_, last = request.body()["messages"]
    return last["content"]


def first_red(texts, request):
    """Prefer the response whose image is red."""
    shown = [one.url for one in request.pictures if "response" in one.label]
    return {"verdict": "A" if shown[0] == RED else "B"}


def test_images_stand_below_the_texts_by_place_in_both_orders(journal, tmp_path):
    (tmp_path / "c.png").write_bytes(image("green"))
    data = pairs(media="c.png", media_a=RED, media_b=BLUE)
    model = Saying(first_red)
    with Asker(model, journal) as asker:
        rows = wb.ChatJudge("m", asker, images=Images(tmp_path)).verdicts(data)
    # the red image is A's in the data, wherever it stands
    assert rows["preference"].tolist() == [1.0, 1.0]
    by_order = {one.about["order"]: parts_of(one) for one in model.asked}
    for order, urls in (("ab", [GREEN, RED, BLUE]), ("ba", [GREEN, BLUE, RED])):
        text, *shown = by_order[order]
        assert text["type"] == "text"
        assert "Here." in text["text"]
        assert [p["image_url"]["url"] for p in shown[1::2]] == urls
        labels = [p["text"].splitlines()[-1] for p in shown[::2]]
        assert labels == ["Image 1, of the prompt:", "Image 2, of response A:",
                          "Image 3, of response B:"]  # fmt: skip
        assert "data to be judged" in shown[0]["text"]


def test_without_images_the_question_is_what_it_was(journal):
    data = pairs(media_a=RED, media_b=BLUE)
    model = Saying(lambda texts, request: {"verdict": "A"})
    with Asker(model, journal) as asker:
        judge = wb.ChatJudge("m", asker)
        judge.verdicts(data)
        assert "images" not in judge.settings()
    assert all(isinstance(parts_of(one), str) and not one.pictures for one in model.asked)


def test_a_pair_whose_image_cannot_be_shown_is_not_asked_about(journal):
    url = "https://example.org/a.png"
    shown = [RED, url, data_url(SVG), "none.png", None]
    data = pairs(5, media_a=shown)
    for images, n in ((Images(), 2), (Images(addresses=True), 3)):
        model = Saying(lambda texts, request: {"verdict": "A"})
        with Asker(model, journal) as asker:
            rows = wb.ChatJudge("m", asker, images=images, first=n).verdicts(data)
        lost = rows[rows["preference"].isna()]
        assert len(model.asked) == 2 * n
        assert len(lost) == 2 * (5 - n)
        assert lost["reason"].str.startswith("image not shown: ").all()
        # each row stands at its own pair
        known = rows.merge(data.pairs[["pair_id", "media_a"]], on="pair_id")
        fine = known[known["preference"].notna()]
        assert set(fine["media_a"].fillna("-")) == {RED, "-"} | ({url} if n == 3 else set())
    passed = [p for one in model.asked for p in one.pictures if p.url == url]
    assert len(passed) == 2


def test_only_addresses_of_the_web_are_passed_on():
    for name in ("file:///etc/passwd.png", "ftp://x/a.png", "gopher://x"):
        assert Images(addresses=True).lacking({"media": name}) is not None


def test_images_name_a_question_and_the_journal_keeps_none_of_their_bytes(tmp_path):
    one, two = (Request("m", ({"role": "user", "content": "?"},), pictures=(Picture("1:", url),))
                for url in (RED, BLUE))  # fmt: skip
    bare = Request("m", ({"role": "user", "content": "?"},))
    assert len({r.key("http://x/v1") for r in (one, two, bare)}) == 3
    with (
        Journal(tmp_path / "j.sqlite") as journal,
        Asker(Saying(lambda texts, request: {"verdict": "A"}), journal) as asker,
    ):
        asker.ask([one], "judge")
    assert RED[-40:].encode() not in (tmp_path / "j.sqlite").read_bytes()
    with SpooledRequests() as kept:
        kept.update({"k": one})
        assert kept["k"] == one


def test_a_server_without_system_messages_gets_them_above_the_text():
    said = ({"role": "system", "content": "Judge."}, {"role": "user", "content": "?"})
    one = Request("m", said, pictures=(Picture("1:", RED),))
    (message,) = _without_system(one.body())["messages"]
    assert [p.get("text") for p in message["content"]][:3] == ["Judge.", "?", "1:"]
    assert message["content"][-1]["image_url"]["url"] == RED


def test_batches_of_others_are_refused_and_openai_s_hold_the_image(tmp_path):
    one = Request("m", ({"role": "user", "content": "?"},), pictures=(Picture("1:", RED),))
    (file,) = write_batch(tmp_path / "r.jsonl", [one], "http://x/v1")
    line = json.loads(file.read_text())
    assert line["body"]["messages"][-1]["content"][-1]["image_url"]["url"] == RED
    for name in ("anthropic", "gemini"):
        with pytest.raises(JudgeError, match="images are shown"):
            write_batch(tmp_path / "s.jsonl", [one], "http://x/v1", batch_format=name)


def test_a_run_estimates_shows_and_keeps_its_calls(tmp_path):
    data = pairs(4, media_a=[RED, BLUE, GREEN, "gone.png"])
    place = tmp_path / "pictures"
    place.mkdir()
    config = AnnotateConfig(model="offline:plain", images=str(place))
    told = estimate(config, data, None)
    assert told.images == 2 * 3
    assert "6 images are shown: their tokens are unknown" in told.summary()
    assert list(told.unshown.values()) == [2]
    none = estimate(config, data.filter(pair_ids=data.pairs["pair_id"][3:]), None)
    assert "calls 0;" in none.summary()
    assert "not asked: 2 labels, image not shown" in none.summary()
    folder = prepare(config, data, tmp_path / "run")
    found = execute(folder)
    assert found.failures.set_index("reason")["count"].sum() == 2
    assert found.settings["judges"][0]["images"] == {"files": True, "addresses": False}
    call = calls_of(folder, n=1).calls[0]
    assert "[blake2b:" in call.prompt
    assert "base64" not in call.prompt
    # taken up again, nothing is asked anew, and a folder that is gone is told
    assert np.isfinite(execute(folder).to_frame()["n"]).all()
    place.rmdir()
    with pytest.raises(ConfigError, match="no such folder of images"):
        execute(folder)


def test_grades_are_not_given_with_images(tmp_path):
    config = AnnotateConfig(model="offline:plain", images=str(tmp_path), pointwise=True)
    with pytest.raises(ConfigError, match="without images"):
        execute(prepare(config, pairs(2), tmp_path / "run"))


def test_messages_of_a_file_are_shown_as_they_stand(tmp_path, journal):
    row = {"prompt": asks(RED), "chosen": "A cat.", "rejected": "A dog."}
    (tmp_path / "v.jsonl").write_text(json.dumps(row) + "\n" + json.dumps({**row, "chosen": "Cat"}))
    model = Saying(lambda texts, request: {"verdict": "A"})
    with Asker(model, journal) as asker:
        wb.ChatJudge("m", asker, images=Images()).verdicts(wb.load(tmp_path / "v.jsonl"))
    assert len(model.asked) == 4
    assert all([p.url for p in one.pictures] == [RED] for one in model.asked)
    # the text says where it stood
    assert "[image_url]" in parts_of(model.asked[0])[0]["text"]


def test_responses_that_are_images_alone_are_judged_and_need_no_text(journal):
    data = pairs(3, response_a=None, response_b=None, media_a=[RED, BLUE, None], media_b=BLUE)
    with Asker(Saying(first_red), journal) as asker:
        with pytest.raises(DesignError, match="no text to judge"):
            wb.ChatJudge("m", asker).verdicts(data)
        with pytest.raises(DesignError, match="1 of 3 pairs"):
            wb.ChatJudge("m", asker, images=Images()).verdicts(data)
        few = data.filter(pair_ids=data.pairs["pair_id"][data.pairs["media_a"].notna()])
        rows = wb.ChatJudge("m", asker, images=Images()).verdicts(few)
    known = rows.merge(few.pairs, on="pair_id")
    assert set(known.loc[known["media_a"] == RED, "preference"]) == {1.0}
    # without an image that is red, the model says B whatever stands there
    assert sorted(known.loc[known["media_a"] == BLUE, "preference"]) == [0.0, 1.0]
