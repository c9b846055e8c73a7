"""What an audit of a judge will ask: the cases of every probe, each question once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.arms import Arm, Arms, Item
from workbench.audit.judges.item_sampling import sample_pairs
from workbench.audit.judges.perturb import most_off_topic, seed_of
from workbench.audit.judges.probes import PROBES, Probe, Suite, imported
from workbench.audit.judges.statistics import detectable
from workbench.audit.judges.verdicts.preferences import people_preference
from workbench.data.dataset import PreferenceData
from workbench.errors import refuse_out_of_range
from workbench.judges.templates import Template

SIZES: dict[str, int] = {"smoke": 50, "default": 200, "full": 500}
"""Pairs of each suite. A larger suite has more forms and doses of a probe."""

REPEATS = 2
"""Calls beside the first on every clean pair."""

CLEAN, WORSE, SAME = "clean", "clean, the worse one watched", "identical pair"
UNCHANGED = (CLEAN, WORSE, SAME)
"""What a plan calls the cases that no probe changed."""

_NOT_APPLICABLE = "does not apply, or would change the meaning"
_SAMPLES = 3


@dataclass(frozen=True, eq=False)
class Plan:
    """The questions of an audit.

    Attributes
    ----------
    cases : DataFrame
        One row a probe, variant and pair: ``probe, variant, dose, pair_id, cluster``, the
        rows of its arms ``treated`` and ``control`` (-1: none), and whether the target
        response stands second there: ``treated_turned, control_turned``; ``better``: +1
        where people prefer the target response, -1 the other, 0 where that is unknown.
    arms : DataFrame
        ``prompt, response_a, response_b, cluster``: each pair of texts once.
    skipped : DataFrame
        ``probe, variant, reason, n``.
    suite : str
    n : int
        Pairs that the probes start from.
    seed : int
    probes : tuple of Probe
        That it is made of.
    """

    cases: pd.DataFrame = field(repr=False)
    arms: pd.DataFrame = field(repr=False)
    skipped: pd.DataFrame = field(repr=False)
    suite: str
    n: int
    seed: int
    probes: tuple[Probe, ...] = PROBES

    @property
    def clean(self) -> np.ndarray:
        """Rows of the arms that are asked again."""
        return np.unique(self.cases.loc[self.cases["probe"] == CLEAN, "treated"].to_numpy())

    @property
    def calls(self) -> int:
        """Calls of a pairwise judge that is asked in both orders."""
        alike = self.arms["response_a"] == self.arms["response_b"]
        # two identical responses are one question in both orders
        return 2 * (len(self.arms) + REPEATS * len(self.clean)) - int(alike.sum())

    def summary(self) -> str:
        """Return what the audit asks and can find, before anything is spent."""
        probes = self.cases.loc[~self.cases["probe"].isin(UNCHANGED), "probe"].nunique()
        return "\n".join(
            [
                f"Suite {self.suite}: {self.n:,} pairs, {probes} probes, {len(self.cases):,} "
                f"cases, {len(self.arms):,} different pairs of texts",
                f"calls at most: {self.calls:,} (both orders; clean pairs {1 + REPEATS} times)",
                f"detectable shift with power 80 %: about {detectable(self.n):.2f} beyond the "
                f"margin where paired differences vary by 0.5, {detectable(self.n, 0.25):.2f} "
                "where by 0.25",
                f"left out: {int(self.skipped['n'].sum()):,} cases ({_NOT_APPLICABLE})",
            ]
        )

    def texts(self, case: Mapping[Any, Any]) -> dict[str, str]:
        """Return what a judge was shown in a case: the watched response, the other, the control.

        Parameters
        ----------
        case : mapping
            A row of ``cases``.

        Returns
        -------
        dict of str to str
            ``prompt, watched, other``; with a control ``control``, the watched response there,
            and ``control prompt`` where the prompt is what was changed.
        """

        def arm(row: int, turned: bool) -> tuple[str, str, str]:
            found = self.arms.loc[row]
            mine, other = ("b", "a") if turned else ("a", "b")
            return found["prompt"], found[f"response_{mine}"], found[f"response_{other}"]

        prompt, watched, other = arm(case["treated"], case["treated_turned"])
        told = {"prompt": prompt, "watched": watched, "other": other}
        if case["control"] >= 0:
            beside = arm(case["control"], case["control_turned"])
            told |= {"control prompt": beside[0]} if beside[0] != prompt else {}
            told["control"] = beside[1]
        return told

    def samples(self, most: int = _SAMPLES) -> pd.DataFrame:
        """Return some cases of every variant with their texts, for a person to veto."""
        changed = self.cases[~self.cases["probe"].isin(UNCHANGED)]
        first = changed.groupby(["probe", "variant"], sort=False).head(most)
        rows = []
        for case in first.to_dict("records"):
            told = self.texts(case)
            rows.append(
                {
                    "probe": case["probe"],
                    "variant": case["variant"],
                    "pair_id": case["pair_id"],
                    "prompt": told["prompt"],
                    "changed": told["watched"],
                    "other": told["other"],
                }
            )
        return pd.DataFrame(rows)


def plan_audit(
    data: PreferenceData,
    suite: Suite = "default",
    *,
    n: int | None = None,
    seed: int = 0,
    slot: tuple[str, str] = ("", ""),
    vetoed: Sequence[str] = (),
    attacks: Sequence[str] = (),
) -> Plan:
    """Plan an audit: draw pairs, make every case, and keep each question once.

    Parameters
    ----------
    data : PreferenceData
        With text. Labels, where there are any, say which response is the better one.
    suite : {"smoke", "default", "full"}
    n : int, optional
        Pairs; :data:`SIZES` when None.
    seed : int
        Of the draw and of every change.
    slot : tuple of str
        Text before and after the slot of a response in the judge's template, for the
        template escape.
    vetoed : sequence of str
        Names of variants, as ``C1/book``, that a person struck out.
    attacks : sequence of str
        Attack strings of one's own (X3), such as those that a search has found: each is
        added to the response, ``{other}`` in it is the beginning of the other one.

    Returns
    -------
    Plan

    Raises
    ------
    DesignError
        No pair with two different responses, or an option out of range.

    Examples
    --------
    >>> import workbench as wb
    >>> plan = plan_audit(wb.load("sample"), "smoke", n=10)
    >>> plan.n, plan.calls > 500
    (10, True)
    """
    refuse_out_of_range(
        {
            "suite": (suite in SIZES, suite, " or ".join(SIZES)),
            "n": (n is None or n >= 2, n, "2 or more"),
        }
    )
    pairs = sample_pairs(data, n or SIZES[suite], seed)
    better = (people_preference(data) - 0.5).reindex(pairs["pair_id"]).to_numpy()
    responses = [
        row[f"response_{'a' if b >= 0 else 'b'}"]
        for row, b in zip(pairs.to_dict("records"), np.nan_to_num(better), strict=True)
    ]
    off = most_off_topic(pairs["prompt"].fillna("").tolist(), responses)
    probes = (*PROBES, imported(attacks)) if attacks else PROBES
    making = _Making(suite, seed, slot, set(vetoed), probes)
    for row, advantage, k in zip(pairs.to_dict("records"), better, off, strict=True):
        making.take(row, advantage, responses[k])
    return making.plan(len(pairs))


def slot_of(template: Template) -> tuple[str, str]:
    """Return what stands before and after a response in a judge's message.

    Parameters
    ----------
    template : Template

    Notes
    -----
    The marks hold a digest of the texts, which who writes a response cannot know: the
    escape has their form only.

    Examples
    --------
    >>> from workbench.judges.templates import TEMPLATES
    >>> before, after = slot_of(TEMPLATES["workbench"])
    >>> before.startswith("<<<response A"), after.startswith("<<<end")
    (True, True)
    """
    mark = "the response itself"
    texts = {"prompt": "prompt", "response_a": mark, "response_b": "other", "reference": None}
    said = template.messages(texts)[1]["content"]
    before, _, after = said.partition(mark)
    lines = [part.strip().splitlines() or [""] for part in (before, after)]
    return lines[0][-1], lines[1][0]


Named = tuple[str, str, float | None]
"""Probe, form and dose of a case."""


@dataclass
class _Making:
    """Cases and arms as they come."""

    suite: str
    seed: int
    slot: tuple[str, str]
    vetoed: set[str]
    probes: tuple[Probe, ...]
    taken: int = 0
    cases: list[dict[str, object]] = field(default_factory=list)
    arms: dict[tuple[str, str, str], int] = field(default_factory=dict)
    clusters: list[str] = field(default_factory=list)
    skipped: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, row: dict[str, str], advantage: float, off: str) -> None:
        """Make the cases of a pair; A is preferred where its advantage is above 0."""
        own, suites = seed_of(self.seed, row["pair_id"]), list(SIZES)
        a, b = row["response_a"], row["response_b"]
        prompt = row["prompt"] if isinstance(row["prompt"], str) else ""
        first = Arm(prompt, a, b)
        turned = Arm(prompt, b, a)
        random = first if own % 2 else turned
        # what is spoilt or set against nothing is the better response; an attack helps the worse
        side = 0.0 if np.isnan(advantage) else float(np.sign(advantage))
        worse = random if side == 0 else turned if side > 0 else first
        better = {first: side, turned: -side}
        self._case((CLEAN, CLEAN, None), row, (random, None), better[random])
        self._case((WORSE, WORSE, None), row, (worse, None), better[worse])
        self._case((SAME, SAME, None), row, (Arm(prompt, a, a), None), 0.0)
        self.taken += 1
        for probe in self.probes:
            if probe.most is not None and self.taken > probe.most:
                continue
            clean = random if probe.category == "invariance" else worse
            item = Item(clean, off, own, self.slot)
            for variant in probe.variants:
                if f"{probe.id}/{variant.name}" in self.vetoed:
                    continue
                if suites.index(variant.suite) <= suites.index(self.suite):
                    name = (probe.id, variant.name, variant.dose)
                    self._case(name, row, variant.treatment(item), better[clean])

    def _case(self, name: Named, row: dict[str, str], arms: Arms | None, better: float) -> None:
        probe, variant, dose = name
        if arms is None:
            self.skipped[probe, variant] = self.skipped.get((probe, variant), 0) + 1
            return
        treated, control = arms
        at, turned = self._arm(treated, row["cluster"])
        beside, beside_turned = (
            (-1, False) if control is None else self._arm(control, row["cluster"])
        )
        self.cases.append(
            {
                "probe": probe, "variant": variant, "dose": dose,
                "pair_id": row["pair_id"], "cluster": row["cluster"],
                "treated": at, "treated_turned": turned,
                "control": beside, "control_turned": beside_turned, "better": better,
            }
        )  # fmt: skip

    def _arm(self, arm: Arm, cluster: str) -> tuple[int, bool]:
        turned = arm.target > arm.other
        sides = (arm.other, arm.target) if turned else (arm.target, arm.other)
        key = (arm.prompt, *sides)
        if key not in self.arms:
            self.clusters.append(cluster)
        return self.arms.setdefault(key, len(self.arms)), turned

    def plan(self, n: int) -> Plan:
        arms = pd.DataFrame(list(self.arms), columns=["prompt", "response_a", "response_b"])
        skipped = [
            {"probe": probe, "variant": variant, "reason": _NOT_APPLICABLE, "n": count}
            for (probe, variant), count in self.skipped.items()
        ]
        return Plan(
            pd.DataFrame(self.cases),
            arms.assign(cluster=self.clusters),
            pd.DataFrame(skipped, columns=["probe", "variant", "reason", "n"]),
            self.suite,
            n,
            self.seed,
            self.probes,
        )
