"""What a whole run does: the form of ``run.toml``, with tables of its stages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field

from workbench.annotate.config import AnnotateConfig
from workbench.config import Name, RunConfig
from workbench.engine import engine_from
from workbench.errors import ConfigError
from workbench.llm.asking.headers import kept_aside
from workbench.report.build import known_sections

Table = dict[str, Any]


def _without_secrets(table: Any) -> Any:
    """Return a table whose headers may be written down."""
    if not isinstance(table, dict) or not isinstance(table.get("headers"), list | tuple):
        return table
    told = [kept_aside(one) if isinstance(one, str) else one for one in table["headers"]]
    return {**table, "headers": told}


def _several(given: Any) -> Any:
    """Return tables as a sequence: one is a list of one, [judge] for [[judge]]."""
    tables = (given,) if isinstance(given, dict) else given
    return tuple(map(_without_secrets, tables)) if isinstance(tables, tuple) else tables


_One = Annotated[Table, BeforeValidator(_without_secrets)]
_Tables = Annotated[tuple[Table, ...], BeforeValidator(_several)]
_Limit = Annotated[int, Field(ge=0)] | None

ASKED = (
    "model", "base_url", "key_variable", "concurrency", "timeout_s", "attempts", "omit",
    "rename", "headers", "extra_body", "temperature", "top_p", "reply_tokens", "max_failed",
)  # fmt: skip
"""Keys of ``[endpoint]``, and of every table that asks a model."""

_DRAWN = ("pairs", "repeats")
KEYS: dict[str, tuple[str, ...]] = {
    "endpoint": (),
    "rubric": ("rubric", "pointwise", "orders", *_DRAWN),
    "judge": ("template", "name", "soft", "pointwise", "orders", "images", "image_urls", *_DRAWN),
    "principles": (
        "principles", "constitution", "traits", "known", "embedding", "propose", "annotators",
        "n", "test_share", "folds", "adaptive", "evaluate", *_DRAWN,
    ),
    "audit_judge": (
        "suite", "vetoed", "margin", "manipulate", "rewrites", "wordings", "triples", "lists",
        "known_answers", "attacks", "template", "name", "soft", *_DRAWN,
    ),
}  # fmt: skip
"""Keys that a table has beside those of a model: they are called as in ``workbench judge``,
``factors --rubric``, ``principles extract`` and ``audit-judge``."""

VERDICTS = ("from_verdicts", "reference", "annotators", "manipulate")
"""Keys of an ``[[audit_judge]]`` that asks nobody."""

TOKENS = ("separator", "eos", "bos", "back_off", "max_length", "keep")
"""Keys of ``[[audit_model]]`` that say how texts become tokens."""

MODELS = (
    "model", "adapter", "reference", "checkpoints", "unseen", "seen", "annotators", "beta",
    "budget", "pairs", "mode", "like", *TOKENS,
)  # fmt: skip
"""Keys of ``[[audit_model]]``."""

_FIRST: dict[str, Table] = {
    "principles": {"principles": "ours"},
    "audit_judge": {"suite": "default"},
    "rubric": {"rubric": "dissection"},
}
"""What a table says where it says nothing."""


class WholeConfig(RunConfig):
    r"""A whole run: what is read, fitted and compared, and what models are asked.

    The keys of :class:`workbench.config.RunConfig`, and:

    Attributes
    ----------
    parts : int, optional
        Into how many parts the source is read, piece by piece (:func:`workbench.load_parts`); a
        source that is in parts stays so.
    families : tuple of str
        Families of text factors to compute; the core where the data have none.
    title, licence : str, optional
        Of the report.
    sections : tuple of str
        Only these sections of the report; all when empty.
    notes : str, optional
        Text file: notes that stand first in the report.
    rule : str, optional
        TOML file with a rule of curation, tried in the report.
    prices : str, optional
        TOML file of prices by model.
    max_cost, max_calls, max_tokens
        Limits over all stages together.
    engine : mapping
        ``name``, ``address`` and ``workers`` of what works on parts
        (:func:`workbench.engine.engine_of`); no result hangs on it.
    endpoint : mapping
        What every stage that asks a model shares (:data:`ASKED`).
    rubric, judge, audit_judge, audit_model : tuple of mapping
        One table a stage; see :data:`KEYS`, :data:`VERDICTS` and :data:`MODELS`.
    principles : mapping, optional

    Raises
    ------
    ConfigError
        An unknown key, in whatever table, or a value of a wrong type or range.

    Examples
    --------
    >>> text = '[endpoint]\nmodel = "offline:plain"\n[[judge]]\npairs = 20\n'
    >>> WholeConfig.from_toml(text).asked("judge")[0].pairs
    20
    """

    aside: ClassVar[tuple[str, ...]] = ()

    parts: Annotated[int, Field(ge=1)] | None = None
    families: tuple[Name, ...] = ()
    title: Name | None = None
    licence: Name | None = None
    sections: tuple[Name, ...] = ()
    notes: Name | None = None
    rule: Name | None = None
    prices: Name | None = None
    max_cost: Annotated[float, Field(ge=0)] | None = None
    max_calls: _Limit = None
    max_tokens: _Limit = None
    engine: Table = {}  # noqa: RUF012 - pydantic copies it
    endpoint: _One = {}  # noqa: RUF012 - pydantic copies it
    rubric: _Tables = ()
    judge: _Tables = ()
    principles: _One | None = None
    audit_judge: _Tables = ()
    audit_model: _Tables = ()

    def updated(self, where: str = "options", **options: Any) -> Self:
        """Return the configuration with options put in place; those of a model under endpoint.

        Raises
        ------
        ConfigError
            An unknown option, or a value of a wrong type or range.

        Examples
        --------
        >>> WholeConfig().updated(model="offline:plain", folds=0).endpoint
        {'model': 'offline:plain'}
        """
        asked = {key: options.pop(key) for key in ASKED if key in options}
        asked = {key: value for key, value in asked.items() if value is not None}
        if asked:
            options["endpoint"] = {**(options.get("endpoint") or self.endpoint), **asked}
        return super().updated(where, **options)

    def check(self, where: str) -> None:
        """Refuse what a table says wrongly, before anything is read or asked."""
        super().check(where)
        known_sections(self.sections)
        engine_from(self.engine, f"{where} [engine]")
        _known(self.endpoint, ASKED, f"{where} [endpoint]")
        for name in ("rubric", "judge", "principles", "audit_judge"):
            self.asked(name, where)
        for table in (*self.verdicts(where), *self.audit_model):
            keys = VERDICTS if "from_verdicts" in table else MODELS
            _known(
                table, keys, f"{where} [[{'audit_judge' if keys is VERDICTS else 'audit_model'}]]"
            )
        for table in self.audit_model:
            if not isinstance(table.get("model"), str):
                raise _no_model(f"{where} [[audit_model]]", 'model = "FOLDER"')

    def asked(self, name: str, where: str = "run configuration") -> list[AnnotateConfig]:
        """Return what the tables of a name ask of models.

        Parameters
        ----------
        name : {"rubric", "judge", "principles", "audit_judge"}
        where : str
            Name of the file, for messages.
        """
        value = getattr(self, name)
        tables: Sequence[Table] = (
            value if isinstance(value, tuple) else [] if value is None else [value]
        )
        return [
            self._one(
                name, table, f"{where} [{name}]" if name == "principles" else f"{where} [[{name}]]"
            )
            for table in tables
            if not table.get("from_verdicts")
        ]

    def verdicts(self, where: str = "run configuration") -> list[Table]:
        """Return the audits of judges that read the verdicts which are there."""
        found = [table for table in self.audit_judge if "from_verdicts" in table]
        for table in found:
            if table["from_verdicts"] is not True:
                raise ConfigError(
                    "The value of 'from_verdicts' cannot be used.",
                    where=f"{where} [[audit_judge]]",
                    found=repr(table["from_verdicts"]),
                    expected="true, or no such key and a model",
                    fix="Leave it out to ask a model.",
                )
        return found

    def _one(self, name: str, table: Table, where: str) -> AnnotateConfig:
        _known(table, (*ASKED, *KEYS[name]), where)
        shared = ("seed", "prices", "max_cost", "max_calls", "max_tokens")
        own = {key: getattr(self, key) for key in shared}
        values = {**own, **_FIRST.get(name, {}), **self.endpoint, **table}
        lists = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        config = AnnotateConfig().updated(where, **lists)
        if config.model is None:
            raise _no_model(where, 'model = "NAME", here or under [endpoint]')
        return config


def _no_model(where: str, expected: str) -> ConfigError:
    return ConfigError(
        "No model is named.",
        where=where,
        expected=expected,
        fix="Name the model, or drop the table.",
    )


def _known(table: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key, value in table.items():
        if key not in keys:
            over = key in ("max_cost", "max_calls", "max_tokens", "prices", "seed")
            raise ConfigError(
                f"Unknown key {key!r}.",
                where=where,
                found=f"{key} = {value!r}",
                expected="one of " + ", ".join(keys),
                fix="It holds for the whole run: put it above the first table."
                if over
                else "Check the spelling, or drop the key.",
            )
