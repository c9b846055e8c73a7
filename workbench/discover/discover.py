"""The verb that finds factors nobody named."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.decompose.design import POSITION
from workbench.discover.columns import factor_name, with_directions
from workbench.discover.dictionary import Dictionary
from workbench.discover.expressed import check_labels, expressed
from workbench.discover.fidelity import Tested, fidelity
from workbench.discover.joined import join
from workbench.discover.measured import measured
from workbench.discover.naming import Names, name_directions
from workbench.discover.oriented import oriented
from workbench.discover.result import Discovery, table_of
from workbench.discover.thirds import LEARN, NAME, SCREEN, thirds
from workbench.discover.training import learn_dictionary
from workbench.embedding.base import Embedding, Matrix
from workbench.embedding.offline import OfflineEmbedding
from workbench.embedding.pairs import PairVectors, embed_pairs, embedding_of
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.json_values import json_ready
from workbench.llm.asker import Asker, Asks, Planner
from workbench.llm.journal import Journal
from workbench.llm.offline import OfflineModel
from workbench.llm.request import Sampling
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_PER_DIRECTION = 10
"""Pairs of the learning part that a direction takes at least."""

_OFFLINE = "offline:plain"


@on_one_thread
def discover(
    data: PreferenceData,
    annotator: str | Iterable[str] | None = None,
    asks: Asks | None = None,
    *,
    embedding: Embedding | str = "offline",
    k: int = 32,
    active: int = 4,
    model: str = _OFFLINE,
    sampling: Sampling | None = None,
    shown: int = 8,
    fidelity_pairs: int = 100,
    least_fidelity: float = 0.2,
    least_active: int = 20,
    alike: float = 0.9,
    controls: Sequence[str] = (),
    shares: tuple[float, float, float] = (0.4, 0.2, 0.4),
    d: int | None = None,
    level: float = 0.95,
    seed: int = 0,
    folder: str | Path | None = None,
) -> Discovery:
    r"""Find properties in which responses differ, name them, and test whether labels follow them.

    Prompts are parted in three. On the first part, a sparse dictionary is learnt of the
    differences :math:`e(A) - e(B)` of embeddings, without a look at labels. On the second, a model
    reads pairs that have most of each direction and names it; on other pairs of that part the
    name's *fidelity* is tested. On the third, which chose neither directions nor names, it is told
    which directions are *measurable* (the set varies in them) and which are *expressed* (labels
    follow them, all else equal).

    Parameters
    ----------
    data : PreferenceData
    annotator : str or iterable of str, optional
        Whose labels: a name, a kind such as ``"human"``, or several, which are pooled; everybody's
        when None.
    asks : Asks, optional
        Who names directions and scores the names. When None, the built-in model ``offline:plain``
        does, which counts words and reads nothing.
    embedding : Embedding or str
        ``"offline"`` (hashed words, fitted on the first part), a Parquet file of vectors by pair
        and side, the folder of a sentence encoder, or an embedding of
        :mod:`workbench.embedding`.
    k : int
        Directions to look for; fewer where the first part has less than 10 pairs for each.
    active : int
        Directions that make the difference of one pair.
    model : str
        Name of the model at the endpoint of ``asks``.
    sampling : Sampling, optional
    shown : int
        Pairs from which a direction is named.
    fidelity_pairs : int
        Pairs on which each name is tested, at most.
    least_fidelity : float
        Correlation that a name needs, beside q up to 1 - ``level``.
    least_active : int
        Pairs of the third part in which a direction must be active to be measurable.
    alike : float
        Size of the correlation of activations from which two directions are one.
    controls : sequence of str
        Factors of the data that stand beside the directions in the fit, such as ``words``.
    shares : tuple of float
        Of the prompts in the three parts, in twentieths.
    d : int, optional
        Length of offline vectors; one for 20 pairs of the first part, 32 to 256, when None.
    level : float
        Confidence level of the intervals.
    seed : int
    folder : str or Path, optional
        Keeps embeddings by digest, so that they are made once.

    Returns
    -------
    Discovery
        Its ``data`` are the third part with the survivors as factors: ``decompose``, ``contrast``,
        ``attribute`` and reports take them.

    Raises
    ------
    DesignError
        Too few prompts or pairs, no usable label on the third part, an option out of range; or
        names that were not asked for yet.

    References
    ----------
    Movva, Milli, Min and Pierson (2025), "What's In My Human Feedback?" (arXiv 2510.26202), and
    Movva et al. (2025), "Sparse Autoencoders for Hypothesis Generation" (HypotheSAEs).

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.discover(wb.load("sample"), "human", k=4, fidelity_pairs=10, least_active=5)
    >>> found.settings["model"], len(found.directions) <= 4
    ('offline:plain', True)
    """
    _check(data, k, active, shown, fidelity_pairs, least_active, shares, level, seed)
    who = annotator if annotator is None or isinstance(annotator, str) else list(annotator)
    options = {
        "annotator": who,
        "k": k, "active": active, "model": model, "shown": shown,
        "fidelity_pairs": fidelity_pairs, "least_fidelity": least_fidelity,
        "least_active": least_active, "alike": alike, "controls": list(controls),
        "shares": list(shares), "level": level, "seed": seed,
        "sampling": (sampling or Sampling()).body(),
    }  # fmt: skip
    part = thirds(data, shares, seed)
    check_labels(data, who, controls, part == SCREEN)
    keep = not isinstance(asks, Planner)
    learn = part == LEARN
    size = int(np.clip(learn.sum() // 20, 32, 256)) if d is None else d
    made = embedding_of(data, embedding, fit_on=learn, d=size, seed=seed)
    vectors = embed_pairs(data, made, folder=folder, keep=keep)
    learnt = _learnt(data, vectors, part, options)
    with _answering(asks) as (asked, own):
        options |= {"base_url": asked.base_url, "model": own or model}
        how = Tested(own or model, fidelity_pairs, sampling, level, seed)
        names, told = _named(data, learnt, asked, how, shown)
        spent = [json_ready(one.to_dict()) for one in asked.spending()]
    options |= {"embedding": vectors.embedding, "spending": spent, "left_out": vectors.left_out}
    return _screened(data, learnt, names, told, options, made)


def _check(
    data: PreferenceData, k: int, active: int, shown: int, fidelity_pairs: int,
    least_active: int, shares: Sequence[float], level: float, seed: int,
) -> None:  # fmt: skip
    if isinstance(data, PartedData):
        raise DesignError(
            "Data in parts cannot be searched for factors yet.",
            found=f"{len(data):,} pairs in parts",
            expected="data in memory",
            fix="Discover on a sample in memory, and apply what was found to each part.",
        )
    fine = len(shares) == 3 and min(shares) >= 0.05 and abs(sum(shares) - 1) < 1e-9
    refuse_out_of_range(
        {
            "k": (whole(k, 1), k, "1 or more"),
            "active": (whole(active, 1), active, "1 or more"),
            "shown": (whole(shown, 2), shown, "2 or more"),
            "fidelity_pairs": (whole(fidelity_pairs, 2), fidelity_pairs, "2 or more"),
            "least_active": (whole(least_active, 1), least_active, "1 or more"),
            "shares": (fine, shares, "three shares of 0.05 or more whose sum is 1"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )


@contextmanager
def _answering(asks: Asks | None) -> Iterator[tuple[Asks, str | None]]:
    """Give who answers; the built-in model, by its name, where nobody is given."""
    if asks is not None:
        yield asks, None
        return
    with (
        tempfile.TemporaryDirectory() as place,
        Journal(Path(place) / "journal.sqlite") as journal,
        Asker(OfflineModel(_OFFLINE), journal) as asker,
    ):
        yield asker, _OFFLINE


@dataclass(frozen=True, eq=False)
class _Learnt:
    """A dictionary, its activations, and which pairs are of which part."""

    dictionary: Dictionary
    pair_ids: NDArray[Any]
    activations: Matrix
    part: NDArray[np.int64]
    units: NDArray[np.float64]
    lengths: float
    unexplained: float

    def rows(self, part: int) -> NDArray[np.int64]:
        """Return the rows of a part."""
        return np.flatnonzero(self.part == part)


def _learnt(
    data: PreferenceData, vectors: PairVectors, part: NDArray[np.int64], options: dict[str, Any]
) -> _Learnt:
    ids = vectors.pair_ids
    of_row = part[pd.Index(data.pairs["pair_id"]).get_indexer(ids)]
    rows = np.flatnonzero(of_row == LEARN)
    # by name: the order of a file plays no part
    rows = rows[np.argsort(ids[rows].astype(str), kind="stable")]
    m = min(options["k"], vectors.d, len(rows) // _PER_DIRECTION)
    if m < 1 or not (of_row == SCREEN).any():
        raise DesignError(
            "There are too few pairs to discover factors.",
            found=f"{len(rows):,} pairs with embeddings in the part that directions are learnt on",
            expected=f"{_PER_DIRECTION} or more for each direction",
            fix="Take more pairs, or look for fewer directions.",
        )
    x = vectors.differences(rows)
    found = learn_dictionary(x, m, min(options["active"], m), seed=options["seed"])
    found = oriented(found, vectors.vectors, np.unique(np.r_[vectors.a[rows], vectors.b[rows]]))
    activations = np.empty((len(ids), m), dtype=np.float32)
    left, whole_length = np.zeros(3), np.zeros(3)
    for some, block in vectors.blocks():
        activations[some] = found.activations(block)
        for k in (NAME, SCREEN):
            own = of_row[some] == k
            gone = found.unexplained(block[own], activations[some][own])
            left[k] += gone[0]
            whole_length[k] += gone[1]
    units = np.sqrt(np.square(activations[rows], dtype=np.float64).mean(axis=0))
    rest = left[NAME] + left[SCREEN]
    total = whole_length[NAME] + whole_length[SCREEN]
    return _Learnt(
        dictionary=found,
        pair_ids=ids,
        activations=activations,
        part=of_row,
        units=np.where(units > 0, units, 1.0),
        lengths=float(whole_length[SCREEN]),
        unexplained=float(rest / total) if total > 0 else float("nan"),
    )


def _named(
    data: PreferenceData, learnt: _Learnt, asks: Asks, how: Tested, shown: int
) -> tuple[Names, pd.DataFrame]:
    """Return names of directions and their fidelity, of the second part alone."""
    ids = learnt.pair_ids[learnt.rows(NAME)]
    some = data.filter(pair_ids=ids)
    texts = some.pairs[["response_a", "response_b"]].notna().all(axis=1).to_numpy()
    if texts.any():
        some = data.filter(pair_ids=some.pairs["pair_id"][texts])
    place = pd.Index(learnt.pair_ids).get_indexer(some.pairs["pair_id"])
    activations = learnt.activations[place]
    if not texts.any():
        # embeddings of the user's own need no text, but names do
        activations = np.zeros_like(activations)
    names = name_directions(
        some.pairs, activations, asks, model=how.model, shown_pairs=shown, sampling=how.sampling
    )
    return names, fidelity(some, activations, names, asks, how)


def _screened(
    data: PreferenceData,
    learnt: _Learnt,
    names: Names,
    told: pd.DataFrame,
    options: dict[str, Any],
    made: Embedding,
) -> Discovery:
    rows = learnt.rows(SCREEN)
    ids = learnt.pair_ids[rows]
    held = data.filter(pair_ids=ids)
    place = pd.Index(learnt.pair_ids).get_indexer(held.pairs["pair_id"])
    cluster = pd.factorize(held.pairs["cluster"], sort=True)[0].astype(np.int64)
    varies = measured(
        learnt.activations[place], cluster, learnt.lengths, learnt.dictionary,
        least=options["least_active"], level=options["level"],
    )  # fmt: skip
    naming = learnt.activations[learnt.rows(NAME)]
    same = join(naming, told["fidelity"].to_numpy(dtype=float), options["alike"])
    table = pd.concat([pd.DataFrame({"direction": range(len(varies))}), varies, told], axis=1)
    table["name"] = pd.Series(list(names.names), dtype=object)
    table["unit"] = learnt.units
    taken = {*data.factor_names, POSITION, "pair_id"}
    table["term"] = [factor_name(k, name, taken) for k, name in enumerate(names.names)]
    table["joined_into"] = table["direction"].map(same.set_index("direction")["joined_into"])
    table["correlation"] = table["direction"].map(same.set_index("direction")["correlation"])
    tested = table[table["measurable"] & table["joined_into"].isna()]
    digest = learnt.dictionary.digest
    model = str(options["model"])
    with_all = with_directions(held, ids, learnt.activations[rows], tested, model, digest)
    terms = tested["term"].tolist()
    weights, scores = expressed(
        with_all, options["annotator"], terms, options["controls"],
        level=options["level"], seed=options["seed"],
    )  # fmt: skip
    directions = table_of(table, weights, options)
    lasting = directions[directions["survives"]]
    options |= {
        "dictionary": digest,
        "unexplained": learnt.unexplained,
        "pairs": {
            name: int((learnt.part == k).sum())
            for name, k in (("learn", LEARN), ("name", NAME), ("screen", SCREEN))
        },
    }
    return Discovery(
        data=with_directions(held, ids, learnt.activations[rows], lasting, model, digest),
        directions=directions,
        shown=names.shown,
        held_out=scores,
        dictionary=learnt.dictionary,
        embedding=made if isinstance(made, OfflineEmbedding) else None,
        settings=options,
        provenance=Provenance.capture(seed=options["seed"], dataset=data.digest),
    )
