"""The page Transitivity as a session sees it, without a browser."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from streamlit.testing.v1 import AppTest

import workbench as wb

PAGE = Path(__file__).resolve().parents[2] / "pages" / "transitivity.py"


def _run(**query: str) -> AppTest:
    app = AppTest.from_file(str(PAGE), default_timeout=90)
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def _frame(app: AppTest, column: str) -> pd.DataFrame:
    return next(d.value for d in app.dataframe if column in d.value.columns)


def test_shows_the_numbers_of_the_library_and_ways_to_the_pairs():
    app = _run(cycles_of="human")
    data = wb.score_factors(wb.load("sample"), wb.factors.CORE)
    found = wb.transitivity(data, annotator=["human"])
    shown = _frame(app, "null_limit").reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, found.to_frame(), check_dtype=False, check_like=True)
    assert any(found.verdicts[0]["verdict"] in code.value for code in app.code)
    around = _run(cycles_of="human", cycles_view="Triangles")
    assert "share_31" in _frame(around, "share_31")
    assert any(button.label == "Pairs of triangle 1" for button in around.button)
    pools = _run(cycles_of="human", cycles_view="Shares and pools")
    assert "n_rejected" in _frame(pools, "n_rejected")
