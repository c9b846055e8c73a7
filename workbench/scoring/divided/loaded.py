"""What a worker keeps from part to part: a model, and what has to be the same for all parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from workbench.scoring.identity import settings_of
from workbench.scoring.models import load_model, load_tokenizer
from workbench.scoring.policy import TokenPolicy

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model with the tokenizer that all models of an audit share.

    Attributes
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    settings : dict
        What has to be the same for scores to be of one run.
    """

    model: Any
    tokenizer: Any
    settings: dict[str, Any]


@dataclass(frozen=True)
class Loading:
    """Which model is loaded: what an engine sets up once a worker.

    Attributes
    ----------
    name : str
    adapter : str or None
        As for :func:`workbench.scoring.models.load_model`.
    tokens_of : tuple of str and str or None
        The model and adapter whose tokenizer is used.
    policy : TokenPolicy
    dataset : str
        Digest of the data.
    folder : str
        Where relative names are of: a worker of a cluster may run in another folder.
    per_token : bool
        Whether the log-probability of every token is kept.
    """

    name: str
    adapter: str | None
    tokens_of: tuple[str, str | None]
    policy: TokenPolicy
    dataset: str
    folder: str
    per_token: bool = False

    def __call__(self) -> Loaded:
        """Load it."""
        model, _ = load_model(self._place(self.name), self._of(self.adapter))
        source, onto = self.tokens_of
        tokenizer = load_tokenizer(self._place(source), self._of(onto))
        model = model.eval()
        settings = settings_of(model, tokenizer, self.dataset, self.policy, self.per_token)
        if settings["model"] == self._place(self.name):
            # as it was named, wherever it is loaded
            settings["model"] = self.name
        return Loaded(model, tokenizer, settings)

    def _of(self, name: str | None) -> str | None:
        return None if name is None else self._place(name)

    def _place(self, name: str) -> str:
        path = Path(self.folder, name)
        return str(path) if Path(self.folder) != Path.cwd() and path.is_dir() else name


def applied(loaded: Loaded, part: Callable[[Loaded], R]) -> R:
    """Return what a part makes of a loaded model: the work that an engine maps."""
    return part(loaded)
