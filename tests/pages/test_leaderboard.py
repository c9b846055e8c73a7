"""The leaderboard as a session sees it, without a browser."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

import workbench as wb
from tests.battles import battles
from workbench.ratings.bradley_terry import rate

PAGES = Path(__file__).resolve().parents[2] / "pages"
STYLE = ["words", "headers", "bullets", "numbered_items", "bold"]


def _run(**query: str | list[str]) -> AppTest:
    app = AppTest.from_file(str(PAGES / "leaderboard.py"), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


def test_shows_the_numbers_of_the_library_with_style_held_constant():
    app = _run()
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    style = [name for name in STYLE if name in data.factor_names]
    assert style
    found = rate(data, annotator="human", covariates=style)
    shown = _frame(app, "rank_arena").reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, found.to_frame(), check_dtype=False, check_like=True)
    changes = _frame(_run(rating_view="With and without style"), "rank_change").reset_index(
        drop=True
    )
    pd.testing.assert_frame_equal(changes, found.counterfactual, check_dtype=False, check_like=True)
    assert any("simulated" in warning.value for warning in app.warning)


def test_choices_come_from_the_url_and_change_the_ratings():
    app = _run(
        judged_by="sim-judge-length",
        held_constant="words",
        rating_ties="davidson",
        rating_intervals="bootstrap",
        anchor="sim-model-a",
    )
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    found = rate(
        data,
        annotator="sim-judge-length",
        covariates=["words"],
        ties="davidson",
        intervals="bootstrap",
        anchor="sim-model-a",
    )
    shown = _frame(app, "rank_arena")
    np.testing.assert_allclose(shown["conf_low"], found.to_frame()["conf_low"])
    assert shown.set_index("term").loc["sim-model-a", "estimate"] == 0.0
    app = _run(judged_by="sim-judge-length", rating_ties="davidson", rating_view="Style weights")
    assert (_frame(app, "group")["term"] == "log nu").all()


def test_without_covariates_only_ratings_are_shown():
    app = _run(rating_view="With and without style")
    app.multiselect(key="held_constant").set_value([]).run()
    assert not app.exception
    assert any("Hold at least one factor constant" in info.value for info in app.info)
    assert not [d for d in app.dataframe if "rank_change" in d.value.columns]


def test_the_page_names_what_is_held_constant_and_what_is_not(monkeypatch, tmp_path):
    rng = np.random.default_rng(0)
    won, first = rng.random(200) < 0.5, np.arange(200) % 2 == 0
    z = np.where(np.arange(200) < 15, np.where(won, 1.0, -1.0), 0.0)
    sides = np.where(first, "m", "n"), np.where(first, "n", "m")
    data = battles(*sides, won.astype(float), {"x": rng.normal(size=200), "z": z})
    wb.save(data, tmp_path / "style")
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "style"))
    app = _run(held_constant=["x", "z"], rating_view="Style weights")
    style = _frame(app, "per_sd").set_index("term")
    assert style["held_constant"].to_dict() == {"x": True, "z": False}
    for view in ("Ratings", "With and without style"):
        app = _run(held_constant=["x", "z"], rating_view=view)
        told = "held constant: x; not held constant: z (the"
        assert sum(told in text.value for text in app.text) == 1
        # only the open view is computed
        assert not [d for d in app.dataframe if "model_a" in d.value.columns]
    app = _run(held_constant="z", rating_view="With and without style")
    assert any("No factor could be held constant" in info.value for info in app.info)


def test_data_without_model_names_say_why(monkeypatch, tmp_path):
    table = pd.DataFrame({"x_a": [1.0, 2.0], "x_b": [0.0, 3.0], "label": ["A", "B"]})
    table.to_csv(tmp_path / "nameless.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "nameless.csv"))
    app = _run()
    assert any("did not work" in error.value for error in app.error)
    assert any("do not say which models" in code.value for code in app.code)
    assert not app.dataframe


def test_names_of_models_are_text_and_never_markup(monkeypatch, tmp_path):
    evil = "<script>alert(1)</script> **b** [l](http://x.example) $x$"
    rows = [
        {"model_a": evil, "model_b": "plain", "x_a": k, "x_b": k % 7, "label": "AB"[k % 3 > 0]}
        for k in range(60)
    ]
    rows += [{"model_a": "never lost", "model_b": evil, "x_a": 1, "x_b": 0, "label": "A"}]
    pd.DataFrame(rows).to_csv(tmp_path / "evil.csv", index=False)
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "evil.csv"))
    app = _run()
    assert evil in _frame(app, "rank_arena")["term"].tolist()
    checks = _run(rating_view="Checks")
    shown = [e.value for kind in ("markdown", "caption", "info", "warning") for e in app.get(kind)]
    assert not [value for value in shown if "script" in value]
    assert any("never lost: not rated" in text.value for text in checks.text)
