"""Write the tour notebook with its outputs: ``python docs/make_tour.py``.

The cells stand here as text, so that a change of the tour can be read. What they give comes from
running them; nothing of the machine or of the clock stays in the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

PATH = Path(__file__).parent / "tour.ipynb"

CELLS = [
    ("text", """# A tour of the workbench

People and LLM judges say which of two responses they prefer. What do they reward? Where do the
judges differ from the people? This notebook answers both for the bundled sample, whose texts,
annotators and labels are **simulated**: nothing here describes real people or models."""),
    ("code", """import workbench as wb

data = wb.load("sample")
data"""),
    ("text", """## Factors

A factor is a property on which two responses can differ. These come from the texts alone; each
becomes the difference *A minus B* of a pair."""),
    ("code", """data = wb.score_factors(data, wb.factors.CORE)
", ".join(data.factor_names)"""),
    ("text", """## What people reward

All factors are fitted together, with cluster-robust intervals: the weight of a factor is what it
adds beyond the others. The clear ones stand first."""),
    ("code", """people = wb.decompose(data, annotator="human")
people"""),
    ("text", """## Where a judge differs

A judge that errs less than people has larger weights everywhere. That is sharpness, not taste:
the contrast tells the two apart."""),
    ("code", """judges = wb.decompose(data, annotator=["sim-judge-length", "sim-judge-format"])
gap = wb.contrast(judges, people)
gap"""),
    ("code", """gap.scale[["group", "ratio", "ratio_low", "ratio_high"]].round(2)"""),
    ("text", """## The pairs behind a number

No number without its pairs. These speak most for the first difference; the report quotes them."""),
    ("code", """from workbench.explain.behind import behind

pairs = behind(judges, "sim-judge-length", "words", against=(people, "human"), n=3)
pairs[["pull", "value", "label", "other_label"]].round(2)"""),
    ("text", """## A figure that shows everywhere

`wb.picture` gives a figure with a static picture beside it: live where plotly runs, an SVG on
code hosts and in print."""),
    ("code", """wb.picture(gap, "Differences of taste to human")"""),
    ("text", """## The report

One file without any script, with findings first and their pairs quoted; also as Markdown, JSON or
PDF. `wb.compare_reports` sets two of them side by side."""),
    ("code", """report = wb.report([people, judges, gap], data=data, title="Tour")
[finding.message for finding in report.findings][:5]"""),
]  # fmt: skip


def notebook() -> Any:
    """Return the tour without outputs."""
    made = nbformat.v4.new_notebook()
    for k, (kind, source) in enumerate(CELLS):
        new = nbformat.v4.new_markdown_cell if kind == "text" else nbformat.v4.new_code_cell
        made.cells.append(new(source, id=f"cell-{k}"))
    made.metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    return made


def executed() -> Any:
    """Return the tour with what its cells give."""
    done = NotebookClient(notebook(), timeout=120, kernel_name="python3").execute()
    for cell in done.cells:
        cell.metadata = {}
        for output in cell.get("outputs", []):
            # beside a table and a picture the arrays of a result are no use to a reader
            if "text/html" in output.get("data", {}):
                output["data"]["text/plain"] = output["data"]["text/plain"].split("(")[0]
    done.metadata = notebook().metadata
    return done


if __name__ == "__main__":
    text = json.dumps(executed(), indent=1, ensure_ascii=False, sort_keys=True)
    PATH.write_text(text + "\n", encoding="utf-8")
