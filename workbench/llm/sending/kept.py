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
    failed_before : set of str
        Keys of what is asked once more.

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
        self.failed_before: set[str] = set()

    def get(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Return the answers that are kept, and the failures that are not to be asked again."""
        wanted = list(keys)
        replies = self.journal.get(wanted)
        lacking = [key for key in wanted if key not in replies]
        if self.retry_failed:
            lacking = [key for key in lacking if key in self._failed_now]
        failed = self.journal.failed(lacking)
        for key, one in failed.items():
            if key in self._failed_now or is_final(one):
                replies[key] = one
            else:
                self.failed_before.add(key)
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
    return failure.usage.calls > 0 or failure.permanent
