"""The data card: what the labels are, who gave them, and what was left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.data.load_report import REASONS, summed
from workbench.data.parts.part import PartRef
from workbench.data.parts.parted import PartedData
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.missing import MissingVerdicts
from workbench.json_values import json_ready
from workbench.llm.request import OFFLINE
from workbench.report.page import Section, Table
from workbench.results import Result

_MISSING = {
    "group": "annotator",
    "term": "term",
    "estimate": "change",
    "p_value": "p",
    "q_value": "q",
    "n": "asked",
    "n_failed": "failed",
    "n_clusters": "clusters",
    "reason": "undefined because",
}


def data_card(
    data: PreferenceData | PartedData,
    licence: str | None,
    missing: MissingVerdicts | None = None,
) -> Section:
    """Say what the data are: counts, annotators, every row left out, what failing depends on."""
    report, card = data.load_report, card_of(data, licence)
    facts = {
        "source": card["source"],
        "format": card["format"],
        "licence": card["licence"],
        "pairs": card["n_pairs"],
        "clusters (prompts, or what the file names)": card["n_clusters"],
        "labels": card["n_labels"],
        "digest": card["digest"],
    }
    verdicts = [{"verdict": name, "rows": count} for name, count in card["verdicts"].items()]
    tables = [
        Table.of(pd.DataFrame(facts.items(), columns=["what", "value"]), "Data card"),
        Table.of(pd.DataFrame(verdicts), "Verdicts: every label, failed ones too"),
        Table.of(data.annotators, "Annotators with kind and number of labels"),
    ]
    if missing is not None:
        caption = f"{missing.heading}: change of the share that fails. Method: {missing.method}"
        tables.append(Table.of(missing.to_frame(), caption, _MISSING, missing.settings["level"]))
    if report is None:
        return Section(
            "data", "Data", ("How the file was read is not recorded.",), (), (), (*tables,)
        )
    counts = [{"rows of the source": "kept", "rows": report.rows_kept, "meaning": "became labels"}]
    counts += [
        {"rows of the source": reason, "rows": entry.count, "meaning": REASONS.get(reason, reason)}
        for reason, entry in report.left_out.items()
    ]
    tables.append(
        Table.of(pd.DataFrame(counts), f"{report.rows_read:,} rows read: what became of them")
    )
    if report.left_out:
        examples = report.to_frame()[["reason", "row", "found"]]
        tables.append(Table.of(examples, "Examples of rows left out"))
    if report.near_equal:
        shown = pd.DataFrame(report.near_equal, columns=["prompt", "near-equal prompt"])
        tables.append(Table.of(shown, "Examples of near-equal prompts that share a cluster"))
    said = tuple(filter(None, (report.line(), *report.notes)))
    return Section("data", "Data", said, tables=tuple(tables))


def card_of(data: PreferenceData | PartedData, licence: str | None) -> dict[str, Any]:
    """Return the data card as plain JSON values; of data in parts the same, by sums."""
    report = data.load_report
    parts = [_counts(data)] if isinstance(data, PreferenceData) else map(_counts_at, data.refs)
    # no two parts share a cluster
    n_clusters, verdicts = zip(*parts, strict=True)
    found = summed(verdicts)
    return {
        "source": report.source if report else "not recorded",
        "format": report.format if report else "not recorded",
        "licence": licence or "not stated",
        "digest": data.digest,
        "n_pairs": len(data),
        "n_clusters": sum(n_clusters),
        "n_labels": sum(found.values()),
        "verdicts": {name: found[name] for name in sorted(found)},
        "annotators": json_ready(data.annotators.to_dict("records")),
        "load_report": None if report is None else json_ready(report.to_dict()),
    }


def _counts(data: PreferenceData) -> tuple[int, dict[str, int]]:
    """Return the number of clusters, and of each verdict."""
    # a label without reason is a decided one: ties and failures always have one
    verdicts = data.labels["reason"].fillna("decided").value_counts()
    return (
        int(data.pairs["cluster"].nunique()),
        {str(name): int(count) for name, count in verdicts.items()},
    )


def _counts_at(ref: PartRef) -> tuple[int, dict[str, int]]:
    # without its factors, which nothing is counted of
    return _counts(PartRef(ref.folder).open())


def simulated(data: PreferenceData | PartedData | None, results: Iterable[Result]) -> str | None:
    """Return a sentence that says so where the labels do not come from real annotators."""
    report = None if data is None else data.load_report
    said = [] if report is None else [report.source, *report.notes, str(report.settings)]
    names = set() if data is None else set(data.annotators["annotator"])
    for result in results:
        if isinstance(result, Decomposition):
            names |= set(result.groups)
        elif isinstance(result, Contrast):
            names |= {*result.settings["groups"], result.settings["reference"]}
        names |= {str(result.settings.get(key, "")) for key in ("model", "voter")}
    specs = {} if data is None else data.factor_specs
    sources = {str(spec.get("source", "")) for spec in specs.values()}
    sentences = []
    if any("simulated" in text.lower() for text in said):
        notes = [note for note in report.notes if "simulated" in note.lower()] if report else []
        sentences = ["Simulated data.", *notes, "No number here describes real people or models."]
    elif any(str(name).startswith("sim-") for name in names):
        sentences.append(
            "Simulated data. Annotators whose names begin with sim- are simulated; their numbers "
            "describe no real people or models."
        )
    if any(OFFLINE in str(name) for name in names | sources):
        sentences.append(
            "Offline model. Annotators and factors whose source is named offline: were computed "
            "from the text by a built-in model; they simulate a judge, and are none."
        )
    return " ".join(sentences) or None
