"""Adapters onto models: as they were trained, whole, and never merged."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError

_FILE = "adapter_config.json"
_HEAD = re.compile(r"(?:^|\.)(?:score|classifier)\.(?:[a-z_]+\.)?weight$")
_TABLE = (
    r"(?:^|\.){}\.(?:(?:token_adapter\.)?base_layer\.|modules_to_save\.|original_module\.)?weight$"
)
"""Names under which PEFT saves the embeddings of a vocabulary that training made larger."""

_UNFIT = (OSError, ValueError, LookupError, RuntimeError, TypeError, AttributeError)
"""What PEFT raises for an adapter of another model."""

_TOKENS = ".token_adapter.trainable_tokens_delta"
_ROWS = 3
"""Names of weights that a message shows."""


class UnloadableError(ConfigError):
    """A name under which no model or adapter can be loaded: nothing is there, or something else.

    What was found may tell what lies on the machine: whoever shows it to others leaves it out.
    """


def parts(name: str, adapter: str | None) -> tuple[str, str | None]:
    """Return the model to load, and the adapter that goes onto it.

    Parameters
    ----------
    name : str
        Folder or hub id of a model; or a folder that holds an adapter, which names its own.
    adapter : str, optional

    Raises
    ------
    ConfigError
        An adapter does not name its model, or an adapter would go onto another one.
    """
    file = Path(name) / _FILE
    if not file.is_file():
        return name, adapter
    if adapter is not None:
        raise ConfigError(
            "An adapter goes onto a whole model.",
            where=name,
            found="a folder that holds an adapter itself",
            expected="the model that the second adapter was trained on",
            fix="Merge the first adapter into its model and save that, or name the model.",
        )
    base = json.loads(file.read_text("utf-8")).get("base_model_name_or_path")
    if not base:
        raise ConfigError(
            "The adapter does not say which model it belongs to.",
            where=name,
            expected="base_model_name_or_path in adapter_config.json",
            fix="Name the model, and the adapter beside it.",
        )
    return str(base), name


def saved_weights(adapter: str) -> dict[str, Any]:
    """Return the weights that an adapter's file holds, by name.

    Parameters
    ----------
    adapter : str
        Folder or hub id.

    Raises
    ------
    ConfigError
        The package is missing, or there is no adapter.
    """
    try:
        from peft.utils import load_peft_weights
    except ImportError as error:
        raise ConfigError(
            "An adapter needs the package peft.",
            where=adapter,
            expected="the extra models",
            fix='Install it: pip install "preference-workbench[models]"',
        ) from error
    try:
        return dict(load_peft_weights(adapter, device="cpu"))
    except (OSError, ValueError, KeyError) as error:
        raise _unloadable(adapter, error) from error


def head_labels(saved: Mapping[str, Any]) -> int | None:
    """Return how many values the classification head gives that an adapter holds; None without.

    Parameters
    ----------
    saved : mapping of str to torch.Tensor
    """
    rows = [int(value.shape[0]) for name, value in saved.items() if _HEAD.search(name)]
    return min(rows, default=None)


def adapted(model: Any, adapter: str, saved: Mapping[str, Any]) -> Any:
    """Return a model with an adapter on it, unmerged.

    Parameters
    ----------
    model : transformers model
    adapter : str
    saved : mapping of str to torch.Tensor
        :func:`saved_weights` of it.

    Raises
    ------
    ConfigError
        It is no adapter of this model: weights have no place, or places have no weights.

    Notes
    -----
    Merging is what no training computes: layers that share their weights (tied embeddings)
    would all change with one of them, and in half precision a small change is rounded away.
    Adapters that add tokens, not layers, have no merged form at all.
    """
    from peft import PeftModel, get_peft_model_state_dict

    tables = _with_its_tokens(model, saved, adapter)
    try:
        with warnings.catch_warnings():
            # what it warns of is refused below
            warnings.simplefilter("ignore")
            found = PeftModel.from_pretrained(model, adapter)
            wanted = get_peft_model_state_dict(found, save_embedding_layers=False)
    except _UNFIT as error:
        raise _unloadable(adapter, error) from error
    # tied tables hold one set of trained tokens, saved once for each
    twins = {key for key in saved if key.endswith(_TOKENS) and any(
        one.endswith(_TOKENS) for one in wanted)}  # fmt: skip
    lost, homeless = wanted.keys() - saved.keys(), saved.keys() - wanted.keys() - tables - twins
    if lost or homeless:
        raise ConfigError(
            "The adapter is none of this model.",
            where=adapter,
            found=f"{len(homeless)} of its {len(saved)} weights have no place in the model"
            f"{_names(homeless)}; {len(lost)} that the model needs are not in it{_names(lost)}",
            expected="an adapter whose weights are all taken up",
            fix="Save it from the very model that it goes onto.",
        )
    config = found.active_peft_config
    wraps = config.is_prompt_learning or config.is_adaption_prompt
    # what is put into the layers works without the wrapper, which hides them
    return found if wraps or _needs_its_wrapper(config) else found.get_base_model()


def require_all(name: str, lacking: Iterable[str], unused: Iterable[str]) -> None:
    """Refuse a model with weights that were drawn anew when it was loaded.

    Parameters
    ----------
    name : str
        What was loaded.
    lacking : iterable of str
        Weights that no file holds, or holds in another shape.
    unused : iterable of str
        Weights in the file that the model has no place for.

    Raises
    ------
    ConfigError
        Some are lacking.
    """
    missing = sorted(lacking)
    if missing:
        raise ConfigError(
            "The checkpoint lacks weights of the model.",
            where=name,
            found=f"no {', '.join(missing[:_ROWS])} ({len(missing)} in all)"
            + (f"; not used: {', '.join(sorted(unused)[:_ROWS])}" if unused else ""),
            expected="every weight: those that lack would be drawn at random, anew each time",
            fix="Save the model with its head, or name it as what it is (--model for a language "
            "model, --reward for one with a classification head).",
        )


def not_supplied(lacking: Iterable[str], saved: Iterable[str]) -> list[str]:
    """Return the lacking weights of a model that its adapter does not bring along.

    Parameters
    ----------
    lacking : iterable of str
    saved : iterable of str
        Names in the adapter's file.

    Examples
    --------
    >>> not_supplied(["score.weight", "lm_head.weight"], ["base_model.model.score.weight"])
    ['lm_head.weight']
    """
    brought = list(saved)
    return [one for one in lacking if not any(f".{k}".endswith(f".{one}") for k in brought)]


def _with_its_tokens(model: Any, saved: Mapping[str, Any], adapter: str) -> set[str]:
    """Give a model as many rows of tokens as its adapter has; return whole tables in its file."""
    known = {id(one): name for name, one in model.named_modules()}
    ends = [model.get_input_embeddings(), model.get_output_embeddings()]
    names = [known[id(one)] for one in ends if one is not None]
    tables = {name: [key for key in saved if re.search(_TABLE.format(re.escape(name)), key)]
              for name in names}  # fmt: skip
    rows = [len(saved[key]) for keys in tables.values() for key in keys]
    if rows and max(rows) != len(ends[0].weight):
        model.resize_token_embeddings(max(rows), mean_resizing=False)
        tied = bool(getattr(model.config.get_text_config(), "tie_word_embeddings", False))
        require_all(adapter, () if tied else [k for k in names if not tables[k]], ())
    return {key for keys in tables.values() for key in keys}


def _needs_its_wrapper(config: Any) -> bool:
    """Return whether an adapter reads the tokens themselves, on their way into the model."""
    read = ("alora_invocation_tokens", "use_xlora_adapters", "n_tasks")
    return any(getattr(config, one, None) for one in read) or str(config.peft_type) == "XLORA"


def _names(some: Iterable[str]) -> str:
    shown = sorted(some)[:_ROWS]
    return f" ({', '.join(shown)}{', ...' if len(shown) == _ROWS else ''})" if shown else ""


def _unloadable(adapter: str, error: Exception) -> UnloadableError:
    return UnloadableError(
        "The adapter cannot be loaded.",
        where=adapter,
        found=(str(error).splitlines() or [type(error).__name__])[-1].strip()[:200],
        expected="a folder or hub id of a PEFT adapter of this model",
        fix="Check the path, and that it was trained on this model.",
    )
