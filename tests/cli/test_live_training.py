"""A training that goes on, as the page and the command show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.scoring.test_callback import POLICY, event, model_of, pairs
from workbench.audit.models.whole import audit_scores
from workbench.cli.main import app
from workbench.scoring import AuditCallback
from workbench.scoring.training.kept import read_scores

torch = pytest.importorskip("torch")


@pytest.mark.usefixtures("let_in")
def test_the_page_and_the_command_show_the_training_as_it_goes(tmp_path, monkeypatch):
    from streamlit.testing.v1 import AppTest

    model, runs = model_of(), tmp_path / "runs"
    live = AuditCallback(pairs(8), runs / "dpo", policy=POLICY)
    event(live, "on_train_begin", 0, model)
    folder = Path(__file__).resolve().parents[2] / "pages"
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("WORKBENCH_DATA", str(runs / "dpo" / "data"))
    monkeypatch.setenv("WORKBENCH_RUNS", str(runs))

    def said(shown: Any) -> str:
        assert not shown.exception, shown.exception
        return "\n".join(one.value for one in shown.code)

    # a start is nothing to compare with yet
    page = AppTest.from_file(str(folder / "model_audit.py"), default_timeout=60).run()
    assert "training goes on: step 0 of 6" in said(page)
    with torch.no_grad():
        model.get_output_embeddings().weight.mul_(0.5)
    event(live, "on_evaluate", 2, model)
    text = said(page.run())
    assert "training goes on: step 2 of 6" in text
    told = CliRunner().invoke(app, ["audit-model", str(runs / "dpo" / "data"), "--scores",
                                    str(runs / "dpo")]).stdout  # fmt: skip
    for result in audit_scores(read_scores(runs / "dpo"), live.data):
        assert result.summary() in text
        assert result.summary() in told
    # what the page looks at every few seconds
    from parts import models

    again: list[int] = []
    monkeypatch.setattr(models.st, "rerun", lambda: again.append(1))
    file = runs / "dpo" / "audit.json"
    models._awaited(file, file.stat().st_mtime_ns)
    assert not again
    models._awaited(file, 0)
    assert again
