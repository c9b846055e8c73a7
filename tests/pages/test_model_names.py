"""A visitor who names models learns nothing of what lies on the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import workbench as wb
from workbench.scoring.adapters import UnloadableError

PAGES = Path(__file__).resolve().parents[2] / "pages"


@pytest.fixture(autouse=True)
def started(tmp_path, monkeypatch) -> Path:
    monkeypatch.syspath_prepend(str(PAGES))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.setenv("WORKBENCH_DATA", "sample")
    monkeypatch.setenv("WORKBENCH_RUNS", str(folder / "runs"))
    return folder


def said(name: str) -> str:
    """Return what the page says of a model of this name."""
    app = AppTest.from_file(str(PAGES / "model_audit.py"), default_timeout=90).run()
    app.text_input("m-model").set_value(name).run()
    app.button("m-start").click().run()
    assert not app.exception, app.exception
    (error,) = (code.value for code in app.code if "cannot be loaded" in code.value)
    return error


def test_not_there_not_readable_and_no_model_are_one_message(started, tmp_path):
    from parts.calls.model_names import place_of

    (tmp_path / "secret").mkdir()
    (started / "empty").mkdir()
    (started / "link").symlink_to(tmp_path / "secret")
    (started / "file.txt").write_text("no folder")
    told = {said("empty"), said("nowhere/at/all")}
    for name in (
        str(tmp_path / "secret"), "../secret", "./link", "./file.txt", "/etc", "/nowhere", "~",
        "..", "a\0b", "x/" * 5000, "pages", "tests/pages", "runs/visitors/x",
    ):  # fmt: skip
        with pytest.raises(wb.ConfigError) as error:
            place_of(name)
        told.add(str(error.value))
    assert len(told) == 1
    assert str(tmp_path) not in told.pop()


def test_folders_below_the_start_and_hub_ids_are_taken(started, monkeypatch, tmp_path):
    from parts.calls.model_names import place_of

    (started / "models" / "mine").mkdir(parents=True)
    assert place_of("models/mine") == str(started / "models" / "mine")
    assert place_of(str(started / "models" / "mine")) == str(started / "models" / "mine")
    assert place_of("owner/model-1.5") == "owner/model-1.5"
    # a link out of the folder is no folder of it: its name is looked up as any other
    (started / "link").symlink_to(tmp_path)
    assert place_of("link") == "link"
    data = tmp_path / "data"
    (data / "model").mkdir(parents=True)
    with pytest.raises(wb.ConfigError):
        place_of(str(data / "model"))
    monkeypatch.setenv("WORKBENCH_DATA", str(data))
    assert place_of(str(data / "model")) == str(data / "model")


def test_another_visitor_s_runs_are_no_place_for_models(started):
    from parts.calls.model_names import place_of

    (started / "runs" / "visitors" / "theirs" / "model").mkdir(parents=True)
    with pytest.raises(wb.ConfigError):
        place_of("runs/visitors/theirs/model")


def test_what_transformers_says_of_a_path_is_not_shown(started):
    from parts.calls.model_names import untold

    here = f"{started}{os.sep}models/x"
    with pytest.raises(wb.ConfigError) as error, untold():
        raise UnloadableError(
            "The model cannot be loaded.", where=here, found="no file config.json"
        )
    assert "config.json" not in str(error.value)
    with pytest.raises(wb.ConfigError) as error, untold():
        raise wb.ConfigError("The checkpoint lacks weights.", where=here, found="no lm_head")
    assert "where: models/x" in str(error.value)
    assert str(started) not in str(error.value)
    assert "no lm_head" in str(error.value)
