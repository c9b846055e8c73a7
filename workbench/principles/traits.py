"""Standard traits: principles of our own that are usable without any extraction."""

from __future__ import annotations

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.rows import kept_rows
from workbench.errors import DesignError
from workbench.principles.measure.measure import PrincipleEffects, measure
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Rule, Votes

_TRAITS = {
    "length": ("is shorter", "goes into more detail"),
    "format": (
        "uses numbered or bulleted lists",
        "has headings or another clear structure",
        "puts words in bold or italics",
        "keeps strictly to the format that was asked for",
        "uses tables or code blocks",
        "uses emoji",
    ),
    "tone": (
        "is warmer and friendlier",
        "is more polite",
        "is more formal",
        "is more casual",
        "sounds more enthusiastic",
        "sounds more confident",
        "is more cautious and hedges",
        "shows more empathy",
        "is funnier",
        "addresses the user more personally",
    ),
    "content": (
        "is factually more correct",
        "gives more examples",
        "cites sources or evidence",
        "uses numbers or mathematics",
        "explains its reasoning step by step",
        "is more creative",
        "is easier to understand",
        "uses more technical words",
        "keeps closer to what was asked",
        "gives more practical advice",
        "mentions more than one point of view",
    ),
    "interaction": (
        "asks a question back",
        "offers further help",
        "ends with a summary",
        "uses rhetorical questions",
    ),
    "safety": (
        "refuses to answer",
        "names its own limits",
        "warns of risks",
        "contains less harmful content",
        "mentions ethical concerns",
        "contains offensive language",
        "helps with something illegal",
    ),
    "sycophancy": (
        "flatters the user",
        "agrees with the user's opinion",
        "contradicts a mistake of the user",
        "tells the user what they want to hear",
    ),
}

TRAITS = tuple(
    Principle(f"Select the response that {text}", "standard")
    for texts in _TRAITS.values()
    for text in texts
)
"""Tested traits, in our own words, in groups from length to sycophancy."""

GROUP_OF = {
    f"Select the response that {text}": group for group, texts in _TRAITS.items() for text in texts
}
"""Group of each trait by its text."""


def model_traits(
    data: PreferenceData,
    votes: Votes,
    model: str,
    others: str | None = None,
    *,
    rule: Rule = "majority",
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> PrincipleEffects:
    """Measure which traits one model's responses show more than another's.

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    votes : Votes
        Of traits on these pairs.
    model : str
        The model that is described.
    others : str, optional
        The model that it is compared with; all others when None.
    rule, level, replicates, seed
        See :func:`workbench.principles.measure.measure.measure`.

    Returns
    -------
    PrincipleEffects
        A strength above 0: the trait is seen in this model's response more often.

    Raises
    ------
    DesignError
        No voted pair has the model on one side.

    Examples
    --------
    >>> import numpy as np
    >>> import workbench as wb
    >>> from workbench.principles.vote.votes import Vote
    >>> data = wb.load("sample")
    >>> data = data.filter(pair_ids=data.pairs["pair_id"][:50])
    >>> codes = np.full((50, 1, 1), Vote.A, dtype=np.int8)
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), TRAITS[:1], codes)
    >>> len(model_traits(data, votes, data.pairs["model_a"][0]).to_frame())
    1
    """
    a, b = data.pairs["model_a"] == model, data.pairs["model_b"] == model
    foe_a = a & ((data.pairs["model_b"] == others) if others else data.pairs["model_b"].notna())
    foe_b = b & ((data.pairs["model_a"] == others) if others else data.pairs["model_a"].notna())
    known = (foe_a ^ foe_b) & data.pairs["pair_id"].isin(votes.pair_ids)
    if not known.any():
        names = sorted({*data.pairs["model_a"].dropna(), *data.pairs["model_b"].dropna()})
        raise DesignError(
            "No voted pair sets the model against another.",
            found=f"{model!r}" + (f" against {others!r}" if others else ""),
            expected=f"a model of the data: {', '.join(names[:12]) or 'none is named'}",
            fix="Check the names, or vote on more pairs.",
        )
    ids = data.pairs.loc[known, "pair_id"]
    # the model takes the place of an annotator that always prefers its own response
    labels = pd.DataFrame(
        {
            "pair_id": ids,
            "annotator": f"shown by {model}",
            "preference": foe_a[known].to_numpy(float),
        }
    )
    own = PreferenceData.from_tables(kept_rows(data.pairs, known.to_numpy(bool)), labels)
    return measure(own, votes, rule=rule, level=level, replicates=replicates, seed=seed)
