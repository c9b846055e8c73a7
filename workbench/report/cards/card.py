"""The card of a judge: who it is, what was measured of it, and what was not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.json_values import json_ready, to_json
from workbench.report.cards.rows import is_of, numbers_of
from workbench.report.forms.markdown import line
from workbench.results import Result
from workbench.whole_file import write_text

SECTIONS = {
    "agreement": (
        "Agreement with the reference",
        ("audit.judges.verdicts.board.JudgeBoard", "judges.result.Judgement"),
    ),
    "contrast": ("What it weighs otherwise than the reference", ("compare.contrast.Contrast",)),
    "audit": (
        "Position, length and style",
        ("audit.judges.verdicts.observed.Observed", "audit.judges.scorecard.JudgeAudit"),
    ),
    "calibration": ("Calibration", ("calibration.soft.result.CalibratedVerdicts",)),
    "few-labels": (
        "Estimates beside few labels",
        ("calibration.few.result.FewLabels", "audit.judges.verdicts.corrected.CorrectedRates"),
    ),
    "instrument": (
        "As an instrument",
        ("calibration.instrument.result.Instrument", "audit.judges.reliability.Instrument"),
    ),
    "panel": ("In a panel", ("calibration.panel.result.Panel",)),
    "compared": ("Beside another judge", ("calibration.paired.result.AnnotatorComparison",)),
    "repair": ("Mended", ("calibration.repair.result.Repair",)),
}
"""Sections of a card: what each is called, and which results of the library fill it."""

_LONG = 200
"""Characters from which a text of the settings, such as a prompt, is told by its digest."""

_HEAD = ("measure", "estimate", "interval", "n", "method")


@dataclass(frozen=True, eq=False)
class JudgeCard:
    """What was measured of one judge, and what was not.

    Attributes
    ----------
    record : dict
        Plain JSON values by the schema of :func:`card_schema`: ``judge`` (``name, kind, n_labels,
        n_pairs, asked``), ``measured`` (``section, title, result, dataset, level, workbench,
        numbers``), ``not_measured`` (``section, title, reason``) and ``passed_over`` (headings of
        results that fill no section).
    """

    record: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain JSON values."""
        return self.record

    def to_json(self) -> str:
        """Return the card as JSON text: the same bytes for the same results."""
        return to_json(self.record) + "\n"

    def to_markdown(self) -> str:
        """Return the card as Markdown, in which names and texts of others are text alone."""
        judge = self.record["judge"]
        parts = [f"# Judge {line(judge['name'])}", _who(judge)]
        for one in self.record["measured"]:
            # as one line: a number at the beginning of one would be escaped
            about = line(f"data {one['dataset'] or 'unknown'}, workbench {one['workbench']}")
            level = "" if one["level"] is None else f", {one['level']:.0%} intervals"
            parts += [f"## {line(one['title'])}", f"{line(one['result'])}: {about}{level}",
                      _table(one["numbers"])]  # fmt: skip
        parts.append("## Not measured")
        missing = self.record["not_measured"]
        lines = [f"- {line(one['title'])}: {line(one['reason'])}" for one in missing]
        parts.append("\n".join(lines) or "Nothing of what a card has is missing.")
        if self.record["passed_over"]:
            parts.append(f"Results without a place here: {_listed(self.record, line)}.")
        return "\n\n".join(parts) + "\n"

    def summary(self) -> str:
        """Return in lines what was measured and what was not."""
        judge = self.record["judge"]
        lines = [f"Card of {judge['name']} ({judge['kind'] or 'kind unknown'})"]
        lines += [f"  {one['title']}: {len(one['numbers']):,} numbers from {one['result']}"
                  for one in self.record["measured"]]  # fmt: skip
        lines += [f"  not measured: {one['title']}: {one['reason']}"
                  for one in self.record["not_measured"]]  # fmt: skip
        if self.record["passed_over"]:
            lines.append(f"  results without a place here: {_listed(self.record, str)}")
        return "\n".join(lines)

    def write(self, folder: str | Path) -> None:
        """Write ``card.json`` and ``card.md`` into a folder.

        Parameters
        ----------
        folder : str or Path
        """
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        write_text(place / "card.json", self.to_json())
        write_text(place / "card.md", self.to_markdown())


def card_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``card.json``.

    Examples
    --------
    >>> card_schema()["properties"]["schema_version"]
    {'const': 1}
    """
    import json

    text = files("workbench.report.cards").joinpath("card.schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def judge_card(
    *results: Result,
    judge: str,
    data: PreferenceData | None = None,
    failed: Mapping[str, str] | None = None,
) -> JudgeCard:
    """Put together what results say of one judge.

    Parameters
    ----------
    *results : Result
        Of any verbs; parts of a result count too. What they say of others is left out.
    judge : str
        Its name as an annotator.
    data : PreferenceData, optional
        Says the judge's kind, and how much it labelled.
    failed : mapping of str to str, optional
        By a key of :data:`SECTIONS`: why it could not be measured.

    Returns
    -------
    JudgeCard

    Raises
    ------
    DesignError
        No result says anything of this judge, or the data do not have it.

    Notes
    -----
    A card holds no number that is not in a result's tables: each with its interval, n and method,
    or the reason why one is lacking, and the digest of the data behind it. Long texts of the
    judge's settings, such as its prompt, are told by their BLAKE2 digest.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> card = wb.judge_card(wb.calibrate_verdicts(data), judge="sim-reward", data=data)
    >>> card.record["judge"]["kind"], [one["section"] for one in card.record["measured"]]
    ('reward_model', ['calibration'])
    """
    who = _judge(judge, data)
    measured: list[dict[str, Any]] = []
    silent: dict[str, str] = {}
    passed: list[str] = []
    for result, alone in _each(results, judge):
        section = _section(result)
        heading = result.heading or type(result).__name__
        if section is None:
            passed.append(heading)
            continue
        asked = _asked(result, judge)
        who["asked"] = who["asked"] or asked
        found = numbers_of(result, judge, alone=alone)
        if not found:
            silent[section] = f"{heading} says nothing of this judge"
            continue
        measured.append({
            "section": section, "title": SECTIONS[section][0], "result": heading,
            "dataset": result.provenance.dataset, "level": result.settings.get("level"),
            "workbench": result.provenance.workbench, "numbers": found,
        })  # fmt: skip
    reasons = {**silent, **(failed or {})}
    if not measured:
        raise _nothing(judge, results, reasons)
    order = list(SECTIONS)
    measured.sort(key=lambda one: (order.index(one["section"]), one["result"]))
    there = {one["section"] for one in measured}
    missing = [
        {"section": key, "title": title, "reason": reasons.get(key, "no result was given")}
        for key, (title, _) in SECTIONS.items() if key not in there
    ]  # fmt: skip
    return JudgeCard(json_ready({
        "schema_version": 1, "judge": who, "measured": measured, "not_measured": missing,
        "passed_over": sorted(set(passed)),
    }))  # fmt: skip


def _section(result: Result) -> str | None:
    # two rooms have a result of one name
    path = f"{type(result).__module__}.{type(result).__name__}".removeprefix("workbench.")
    return next((key for key, (_, types) in SECTIONS.items() if path in types), None)


def _nothing(judge: str, results: Sequence[Result], reasons: Mapping[str, str]) -> DesignError:
    told = [f"{SECTIONS[key][0] if key in SECTIONS else key}: {why}"
            for key, why in reasons.items()]  # fmt: skip
    given = ", ".join(r.heading or type(r).__name__ for r in results)
    return DesignError(
        f"No result says anything of the judge {judge!r}.",
        found="; ".join(told) or given or "no result",
        expected="results of verbs that looked at this judge",
        fix="Pass such results, or check the judge's name.",
    )


def _judge(judge: str, data: PreferenceData | None) -> dict[str, Any]:
    record = {"name": judge, "kind": None, "n_labels": None, "n_pairs": None, "asked": None}
    if data is None:
        return record
    table = data.annotators
    mine = table[table["annotator"].eq(judge)]
    if mine.empty:
        raise DesignError(
            f"The data have no judge {judge!r}.",
            found=", ".join(table["annotator"].head(12)),
            expected="the name of an annotator",
            fix="Check the spelling; names are case-sensitive.",
        )
    row = mine.iloc[0]
    return record | {"kind": str(row["kind"]), "n_labels": int(row["n_labels"]),
                     "n_pairs": int(row["n_pairs"])}  # fmt: skip


def _each(results: Iterable[Result], judge: str, alone: bool = False) -> list[tuple[Result, bool]]:
    """Return results and their parts, each once, and whether each is of the judge alone."""
    found: list[tuple[Result, bool]] = []
    for result in results:
        own = alone or is_of(result, judge)
        for one, whether in [(result, own), *_each(result.parts(), judge, own)]:
            if not any(type(one) is type(other) and one.settings == other.settings
                       and one.provenance == other.provenance for other, _ in found):  # fmt: skip
                found.append((one, whether))
    return found


def _asked(result: Result, judge: str) -> dict[str, Any] | None:
    """Return the settings with which the judge was asked, long texts as their digests."""
    given = result.settings.get("judge")
    several = result.settings.get("judges")
    options = [given, *(several if isinstance(several, list | tuple) else [])]
    for one in options:
        if isinstance(one, Mapping) and one.get("name", judge) == judge:
            return dict(_digested(one))
    return None


def _digested(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _digested(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_digested(inner) for inner in value]
    if isinstance(value, str) and (len(value) > _LONG or "\n" in value):
        return "blake2b:" + blake2b(value.encode(), digest_size=16).hexdigest()
    return value


def _who(judge: Mapping[str, Any]) -> str:
    lines = [f"- kind: {line(judge['kind'] or 'unknown')}"]
    if judge["n_labels"] is not None:
        lines.append(f"- {judge['n_labels']:,} labels of {judge['n_pairs']:,} pairs")
    for key, value in sorted((judge["asked"] or {}).items()):
        if key != "name":
            lines.append(f"- {line(key)}: {line(to_json(value))}")
    if not judge["asked"]:
        lines.append("- how it was asked (model, prompt, settings): not known")
    return "\n".join(lines)


def _table(numbers: list[dict[str, Any]]) -> str:
    rows = [_HEAD, ("---",) * len(_HEAD)]
    for one in numbers:
        value = "undefined" if one["estimate"] is None else _number(one["estimate"])
        known = None not in (one["conf_low"], one["conf_high"])
        ends = (f"{_number(one['conf_low'])} to {_number(one['conf_high'])}" if known
                else line(one["reason"] or "none"))  # fmt: skip
        n = "unknown" if one["n"] is None else f"{one['n']:,.0f}"
        rows.append((line(one["measure"]), value, ends, n, line(one["method"] or "see the result")))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _listed(record: Mapping[str, Any], shown: Callable[[object], str]) -> str:
    return ", ".join(shown(name) for name in record["passed_over"])


def _number(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else line(value)
