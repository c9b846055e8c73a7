"""Headers of a user are sent; what is secret in them is neither written down nor told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading

import pytest

from tests.odd_server import Answer, bad, behaving, done
from workbench.errors import ConfigError, JudgeError
from workbench.llm.asking.connection import proxy_of
from workbench.llm.asking.failures import redacted
from workbench.llm.asking.headers import kept_aside, values_of
from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.prompt_logprobs import ServerScorer
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


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("X-Api-Key=sk-abc$def99", "sk-abc$def99"),
        ("X-Api-Key=pass $word9", "$word9"),
        ("Authorization=Bearer sk-topsecret99", "sk-topsecret99"),
        ("Authorization=sk-topsecret99", "sk-topsecret99"),
        ("Cookie=session=abcd1234; theme=dark", "abcd1234"),
        ("Cookie=theme=dark;session=YWJjZA==", "YWJjZA=="),
    ],
)
def test_a_secret_is_set_aside_and_told_nowhere_in_whole_or_in_part(header, secret):
    kept = kept_aside(header)
    name, _, value = header.partition("=")
    assert secret not in kept
    found, secrets = values_of([kept])
    assert found == {name: value}
    assert secret not in redacted(f"No such key: {secret}.", secrets)


def test_the_scheme_of_a_key_is_no_secret():
    _, secrets = values_of([kept_aside("Authorization=Bearer sk-topsecret99")])
    assert redacted("Bearer token refused", secrets) == "Bearer token refused"


@pytest.mark.parametrize("header", ["Authorization=Bearer $ecret123", "X-Api-Key=$ecret123"])
def test_a_dollar_before_what_is_no_variable_is_not_written_down_and_not_sent(header):
    kept = kept_aside(header)
    assert "ecret123" not in kept
    with pytest.raises(ConfigError, match="after the \\$ is not set") as error:
        values_of([kept])
    assert "ecret123" not in str(error.value)
    os.environ |= {"ecret123": "it-is-one"}
    assert kept_aside(header) == header


def test_a_key_in_a_header_is_named_where_it_is_refused():
    kept = kept_aside("Authorization=Bearer sk-topsecret99")
    with (
        behaving(lambda body, n: bad(401, "Bearer sk-topsecret99 is unknown")) as server,
        pytest.raises(JudgeError, match="Check the key in the header Authorization") as error,
    ):
        ask(server.url, kept)
    assert "topsecret" not in str(error.value)


def test_the_scorer_of_prompts_refuses_what_no_header_can_hold():
    with pytest.raises(ConfigError, match="--header X-A"):
        ServerScorer(Endpoint("http://127.0.0.1:9/v1", headers=("X-A=bl\u00fc",)), "m")


def test_the_session_reads_no_proxy_that_it_cannot_use_and_no_netrc(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", {"http_proxy": "socks5://127.0.0.1:9"})
    with pytest.raises(ConfigError, match="'socks5'"):
        proxy_of("http://example.test/v1")
    os.environ["no_proxy"] = "example.test"
    assert proxy_of("http://example.test/v1") == (None, "", "")
    for named in ("http://me:a%2Fb@127.0.0.1:9", "me:a%2Fb@127.0.0.1:9"):
        os.environ |= {"http_proxy": named, "no_proxy": "other.test"}
        assert proxy_of("http://example.test/v1") == ("http://127.0.0.1:9", "me", "a/b")
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password hidden-0123\n")
    os.environ |= {"NETRC": str(netrc), "no_proxy": "127.0.0.1"}
    with behaving(lambda body, n: done()) as server:
        ask(server.url)
        (sent,) = server.headers
    assert sent["authorization"] == "Bearer none"


def test_the_password_of_a_proxy_is_told_nowhere(monkeypatch):
    with refusing_proxy() as port:
        monkeypatch.setattr(
            os, "environ", {"https_proxy": f"http://me:secretpw@127.0.0.1:{port}", "no_proxy": ""}
        )
        with pytest.raises(
            JudgeError, match="refused by the proxy: the proxy answered 407"
        ) as error:
            ask("https://model.invalid/v1")
    assert "secretpw" not in str(error.value)


def test_a_proxy_is_told_who_asks(monkeypatch):
    with behaving(lambda body, n: done()) as proxy:
        address = proxy.url.removeprefix("http://").removesuffix("/v1")
        monkeypatch.setattr(
            os, "environ", {"http_proxy": f"http://me:pw@{address}", "no_proxy": ""}
        )
        assert not ask("http://model.invalid/v1").failed
        (sent,) = proxy.headers
    assert sent["proxy-authorization"] == "Basic bWU6cHc="
    assert sent["host"] == "model.invalid"


def test_certificates_that_cannot_be_read_name_their_variable():
    os.environ["SSL_CERT_FILE"] = "/no/such/file.pem"
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        ask("https://127.0.0.1:9/v1")


REPEATED = {
    "escaped slash": b'{"error": {"message": "no key sk-ab\\/cd0123456789"}}',
    "escaped letter": b'{"error": {"message": "no key sk-ab/cd012345678\\u0039"}}',
}


@pytest.mark.parametrize("body", REPEATED.values(), ids=REPEATED)
def test_a_key_in_escapes_is_told_nowhere(body):
    os.environ["OPENAI_API_KEY"] = "sk-ab/cd0123456789"
    with (
        behaving(lambda _, n: Answer(body, 401)) as server,
        pytest.raises(JudgeError, match=r"no key \(the key\)"),
    ):
        ask(server.url)


def test_a_key_in_any_part_of_a_reply_is_not_kept():
    os.environ["OPENAI_API_KEY"] = "sk-ab/cd0123456789"
    said = {"role": "assistant", "content": "I have sk-ab/cd0123456789.",
            "reasoning_content": "sk-ab/cd0123456789"}  # fmt: skip
    choice = {"finish_reason": "sk-ab/cd0123456789", "message": said}
    with behaving(lambda _, n: Answer({"choices": [choice]})) as server:
        reply = ask(server.url)
    assert not reply.failed
    assert "sk-ab" not in repr(reply)


def test_a_key_that_is_a_word_hides_no_field_and_no_answer():
    os.environ["OPENAI_API_KEY"] = "token"
    refusal = bad(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
    behave = lambda body, n: refusal if "max_tokens" in body else done("a token")  # noqa: E731
    with behaving(behave) as server:
        reply = ask(server.url)
    assert reply.value == "a token"
    assert reply.form == ("rename max_tokens=max_completion_tokens",)


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:99999/v1", "http://h:abc/v1", "http://h:-1/v1", "http://[::1/v1",
     "http://ho\\st/v1", "http://a..b/v1", "http://a b/v1", "http:///v1", "http://h:0/v1"],
)  # fmt: skip
def test_an_address_that_is_none_is_refused_in_words(url):
    with pytest.raises(ConfigError, match="The address of the endpoint cannot be used"):
        Endpoint(url)


@pytest.mark.parametrize("rename", ["seed=messages", "seed=stream", "seed=response_format",
                                    "seed=top_p", "seed=x,n=x"])  # fmt: skip
def test_no_field_takes_the_place_of_another(rename):
    with pytest.raises(ConfigError, match="--rename"):
        Endpoint("http://127.0.0.1:9/v1", rename=tuple(rename.split(",")))
    Endpoint("http://127.0.0.1:9/v1", omit=("top_p",), rename=("seed=top_p",))


TOLD = {
    "redirect": Answer(b"", 302, {"Location": "/login/sk-ab0123456789cd"}),
    "at the cut": bad(400, "x" * 290 + " sk-ab0123456789cd"),
    "in a title": Answer(b"<title>" + b"x" * 190 + b" sk-ab0123456789cd</title>", 400),
}


@pytest.mark.parametrize("answer", TOLD.values(), ids=TOLD)
def test_a_key_is_hidden_before_what_was_said_is_cut(answer):
    os.environ["OPENAI_API_KEY"] = "sk-ab0123456789cd"

    async def run(url):
        async with connected(Endpoint(url)) as client:
            asked = [Request("m", ({"role": "user", "content": f"{k}"},)) for k in range(9)]
            return await asyncio.gather(*map(client.ask, asked))

    with behaving(lambda body, n: answer) as server, pytest.raises(JudgeError) as error:
        asyncio.run(run(server.url))
    assert "sk-ab" not in str(error.value)


@contextlib.contextmanager
def refusing_proxy():
    """A proxy that wants to know better who asks."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        over = threading.Event()

        def serve():
            while not over.is_set():
                with contextlib.suppress(TimeoutError):
                    link, _ = listening.accept()
                    with link:
                        link.recv(4096)
                        link.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()
