"""An LLM as a pairwise judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.asking import AskingJudge
from workbench.judges.base import NOT_ASKED, label_rows, text_pairs
from workbench.judges.pictures import Images
from workbench.judges.soft import first_preferred, why_unknown
from workbench.judges.templates import Template, find_template
from workbench.llm.asker import Asks
from workbench.llm.question import REFERENCES, rows
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling

Order = Literal["ab", "ba"]

_Found = tuple[float, float, str | None, str | None, str | None]
"""P(first preferred), the strength, the reason of what is none, what was said, why it failed."""


class ChatJudge(AskingJudge):
    r"""A model that is shown both responses and says which is better.

    Parameters
    ----------
    model : str
    asks : Asks
        Who answers its requests.
    template : str or Template
        See :mod:`workbench.judges.templates`.
    orders : {"both", "ab", "ba"}
        In which orders the responses are shown; each order is a label of its own, so that
        a decomposition has the position as a column.
    samples : int
        Replies to each question; the label is what most of them say, a tie where two
        verdicts have as many, and its ``strength`` the share that says so.
    soft : bool
        The preference is :math:`P(\text{A})/(P(\text{A}) + P(\text{B}))` from the
        log-probabilities of the verdict's token (a tie's share goes to both). Where the
        server gives none there is no preference: missing is not certainty.
    sampling : Sampling, optional
    name : str, optional
        Of the annotator; the model's when None.
    first : int
        Number of the first sample: another one is another question.
    images : Images, optional
        Which images stand below the texts; none when None. A pair with an image that cannot be
        shown is not asked about, and its labels say why.

    Raises
    ------
    DesignError
        An option out of range.
    ConfigError
        A template that cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import workbench as wb
    >>> from workbench.llm.asker import Asker
    >>> from workbench.llm.journal import Journal
    >>> from workbench.llm.offline import OfflineModel
    >>> data = wb.load("sample")
    >>> few = data.filter(pair_ids=data.pairs["pair_id"][:3])
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
    ...     with Asker(OfflineModel("offline:plain"), journal) as asker:
    ...         rows = ChatJudge("offline:plain", asker).verdicts(few)
    >>> rows["order_shown"].tolist()
    ['ab', 'ab', 'ab', 'ba', 'ba', 'ba']
    """

    form, stage = "chat", "judge"

    def __init__(
        self,
        model: str,
        asks: Asks,
        *,
        template: str | Template = "workbench",
        orders: Literal["both", "ab", "ba"] = "both",
        samples: int = 1,
        soft: bool = False,
        sampling: Sampling | None = None,
        name: str | None = None,
        first: int = 0,
        images: Images | None = None,
    ) -> None:
        if orders not in ("both", "ab", "ba") or samples < 1 or (soft and samples > 1):
            raise DesignError(
                "The judge cannot be asked like that.",
                found=f"orders={orders!r}, samples={samples}, soft={soft}",
                expected='orders "both", "ab" or "ba"; 1 sample or more; soft with 1 sample',
                fix="Give other options.",
            )
        super().__init__(model, asks, samples, sampling, name)
        self.soft, self.first, self.images = soft, first, images
        self.template = find_template(template) if isinstance(template, str) else template
        self.orders: tuple[Order, ...] = ("ab", "ba") if orders == "both" else (orders,)
        if soft and not self.sampling.top_logprobs:
            self.sampling = replace(self.sampling, top_logprobs=20)

    def again(self, repeat: int) -> ChatJudge:
        """Return the judge as it is asked another time."""
        other = copy(self)
        other.first = self.first + repeat * self.samples
        return other

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        shown = {} if self.images is None else {"images": self.images.settings()}
        return self._settings(
            **shown,
            template=vars(self.template),
            orders=list(self.orders),
            samples=self.samples,
            soft=self.soft,
        )

    def requests(self, data: PreferenceData) -> Iterator[Request]:
        """Return every question: by order, by pair, by sample."""
        pairs = self._pairs(data)
        return self._requests(pairs[[why is None for why in self._lacking(pairs)]])

    def _requests(self, pairs: pd.DataFrame) -> Iterator[Request]:
        for order in self.orders:
            for pair in rows(pairs):
                for sample in range(self.first, self.first + self.samples):
                    yield self._request(pair, order, sample)

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair and order."""
        pairs = self._pairs(data)
        n, lacking = len(pairs), self._lacking(pairs)
        asked = pairs[[why is None for why in lacking]]
        votes = self._replies(self._requests(asked), len(asked) * len(self.orders))
        # of each reply only what the label says is held, not the reply
        replies = [(*self._label(part), _raw(part), self._failure(part)) for part in votes]
        said = iter(replies)
        unasked = (np.nan, np.nan)
        found: list[_Found] = [
            next(said) if why is None else (*unasked, why, None, None)
            for why in lacking * len(self.orders)
        ]
        labels = [
            _labels(pairs, found[k * n : (k + 1) * n], order, k)
            for k, order in enumerate(self.orders)
        ]
        return pd.concat(labels, ignore_index=True)

    def _pairs(self, data: PreferenceData) -> pd.DataFrame:
        return text_pairs(data) if self.images is None else self.images.judged(data)

    def _lacking(self, pairs: pd.DataFrame) -> list[str | None]:
        """Return of each pair why it cannot be asked about."""
        images = self.images
        if images is None:
            return [None] * len(pairs)
        return [images.lacking(pair) for pair in rows(pairs)]

    def _request(self, pair: dict[str, Any], order: Order, sample: int) -> Request:
        sides = ("response_a", "response_b") if order == "ab" else ("response_b", "response_a")
        reference = next((pair[c] for c in REFERENCES if c in pair), None)
        texts = {
            "prompt": _text(pair["prompt"]),
            "response_a": pair[sides[0]],
            "response_b": pair[sides[1]],
            "reference": _text(reference),
        }
        about = {"task": "judge", "pair_id": pair["pair_id"], "order": order}
        pictures = (
            ()
            if self.images is None
            else self.images.pictures(pair, (order[0], order[1]), self.template.labels)
        )
        return Request(
            self.model,
            self.template.messages(texts),
            self.sampling,
            self.template.schema(),
            sample,
            about,
            pictures=pictures,
        )

    def _label(self, replies: Sequence[Reply | None]) -> tuple[float, float, str | None]:
        """Return P(first preferred), the strength, and the reason of what is none."""
        if all(reply is None for reply in replies):
            return np.nan, np.nan, NOT_ASKED
        read = [reply for reply in replies if reply is not None and not reply.failed]
        if not read:
            return np.nan, np.nan, None
        if self.soft:
            labels = self.template.labels
            preference = first_preferred(read[0], labels)
            reason = why_unknown(read[0], labels) if np.isnan(preference) else None
            return preference, np.nan, reason
        counts = Counter(reply.value["verdict"] for reply in read).most_common()
        most = [verdict for verdict, count in counts if count == counts[0][1]]
        verdict = most[0] if len(most) == 1 else "tie"
        first = {self.template.labels[0]: 1.0, self.template.labels[1]: 0.0}.get(verdict, 0.5)
        return first, dict(counts).get(verdict, 0) / len(read), None


def _labels(
    pairs: pd.DataFrame, found: Sequence[_Found], order: Order, replicate: int
) -> pd.DataFrame:
    first = np.array([one[0] for one in found])
    labels = label_rows(
        pairs,
        first if order == "ab" else 1.0 - first,
        replicate=replicate,
        order_shown=order,
        reason=[one[2] for one in found],
        raw=[one[3] for one in found],
    )
    return labels.assign(
        strength=[one[1] for one in found],
        failure=pd.Series([one[4] for one in found], dtype="object"),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _raw(replies: Sequence[Reply | None]) -> str | None:
    texts = [reply.text for reply in replies if reply is not None]
    return "\n---\n".join(texts) if texts else None
