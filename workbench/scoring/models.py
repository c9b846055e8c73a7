"""Loading what scores: language models, with or without an adapter, and reward models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError

_ADAPTER = "adapter_config.json"


def load_model(name: str, adapter: str | None = None) -> tuple[Any, Any]:
    """Return a causal language model and its tokenizer.

    Parameters
    ----------
    name : str
        Folder or hub id. A folder that holds a PEFT adapter names the model that it
        belongs to.
    adapter : str, optional
        Folder or hub id of a PEFT adapter: it is merged into the weights.

    Raises
    ------
    ConfigError
        A package is missing, or something cannot be loaded.
    """
    transformers = _transformers()
    base, onto = _parts(name, adapter)
    kind = transformers.AutoModelForCausalLM
    model = _loaded(kind, base, "a causal language model", dtype="auto")
    if onto is not None:
        model = _merged(model, onto)
    return _placed(model), load_tokenizer(name)


def load_tokenizer(name: str) -> Any:
    """Return the tokenizer of a model, or of the model that an adapter belongs to.

    Parameters
    ----------
    name : str
        Folder or hub id.

    Raises
    ------
    ConfigError
        A package is missing, or it cannot be loaded.
    """
    transformers = _transformers()
    own = any((Path(name) / file).is_file() for file in ("tokenizer_config.json", "tokenizer.json"))
    source = name if own else _parts(name, None)[0]
    return _loaded(transformers.AutoTokenizer, source, "a model")


def load_reward(name: str) -> tuple[Any, Any]:
    """Return a reward model (a sequence classification head) and its tokenizer.

    Parameters
    ----------
    name : str
        Folder or hub id.

    Raises
    ------
    ConfigError
        A package is missing, or something cannot be loaded.
    """
    transformers = _transformers()
    kind = transformers.AutoModelForSequenceClassification
    model = _loaded(kind, name, "a model with a reward head", dtype="auto")
    return _placed(model), load_tokenizer(name)


def require_one_vocabulary(one: Any, other: Any) -> None:
    """Refuse two tokenizers that do not give the same tokens.

    Parameters
    ----------
    one, other : transformers tokenizer

    Raises
    ------
    ConfigError
        Their vocabularies differ.
    """
    first, second = one.get_vocab(), other.get_vocab()
    if first != second:
        differ = sum(first.get(token) != place for token, place in second.items())
        raise ConfigError(
            "The two models do not have one tokenizer.",
            found=f"vocabularies of {len(first):,} and {len(second):,} tokens; {differ:,} of the "
            "second are not at the same place in the first",
            expected="the same tokens: likelihoods of both are compared",
            fix="Take a reference of the same family.",
        )


def _transformers() -> Any:
    try:
        import torch  # noqa: F401
        import transformers
    except ImportError as error:
        raise ConfigError(
            "Scoring needs torch and transformers.",
            expected="the extra models",
            fix='Install it: pip install "preference-workbench[models]"',
        ) from error
    transformers.utils.logging.disable_progress_bar()
    return transformers


def _loaded(kind: Any, name: str, what: str, **options: Any) -> Any:
    try:
        return kind.from_pretrained(name, **options)
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(
            "The model cannot be loaded.",
            where=name,
            found=(str(error).splitlines() or [type(error).__name__])[0][:200],
            expected=f"a folder or hub id of {what} with its tokenizer",
            fix="Check the path, or download it first.",
        ) from error


def _merged(model: Any, adapter: str) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise ConfigError(
            "An adapter needs the package peft.",
            where=adapter,
            expected="the extra models",
            fix='Install it: pip install "preference-workbench[models]"',
        ) from error
    found = _loaded(_Onto(PeftModel, model), adapter, "a PEFT adapter of this model")
    return found.merge_and_unload()


class _Onto:
    """``from_pretrained`` of an adapter, given the model that it goes onto."""

    def __init__(self, kind: Any, model: Any) -> None:
        self.kind, self.model = kind, model

    def from_pretrained(self, name: str) -> Any:
        return self.kind.from_pretrained(self.model, name)


def _parts(name: str, adapter: str | None) -> tuple[str, str | None]:
    """Return the model, and the adapter that goes onto it."""
    file = Path(name) / _ADAPTER
    if adapter is not None or not file.is_file():
        return name, adapter
    base = json.loads(file.read_text("utf-8")).get("base_model_name_or_path")
    if not base:
        raise ConfigError(
            "The adapter does not say which model it belongs to.",
            where=name,
            expected="base_model_name_or_path in adapter_config.json",
            fix="Name the model, and the adapter beside it.",
        )
    return str(base), name


def _placed(model: Any) -> Any:
    import torch

    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
