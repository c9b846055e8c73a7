"""A judge whose verdicts are corrected by what people said beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DesignError
from workbench.factors.recoded import recoded
from workbench.json_values import json_ready, to_json
from workbench.judges.base import FAILED, Judge, label_rows
from workbench.judges.rules import PlantedJudge, RuleJudge
from workbench.judges.verdict_features import FEATURES, Array, verdict_features
from workbench.whole_file import write_text

FORMAT = "workbench mended judge 1"
_LOST = ("the judge gave no verdict", "the judge gave no strength", "a factor has no value")
"""Why there is no mended verdict: what is true first."""
_NOTHING = 1e-12
"""Log-odds of rounding: no lean."""


class MendedJudge:
    r"""A judge behind a formula: its verdicts and factor differences, weighed by people's labels.

    .. math:: P(\text{A preferred}) = \sigma\Big(\sum_k a_k v_k + \sum_j b_j x_j\Big)

    with the features v of the verdicts (:data:`workbench.judges.verdict_features.FEATURES`) and
    coded differences x. There is no intercept: exchanging A and B turns the verdict round.

    Parameters
    ----------
    judge : str
        Name of the judge behind it.
    weights : mapping of str to float
        By feature of the verdicts.
    factors : mapping of str to mapping
        By factor: ``weight``, and ``spec``, its entry of ``factor_specs`` where the weights were
        fitted, whose coding is used again.
    inner : Judge, optional
        Who is asked. Without one, the labels of the annotator ``judge`` in the data are read.
    name : str, optional
        Of the annotator; the judge's with ``(mended)`` when None.
    kind : str
        Kind of the judge.
    about : mapping, optional
        Where the weights come from, as plain JSON values.

    Raises
    ------
    DesignError
        An unknown feature, or a weight that is no number.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> factors = {"words": {"weight": -1.0, "spec": data.factor_specs["words"]}}
    >>> mended = MendedJudge("rule:longer", {"verdict": 1.0}, factors, inner=wb.RuleJudge("longer"))
    >>> found = wb.judge(data, mended)
    >>> "rule:longer (mended)" in set(found.data.annotators["annotator"])
    True
    """

    def __init__(
        self,
        judge: str,
        weights: Mapping[str, float],
        factors: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        inner: Judge | None = None,
        name: str | None = None,
        kind: str = "llm",
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.judge, self.inner = judge, inner
        self.name, self.kind = name or f"{judge} (mended)", kind
        self.weights = {name: float(weight) for name, weight in weights.items()}
        self.factors = {name: dict(one) for name, one in (factors or {}).items()}
        self.about = dict(about or {})
        unknown = [name for name in self.weights if name not in FEATURES]
        numbers = [*self.weights.values(), *(one["weight"] for one in self.factors.values())]
        if unknown or not np.isfinite(np.array(numbers, dtype=float)).all():
            raise DesignError(
                "The weights of the mended judge cannot be used.",
                found=", ".join(unknown) or ", ".join(map(str, numbers)),
                expected=f"numbers, by feature of verdicts ({', '.join(FEATURES)}) and factor",
                fix="Take them as repair_judge gives them.",
            )

    def around(self, inner: Judge, name: str | None = None) -> MendedJudge:
        """Return the same correction around a judge that can be asked."""
        return MendedJudge(
            self.judge, self.weights, self.factors,
            inner=inner, name=name or self.name, kind=inner.kind, about=self.about,
        )  # fmt: skip

    def again(self, repeat: int) -> MendedJudge:
        """Return the judge as it is asked another time."""
        other = getattr(self.inner, "again", None)
        return self if other is None else self.around(other(repeat))

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        inner = None if self.inner is None else self.inner.settings()
        return {
            "judge": "mended",
            "name": self.name,
            "of": self.judge,
            "weights": self.weights,
            "factors": {name: one["weight"] for name, one in self.factors.items()},
            "inner": inner,
            "spending": [] if inner is None else inner.get("spending", []),
        }

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair that the judge was asked about.

        Raises
        ------
        DesignError
            No judge to ask and no label of it, or a factor that the data cannot have.
        """
        rows = self._inner_rows(data)
        at = pd.Index(data.pairs["pair_id"]).get_indexer(rows["pair_id"])
        p, lost = self._told(data, at, rows)
        asked = np.bincount(at, minlength=len(data)) > 0
        shown = set(rows["order_shown"].dropna())
        one_order = len(shown) == 1 and bool(rows["order_shown"].notna().all())
        why = [next((_LOST[k] for k in np.flatnonzero(one)), None) for one in lost[asked]]
        made = label_rows(
            data.pairs[asked], p[asked], order_shown=shown.pop() if one_order else None,
            reason=[FAILED if one else None for one in why],
        )  # fmt: skip
        return made.assign(failure=pd.Series(why, dtype="object"))

    def preference(self, data: PreferenceData, at: Any, rows: pd.DataFrame) -> Array:
        """Return P(A preferred) of each pair, NaN without a verdict or a factor's value.

        Parameters
        ----------
        data : PreferenceData
        at : ndarray of int, shape (labels,)
            Number of each label's pair.
        rows : DataFrame
            The labels of the judge behind it.
        """
        return self._told(data, at, rows)[0]

    def _told(
        self, data: PreferenceData, at: Any, rows: pd.DataFrame
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Return P(A preferred), and which of three is lacking, shape (pairs, 3)."""
        features = verdict_features(at, rows, len(data))
        specs = {name: one.get("spec", {}) for name, one in self.factors.items()}
        said, differences = features[list(self.weights)].to_numpy(), recoded(data, specs)
        weights = [*self.weights.values(), *(one["weight"] for one in self.factors.values())]
        eta = np.column_stack([said, differences]) @ np.array(weights, dtype=float)
        # with a verdict, of its features only the margin may lack, where no strength was given
        lost = np.column_stack([
            features["verdict"].isna(), np.isnan(said).any(axis=1),
            np.isnan(differences).any(axis=1),
        ])  # fmt: skip
        found = np.where(np.abs(eta) <= _NOTHING, 0.5, expit(eta))
        return np.where(lost.any(axis=1), np.nan, found), lost

    def _inner_rows(self, data: PreferenceData) -> pd.DataFrame:
        if self.inner is not None:
            return self.inner.verdicts(data)
        data = data.decided()
        mine = data.labels["annotator"].eq(self.judge) & data.labels["weight"].gt(0)
        rows = data.labels[mine]
        if rows.empty:
            raise DesignError(
                "There are no verdicts to mend.",
                found=", ".join(data.annotators["annotator"]) or "no annotator",
                expected=f"labels of {self.judge!r}, or a judge that can be asked",
                fix="Give the judge itself: mended.around(judge).",
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Return the judge as plain JSON values."""
        return {
            "format": FORMAT,
            "judge": self.judge,
            "name": self.name,
            "kind": self.kind,
            "weights": self.weights,
            "factors": json_ready(self.factors),
            "inner": None if self.inner is None else json_ready(self.inner.settings()),
            "about": json_ready(self.about),
        }

    def save(self, path: str | Path) -> None:
        """Write the judge to a JSON file."""
        write_text(Path(path), to_json(self.to_dict()))

    @classmethod
    def load(cls, path: str | Path, inner: Judge | None = None) -> Self:
        """Read a judge from a JSON file.

        Parameters
        ----------
        path : str or Path
        inner : Judge, optional
            Who is asked. Rules and simulated judges are made again from the file; a model or a
            function has to be given, or the labels in the data are read.

        Raises
        ------
        ConfigError
            It cannot be read, or is no mended judge.

        Examples
        --------
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     MendedJudge("j", {"verdict": 2.0}).save(Path(folder) / "j.json")
        ...     MendedJudge.load(Path(folder) / "j.json").weights
        {'verdict': 2.0}
        """
        path = Path(path)
        try:
            record = json.loads(path.read_text(encoding="utf-8-sig"))
            if record["format"] != FORMAT:
                raise ValueError(f"format {record['format']!r}")
            return cls(
                record["judge"], record["weights"], record["factors"],
                inner=inner or _made_again(record["inner"]), name=record["name"],
                kind=record["kind"] if inner is None else inner.kind, about=record["about"],
            )  # fmt: skip
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                "The mended judge cannot be read.",
                where=str(path),
                found=f"{type(error).__name__}: {str(error)[:200]}",
                expected="a JSON file that a mended judge was saved to",
                fix="Check the path, or mend the judge anew.",
            ) from None


def _made_again(record: Mapping[str, Any] | None) -> Judge | None:
    """Return a judge that its settings alone make; None where it has to be given."""
    own = {k: v for k, v in (record or {}).items() if k != "judge"}
    kind = (record or {}).get("judge")
    if kind == "rule":
        return RuleJudge(**own)
    return PlantedJudge(**own) if kind == "planted" else None
