"""The ceiling in the dashboard: asked for beside held-out scores, then told on the first page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def test_black_boxes_stand_beside_held_out_scores_and_the_overview_knows(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2)).round(3)
    won = rng.random(150) < 1 / (1 + np.exp(-2 * (x[:, 0] - x[:, 1])))
    table = pd.DataFrame({"x_a": x[:, 0], "x_b": x[:, 1], "label": np.where(won, "a", "b")})
    table.to_csv(tmp_path / "votes.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "votes.csv"))
    app = AppTest.from_file(str(PAGES / "compare.py"), default_timeout=90)
    app.query_params.update({"view": "Held-out", "folds": "3"})
    app.run()
    scores = next(d.value for d in app.dataframe if "predictor" in d.value)
    assert "ceiling" not in set(scores["predictor"])
    app.toggle(key="ceiling").set_value(True).run()
    assert not app.exception, app.exception
    scores = next(d.value for d in app.dataframe if "predictor" in d.value)
    assert {"factors", "boosting", "ceiling"} <= set(scores["predictor"])
    said = next(text.value for text in app.text if "of what can be predicted" in text.value)
    first = AppTest.from_file(str(PAGES / "overview.py"), default_timeout=90)
    first.query_params["folds"] = "3"
    first.session_state["ceilings"] = app.session_state["ceilings"]
    first.run()
    assert not first.exception, first.exception
    assert any(said in text.value for text in [*first.text, *first.markdown, *first.subheader])
