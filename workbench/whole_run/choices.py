"""The choices of a comparison as the text of a ``run.toml``, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.toml_text import toml_text
from workbench.whole_run.config import WholeConfig

CHOICES = (
    "reference", "annotators", "criteria", "families", "factors", "scenarios", "covariance",
    "cluster", "ties", "folds", "further",
)  # fmt: skip
"""What the pages let a visitor choose."""

READING = (
    "format", "map", "verdict", "scale", "label", "annotator_columns", "annotator_name", "kind",
    "order", "drop_duplicates",
)  # fmt: skip
"""How a source is read."""


@dataclass(frozen=True)
class Choices:
    """What a ``run.toml`` chooses.

    Attributes
    ----------
    source : str
        Of the data.
    reading : dict
        How the source is read: keys of :data:`READING` that are set.
    chosen : dict
        Keys of :data:`CHOICES`.
    config : WholeConfig
        All of it, the stages that ask models too.
    """

    source: str
    reading: dict[str, Any]
    chosen: dict[str, Any]
    config: WholeConfig


def to_toml(
    choices: Mapping[str, Any],
    data_source: str,
    reading: Mapping[str, Any] | None = None,
    **more: Any,
) -> str:
    """Return the text of a ``run.toml`` that makes the same comparison.

    Parameters
    ----------
    choices : mapping
        Keys of :data:`CHOICES`; what is None or absent keeps its default.
    data_source : str
    reading : mapping, optional
        Keys of :data:`READING`, as a load report has them under ``said``.
    **more
        Further keys of :class:`workbench.whole_run.config.WholeConfig`, such as ``judge``.

    Raises
    ------
    ConfigError
        An unknown key, a value of a wrong type, or a name that no TOML can hold.

    Examples
    --------
    >>> of_toml(to_toml({"ties": "drop"}, "votes.csv")).chosen["ties"]
    'drop'
    """
    values = {**(reading or {}), **choices, "source": data_source, **more}
    lists = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
    config = WholeConfig().updated("choices", **lists)
    plain = WholeConfig()
    told = {key: value for key, value in config.model_dump().items()
            if key == "source" or value != getattr(plain, key)}  # fmt: skip
    return toml_text(told)


def of_toml(text: str, where: str = "run.toml") -> Choices:
    """Return what the text of a ``run.toml`` chooses.

    Parameters
    ----------
    text : str
    where : str
        Name of the file, for messages.

    Raises
    ------
    ConfigError
        Text that is not TOML, an unknown key, or a value of a wrong type or range.

    Examples
    --------
    >>> of_toml('source = "votes.csv"').chosen["covariance"]
    'cluster'
    """
    config = WholeConfig.from_toml(text, where)
    reading = {key: getattr(config, key) for key in READING if getattr(config, key)}
    chosen = {key: getattr(config, key) for key in CHOICES}
    chosen["factors"] = chosen["factors"] or None
    return Choices(config.source, reading, chosen, config)
