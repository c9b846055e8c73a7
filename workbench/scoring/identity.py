"""What besides its weights makes a model's scores: tokenizer, template, configuration, the day."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from workbench.scoring.policy import TokenPolicy
from workbench.scoring.template import rendered

TODAY = "chat_template_today"
"""Key of what a chat template makes of a short dialogue now."""

_LEFT = ("_name_or_path", "transformers_version", "base_model_name_or_path", "inference_mode")


def identity(model: Any, tokenizer: Any, policy: TokenPolicy) -> dict[str, Any]:
    """Return what has to be the same for two scores to be of one run, besides the weights.

    Parameters
    ----------
    model : transformers model
    tokenizer : transformers tokenizer
    policy : TokenPolicy

    Returns
    -------
    dict of str to str
        Digests of the ``tokenizer`` and of the ``configuration`` with those of its adapters;
        in chat mode that of the ``chat_template``, and ``chat_template_today``: what it makes of
        a short dialogue, with the date that some templates put in.
    """
    found = {"tokenizer": _digest(_tokenizer(tokenizer)), "configuration": _digest(_config(model))}
    template = getattr(tokenizer, "chat_template", None)
    if policy.mode == "chat" and template:
        found |= {"chat_template": _digest(template),
                  TODAY: rendered(tokenizer, "?", "!")}  # fmt: skip
    return found


def settings_of(
    model: Any, tokenizer: Any, dataset: str, policy: TokenPolicy, per_token: bool = False
) -> dict[str, Any]:
    """Return what has to be the same for scores to be of one run.

    Parameters
    ----------
    model : transformers causal language model
    tokenizer : transformers tokenizer
    dataset : str
        Its digest.
    policy : TokenPolicy
    per_token : bool
    """
    return {
        "model": str(getattr(model.config, "name_or_path", "")), "weights": fingerprint(model),
        "policy": asdict(policy),
        "dtype": str(model.dtype), "dataset": dataset, "per_token": per_token,
        **identity(model, tokenizer, policy),
    }  # fmt: skip


def fingerprint(model: Any) -> str:
    """Return a digest of a model's weights: a path may hold others after another training.

    Parameters
    ----------
    model : transformers causal language model

    Notes
    -----
    Of names, shapes and sums of the values and of their squares in double precision, so
    that large models are read once and not copied.
    """
    state = hashlib.blake2b(digest_size=16)
    for name, values in sorted(model.state_dict().items()):
        wide = values.detach().double()
        sums = (float(wide.sum()), float((wide * wide).sum()))
        state.update(f"{name} {tuple(values.shape)} {values.dtype} {sums!r}".encode())
    return state.hexdigest()


def differing_tokens(one: Any, other: Any, policy: TokenPolicy) -> str | None:
    """Return why two tokenizers of one vocabulary give other tokens; None where they do not.

    Parameters
    ----------
    one, other : transformers tokenizer
    policy : TokenPolicy
    """
    if policy.mode == "chat":
        templates = [getattr(k, "chat_template", None) for k in (one, other)]
        return "its chat template is another" if templates[0] != templates[1] else None
    texts = [list(k("?")["input_ids"]) for k in (one, other)]
    return "its tokenizer begins or ends a text otherwise" if texts[0] != texts[1] else None


def _tokenizer(tokenizer: Any) -> Any:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return [sorted(tokenizer.get_vocab().items()), str(tokenizer.special_tokens_map)]
    # how a batch was padded last is kept there too, and makes no token
    whole = json.loads(backend.to_str()) | {"padding": None, "truncation": None}
    return [whole, str(tokenizer.special_tokens_map)]


def _config(model: Any) -> Any:
    adapters = getattr(model, "peft_config", None) or {}
    every = {"model": model.config, **adapters}
    return {name: {key: value for key, value in one.to_dict().items() if key not in _LEFT}
            for name, one in every.items()}  # fmt: skip


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=_plain)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _plain(value: Any) -> Any:
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)
