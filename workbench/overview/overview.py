"""The overview: what the data are, the findings that matter, a verdict on each judge."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.finding import Finding
from workbench.overview.battles import agreements, points_of, rated
from workbench.overview.evidence import pairs_behind
from workbench.overview.findings import find
from workbench.overview.job import Job
from workbench.overview.point import Point
from workbench.overview.points import choose
from workbench.overview.state import line_of, nothing_found, unused
from workbench.overview.verdicts import WORDS, verdicts
from workbench.overview.words import counted
from workbench.provenance import Provenance
from workbench.ratings.result import Ratings
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class Overview(Result):
    """What matters in some preference labels.

    Attributes
    ----------
    line : str
        What the data are.
    points : tuple of Point
        Three to six findings where there are so many, the most important first.
    verdicts : DataFrame
        One row a judge; see :func:`workbench.overview.verdicts.verdicts`.
    empty : str or None
        Where no judge was found to differ: what such data could have shown.
    also : tuple of str
        What else was found, counted.
    job : Job or None
        None where there is no fit.
    ratings : Ratings or None
        Of the models, where there is no fit.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Overview"
    about: ClassVar[str] = (
        "The findings that matter most, each with its interval, the pairs behind it and what to "
        "do. A warning changes what the labels may be used for; a note limits what they tell. "
        "One SD is a standard deviation of the factor's difference between two responses."
    )

    line: str
    points: tuple[Point, ...]
    verdicts: pd.DataFrame
    empty: str | None
    also: tuple[str, ...]
    job: Job | None = field(repr=False)
    ratings: Ratings | None = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding, in order.

        Beside the tidy columns: ``message, level, rule_id, unit, group, against``, and
        ``why, how_sure, to_do``. A p-value is that of the number's own table, so none here.
        """
        rows = [point.to_dict() for point in self.points]
        names = (*TIDY, "message", "level", "rule_id", "unit", "group", "against", "why",
                 "how_sure", "to_do")  # fmt: skip
        table = pd.DataFrame(rows, columns=list(names))
        numbers = ["estimate", "std_error", "conf_low", "conf_high", "p_value", "q_value"]
        return table.astype(dict.fromkeys(numbers, "float64"))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the findings and the verdicts on judges."""
        return {"findings": self.to_frame(), "verdicts": self.verdicts}

    def to_dict(self) -> dict[str, Any]:
        """Return the overview as plain JSON values."""
        return {
            **super().to_dict(),
            "line": self.line,
            "points": [point.to_dict() for point in self.points],
            "empty": self.empty,
            "also": list(self.also),
        }

    def summary(self) -> str:
        """Return the line, the findings and the verdicts as text."""
        lines = [self.line, *([self.empty] if self.empty else [])]
        for k, point in enumerate(self.points, 1):
            lines += [f"\n{k}. {point.message}", f"   how sure: {point.how_sure}",
                      f"   what to do: {point.to_do}"]  # fmt: skip
        lines += [f"\n{text}" for text in self.also]
        if len(self.verdicts):
            lines.append("\nVerdicts on judges")
            lines += [verdict_in_words(row) for row in self.verdicts.to_dict("records")]
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return what differs most, or what the reference rewards; without a fit the ratings."""
        from workbench.overview.figures import agreement, first

        if self.job is not None:
            return first(self.job)
        return agreement(self.verdicts) if self.ratings is None else self.ratings.plot()

    def figure(self, point: Point) -> go.Figure | None:
        """Return the small figure behind a finding; None where it is of no weight."""
        from workbench.overview.figures import of_point

        return None if self.job is None else of_point(self.job, point)

    def pairs(self, point: Point, n: int = 3) -> pd.DataFrame | None:
        """Return the pairs behind a finding; see :func:`workbench.explain.behind.behind`."""
        if self.job is None:
            return None
        fits = [fit for fit in (self.job.people, self.job.judges) if fit is not None]
        where = Finding(
            point.rule_id, point.level, "", np.nan, np.nan, np.nan, "", point.n, "",
            group=point.group, term=point.term, against=point.against,
        )  # fmt: skip
        return pairs_behind(where, fits, [self.job.gap] if self.job.gap else [], n)

    def _repr_html_(self) -> str:
        told = "".join(f"<li>{html.escape(point.message)}</li>" for point in self.points)
        empty = f"<p>{html.escape(self.empty)}</p>" if self.empty else ""
        rows = [verdict_in_words(row).strip() for row in self.verdicts.to_dict("records")]
        judges = "".join(f"<li>{html.escape(text)}</li>" for text in rows)
        return (
            f"<p>{html.escape(self.line)}</p>{empty}<ol>{told}</ol>"
            + (f"<p>Verdicts on judges</p><ul>{judges}</ul>" if judges else "")
        )  # fmt: skip


def overview(job: Job | PreferenceData, why: str | None = None) -> Overview:
    """Say what matters in the main job's results: findings, verdicts on judges, or nothing.

    Parameters
    ----------
    job : MainJob or PreferenceData
        As :func:`workbench.report.main_job.main_job` returns it; data of which there is no
        fit, as battles without text, are told by their verdicts alone.
    why : str, optional
        Why there is no fit.

    Returns
    -------
    Overview

    Examples
    --------
    >>> import workbench as wb
    >>> from workbench.report.main_job import main_job
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = overview(main_job(data, factors=["words", "sentences"], folds=0))
    >>> len(found.verdicts), found.points[0].group
    (4, 'sim-judge-length')
    """
    if isinstance(job, PreferenceData):
        return _without_fit(job, why)
    found = find(job.results, job.data, pairs=False)
    points, left = choose(job.data, job.people, job.judges, job.gap, found)
    told = any(one.level == "warning" and one.group is not None for one in points)
    # position biases are no difference of taste, and neither are lost rows
    differs = any(one.against is not None for one in points)
    nothing = not differs and (job.gap is not None or not told) and not _clear(points, job)
    return Overview(
        line=line_of(job.data),
        points=tuple(points),
        verdicts=verdicts(job.judges, job.gap, found),
        empty=nothing_found(job.people, job.gap) if nothing else None,
        also=(*unused(job.people, job.judges), *_also(found, left)),
        job=job,
        ratings=None,
        settings={**job.people.settings, "groups": list(job.judges.groups) if job.judges else []},
        provenance=job.people.provenance,
    )


def _without_fit(data: PreferenceData, why: str | None) -> Overview:
    judges, ratings = agreements(data), rated(data)
    texts = data.pairs[["response_a", "response_b"]].notna().any(axis=None)
    if why is None and (data.factor_names or texts):
        why = "no fit was given; overview(main_job(data)) makes one"
    reason = why or "the data have neither texts nor factors"
    return Overview(
        line=line_of(data),
        points=tuple(points_of(data, ratings, judges)),
        verdicts=judges,
        empty=f"Why one response is preferred cannot be told: {reason}",
        also=(),
        job=None,
        ratings=ratings,
        settings={"groups": [str(name) for name in judges["judge"]]},
        provenance=Provenance.capture(seed=0, dataset=data.digest),
    )


def _clear(points: list[Point], job: Job) -> bool:
    """Tell whether a reference without judges has a weight that is told."""
    return job.gap is None and any(point.term is not None for point in points)


def _also(found: list[Finding], left: int) -> tuple[str, ...]:
    """Return what is not among the findings shown."""
    lines = [f"{counted(left, 'more warning')} in the report."] if left else []
    lost = [one for one in found if one.rule_id == "undefined-weight"]
    if lost:
        names = [one.message.removeprefix("No weight for ").partition(" (")[0] for one in lost]
        shown = ", ".join(dict.fromkeys(names))
        lines.append(
            f"No weight can be told, for some or all: {shown}. The table of weights says why."
        )
    return tuple(lines)


def verdict_in_words(row: Mapping[str, Any]) -> str:
    """Return one line on a judge.

    Examples
    --------
    >>> row = {"judge": "gpt-x", "verdict": "no reference", "n": 12, "agreement": float("nan"),
    ...        "sharpness": float("nan")}
    >>> verdict_in_words(row)
    '  gpt-x: no reference (nobody to compare it with), n = 12 labels'
    """
    said = f"  {row['judge']}: {row['verdict']} ({WORDS[row['verdict']]})"
    if np.isfinite(row["agreement"]):
        said += f"; agreement {_ends(row, 'agreement')} on {row['n_pairs']:,.0f} pairs"
    if np.isfinite(row["sharpness"]):
        said += f"; sharpness {_ends(row, 'sharpness')}"
    if row["verdict"] not in ("no reference", "no weights"):
        said += (
            f"; of its factors {row['differ']:.0f} differ, {row['equivalent']:.0f} are equivalent, "
            f"{row['cannot_tell']:.0f} cannot be told"
        )
        said += f", {row['undefined']:.0f} are undefined" if row["undefined"] else ""
    return f"{said}, n = {row['n']:,} labels"


def _ends(row: Mapping[str, Any], name: str) -> str:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    ends = f" [{low:.2f}, {high:.2f}]" if np.isfinite([low, high]).all() else " (no interval)"
    return f"{row[name]:.2f}{ends}"
