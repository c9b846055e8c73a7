"""Loading what scores: language models, with or without an adapter, and reward models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench.errors import ConfigError
from workbench.scoring.adapters import (
    UnloadableError,
    adapted,
    head_labels,
    not_supplied,
    parts,
    require_all,
    saved_weights,
)


def load_model(name: str, adapter: str | None = None) -> tuple[Any, Any]:
    """Return a causal language model and its tokenizer.

    Parameters
    ----------
    name : str
        Folder or hub id. A folder that holds a PEFT adapter names the model that it
        belongs to.
    adapter : str, optional
        Folder or hub id of a PEFT adapter; it stays unmerged
        (:func:`workbench.scoring.adapters.adapted`).

    Raises
    ------
    ConfigError
        A package is missing, something cannot be loaded, or weights are lacking.
    """
    kind = _transformers().AutoModelForCausalLM
    model, tokenizer, _ = _together(kind, name, adapter, "a causal language model")
    return model, tokenizer


def load_tokenizer(name: str, adapter: str | None = None) -> Any:
    """Return the tokenizer of a model; where an adapter has its own, that one.

    Parameters
    ----------
    name : str
        Folder or hub id.
    adapter : str, optional
        Folder or hub id of a PEFT adapter.

    Raises
    ------
    ConfigError
        A package is missing, or it cannot be loaded.
    """
    kind = _transformers().AutoTokenizer
    base, onto = parts(name, adapter)
    if onto is None or not Path(onto).is_dir():
        return _loaded(kind, base if onto is None else _first(kind, onto, base), "a model")
    own = any((Path(onto) / file).is_file() for file in ("tokenizer_config.json", "tokenizer.json"))
    tokenizer = _loaded(kind, onto if own else base, "a model")
    template = Path(onto) / "chat_template.jinja"
    if not own and template.is_file():
        tokenizer.chat_template = template.read_text(encoding="utf-8")
    return tokenizer


def load_reward(name: str, adapter: str | None = None) -> tuple[Any, Any]:
    """Return a reward model (a sequence classification head) and its tokenizer.

    Parameters
    ----------
    name : str
        Folder or hub id; of an adapter too, as for :func:`load_model`.
    adapter : str, optional
        Folder or hub id of a PEFT adapter. Its head says how many values a text gets; padding
        is that of its tokenizer, as the trainer sets it.

    Raises
    ------
    ConfigError
        A package is missing, something cannot be loaded, or weights are lacking: a head
        that no file holds would be drawn at random.
    """
    kind = _transformers().AutoModelForSequenceClassification
    model, tokenizer, onto = _together(kind, name, adapter, "a model with a reward head")
    if onto is not None:
        # an adapter keeps no configuration: TRL takes padding from the tokenizer, else its EOS
        pad = tokenizer.pad_token_id
        model.config.get_text_config().pad_token_id = tokenizer.eos_token_id if pad is None else pad
    return model, tokenizer


def load_encoder(name: str) -> tuple[Any, Any]:
    """Return a model without a head, whose last layer has a vector a token, and its tokenizer.

    Parameters
    ----------
    name : str
        Folder or hub id.

    Raises
    ------
    ConfigError
        A package is missing, something cannot be loaded, or weights are lacking; those of a
        pooler, which no vector is read from, may lack.
    """
    kind = _transformers().AutoModel
    tokenizer = load_tokenizer(name)
    model, told = _loaded(kind, name, "an encoder", dtype="auto", output_loading_info=True)
    lacking = {key for key in told["missing_keys"] if "pooler" not in key.split(".")}
    # the heads of a model that was trained for something else have no place here
    require_all(name, lacking, set())
    return _placed(model), tokenizer


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
        raise UnloadableError(
            "The model cannot be loaded.",
            where=name,
            found=(str(error).splitlines() or [type(error).__name__])[0][:200],
            expected=f"a folder or hub id of {what} with its tokenizer",
            fix="Check the path, or download it first.",
        ) from error


def _together(kind: Any, name: str, adapter: str | None, what: str) -> tuple[Any, Any, str | None]:
    """Return a model with its adapter and tokenizer, and what adapter that is."""
    base, onto = parts(name, adapter)
    tokenizer = load_tokenizer(name, adapter)
    saved = {} if onto is None else saved_weights(onto)
    labels = head_labels(saved)
    options = {} if labels is None or "Classification" not in kind.__name__ else {
        "num_labels": labels}  # fmt: skip
    # a shape that differs is refused below, by name
    model, told = _loaded(kind, base, what, dtype="auto", output_loading_info=True,
                          ignore_mismatched_sizes=True, **options)  # fmt: skip
    lacking = {*told["missing_keys"], *(one[0] for one in told["mismatched_keys"])}
    require_all(name, not_supplied(lacking, saved), told["unexpected_keys"])
    if onto is not None:
        model = adapted(model, onto, saved)
    return _placed(model), tokenizer, onto


def _first(kind: Any, adapter: str, base: str) -> str:
    """Return which of an adapter's hub id and its model's holds a tokenizer."""
    try:
        kind.from_pretrained(adapter)
    except (OSError, ValueError, KeyError):
        return base
    return adapter


def _placed(model: Any) -> Any:
    import torch

    return model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
