"""Links from a number to its pairs say of which data and of which fit it is."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

from streamlit.testing.v1 import AppTest

PAGES = Path(__file__).resolve().parents[2] / "pages"


def _router(tmp_path: Path, body: str) -> AppTest:
    (tmp_path / "examples.py").write_text("import streamlit as st\nst.title('Examples')\n")
    (tmp_path / "here.py").write_text(
        f"from parts.linking import *\nimport streamlit as st\n{body}"
    )
    (tmp_path / "app.py").write_text(
        "import streamlit as st\n"
        "st.navigation([st.Page('here.py', default=True), st.Page('examples.py')]).run()"
    )
    app = AppTest.from_file(str(tmp_path / "app.py"))
    app.query_params["ties"] = "drop"
    app.query_params["annotators"] = ["j 1", "k&=x"]
    app.query_params["view"] = "Weights"
    return app


def test_a_link_keeps_data_and_fit_and_leaves_the_view(tmp_path):
    body = "pairs_link('The pairs', group='j 1', term='words', against='human')"
    app = _router(tmp_path, body).run()
    assert not app.exception
    (link,) = app.get("page_link")
    assert link.proto.page == "examples"
    assert parse_qs(link.proto.query_string) == {
        "ties": ["drop"], "annotators": ["j 1", "k&=x"], "group": ["j 1"], "term": ["words"],
        "against": ["human"], "order": ["behind a number"], "by": ["1"],
    }  # fmt: skip


def test_a_chosen_point_goes_to_its_pairs(tmp_path):
    body = "if st.button('point'): to_pairs(group='k&=x', term='tone', against=None)"
    app = _router(tmp_path, body).run()
    app.button[0].click().run()
    assert [title.value for title in app.title] == ["Examples"]
    assert app.query_params["group"] == "k&=x"
    assert app.query_params["ties"] == "drop"
    assert "against" not in app.query_params
    assert "view" not in app.query_params


def test_a_number_of_the_reference_names_no_group(tmp_path):
    # the page would take it out of its address, and going back would take one more step
    body = "st.selectbox('x', ['human', 'j 1'], key='reference')\npairs_link('The pairs', **{})"
    for group, named in (("human", False), ("j 1", True)):
        app = _router(tmp_path, body.format({"group": group, "term": "words"})).run()
        (link,) = app.get("page_link")
        assert ("group" in parse_qs(link.proto.query_string)) == named


def test_a_filter_of_examples_needs_no_order(tmp_path):
    app = _router(tmp_path, "pairs_link('The pairs', within=['coding'])").run()
    (link,) = app.get("page_link")
    assert "order" not in parse_qs(link.proto.query_string)
    assert parse_qs(link.proto.query_string)["within"] == ["coding"]


def test_a_page_that_runs_alone_shows_where_it_cannot_lead():
    app = AppTest.from_string("from parts.linking import *\npairs_link('The pairs', group='j')")
    app.run()
    assert not app.exception
    assert app.button[0].disabled
