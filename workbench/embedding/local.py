"""Embeddings by a sentence encoder on this machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from workbench.embedding.base import Matrix, settings_digest
from workbench.errors import ConfigError, refuse_out_of_range, whole
from workbench.scoring.models import load_encoder

Pooling = Literal["mean", "first", "last"]

_POOLINGS: tuple[Pooling, ...] = ("mean", "first", "last")
_KEYS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "first",
    "pooling_mode_lasttoken": "last",
}
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize")


@dataclass(frozen=True, eq=False)
class LocalEmbedding:
    """Vectors of a model of transformers, pooled over the tokens and scaled to length 1.

    Parameters
    ----------
    path : str
        Folder of the model with its tokenizer, or a hub id.
    pooling : {"mean", "first", "last"}, optional
        Over the tokens of the last layer; what a sentence-transformers folder says, else the
        mean, when None.
    most_tokens : int
        Tokens of a text that are read.
    batch : int
        Texts at once.

    Raises
    ------
    ConfigError
        The extra ``models`` is missing, the model cannot be loaded, or a folder of
        sentence-transformers has modules that are not of the known kinds.

    Notes
    -----
    Texts are read in the order of their lengths, so that a batch has little padding, which the
    attention mask leaves out.
    """

    path: str
    pooling: Pooling | None = None
    most_tokens: int = 512
    batch: int = 32
    _loaded: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        refuse_out_of_range(
            {
                "pooling": (self.pooling in (None, *_POOLINGS), self.pooling, ", ".join(_POOLINGS)),
                "most_tokens": (whole(self.most_tokens, 1), self.most_tokens, "1 or more"),
                "batch": (whole(self.batch, 1), self.batch, "1 or more"),
            }
        )

    @property
    def name(self) -> str:
        """Return the folder's name, or the hub id."""
        return Path(self.path).name if Path(self.path).is_dir() else self.path

    @property
    def settings(self) -> Mapping[str, Any]:
        """Return how tokens become one vector."""
        return {"pooling": self.pooled, "most_tokens": self.most_tokens}

    @cached_property
    def pooled(self) -> Pooling:
        """Over which tokens the vector is taken."""
        return self.pooling or _pooling_of(Path(self.path))

    @cached_property
    def digest(self) -> str:
        """Return what names its vectors: configuration and weights are part of it."""
        model, _ = self._model()
        import hashlib

        weights = hashlib.blake2b(digest_size=16)
        for key, value in sorted(model.state_dict().items()):
            weights.update(f"{key}{tuple(value.shape)}".encode())
            some = value.detach().flatten()
            # a few of each tensor tell two models apart
            weights.update(some[:: max(len(some) // 64, 1)].float().cpu().numpy().tobytes())
        return settings_digest(self.name, self.settings, weights.digest())

    def _model(self) -> tuple[Any, Any]:
        if not self._loaded:
            model, tokenizer = load_encoder(self.path)
            if tokenizer.pad_token is None:
                tokenizer.pad_token = tokenizer.eos_token
            tokenizer.padding_side = "right"
            self._loaded.update(model=model, tokenizer=tokenizer)
        return self._loaded["model"], self._loaded["tokenizer"]

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Return a vector a text; equal texts are read once, a text without a token has zeros."""
        distinct = sorted({*texts})
        found = self._read(distinct)
        place = {text: k for k, text in enumerate(distinct)}
        return found[np.array([place[text] for text in texts], dtype=np.int64)]

    def _read(self, texts: list[str]) -> Matrix:
        import torch

        model, tokenizer = self._model()
        longest = min(self.most_tokens, _context(model))
        encoded = [
            list(tokenizer(text, truncation=True, max_length=longest)["input_ids"])
            for text in texts
        ]
        order = sorted(range(len(texts)), key=lambda k: len(encoded[k]))
        order = [k for k in order if encoded[k]]
        found = np.zeros((len(texts), int(model.config.get_text_config().hidden_size)), np.float32)
        with torch.inference_mode():
            for at in range(0, len(order), self.batch):
                part = order[at : at + self.batch]
                padded = tokenizer.pad(
                    {"input_ids": [encoded[k] for k in part]}, return_tensors="pt"
                )
                ids = padded["input_ids"].to(model.device)
                mask = padded["attention_mask"].to(model.device)
                hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state.float()
                found[part] = _pool(hidden, mask, self.pooled).cpu().numpy()
        return found


def _pool(hidden: Any, mask: Any, pooling: Pooling) -> Any:
    import torch

    if pooling == "first":
        taken = hidden[:, 0]
    elif pooling == "last":
        taken = hidden[torch.arange(len(hidden)), mask.sum(dim=1) - 1]
    else:
        weight = mask[:, :, None].float()
        taken = (hidden * weight).sum(dim=1) / weight.sum(dim=1)
    return torch.nn.functional.normalize(taken, dim=1)


def _context(model: Any) -> int:
    config = model.config.get_text_config()
    most = getattr(config, "max_position_embeddings", None)
    if not isinstance(most, int) or most < 1:
        return 1 << 30
    # RoBERTa's first position comes after its padding
    kind = str(getattr(config, "model_type", ""))
    return most - 2 if "roberta" in kind else most


def _pooling_of(folder: Path) -> Pooling:
    """Return what a folder of sentence-transformers says; the mean elsewhere."""
    listing = folder / "modules.json"
    if not listing.is_file():
        return "mean"
    try:
        modules = json.loads(listing.read_text(encoding="utf-8"))
        kinds = [str(one["type"]).rpartition(".")[2] for one in modules]
        paths = [str(one.get("path", "")) for one in modules]
        strange = [kind for kind in kinds if kind not in _KNOWN_MODULES]
        at = kinds.index("Pooling")
        own = json.loads((folder / paths[at] / "config.json").read_text(encoding="utf-8"))
        given = [found for key, found in _KEYS.items() if own.get(key)]
        others = [key for key, on in own.items() if key.startswith("pooling_mode_") and on]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        strange, given, others = ["a module that cannot be read"], [], []
    if strange or len(given) != 1 or len(others) != 1:
        raise ConfigError(
            "The sentence encoder cannot be used as it is.",
            where=folder.name,
            found=", ".join(strange) or f"{len(others)} ways of pooling",
            expected="a transformer, one pooling (mean, first or last token), and a scaling",
            fix="Embed the texts with its own package, and give the vectors as a Parquet file.",
        )
    return given[0]
