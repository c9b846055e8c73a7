"""The page Curate as a session sees it, without a browser."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

import workbench as wb
from tests.voted import voted
from workbench.cli.main import app as cli
from workbench.curate.writers.write import packed

PAGES = Path(__file__).resolve().parents[2] / "pages"
HOSTILE = "![x](http://127.0.0.1:9/x.png) :red[y] $z$ <b>"


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    return wb.score_factors(wb.load("sample"), wb.factors.CORE)


def _run(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "curate.py"), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _frames(app: AppTest, column: str) -> list[pd.DataFrame]:
    return [d.value for d in app.dataframe if column in d.value.columns]


def test_the_effect_has_the_numbers_of_the_library(data):
    app = _run(min_agreement="0.8", soft="true", curate_view="Effect")
    made = wb.curate(data, {"min_agreement": 0.8, "soft": True})
    assert made.summary() in [code.value for code in app.code]
    shown = next(f for f in _frames(app, "group") if "ECE" in set(f["term"]))
    pd.testing.assert_frame_equal(shown.reset_index(drop=True), made.held_out, check_dtype=False)
    weights = next(f for f in _frames(app, "per_sd"))
    np.testing.assert_allclose(weights["estimate"], made.weights["estimate"])
    [findings] = _frames(app, "rule_id")
    assert findings["message"].tolist() == [one.message for one in made.findings()]
    assert app.number_input(key="min_agreement").value == 0.8


def test_pairs_that_stay_and_go_are_shown_with_their_reason_and_texts(data):
    app = _run(min_agreement="0.9", strength_from="votes", soft="true")
    made = wb.curate(data, {"min_agreement": 0.9, "soft": True, "source": "votes"})
    [rows] = _frames(app, "share")
    assert rows["n"].tolist() == made.rows["n"].tolist()
    for reason in ("kept", "agreement below 0.9", "tie"):
        app.selectbox(key="c-reason").select(reason).run()
        [shown] = _frames(app, "pair_id")
        own = made.pairs[made.pairs["reason"] == reason].head(25)
        assert shown["pair_id"].tolist() == own["pair_id"].tolist()
        np.testing.assert_allclose(shown["p"], own["p"])
        assert (shown["weight"] > 0).all() == (reason == "kept")
        assert any(f"{(made.pairs['reason'] == reason).sum():,} pairs" in t.value for t in app.text)
    pair = data.pairs.set_index("pair_id").loc[app.selectbox(key="c-pair").value]
    said = [code.value for code in app.code]
    assert {pair["prompt"], pair["response_a"], pair["response_b"]} <= set(said)


def test_the_command_beside_the_download_writes_the_same_files(data, tmp_path, monkeypatch):
    app = _run(balance="words", balance_by="weigh", max_loss="0.6", test_share="0.2",
               layout="llama-factory", curate_view="Download")  # fmt: skip
    [command] = [code.value for code in app.code]
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(cli, shlex.split(command)[1:])
    assert ran.exit_code == 0, ran.output
    rule = {"balance": ["words"], "balance_by": "weigh", "max_loss": 0.6, "test_share": 0.2}
    made = wb.curate(data, rule)
    assert any(made.data.digest in text.value for text in app.text)
    archive = zipfile.ZipFile(io.BytesIO(packed(made.data, "llama-factory")))
    for name in ("train.jsonl", "test.jsonl", "dataset_info.json"):
        assert (tmp_path / "curated" / "data" / name).read_bytes() == archive.read(name)


def test_strength_is_that_of_the_library_for_chosen_annotators(data):
    names = ["sim-person-01", "sim-person-02"]
    app = _run(votes_of=names, curate_view="Strength of the labels")
    found = wb.strength(data, annotators=names)
    assert found.summary() in [code.value for code in app.code]
    assert _frames(app, "source")[0]["estimate"].tolist() == pytest.approx(
        found.to_frame()["estimate"].tolist(), nan_ok=True
    )


def test_a_rule_that_leaves_nothing_says_what_to_do():
    app = _run(min_votes="999")
    assert [error.value for error in app.error] == ["This did not work."]
    assert any("No pair is left" in code.value for code in app.code)


def test_flips_that_nothing_confirms_are_refused_on_the_page(monkeypatch, tmp_path):
    x = np.random.default_rng(0).normal(size=200)
    wb.save(voted(expit(x), 1, {"x": x}, texts=True), tmp_path / "one")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "one"))
    app = _run(flip="0.1")
    assert any("nothing is flipped" in code.value for code in app.code)


def test_texts_and_names_of_the_data_are_never_markup(monkeypatch, tmp_path):
    x = np.random.default_rng(1).normal(size=120)
    made = voted(expit(2 * x), 4, {HOSTILE: x}, texts=True)
    pairs = made.pairs.assign(response_a=[f"{HOSTILE} {k}" for k in range(120)])
    pairs[HOSTILE + "2"] = np.arange(120.0)
    labels = made.labels.assign(annotator=HOSTILE)
    wb.save(
        wb.PreferenceData(pairs, labels, made.factors, made.factor_values, made.factor_specs),
        tmp_path / "evil",
    )
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "evil"))
    for view in ("Pairs", "Effect", "Download", "Strength of the labels"):
        app = _run(balance=HOSTILE, keep_column=HOSTILE + "2", keep_share="0.9", curate_view=view)
        assert not app.error
        kinds = ("markdown", "caption", "info", "warning", "title", "subheader", "error")
        assert not [e for kind in kinds for e in app.get(kind) if "127.0.0.1" in str(e)]
        if view == "Pairs":
            assert f"balance of {HOSTILE}" in app.selectbox(key="c-reason").options
            app.selectbox(key="c-reason").select(f"{HOSTILE}2 not among the lowest 90%").run()
            assert not app.exception
            assert any(HOSTILE in code.value for code in app.code)


def test_the_archive_is_the_same_bytes_and_loads(data, tmp_path):
    made = wb.curate(data, {"min_agreement": 0.9}).data
    assert packed(made, "trl", "parquet") == packed(made, "trl", "parquet")
    with zipfile.ZipFile(io.BytesIO(packed(made))) as archive:
        archive.extractall(tmp_path)
        first = json.loads(archive.read("train.jsonl").splitlines()[0])
    assert {"prompt", "chosen", "rejected"} <= set(first)
    assert len(wb.load(tmp_path / "train.jsonl")) == len(made)
