"""What an extraction found: its effects, the pairs it gets wrong, editing and export."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st
from parts.ui import figure, note, table, text

import workbench as wb
from workbench.principles.constitution import Constitution
from workbench.principles.extraction import Extraction
from workbench.principles.interchange.annotated_pairs import to_annotated_pairs
from workbench.principles.measure.adjusted import adjusted
from workbench.principles.measure.redundancy import redundancy
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Vote


def effects(found: Extraction) -> None:
    """Show held-out strengths, raw and adjusted, and which principles say the same."""
    text(found.summary())
    who, rule = found.settings["annotator"], found.settings["recipe"]["rule"]
    figure(found.plot(), "Strength of each principle on held-out pairs", "strengths")
    table(found.to_frame(), "effects", "Every candidate on held-out pairs; in sample beside it")
    try:
        controlled = adjusted(found.data, found.votes, who, rule=rule, pair_ids=found.test)
        figure(controlled.plot(), "Raw and adjusted for length, position and format", "adjusted")
        table(controlled.to_frame(), "adjusted", "Adjusted for length, position and format")
        shared = redundancy(found.data, found.votes, who, rule=rule, folds=0, pair_ids=found.test)
        figure(shared.plot(), "Correlation of the votes of each two principles", "redundancy-map")
        table(shared.to_frame(), "redundancy", "Unique and shared effects, clusters of votes")
    except wb.WorkbenchError as error:
        # a few pairs can be too few for a joint fit: the strengths above stand
        note("There is no adjusted effect for these pairs.")
        text(error)


def pairs_wrong(found: Extraction) -> None:
    """Show held-out pairs with the vote of each principle, those that are wrong first."""
    if found.evaluation is None:
        note("No candidate passed.")
        return
    rows = found.evaluation.predictions
    column = rows.columns[2]
    wrong = (rows[column] - rows["preferred"]).abs()
    order = wrong.sort_values(ascending=False, kind="stable").index
    note(f"{int((wrong > 0.5).sum()):,} of {len(rows):,} held-out pairs are wrong: {column}.")
    at = int(st.number_input("Pair, the most wrong first", 1, len(rows), 1, key="wrong-pair"))
    row = rows.loc[order[at - 1]]
    pair = found.data.pairs.set_index("pair_id").loc[row["pair_id"]]
    note(f"Preferred: {'A' if row['preferred'] else 'B'}; predicted P(A): {row[column]:.2f}")
    text(pair["prompt"])
    for place, side in zip(st.columns(2), "ab", strict=True):
        with place:
            note(f"Response {side.upper()}")
            text(pair[f"response_{side}"])
    votes = found.votes.take(pair_ids=[row["pair_id"]])  # type: ignore[arg-type]
    merged = votes.merged(found.settings["recipe"]["rule"])[0]
    said = [Vote(code).name.lower().replace("_", " ") for code in merged]
    chosen = {one.text for one in found.principles}
    frame = pd.DataFrame({"principle": [p.text for p in votes.principles], "vote": said})
    frame = frame.assign(selected=frame["principle"].isin(chosen))
    table(frame.sort_values("selected", ascending=False, kind="stable"), "pair-votes", "Votes")


def worth(found: Extraction) -> None:
    """Show held-out accuracy beside every baseline, over n, and what adaptive voting saved."""
    if found.evaluation is None:
        note("No candidate passed: there is nothing to evaluate.")
    else:
        figure(found.evaluation.plot(), "Held-out accuracy of each predictor", "accuracy")
        table(found.evaluation.to_frame(), "accuracy", "Accuracy, and the constitution's lead")
        figure(found.evaluation.plot_curve(), "Held-out accuracy over n", "curve-plot")
        table(found.evaluation.curve, "curve", "Weighted votes of the first n principles")
    if found.screening is not None:
        text(found.screening.summary())
        table(found.screening.to_frame(), "screening", "Candidates, and when they were given up")


def exports(found: Extraction) -> None:
    """Offer the constitution in every form."""
    own = found.constitution
    forms = {
        "Markdown": ("constitution.md", own.to_markdown),
        "JSON": ("constitution.json", lambda: json.dumps(own.to_dict(), indent=1)),
        "Judge prompt": ("judge.txt", own.to_judge_prompt),
        "AnnotatedPairs": (
            "annotated_pairs.json",
            lambda: json.dumps(
                to_annotated_pairs(found.data, found.votes, found.settings["annotator"])
            ),
        ),
    }
    for place, (name, (file, make)) in zip(st.columns(len(forms)), forms.items(), strict=True):
        place.download_button(name, make, file_name=file, key=f"export-{name}", on_click="ignore")


def edited(found: Extraction) -> Constitution | None:
    """Let the user edit the principles; return them when they are to be evaluated."""
    lines = "\n".join(one.text for one in found.principles)
    said = st.text_area("Principles, one a line, the first counts most", lines, key="edit")
    if not st.button("Vote on what is new, and evaluate", key="evaluate", type="primary"):
        return None
    texts = [line.strip() for line in said.splitlines() if line.strip()]
    return Constitution(tuple(Principle(one) for one in texts), "edited")
