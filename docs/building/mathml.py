"""Formulas as MathML: browsers show it by themselves, so that a page loads no script."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx

# raised like any other letter, the sign of a prime is too small to be seen
_PRIME, _SEEN = "<mi>&#x02032;</mi>", "<mtext>'</mtext>"


def mathml(formula: str, display: str) -> str:
    """Return a formula of TeX as MathML."""
    return str(convert(formula, display=display)).replace(_PRIME, _SEEN)


def inline(translator: Any, node: nodes.Element) -> None:
    """Write a formula within a line."""
    translator.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(translator: Any, node: nodes.Element) -> None:
    """Write a formula that stands alone."""
    translator.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it."""
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
