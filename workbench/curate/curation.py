"""The verb that chooses, weighs and orders pairs for training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import logit

from workbench.clustered import Array
from workbench.curate.balance import held_out_scores
from workbench.curate.curation_result import Curation
from workbench.curate.effect import balance_table, held_out_table, weight_table
from workbench.curate.filters import Chosen, apply_rule
from workbench.curate.goals import goal_scores, with_goals
from workbench.curate.margins import factor_matrix
from workbench.curate.nested import scores_after
from workbench.curate.order import kept_for_test, stages
from workbench.curate.rules import Rule
from workbench.curate.sources import strengths_of
from workbench.curate.training_data import majority_data, soft_data, training_data
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_SURE = 1e-6
_LEVEL = 0.95


@on_one_thread
def curate(
    data: PreferenceData,
    rule: Rule | Mapping[str, Any] | None = None,
    *,
    annotators: Sequence[str] | None = None,
    scores: pd.DataFrame | None = None,
    seed: int = 0,
) -> Curation:
    """Choose the pairs that go to training, and say what that does.

    Parameters
    ----------
    data : PreferenceData
        With factors where the effect is to be told, or where suspects or balances are asked
        for (see :func:`workbench.score_factors`).
    rule : Rule or mapping, optional
        What to do; see :class:`workbench.curate.rules.Rule`. Without a rule, every pair with
        a majority stays.
    annotators : sequence of str, optional
        Whose labels count; people's, or without people everybody's, when None.
    scores : DataFrame, optional
        ``pair_id`` and columns that ``keep_lowest`` may name, such as the ``pairs`` of a
        model audit's displacement with their ``ln_ches``.
    seed : int
        Of folds and lots: the same data, rule and seed give the same rows.

    Returns
    -------
    Curation

    Raises
    ------
    ConfigError
        A rule that is not known.
    DataError
        Something that the rule needs is not there, or nothing is left.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> made = wb.curate(data, {"min_agreement": 0.6, "soft": True})
    >>> bool((made.data.pairs["p"] > 0.5).all()), len(made.data) < len(data)
    (True, True)
    """
    rule = Rule.of(rule)
    if rule.criterion is not None:
        data = data.filter(criteria=[rule.criterion])
    data = data.decided()
    digest = data.digest
    data = _with_scores(data, scores)
    chosen, goals = _curated(data, rule, annotators, seed)
    if not chosen.stays.any():
        raise DataError(
            "No pair is left.",
            found="; ".join(f"{n:,} {why}" for why, n in chosen.counts().items()),
            expected="at least one pair that the rule keeps",
            fix="Loosen the rule.",
        )
    _note_equal(chosen)
    columns, found = _columns(chosen), chosen.found
    made, dropped = training_data(chosen, columns)
    if goals is not None:
        made = with_goals(made, *(score[chosen.stays] for score in goals))
        chosen.notes["rows"] = f"{len(made):,}, two a pair: asked for either score"
    settings: dict[str, Any] = {
        "rule": rule.to_dict(),
        "annotators": None if annotators is None else list(annotators),
        "source": found.chosen(rule.source) if rule.needs_p else None,
        "notes": chosen.notes,
        "columns_left_out": dropped,
        "level": _LEVEL,
    }
    weights, held_out, balance = _effect(chosen, annotators)
    provenance = Provenance.capture(seed=seed, dataset=digest)
    rows = _rows(chosen)
    return Curation(
        made, rule, rows, weights, held_out, balance, _fates(chosen), settings, provenance
    )


def _curated(
    data: PreferenceData, rule: Rule, annotators: Sequence[str] | None, seed: int
) -> tuple[Chosen, tuple[Array, Array] | None]:
    """Go over the pairs by a rule; return them, and the goals of both sides if it asks for any."""
    found = strengths_of(data, annotators, wanted=rule.wanted, seed=seed)
    p = found.p[found.chosen(rule.source)] if rule.needs_p else None
    chosen = Chosen(data, found, p, rule, seed)
    apply_rule(chosen)
    return chosen, goal_scores(chosen) if rule.goals else None


def _note_equal(chosen: Chosen) -> None:
    """Say how many of the pairs that stay have one response twice: nothing is learnt of them."""
    pairs = chosen.data.pairs[chosen.stays]
    equal = pairs["response_a"].eq(pairs["response_b"])
    if "response_a_messages" in pairs:
        one, other = (pairs[f"response_{side}_messages"].fillna("") for side in "ab")
        equal &= one.eq(other)
    if equal.any():
        chosen.notes["equal responses"] = (
            f"{int(equal.sum()):,} of the pairs kept: the response chosen is the one rejected, "
            "so training learns nothing of them"
        )


def _with_scores(data: PreferenceData, scores: pd.DataFrame | None) -> PreferenceData:
    """Return the data with columns of scores beside the pairs."""
    if scores is None:
        return data
    if "pair_id" not in scores or scores["pair_id"].duplicated().any():
        raise DataError(
            "The scores do not name each pair once.",
            found="columns " + ", ".join(map(str, scores.columns)),
            expected="a column pair_id, each id once, and numbers",
            fix="Pass one row a pair.",
        )
    new = scores.set_index("pair_id").reindex(data.pairs["pair_id"]).reset_index(drop=True)
    new = new[[name for name in new if name not in data.pairs]]
    return replace(data, pairs=pd.concat([data.pairs.reset_index(drop=True), new], axis=1))


def _columns(chosen: Chosen) -> dict[str, Any]:
    """Return what the rule puts beside each pair, and set the weights."""
    rule, stays = chosen.rule, chosen.stays
    towards = chosen.towards
    columns: dict[str, Any] = {}
    if rule.soft:
        columns["p"] = towards
    if rule.margin == "logit":
        columns["margin"] = logit(np.clip(towards, _SURE, 1 - _SURE))
    elif rule.margin == "grade":
        columns["margin"] = _grades(chosen)
    mean = chosen.weight[chosen.stays].mean()
    chosen.weight = chosen.weight / mean
    if rule.stages is not None:
        prompts = chosen.data.pairs["prompt_id"].to_numpy(dtype=object)
        stage = np.zeros(len(stays), dtype=np.int64)
        at = np.flatnonzero(chosen.stays)
        stage[at] = stages(towards[at], prompts[at], chosen.lots()[at], rule.stages)
        columns["stage"] = stage
    if rule.test_share is not None:
        at = np.flatnonzero(chosen.stays)
        votes = chosen.found.votes
        test = kept_for_test(
            votes.agreement[at], votes.repeated[at], chosen.found.code[at], chosen.lots()[at],
            rule.test_share,
        )  # fmt: skip
        split = np.full(len(stays), "train", dtype=object)
        split[at[test]] = "test"
        columns["split"] = split
    return columns


def _grades(chosen: Chosen) -> Array:
    """Return the mean strength that the labels state."""
    labels, rows = chosen.data.labels, chosen.found.votes.rows
    grade = labels["strength"].to_numpy("float64")
    use = rows & np.isfinite(grade)
    if not use.any():
        raise DataError(
            "The labels state no strength.",
            found="no number in the column strength",
            expected="graded labels for margin=grade",
            fix="Use margin=logit.",
        )
    size = len(chosen.side)
    # a grade for the other side counts against
    towards = (
        np.sign(labels["preference"].to_numpy()[use] - 0.5)
        * chosen.side[chosen.data.pair_rows[use]]
    )
    total = np.bincount(chosen.data.pair_rows[use], towards * np.abs(grade[use]), size)
    count = np.bincount(chosen.data.pair_rows[use], minlength=size)
    mean = np.full(size, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    chosen.leave_out(~np.isfinite(mean), "no grade")
    return mean


def _rows(chosen: Chosen) -> pd.DataFrame:
    """Return how many pairs stay, and how many are left out by each reason."""
    counts = chosen.counts()
    left_out = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    table = [("kept", int(chosen.stays.sum())), *left_out]
    frame = pd.DataFrame(table, columns=["reason", "n"])
    return frame.assign(share=frame["n"] / len(chosen.side))


def _fates(chosen: Chosen) -> pd.DataFrame:
    """Return what became of every pair."""
    # a million pairs have few reasons
    reason = pd.Categorical.from_codes(chosen.reason, ["kept", *chosen.reasons[1:]])
    side = pd.Categorical.from_codes(np.select([chosen.side > 0, chosen.side < 0], [0, 1], -1),
                                     ["a", "b"])  # fmt: skip
    votes = chosen.found.votes
    return pd.DataFrame(
        {
            "pair_id": chosen.data.pairs["pair_id"].to_numpy(),
            "reason": reason,
            "chosen": side,
            "flipped": chosen.flipped,
            "n_votes": votes.n,
            "agreement": votes.agreement,
            "p": chosen.towards,
            "weight": np.where(chosen.stays, chosen.weight, 0.0),
        }
    )


def _effect(
    chosen: Chosen, annotators: Sequence[str] | None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return factor weights, held-out scores and balance before and after."""
    nothing = pd.DataFrame()
    data, found, rule = chosen.data, chosen.found, chosen.rule
    if not data.factor_names or not found.folds_fit:
        return nothing, nothing, nothing
    weights = weight_table(majority_data(chosen), soft_data(chosen), _LEVEL)
    balance = balance_table(chosen, _LEVEL)
    source = found.chosen(rule.source) if rule.needs_p else rule.source
    again = replace(rule, source=source, stages=None, test_share=None)

    def curated(part: PreferenceData) -> Chosen:
        made, _ = _curated(part, again, annotators, chosen.seed)
        _columns(made)
        return made

    X = factor_matrix(data)
    known = np.asarray(np.isfinite(X).all(axis=1))
    side = found.votes.side
    weight = np.where((side != 0) & known, 1.0, 0.0)
    before = held_out_scores(np.where(known[:, None], X, 0.0), weight, (side + 1) / 2, found.fold)
    try:
        scores = (before, scores_after(chosen, curated))
    except DataError as error:
        chosen.notes["effect"] = f"not known: in a part of the data, {error.what}"
        return weights, nothing, balance
    votes = found.votes.share
    held_out = held_out_table(votes, known, scores, found.code, _LEVEL, chosen.seed)
    return weights, held_out, balance
