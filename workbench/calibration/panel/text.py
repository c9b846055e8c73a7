"""A panel as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workbench.calibration.panel.findings import below_half, copies
from workbench.intervals import ends_text

_SHOWN = 12
NOTHING_TOLD = (
    "no labels of the reference: who is right, whether the panel is better than a member, and "
    "whether members err together cannot be told"
)


def summary_of(found: Any) -> str:
    """Return panels, members, gains, the effective number and the cascade as text."""
    used = found.settings
    lines = [
        f"Panel of {len(used['judges']):,} judge{'s' * (len(used['judges']) != 1)} beside "
        f"{used['reference_is'] or 'nobody'}, {used['level']:.0%} intervals: "
        f"{used['n_pairs']:,} pairs, {used['n_reference']:,} of them with the reference"
    ]
    if not used["n_reference"]:
        lines.append(NOTHING_TOLD)
    table = found.estimates
    lines += [
        _row(row, "panel by ") for row in table[table["group"].eq("panel")].to_dict("records")
    ]
    lines += [f"  {name}: left out: {why}" for name, why in used["left_out"].items()]
    members = table[table["group"].eq("member")].sort_values(
        ["estimate", "term"], ascending=[False, True], na_position="last"
    )
    lines += [_row(row) for row in members.head(_SHOWN).to_dict("records")]
    if len(members) > _SHOWN:
        lines.append(f"  the best {_SHOWN} of {len(members):,} members; the table has all")
    lines += [_gain(row) for row in found.gains.to_dict("records")]
    lines += [_plain(row) for row in found.effective.to_dict("records")]
    for row in copies(found.each_two)[:_SHOWN]:
        rho = "" if pd.isna(row["estimate"]) else f", errors correlate {row['estimate']:.3f}"
        lines.append(f"  {row['term']} and {row['other']}: {row['same']:,.0f} of "
                     f"{row['n_both']:,.0f} verdicts the same{rho}")  # fmt: skip
    lines += _cascade(found)
    lines.append(_quorum(found))
    if used["reference_is"] == "people":
        lines.append("a mistake of people makes members look more alike than they are: the "
                     "effective number is rather too small")  # fmt: skip
    return "\n".join([*lines, f"method: {table['method'].iloc[0]}; gains: paired, best member "
                              "chosen on other prompts"])  # fmt: skip


def _row(row: Mapping[Any, Any], before: str = "") -> str:
    name = f"  {before}{row['term']}"
    lost = [f"{row[key]:,.0f} {key[2:]}" for key in ("n_abstained", "n_unread", "n_missing")
            if row[key] > 0]  # fmt: skip
    told = f"; {', '.join(lost)}" if lost else ""
    if pd.isna(row["estimate"]):
        return (
            f"{name}: agreement undefined: {row['reason']}; {row['n_verdicts']:,.0f} verdicts{told}"
        )
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"{name}: {row['estimate']:.3f} {ends}, n = {row['n']:,.0f}{told}"


def _gain(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    best = f"; best: {row['best']}" if row["best"] else ""
    return f"  {row['term']}: {row['estimate']:+.3f} {ends}, n = {row['n']:,.0f}{best}"


def _plain(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    return f"  {row['term']}: {row['estimate']:.3f} {ends}, n = {row['n']:,.0f}"


def _cascade(found: Any) -> list[str]:
    if not len(found.cascade):
        return []
    lines = [f"cascade by cost ({found.settings['counted_in']} a pair): "
             f"{found.chosen['order'].iloc[0]}"]  # fmt: skip
    for row in found.cascade.to_dict("records"):
        ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
        lines.append(f"  {row['term']}: cost {row['cost']:.3g}, agreement {row['estimate']:.3f} "
                     f"{ends}, n = {row['n']:,.0f}")  # fmt: skip
    for row in found.chosen.to_dict("records"):
        lines.append(_gain({**row, "best": row.get("best") or ""}) if "minus" in row["term"]
                     else _plain(row))  # fmt: skip
    return lines


def _quorum(found: Any) -> str:
    members = len(found.settings["judges"])
    thin, pairs = below_half(found.counts, members)
    none = int(found.counts.loc[found.counts["verdicts"].eq(0), "pairs"].sum())
    return (f"a panel speaks where one member does: on {pairs - none:,} of {pairs:,} pairs, on "
            f"{thin - none:,} of these with fewer than half of the members")  # fmt: skip
