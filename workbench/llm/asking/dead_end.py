"""Knowing early that nothing will answer, without giving up for a hiccup."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from workbench.errors import JudgeError
from workbench.llm.asking.failures import CallFailedError

FEW = 5
"""Failed calls in a row, none answered in between, that can be a dead end."""

_AGAIN = 3
_MIXED = 20
_AT_LAST = 50
_HELD = 8
_PATIENCE_S = 5.0
_LONG_PATIENCE_S = 30.0

_FIXES = {
    "account": "Check the key in {key}, and the account's plan; then take the run up again: "
    "what was answered is kept.",
    "address": "Check the address (--base-url, it usually ends in /v1), the model's name, and "
    "whether the key in {key} may use it.",
    "odd": "Read the server's message; --omit, --rename and --extra-body change what is sent.",
    "busy": "Wait, or lower --concurrency; then take the run up again: what was answered is kept.",
    "server": "See that the server runs, and that the address is right (--base-url, it usually "
    "ends in /v1); then take the run up again: what was answered is kept.",
}


@dataclass
class DeadEnd:
    """Failed calls in a row, over all requests of a connection.

    Pairs that failed before in the same way, while others were answered or in an earlier go
    (``known``, with the statuses), show nothing of the server: that they fail again is not
    counted, but where the account is refused, the server asks to wait, or there is no
    connection. The account and the address are
    given up at the first refusal where nothing was answered before (of three pairs while other
    calls are on the way), and at that of :data:`FEW` pairs in a row later. Refusals of no known
    reason: at :data:`FEW` that say the same, or 20 that do not or where a run is taken up
    (``before``), but not while calls are on the way that began before the first of them: a
    refusal comes back faster than an answer. A server that does not answer: at :data:`FEW`
    over 5 s; over 30 s where it answered before or says that it is not ready (503, or no reply in
    time), which a restart survives. A server that asks to wait: when a request has had all
    its attempts. Questions about one pair alone, or two, are never a dead end but for the
    account, the address, and where there is no connection at all.

    Examples
    --------
    >>> line = DeadEnd("http://127.0.0.1:1/v1", "OPENAI_API_KEY")
    >>> line.failed(CallFailedError("no such key", 401), "m").what
    'The endpoint refuses the call, and asking again would not help.'
    """

    base_url: str
    key_place: str
    before: bool = False
    answers: int = 0
    in_a_row: int = 0
    known: dict[object, set[int | None]] = field(default_factory=dict)
    _began: float = 0.0
    _words: set[str] = field(default_factory=set)
    _requests: dict[object, int | None] = field(default_factory=dict)

    def answered(self) -> None:
        """Count an answer."""
        self.answers += 1
        self.in_a_row = 0
        for request, status in self._requests.items():
            self.suspect(request, status)
        self._requests.clear()

    def suspect(self, request: object, status: int | None) -> None:
        """Take note that a pair fails while others do not, and with which status."""
        self.known.setdefault(request, set()).add(status)

    def is_own(self, request: object, error: CallFailedError) -> bool:
        """Return whether a failure is known to be the pair's own."""
        general = error.whose in ("account", "busy") or error.unsent
        return not general and error.status in self.known.get(request, ())

    def failed(
        self,
        error: CallFailedError,
        model: str,
        request: object = 0,
        *,
        last: bool = False,
        oldest: float = float("inf"),
    ) -> JudgeError | None:
        """Count a failed call; the error that ends the run, where this is a dead end.

        Parameters
        ----------
        error : CallFailedError
        model : str
            Whom it asked.
        request : object
            Of which pair, or which request, it was: one alone, asked again and again, is no
            dead end.
        last : bool
            It was the last attempt of a request, and nothing was answered since its first.
        oldest : float
            When the oldest call that is still on the way began.
        """
        if error.whose == "request" or self.is_own(request, error):
            return None
        if not self.in_a_row:
            self._began = time.monotonic()
            self._words.clear()
            self._requests.clear()
        self.in_a_row += 1
        self._words.add(error.said)
        self._requests[request] = error.status
        early = oldest < self._began and self.in_a_row < _AT_LAST
        if not (self._is_end(error, early) or (last and self._many)):
            return None
        return self._error(error, model)

    def _is_end(self, error: CallFailedError, early: bool) -> bool:
        if error.whose == "account" or (error.whose == "address" and error.status != 403):
            if self.answers or self.before:
                return len(self._requests) >= FEW and not early
            return not early or len(self._requests) >= _AGAIN
        if error.whose == "address":
            # a pair alone may be forbidden
            most = _MIXED if self.before and not self.answers else _AGAIN
            return self.in_a_row >= most and len(self._requests) >= _AGAIN and not early
        if error.whose == "odd":
            alone = len(self._words) == 1 and (self.answers > 0 or not self.before)
            alike = alone or self.in_a_row >= _MIXED
            return self._many and alike and not early
        patient = self.answers or error.status in (503, 504) or error.slow
        patience = _LONG_PATIENCE_S if patient else _PATIENCE_S
        lasted = time.monotonic() - self._began
        # no pair is the reason where there is no connection
        many = self.in_a_row >= FEW if error.unsent else self._many
        return error.whose == "server" and many and lasted >= patience

    @property
    def _many(self) -> bool:
        # one request can break a server each time: that is its own error
        return self.in_a_row >= FEW and len(self._requests) >= _AGAIN

    @property
    def silent(self) -> bool:
        """Whether so many calls failed in a row that one at a time is enough to look."""
        return self.in_a_row >= _HELD

    def _error(self, error: CallFailedError, model: str) -> JudgeError:
        refused = error.whose in ("account", "address", "odd")
        times = f"{self.in_a_row:,} calls in a row failed, none was answered in between; the last: "
        return JudgeError(
            "The endpoint refuses the call, and asking again would not help."
            if refused
            else "The endpoint does not answer.",
            where=self.base_url,
            found=("" if self.in_a_row == 1 else times) + f"{error.reason}: {error}",
            expected=f"an answer of model {model!r}",
            fix=_FIXES[error.whose].format(key=self.key_place),
        )
