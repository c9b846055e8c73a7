"""The endpoints that a dashboard may ask, and which key goes to which of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from workbench.annotate.config import AnnotateConfig
from workbench.errors import ConfigError
from workbench.llm.endpoint import Endpoint

KEY_VARIABLE = "WORKBENCH_API_KEY"
"""Environment variable of the key, unless another one is named at the start."""

NO_KEY = "WORKBENCH_NO_KEY"
"""Variable of a run whose address a visitor typed: it is never set."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CLIENTS_OWN = "OPENAI_"
"""The client of the endpoints puts organisation and project of these variables into headers."""


@dataclass(frozen=True)
class Endpoints:
    """The endpoints that were given at the start; all others are asked without a key.

    The key of a single endpoint is in :attr:`key_variable`. Where there are several, each
    has a variable of its own, so that no key goes to an endpoint that it was not given for.

    Attributes
    ----------
    urls : mapping of str to str
        Address by name.
    key_variable : str

    Examples
    --------
    >>> one = Endpoints({"openai": "https://api.openai.com/v1"})
    >>> one.variable_of("https://api.openai.com/v1/"), one.variable_of("http://elsewhere/v1")
    ('WORKBENCH_API_KEY', 'WORKBENCH_NO_KEY')
    >>> two = Endpoints({**one.urls, "my-vllm": "http://127.0.0.1:8000/v1"})
    >>> two.variable_of("http://127.0.0.1:8000/v1")
    'WORKBENCH_API_KEY_MY_VLLM'
    """

    urls: Mapping[str, str] = field(default_factory=dict)
    key_variable: str = KEY_VARIABLE

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.key_variable) or self.key_variable == NO_KEY:
            raise ConfigError(
                "The variable of the key cannot be used.",
                # a key that was pasted in its place is not repeated
                found="something else than the name of an environment variable",
                expected=f"letters, digits and _, such as {KEY_VARIABLE}",
                fix="Name the variable: --key-variable NAME.",
            )
        for url in self.urls.values():
            Endpoint(url)
        if self._twice():
            raise ConfigError(
                "Two endpoints share a name or an address.",
                found=", ".join(f"{name}={url}" for name, url in self.urls.items()),
                expected="names that differ in more than case and signs; each address once",
                fix="Name them otherwise: --endpoint NAME=URL.",
            )

    def _twice(self) -> bool:
        variables = {_suffix(name) for name in self.urls}
        addresses = {_plain(url) for url in self.urls.values()}
        return min(len(variables), len(addresses)) < len(self.urls)

    @classmethod
    def from_flags(cls, flags: Sequence[str], key_variable: str = KEY_VARIABLE) -> Endpoints:
        """Return the endpoints that flags ``NAME=URL`` give.

        Raises
        ------
        ConfigError
            A flag has another form, or a name or an address comes twice.
        """
        urls: dict[str, str] = {}
        for flag in flags:
            name, _, url = flag.partition("=")
            if not url or not _NAME.fullmatch(name) or name in urls:
                raise ConfigError(
                    "An endpoint cannot be used.",
                    where=f"--endpoint, number {len(urls) + 1}",
                    expected="NAME=URL: a new name of letters, digits, dots and hyphens",
                    fix="Such as --endpoint local=http://127.0.0.1:8000/v1.",
                )
            urls[name] = url
        return cls(urls, key_variable)

    @classmethod
    def from_json(cls, text: str) -> Endpoints:
        """Return what :meth:`to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """Return the names, the addresses and the variable's name: no key.

        Examples
        --------
        >>> Endpoints().to_json()
        '{"urls": {}, "key_variable": "WORKBENCH_API_KEY"}'
        """
        return json.dumps({"urls": dict(self.urls), "key_variable": self.key_variable})

    def variable_of(self, url: str) -> str:
        """Return the variable that holds the key of an address; :data:`NO_KEY` for others."""
        for name, known in self.urls.items():
            if _plain(known) == _plain(url):
                several = len(self.urls) > 1
                return f"{self.key_variable}_{_suffix(name)}" if several else self.key_variable
        return NO_KEY

    def environment(self, config: AnnotateConfig, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of a run: no key in it but that of the run's own endpoint.

        Whatever variable a run's folder names, it holds the key that was given for the
        run's address, or nothing.

        Parameters
        ----------
        config : AnnotateConfig
            Of the run.
        environment : mapping of str to str
            Of the server.

        Examples
        --------
        >>> config = AnnotateConfig(base_url="http://elsewhere/v1", key_variable="SECRET")
        >>> Endpoints().environment(config, {"SECRET": "1", "PATH": "/bin"})
        {'PATH': '/bin'}
        """
        own = self.variable_of(config.base_url)
        keys = {self.variable_of(url) for url in self.urls.values()}
        left_out = keys | {self.key_variable, config.key_variable, NO_KEY}
        kept = {
            name: value
            for name, value in environment.items()
            if name not in left_out and not name.startswith(_CLIENTS_OWN)
        }
        if own != NO_KEY and own in environment:
            kept[config.key_variable] = environment[own]
        return kept


def _suffix(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _plain(url: str) -> str:
    return url.rstrip("/")
