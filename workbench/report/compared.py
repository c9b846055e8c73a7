"""Two reports side by side: findings that came, went or changed; weights; settings and data."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.json_values import records
from workbench.report.forms.record import check_record, read_record

CAME, WENT, CHANGED, SAME = "came", "went", "changed", "same"

_MOVED = 1e-9
"""Difference of two estimates, relative to their size, that is not mere rounding."""

_METHOD = (
    "both intervals beside each other; apart where they do not overlap, which is no test: two "
    "reports may share pairs"
)

_NUMBERS = ("estimate", "conf_low", "conf_high")


@dataclass(frozen=True)
class ReportComparison:
    """What differs between two reports, the first of which is the earlier.

    Attributes
    ----------
    findings : DataFrame
        ``change`` (came, went, changed, same), ``level, message``, and estimate, interval and
        ``n`` of each report.
    weights : DataFrame
        ``result, group, term``, estimate, interval and ``n`` of each report, ``apart`` (the
        intervals do not overlap; missing where one has none) and ``method``; only weights that
        differ, those furthest apart first.
    settings : DataFrame
        ``result, setting, first, second``: settings, versions and code that differ.
    data : DataFrame
        ``what, first, second``: facts of the data card that differ.
    same_weights : int
        Weights that are the same in both.
    """

    findings: pd.DataFrame
    weights: pd.DataFrame
    settings: pd.DataFrame
    data: pd.DataFrame
    same_weights: int

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table by name."""
        return {
            "findings": self.findings, "weights": self.weights, "settings": self.settings,
            "data": self.data,
        }  # fmt: skip

    def summary(self) -> str:
        """Return what differs as text."""
        counts = self.findings["change"].value_counts()
        told = ", ".join(f"{counts.get(c, 0)} {c}" for c in (CAME, WENT, CHANGED, SAME))
        # first of all whether the numbers are of the same data
        lines = [*_listed("Data", self.data, "what"), f"Findings: {told}"]
        lines += [
            f"  {row['change']}: {row['message']} {_both(row)}".rstrip()
            for row in self.findings.to_dict("records")
            if row["change"] != SAME
        ]
        apart = int(self.weights["apart"].eq(True).sum())
        lines.append(
            f"Weights: {len(self.weights)} differ, {apart} of them with intervals apart; "
            f"{self.same_weights} are the same"
        )
        shown = self.weights[self.weights[["first", "second"]].notna().any(axis=1)]
        lines += [
            f"  {row['result']}, {row['group']} {row['term']} {_both(row)}"
            for row in shown.head(20).to_dict("records")
        ]
        lines += _listed("Settings, versions and code", self.settings, "setting")
        return "\n".join([*lines, f"method: {_METHOD}"])

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain JSON values."""
        tables = {name: records(table) for name, table in self.tables().items()}
        return {**tables, "same_weights": self.same_weights, "method": _METHOD}

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def compare_reports(
    first: str | Path | bytes | Mapping[str, Any], second: str | Path | bytes | Mapping[str, Any]
) -> ReportComparison:
    """Compare two reports by their JSON.

    Parameters
    ----------
    first, second : path, bytes or mapping
        ``report.json`` of each, or what :meth:`Report.to_dict` returns; the first is taken for
        the earlier one.

    Returns
    -------
    ReportComparison
        Findings are the same one where rule, group, term and reference are (or the message,
        where a finding has none of them); weights where result, group and term are.

    Raises
    ------
    DataError
        One of them is no report of this schema version.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> made = wb.report(wb.decompose(data, annotator="human", folds=0), data=data).to_dict()
    >>> len(compare_reports(made, made).weights)
    0
    """
    one, two = (
        check_record(r) if isinstance(r, Mapping) else read_record(r) for r in (first, second)
    )
    weights = _weights(one, two)
    moved = weights[weights["moved"]].drop(columns="moved")
    order = moved["gap"].abs().sort_values(ascending=False, kind="stable").index
    return ReportComparison(
        _findings(one, two),
        moved.loc[order].drop(columns="gap").reset_index(drop=True),
        _settings(one, two),
        _facts(one, two),
        int((~weights["moved"]).sum()),
    )


def _findings(one: Mapping[str, Any], two: Mapping[str, Any]) -> pd.DataFrame:
    before, after = (_keyed(record["findings"]) for record in (one, two))
    rows = []
    for key in dict.fromkeys([*after, *before]):
        old, new = before.get(key), after.get(key)
        told = new or old or {}
        rows.append(
            {
                "change": _change(old, new),
                "level": told["level"],
                "message": told["message"],
                **_side(old, "first"),
                **_side(new, "second"),
                "rule_id": told["rule_id"],
            }
        )
    columns = ["change", "level", "message", *_columns(), "rule_id"]
    table = pd.DataFrame(rows, columns=columns)
    rank = table["change"].map({CAME: 0, WENT: 1, CHANGED: 2, SAME: 3})
    return table.loc[rank.sort_values(kind="stable").index].reset_index(drop=True)


def _keyed(found: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    keyed: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in found:
        own = (one["group"], one["term"], one["against"])
        key = (one["rule_id"], *(own if any(own) else (one["message"],)))
        keyed.setdefault(key, one)
    return keyed


def _change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if old is None:
        return CAME
    if new is None:
        return WENT
    told = ("message", "level", "n")
    same = all(old[name] == new[name] for name in told)
    return CHANGED if not same or _moved(old, new) else SAME


def _moved(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    for name in _NUMBERS:
        a, b = _number(old.get(name)), _number(new.get(name))
        if np.isnan(a) != np.isnan(b) or abs(a - b) > _MOVED * max(abs(a), abs(b)):
            return True
    return False


def _weights(one: Mapping[str, Any], two: Mapping[str, Any]) -> pd.DataFrame:
    before, after = dict(_estimates(one)), dict(_estimates(two))
    rows = []
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        sides = {**_side(old, "first"), **_side(new, "second")}
        rows.append(
            {
                **dict(zip(("result", "group", "term"), key, strict=True)),
                **sides,
                "apart": _apart(sides),
                "method": _METHOD,
                "moved": old is None or new is None or _moved(old, new),
                "gap": sides["second"] - sides["first"],
            }
        )
    columns = ["result", "group", "term", *_columns(), "apart", "method", "moved", "gap"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"moved": "bool", "gap": "float64", "apart": "object"})


def _estimates(record: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    """Yield the rows of each result's first table, by what they are of."""
    for result in record["results"]:
        rows = next(iter(result["tables"].values()))
        against = str(result["settings"].get("reference") or "")
        kind = f"{result['type']} to {against}" if against else str(result["type"])
        for row in rows:
            if "estimate" in row and "term" in row:
                yield (kind, str(row.get("group", "")), str(row["term"])), row


def _side(row: Mapping[str, Any] | None, name: str) -> dict[str, Any]:
    found = row or {}
    return {
        name: _number(found.get("estimate")),
        f"{name}_low": _number(found.get("conf_low")),
        f"{name}_high": _number(found.get("conf_high")),
        f"{name}_n": _number(found.get("n")),
    }


def _columns() -> list[str]:
    return [f"{side}{end}" for side in ("first", "second") for end in ("", "_low", "_high", "_n")]


def _apart(sides: Mapping[str, float]) -> bool | None:
    ends = [sides[f"{side}_{end}"] for side in ("first", "second") for end in ("low", "high")]
    if not np.isfinite(ends).all():
        return None
    low, high, other_low, other_high = ends
    return bool(high < other_low or other_high < low)


def _settings(one: Mapping[str, Any], two: Mapping[str, Any]) -> pd.DataFrame:
    rows = []
    kinds = [[result["type"] for result in record["results"]] for record in (one, two)]
    if kinds[0] != kinds[1]:
        told = (", ".join(own) for own in kinds)
        rows.append(("report", "results", *told))
    for old, new in zip(one["results"], two["results"], strict=False):
        if old["type"] != new["type"]:
            continue
        for part in ("settings", "provenance"):
            before, after = _flat(old[part]), _flat(new[part])
            rows += [
                (old["type"], key, before.get(key, "–"), after.get(key, "–"))
                for key in dict.fromkeys([*before, *after])
                if before.get(key) != after.get(key)
            ]
    table = pd.DataFrame(rows, columns=["result", "setting", "first", "second"])
    # results of one run share code and versions: what differs is said once
    return table.drop_duplicates(["setting", "first", "second"]).reset_index(drop=True)


def _facts(one: Mapping[str, Any], two: Mapping[str, Any]) -> pd.DataFrame:
    before, after = (_flat(_card(record)) for record in (one, two))
    rows = [
        (key, before.get(key, "–"), after.get(key, "–"))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    return pd.DataFrame(rows, columns=["what", "first", "second"])


def _card(record: Mapping[str, Any]) -> dict[str, Any]:
    card = dict(record["data"] or {})
    report = card.pop("load_report", None) or {}
    people = card.pop("annotators", [])
    labels = {f"labels of {one['annotator']}": one["n_labels"] for one in people}
    rows = {name: report[name] for name in ("rows_read", "rows_kept") if name in report}
    return {**card, **rows, **labels}


def _flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Return nested settings as one level of texts."""
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{before}{key}.")
        else:
            plain = isinstance(value, str)
            found[f"{before}{key}"] = value if plain else json.dumps(value, ensure_ascii=False)
    return found


def _listed(title: str, table: pd.DataFrame, key: str) -> list[str]:
    rows = [f"  {row[key]}: {row['first']} -> {row['second']}"
            for row in table.head(20).to_dict("records")]  # fmt: skip
    return [f"{title}: {f'{len(table)} differ' if len(table) else 'the same'}", *rows]


def _number(value: Any) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number else float("nan")


def _both(row: Mapping[str, Any]) -> str:
    shown = [_shown(row, side) for side in ("first", "second")]
    return "" if shown == ["none", "none"] else f"{shown[0]} -> {shown[1]}"


def _shown(row: Mapping[str, Any], side: str) -> str:
    value, low, high = (row[f"{side}{end}"] for end in ("", "_low", "_high"))
    if np.isnan(value):
        return "none"
    return f"{value:+.3f}" + ("" if np.isnan(low) else f" [{low:+.3f}, {high:+.3f}]")
