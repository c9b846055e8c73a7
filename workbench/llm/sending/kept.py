"""Replies that need no call: those of the journal."""

from __future__ import annotations

from collections.abc import Iterable

from workbench.llm.journal import Journal
from workbench.llm.reply import Reply


class Kept:
    """Looks up what is kept.

    Parameters
    ----------
    journal : Journal
    retry_failed : bool
        A failure that was paid for counts as not asked yet, until it was asked again here.

    Attributes
    ----------
    before : dict of str to str
        Keys that the server did not answer when they were asked before, with the reasons:
        they are open.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Journal(folder + "/j") as journal:
    ...     journal.put({"k": Reply("A", "A")})
    ...     list(Kept(journal).get(["k", "other"]))
    ['k']
    """

    def __init__(self, journal: Journal, *, retry_failed: bool = False) -> None:
        self.journal, self.retry_failed = journal, retry_failed
        self._failed_now: set[str] = set()
        self.before: dict[str, str] = {}

    def get(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the answers that are kept, and the failures that are not to be asked again."""
        wanted = list(keys)
        replies = self.journal.get(wanted)
        failed = self.journal.failed(key for key in wanted if key not in replies)
        for key, one in failed.items():
            final = is_final(one)
            if key in self._failed_now or (final and not self.retry_failed):
                replies[key] = one
            elif not one.usage.calls:
                self.before[key] = one.reason or ""
        return replies

    def asked(self, key: str, reply: Reply) -> None:
        """Take note of a reply that came now: a failure is not asked for twice in one run."""
        if reply.failed:
            self._failed_now.add(key)


def is_final(failure: Reply) -> bool:
    """Say whether a failure is not asked again by itself: it was paid for, or is for good.

    Examples
    --------
    >>> is_final(Reply("I do not know.", None, reason="unreadable: no JSON"))
    True
    """
    return (failure.usage.calls > 0 and not failure.cut_short) or failure.permanent
