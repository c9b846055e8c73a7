"""Log-likelihoods of responses under causal language models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.scoring.training.callback import AuditCallback as AuditCallback


def __getattr__(name: str) -> Any:
    # the callback needs transformers, which nothing else here loads before it scores
    if name == "AuditCallback":
        from workbench.scoring.training.callback import AuditCallback

        return AuditCallback
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
