"""What stands in each section of a report: plain values for the template."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.ceiling.result import Ceiling, beside
from workbench.compare.contrast import Contrast
from workbench.decompose.checks.added_tests import BINS_METHOD
from workbench.decompose.checks.added_tests import METHOD as ADDED_METHOD
from workbench.decompose.checks.calibration import CURVE_METHOD, SLOPE_METHOD
from workbench.decompose.checks.result import FitCheck, fit_warnings, verdict_text
from workbench.decompose.checks.verdict import METHOD as VERDICT_METHOD
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.finding import Finding
from workbench.json_values import json_ready
from workbench.overview.findings import findings_frame
from workbench.overview.rules import ALL_RULES, Q_LEVEL
from workbench.plots.held_out import held_out_dots
from workbench.report.columns import DIFFERENCES, RAW, SAID, SCALE, TESTS, VERDICTS, WEIGHTS
from workbench.report.page import Cell, Figure, Part, Quoted, Section, Table
from workbench.results import Result

_FORMULA = "P(A preferred) = 1 / (1 + exp(-(x'b + p s)))"

_ERRORS = {
    "cluster": "cluster-robust errors (CR2, t with Satterthwaite degrees of freedom)",
    "HC1": "heteroskedasticity-robust (HC1) errors",
    "classical": "classical (inverse-Hessian) errors",
}


def verdict(
    found: Sequence[Finding], results: Sequence[Result], pairs: Mapping[int, Quoted] | None = None
) -> Section:
    """Say first what was found, by which thresholds, and where its pairs are quoted."""
    contrasts = [r for r in results if isinstance(r, Contrast)]
    warnings = sum(f.level == "warning" for f in found)
    text = [_compared(gap) for gap in contrasts] or ["No annotator was compared with another."]
    text.append(
        f"{_count(warnings, 'warning')} (results that change what the labels may be used for) and "
        f"{_count(len(found) - warnings, 'note')} (limits of what the labels can tell) crossed a "
        "stated threshold."
    )
    tables = [_glance(gap) for gap in contrasts]
    if found:
        columns = {
            "level": "level",
            "message": "finding",
            "estimate": "estimate",
            "n": "n",
            "rule_id": "rule",
        }
        table = Table.of(findings_frame(list(found)), "Findings, warnings first", columns)
        tables.append(_with_pairs(table, pairs or {}))
        used = [
            (name, rule) for name, rule in ALL_RULES.items() if name in {f.rule_id for f in found}
        ]
        rules = [
            {"rule": name, "estimate is": r.measure, "threshold": r.threshold, "what to do": r.help}
            for name, r in used
        ]
        tables.append(Table.of(pd.DataFrame(rules), "Rules of the findings, with thresholds"))
    return Section(
        "findings", "Verdict and findings", tuple(text), tables=tuple(tables), unfolded=True
    )


def _with_pairs(table: Table, pairs: Mapping[int, Quoted]) -> Table:
    """Add a column that leads to the quoted pairs of each finding."""
    if not pairs:
        return table
    rows = [
        [*row, Cell((Part(_count(len(pairs[k].quotes), "pair"), to=pairs[k].anchor),))
         if k in pairs else Cell((Part("–"),))]
        for k, row in enumerate(table.rows)
    ]  # fmt: skip
    return replace(table, columns=[*table.columns, "pairs"], rows=rows)


def _compared(gap: Contrast) -> str:
    reference, test = gap.settings["reference"], gap.scale
    differ = test.loc[test["q_value"] < Q_LEVEL, "group"].tolist()
    unknown = test.loc[test["q_value"].isna(), "group"].tolist()
    text = (
        f"The taste differs from that of {reference}, sharpness apart, in {len(differ)} of "
        f"{_count(len(test), 'group')} (joint test of proportional weights, q < {Q_LEVEL:g})"
    )
    text += f": {', '.join(differ)}." if differ else "."
    return text + (f" The test is undefined for {', '.join(unknown)}." if unknown else "")


def _glance(gap: Contrast) -> Table:
    table = gap.to_frame()
    q = table["q_value"].where(table["term"] != POSITION)
    differ = (q < Q_LEVEL).groupby(table["group"]).sum()
    tested = q.notna().groupby(table["group"]).sum()
    ratio = gap.scale[["group", "ratio", "ratio_low", "ratio_high", "q_value"]]
    rows = gap.agreement.merge(ratio, on="group")
    rows["differ"] = [f"{differ[group]} of {tested[group]}" for group in rows["group"]]
    columns = {
        "group": "group",
        "agreement": "agreement",
        "kappa": "kappa",
        "n": "n",
        "ratio": "sharpness (ratio)",
        "differ": "factors that differ",
        "q_value": "q of another taste",
    }
    return Table.of(
        rows,
        f"Each group beside {gap.settings['reference']}: agreement and Cohen's kappa on the n "
        f"pairs that both decide; how sharp it is; factors whose weights are out of proportion "
        f"with q < {Q_LEVEL:g}",
        columns,
        gap.settings["level"],
    )


def method(fits: Sequence[Decomposition], gaps: Sequence[Contrast]) -> Section:
    """Explain the numbers in a few sentences, and what one unit of each factor is."""
    text = list(dict.fromkeys(_fitting(fit.settings) for fit in fits))
    if gaps:
        text.append(
            "Sharpness is told apart from taste: the ratio of two annotators' weights is "
            "estimated by minimum distance with the joint cluster-robust covariance of both fits, "
            "as two annotators of the same pairs are not independent, and a difference is what a "
            "weight has beyond the ratio times the reference's. Joint tests (F by Hotelling's "
            "approximation) leave the position out."
        )
    if fits:
        text.append(
            "Here x holds the coded differences A minus B and s the shown order (+1 A first, "
            "-1 B first). There is no intercept: exchanging A and B only flips signs."
        )
    codings = {name: c for fit in fits for name, c in fit.settings["codings"].items() if c}
    rows = [{"factor": name, **json_ready(coding)} for name, coding in codings.items()]
    caption = "Coding of each factor: the transformed difference is divided by scale, its unit"
    tables = (Table.of(pd.DataFrame(rows), caption),) if rows else ()
    return Section("method", "Method", tuple(text), (_FORMULA,) if fits else (), tables=tables)


def _fitting(settings: Mapping[str, Any]) -> str:
    ties = "half a vote for each side" if settings["ties"] == "half" else "left out"
    folds = (
        f" Held-out scores come from {settings['folds']} folds that never split a prompt."
        if settings["folds"]
        else ""
    )
    return (
        "The labels of each group are regressed jointly on all factors by logistic regression, "
        f"with {_ERRORS[settings['covariance']]}, {settings['level']:.0%} intervals, "
        f"Benjamini-Hochberg q-values over all groups and terms, and ties as {ties}.{folds}"
    )


def weights(fit: Decomposition, number: int, checks: Sequence[FitCheck] = ()) -> Section:
    """Show a decomposition: figure, every number, and what speaks against its model."""
    names = _names(fit.groups)
    level = fit.settings["level"]
    caption = (
        "Weight per SD: log-odds per standard deviation (about 0) of the coded difference, which "
        "compares factors of other units; marginal effect: mean change of P(A preferred) per "
        "unit; weight per unit: log-odds per unit of the coding; P(A preferred): where A is one "
        f"unit better on this factor only. Method: {fit.to_frame()['method'].iloc[0]}"
    )
    alt = f"{', '.join(fit.groups)}, with {level:.0%} intervals"
    return Section(
        f"weights-{number}",
        f"Factor weights: {names}",
        figures=(
            Figure(fit.plot(), f"Forest plot, weights per standard deviation: {alt}"),
            Figure(fit.effects(), f"Forest plot, average marginal effects: {alt}"),
        ),
        tables=(Table.of(fit.to_frame(), caption, WEIGHTS, level), *_doubts(fit, checks)),
    )


def _doubts(fit: Decomposition, checks: Sequence[FitCheck]) -> tuple[Table, ...]:
    """Return the warnings of a poor fit, which stand beside the weights."""
    named = tuple(f"{group}: " for group in fit.groups)
    texts = [w for check in checks for w in fit_warnings(check) if w.startswith(named)]
    if not texts:
        return ()
    caption = "Read these weights with care: what their model leaves out, or cannot bear"
    return (Table.of(pd.DataFrame({"warning": texts}), caption),)


def fit_check(check: FitCheck, number: int) -> Section:
    """Say whether the model describes the labels: a verdict a group, then every test."""
    level = check.settings["level"]
    verdicts = check.verdicts.assign(
        verdict=[verdict_text(row) for row in check.verdicts.to_dict("records")]
    )
    captions = {
        "estimates": f"Tests of added terms. Method: {ADDED_METHOD}; bins: {BINS_METHOD}; "
        f"slope: {SLOPE_METHOD}",
        "interactions": "The clearest interactions that were scanned, at most 20 a group",
        "reliability": f"Reliability by certainty. Method: {CURVE_METHOD}",
        "influence": "For each weight the cluster whose removal moves it most",
    }
    tables = {name: frame for name, frame in check.tables().items() if len(frame)}
    return Section(
        "fit" if number == 1 else f"fit-{number}",
        f"{check.heading} ({_names(check.verdicts['group'])})",
        (check.about,),
        figures=tuple(
            Figure(figure, f"Figure of {shown} with {level:.0%} intervals")
            for shown, figure in check.figures().items()
        ),
        tables=(
            Table.of(verdicts, f"Verdicts. Method: {VERDICT_METHOD}", VERDICTS),
            *(
                Table.of(tables[name].drop(columns=SAID, errors="ignore"), caption, level=level)
                for name, caption in captions.items()
                if name in tables
            ),
        ),
    )


def differences(gap: Contrast, number: int) -> Section:
    """Show a contrast: figure, weights, joint tests and agreement."""
    reference, level = gap.settings["reference"], gap.settings["level"]
    alts = (
        f"Forest plot of differences of taste to {reference} with {level:.0%} intervals",
        f"Each weight over that of {reference}, with the line of the ratio of sharpness",
    )
    method = gap.to_frame()["method"].iloc[0]
    wald = {"group": "group", "statistic": "F", "df": "df", "df_residual": "residual df",
            **TESTS, "reason": "reason"}  # fmt: skip
    agreement = ("group", "agreement", "kappa", "n", "n_tied")
    return Section(
        f"differences-{number}",
        f"Differences to {reference}",
        (gap.about,),
        figures=tuple(
            Figure(drawn, alt) for drawn, alt in zip(gap.figures().values(), alts, strict=True)
        ),
        tables=(
            Table.of(
                gap.scale,
                f"How sharp each group is beside {reference} (ratio of weights, and p that it is "
                "1), and the test that its weights are in proportion (another taste). Method: "
                "minimum distance over the factors in proportion, Fieller's interval, F by "
                "Hotelling's approximation, or Bonferroni over single factors where degrees of "
                "freedom are too few",
                SCALE,
                level,
            ),
            Table.of(
                gap.to_frame(),
                f"Weight minus ratio times that of {reference}: what is another taste; equivalent "
                f"is within {gap.settings['margin']:g} log-odds per SD. Method: {method}",
                DIFFERENCES,
                level,
            ),
            Table.of(
                gap.raw,
                f"Weight minus that of {reference} as they are: a sharper group has them "
                "everywhere; beside them the difference of average marginal effects on the same "
                f"pairs. Method: {gap.raw['method'].iloc[0]}",
                RAW,
                level,
            ),
            Table.of(
                gap.wald, "Joint test that all factors weigh the same, sharpness included", wald
            ),
            Table.of(
                gap.agreement,
                "Agreement on the n pairs that both decide, soft or several verdicts by the side "
                "of their mean; pairs tied by one are counted apart. Method: cluster-robust "
                "intervals",
                agreement,
                level,
            ),
        ),
    )


def other(result: Result, number: int) -> Section:
    """Show a result that has no section of its own: its figure and all of its tables."""
    name = result.heading or type(result).__name__
    level = result.settings.get("level")
    interval = f" with {level:.0%} intervals" if level else ""
    return Section(
        f"result-{number}",
        name,
        (result.about,) if result.about else (),
        figures=tuple(
            Figure(figure, f"Figure of {shown}{interval}")
            for shown, figure in result.figures().items()
        ),
        tables=tuple(
            Table.of(frame, f"{name}: {title.replace('_', ' ')}", level=level)
            for title, frame in result.tables().items()
            if len(frame)
        ),
    )


def held_out(fits: Sequence[Decomposition], ceilings: Sequence[Ceiling] = ()) -> Section:
    """Show how well each fit predicts labels it has not seen, beside baselines and black boxes."""
    table = beside(pd.concat([fit.held_out for fit in fits], ignore_index=True), ceilings)
    level = fits[0].settings["level"]
    alt = f"Held-out accuracy of each fit beside the baselines, with {level:.0%} intervals"
    text = (
        "The baselines prefer the more frequent side, the response shown first, or the longer "
        "one; where the training folds do not show that side by more than a standard error, they "
        "toss a coin. Ties count in log-loss and Brier score, not in accuracy and AUC.",
        *(f"{one.sentence()}." for one in ceilings),
    )
    caption = (
        "Held-out scores. Method: prompt-grouped folds, cluster-robust score intervals that know "
        "that folds share training data"
    )
    return Section(
        "held-out",
        "Held-out scores",
        text,
        figures=(Figure(held_out_dots(table), alt),),
        tables=(Table.of(table, caption, level=level),),
    )


def limits(fits: Sequence[Decomposition]) -> Section:
    """List warnings and labels left out of the fits."""
    warnings = pd.DataFrame({"warning": [w for fit in fits for w in fit.warnings]})
    left_out = pd.concat([fit.exclusions for fit in fits], ignore_index=True)
    diagnostics = pd.concat([fit.diagnostics for fit in fits], ignore_index=True)
    tables = [Table.of(diagnostics.drop(columns="warnings"), "Fits: size and conditioning")]
    if len(warnings):
        tables.append(Table.of(warnings, "Warnings"))
    if len(left_out):
        tables.append(Table.of(left_out, "Labels left out of the fits, by reason"))
    text = (
        "Weights describe associations in these pairs: a factor that was not measured can stand "
        "behind one that was.",
    )
    return Section("limits", "Limits", text, tables=tuple(tables))


def provenance(results: Sequence[Result]) -> Section:
    """Record versions, code state, seed, data digest and settings of each result."""
    records, settings = [], []
    for number, result in enumerate(results, start=1):
        record = result.provenance.to_dict()
        packages = record.pop("packages")
        records.append({**record, **packages})
        options = {k: v for k, v in json_ready(dict(result.settings)).items() if k != "codings"}
        text = json.dumps(options, ensure_ascii=False)
        settings.append({"result": f"{number}. {type(result).__name__}", "settings": text})
    # results of one run share it: then one column says it once
    same = all(record == records[0] for record in records)
    shown = records[:1] if same else records
    rows = [
        {"what": key, **{_numbered(k, same): record.get(key) for k, record in enumerate(shown, 1)}}
        for key in dict.fromkeys(key for record in shown for key in record)
    ]
    tables = (
        Table.of(pd.DataFrame(rows).astype("object"), "Code, versions, seed and data digest"),
        Table.of(pd.DataFrame(settings), "Settings of each result"),
    )
    return Section("provenance", "Provenance", tables=tables)


def notes(text: str) -> Section:
    """Show the author's notes as they were written, a paragraph each."""
    parts = tuple(part.strip() for part in text.split("\n\n") if part.strip())
    return Section("notes", "Notes of the author", parts, unfolded=True)


def rerun(command: str) -> Section:
    """Say how to make the report again."""
    text = ("This command makes the report again, byte for byte, from the same data and code:",)
    return Section("rerun", "How to rerun", text, (command,))


def _names(groups: Iterable[str]) -> str:
    names = list(dict.fromkeys(groups))
    return " and ".join(names) if len(names) <= 2 else f"{len(names)} groups"


def _numbered(k: int, same: bool) -> str:
    return "every result" if same else f"result {k}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
