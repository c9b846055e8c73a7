"""The verb that holds stated reasons against the factors that the regression finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.agreement import agreement_and_kappa
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.explain.rationales.asked import read_by_model
from workbench.explain.rationales.direction import DIRECTION_COLUMNS, direction_row
from workbench.explain.rationales.exchange import ACROSS, WITHIN, Strata
from workbench.explain.rationales.lift import largest, lift_rows, tabled
from workbench.explain.rationales.naming import (
    contrast_rows,
    coverage_row,
    hardly_read,
    naming_rows,
)
from workbench.explain.rationales.reading import Reading, read_by_lexicon
from workbench.explain.rationales.result import Rationales
from workbench.explain.rationales.sources import (
    Source,
    checked_factors,
    chosen,
    label_signs,
    oriented,
    pooled,
    sources_of,
)
from workbench.explain.rationales.texts import REASON, reasons_of
from workbench.factors.words.said import Said
from workbench.llm.asker import Asks
from workbench.llm.request import OFFLINE, Sampling
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

UNREAD = "the model's reading is missing or cannot be read"
FEW = "an annotator with fewer than 20 reasons"
NOT_SHOWN = "the factors of the pair are not known, or its label is no verdict: named, not lifted"

LEAST = 20
"""Reasons from which an annotator is told of."""

_BY_TABLE = {
    "lifts": "ratio to exchanged reasons; interval over prompts, p by exchanges",
    "naming": "share of reasons; score interval over prompts",
    "direction": "share of claims; score interval over prompts, p of what is beyond the verdict",
    "coverage": "share of reasons; score interval over prompts",
    "contrasts": "difference of shares on shared pairs; score interval over prompts",
}

_METHOD = (
    "lift: share of reasons that name a factor where its contribution (weight x difference, "
    "weights from other prompts) is the pair's largest, over that of reasons exchanged; interval "
    "over prompts; p by exchanges; q by Benjamini-Hochberg over annotators and factors"
)


@on_one_thread
def rationales(
    data: PreferenceData,
    column: str = REASON,
    *,
    annotators: str | Sequence[str] | None = None,
    factors: Sequence[str] | None = None,
    lexicon: Mapping[str, Said] | None = None,
    asks: Asks | None = None,
    model: str | None = None,
    sampling: Sampling | None = None,
    exchange: Literal["auto", "within", "across"] = "auto",
    told: bool = False,
    permutations: int = 999,
    folds: int = 5,
    often: float = 0.1,
    margin: float = 0.1,
    level: float = 0.95,
    seed: int = 0,
) -> Rationales:
    r"""Say whether stated reasons name the factors that the labels follow.

    Parameters
    ----------
    data : PreferenceData
        With factors, and a reason for some of the labels.
    column : str
        Where the reasons stand: a column of labels or pairs. ``reason`` is the file's own column
        of that name; without one, what judges wrote beside their verdicts (``raw``).
    annotators : str or sequence of str, optional
        Only these, or a kind. People are one group, every other annotator is one.
    factors : sequence of str, optional
        All when None.
    lexicon : mapping of str to Said, optional
        Phrases of factors, beside or in place of those that ship with the text factors; a factor
        without any is looked for by its name.
    asks : Asks, optional
        Who reads the reasons, in place of the lexicon; then ``model`` is asked.
    model : str, optional
    sampling : Sampling, optional
    exchange : {"auto", "within", "across"}
        Between which pairs reasons are exchanged: of one prompt, or of prompts with as many
        pairs. ``auto``: within prompts where half of the pairs stand beside others of theirs.
    told : bool
        For the lift, count a factor as named only where the reason says which response has more
        of it. Judges that are asked to weigh a list of criteria name them whatever they find.
    permutations : int
    folds : int
        Folds of whole prompts: contributions are made with weights from other prompts.
    often : float
        Share of the reasons from which a factor counts as named often.
    margin : float
        Log-odds per SD within which a weight is equivalent to 0.
    level : float
    seed : int

    Returns
    -------
    Rationales

    Raises
    ------
    DesignError
        No reasons, no factors, no annotator with enough reasons, or an option out of range.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    For each annotator and factor k, with the share :math:`m_{ik}` of the reasons on pair i that
    name k, and the factor :math:`T_i = \arg\max_k |\hat\beta_k^{(-f(i))} x_{ik}|`,

    .. math:: \text{lift}_k = \frac{\sum_{i : T_i = k} m_{ik}}
              {\sum_{i : T_i = k} \bar m_{s(i) k}}

    where s(i) are the pairs of the same prompt. Reasons of one pair move together. By simulation
    with reasons at random, p < .05 in 5 % of the tests.

    References
    ----------
    arXiv 2407.14477, for preferences with rationales; the comparison with weights is ours.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> data = wb.score_factors(data, wb.factors.FAMILIES["length"])
    >>> said = ["longer" if p == 1 else "concise" for p in data.labels["preference"]]
    >>> data = replace(data, labels=data.labels.assign(rationale=said))
    >>> found = wb.rationales(
    ...     data, "rationale", annotators="human", factors=["words"], permutations=19
    ... )
    >>> round(float(found.coverage["estimate"].iloc[0]), 2)
    1.0
    """
    _check(locals())
    data = chosen(data.decided(), annotators)
    names = checked_factors(data, factors)
    reasons = reasons_of(data, column)
    data = pooled(data)
    reading, readings = _read(data, reasons.text, names, lexicon, asks, model, sampling, level)
    has = np.asarray(pd.notna(reasons.text)) & ~reading.unread
    if not has.any() and not reading.unread.any():
        raise DesignError(
            "No label has a reason.",
            where=reasons.column,
            found=f"{len(has):,} labels: {pd.Series(reasons.why).value_counts().to_dict()}",
            expected="text that says why a response is preferred",
            fix="Name another column (--column NAME), or let a judge say why: workbench judge DATA "
            "--model NAME --template mt_bench",
        )
    fit = decompose(data, factors=names, folds=0, level=level, seed=seed)
    sources, few = sources_of(data, has, fit, folds, seed, LEAST)
    if not sources:
        raise DesignError(
            "There are too few reasons.",
            found=f"{int(has.sum()):,} reasons that were read, of {len(data.annotators)} annotators"
            f"; {int(reading.unread.sum()):,} not read",
            expected=f"an annotator with {LEAST} reasons or more",
            fix="Give more labels with reasons, or ask the model for the rest.",
        )
    tables = _measured(data, fit, sources, reading, names, exchange, told, permutations, often,
                       margin, level, seed)  # fmt: skip
    own = {"column": reasons.column, "told": told, "reading": reading.source, "factors": names,
           "permutations": permutations, "folds": folds, "often": often, "margin": margin,
           "level": level, "seed": seed}  # fmt: skip
    return Rationales(
        **tables["frames"], phrases=reading.hits, readings=readings,
        exclusions=_left_out(reasons.why, reading, few),
        settings={
            **own, "exchange": tables["exchange"], "simulated": reading.source.startswith(OFFLINE),
            "n_reasons": int(has.sum()), "notes": _notes(data, has, names, reading, tables),
            "method": _METHOD,
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )  # fmt: skip


def _check(options: Mapping[str, Any]) -> None:
    own = options
    refuse_out_of_range(
        {
            "exchange": (own["exchange"] in ("auto", WITHIN, ACROSS), own["exchange"],
                         '"auto", "within" or "across"'),
            "permutations": (whole(own["permutations"], 19), own["permutations"], "19 or more"),
            "folds": (whole(own["folds"], 2), own["folds"], "a whole number, 2 or more"),
            "often": (0 < own["often"] <= 1, own["often"], "a share above 0"),
            "margin": (own["margin"] > 0, own["margin"], "a number above 0"),
            "model": ((own["asks"] is None) == (own["model"] is None), own["model"],
                      "a model and who asks it, or neither"),
            "level": level_option(own["level"]),
            "seed": seed_option(own["seed"]),
        }
    )  # fmt: skip


def _read(
    data: PreferenceData, texts: np.ndarray, names: list[str], lexicon: Mapping[str, Said] | None,
    asks: Asks | None, model: str | None, sampling: Sampling | None, level: float,
) -> tuple[Reading, pd.DataFrame]:  # fmt: skip
    """Return what reasons say, and how far the model and the lexicon agree on it."""
    by_words = read_by_lexicon(list(texts), names, lexicon)
    if asks is None or model is None:
        return by_words, _readings([])
    specs = data.factor_specs
    meanings = {name: str(specs.get(name, {}).get("meaning", "")) for name in names}
    found = read_by_model(list(texts), names, asks, model=model, meanings=meanings,
                          lexicon=lexicon, sampling=sampling)  # fmt: skip
    read = pd.notna(texts) & ~found.unread
    cluster = np.unique(data.coded("pairs", "cluster").codes[data.pair_rows[read]],
                        return_inverse=True)[1]  # fmt: skip
    rows = []
    for k, name in enumerate(names):
        both = (by_words.named[read, k], found.named[read, k])
        agreement, kappa = agreement_and_kappa(*both, cluster, level)
        rows.append(
            {"term": name, **{c: kappa[c] for c in _KAPPA}, "agreement": agreement["estimate"],
             "named_by_lexicon": float(both[0].mean()) if read.any() else np.nan,
             "named_by_model": float(both[1].mean()) if read.any() else np.nan}
        )  # fmt: skip
    return found, _readings(rows)


_KAPPA = ("estimate", "std_error", "conf_low", "conf_high", "n", "n_clusters", "reason")


def _readings(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["term", *_KAPPA, "agreement", "named_by_lexicon", "named_by_model"]
    return pd.DataFrame(rows, columns=columns)


def _measured(
    data: PreferenceData, fit: Decomposition, sources: list[Source], reading: Reading,
    names: list[str], exchange: str, told: bool, permutations: int, often: float, margin: float,
    level: float, seed: int,
) -> dict[str, Any]:  # fmt: skip
    claims, sided = oriented(data, reading)
    weights, labels = fit.to_frame().set_index("group"), label_signs(data)
    differences = data.factors[names].to_numpy("float64")
    lifts: list[dict[str, Any]] = []
    direction: list[dict[str, Any]] = []
    naming: list[dict[str, Any]] = []
    how, unlifted = {}, 0
    for one in sources:
        own = weights.loc[[one.name]].set_index("term").loc[names]
        said = reading.named[one.rows].astype(np.float64)
        known = np.asarray(np.isfinite(one.contributions).any(axis=1))
        unlifted += int((~known[one.pair]).sum())
        inside = np.unique(one.cluster[known], return_inverse=True)[1].astype(np.int64)
        strata = Strata.of(inside, exchange)
        how[one.name] = strata.how
        top = largest(one.contributions[known])
        counted = np.asarray(reading.claim | reading.leaning, bool) if told else reading.named
        each = one.per_pair(counted[one.rows].astype(np.float64))[known]
        lifts += [{"group": one.name, **row} for row in
                  lift_rows(each, top, strata, names, level, permutations, seed)]  # fmt: skip
        naming += naming_rows(one, said, own, often, margin, level)
        at, rows = data.pair_rows[one.rows], one.rows
        direction += [
            {"group": one.name, "term": name,
             **direction_row(claims[rows, k], sided[rows, k], differences[at, k], labels[rows],
                             one.cluster[one.pair], float(own["estimate"].iloc[k]), level)}
            for k, name in enumerate(names)
        ]  # fmt: skip
    named = reading.named.astype(np.float64)
    coverage = [coverage_row(one, named[one.rows], level) for one in sources]
    frames = {
        "lifts": _with_q(tabled(lifts)), "naming": pd.DataFrame(naming),
        "direction": _with_q(pd.DataFrame(direction)[DIRECTION_COLUMNS]),
        "coverage": pd.DataFrame(coverage),
        "contrasts": contrast_rows(data, sources, named, names, level),
    }  # fmt: skip
    frames = {name: table.assign(method=_BY_TABLE[name]) for name, table in frames.items()}
    return {"frames": frames, "exchange": how, "unlifted": unlifted}


def _with_q(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(q_value=q_values(table["p_value"].to_numpy("float64")))


def _left_out(why: np.ndarray, reading: Reading, few: Mapping[str, int]) -> pd.DataFrame:
    counts = pd.Series(why).dropna().value_counts().to_dict()
    if reading.unread.any():
        counts[UNREAD] = int(reading.unread.sum())
    if few:
        counts[FEW] = sum(few.values())
    return pd.DataFrame({"reason": list(counts), "n": list(counts.values())})


def _notes(
    data: PreferenceData, has: np.ndarray, names: list[str], reading: Reading,
    tables: Mapping[str, Any],
) -> list[str]:  # fmt: skip
    notes = []
    silent = [name for k, name in enumerate(names) if not reading.named[:, k].any()]
    if silent:
        notes.append(f"nobody names {', '.join(silent)}")
    unknown = int(data.labels["order_shown"].isna().to_numpy()[has].sum())
    if unknown:
        notes.append(
            f"{unknown:,} reasons do not tell in which order the responses stood: A and B, first "
            "and second are taken as the data's"
        )
    mute = hardly_read(tables["frames"]["coverage"])
    if mute:
        notes.append(
            f"reasons of {', '.join(mute)} name next to no factor: phrases are English and the "
            "factors' own, so that what is never named there is not told"
        )
    if tables["unlifted"]:
        notes.append(f"{tables['unlifted']:,} reasons: {NOT_SHOWN}")
    return notes
