"""Headers of a user are sent; what is secret in them is neither written down nor told."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.odd_server import bad, behaving, done
from workbench.errors import ConfigError, JudgeError
from workbench.llm.asking.failures import redacted
from workbench.llm.asking.headers import kept_aside, values_of
from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.request import Request


def ask(url, *headers):
    async def run():
        async with connected(Endpoint(url, headers=headers)) as client:
            return await client.ask(Request("m", ({"role": "user", "content": "Hi"},)))

    return asyncio.run(run())


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    # what is set aside ends with the test
    monkeypatch.setattr(os, "environ", dict(os.environ))


def test_headers_are_sent_with_what_the_environment_holds():
    os.environ["MY_VALUE"] = "tok-0123456789"
    with behaving(lambda body, n: done()) as server:
        ask(server.url, "X-Team=blue, and green", "Authorization=Bearer $MY_VALUE")
        (sent,) = server.headers
    assert sent["x-team"] == "blue, and green"
    assert sent["authorization"] == "Bearer tok-0123456789"


@pytest.mark.parametrize("name", ["Authorization", "X-API-Key", "cookie", "X-Auth", "my-secret"])
def test_a_secret_is_set_aside(name):
    kept = kept_aside(f"{name}=s3cr3t-0123")
    assert "s3cr3t" not in kept
    assert kept.startswith(f"{name}=$WORKBENCH_HEADER_")
    assert values_of([kept]) == ({name: "s3cr3t-0123"}, ["s3cr3t-0123"])
    assert kept_aside(kept) == kept


def test_a_server_that_repeats_a_header_does_not_spread_it():
    kept = kept_aside("X-Api-Key=s3cr3t-0123")
    with (
        behaving(lambda body, n: bad(401, "no such key: s3cr3t-0123")) as server,
        pytest.raises(JudgeError, match=r"no such key: \(the key\)") as error,
    ):
        ask(server.url, kept)
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("header", ["Authorization Bearer s3cr3t", "a b=s3cr3t", "A=s3cr3t\nB: c"])
def test_a_header_that_is_none_is_refused_without_its_value(header):
    with pytest.raises(ConfigError) as error:
        kept_aside(header)
    assert "s3cr3t" not in str(error.value)


def test_a_variable_that_is_not_set_is_named():
    with pytest.raises(ConfigError, match="NO_SUCH_VARIABLE is not set"):
        values_of(["X-Key=$NO_SUCH_VARIABLE"])


def test_a_secret_with_a_dollar_is_set_aside_and_its_scheme_hides_no_part():
    kept = kept_aside("X-Api-Key=sk-abc$def99")
    assert "sk-abc" not in kept
    assert values_of([kept])[0] == {"X-Api-Key": "sk-abc$def99"}
    _, secrets = values_of([kept_aside("Authorization=Bearer sk-topsecret99")])
    assert redacted("Incorrect API key provided: sk-topsecret99", secrets).endswith("(the key)")
