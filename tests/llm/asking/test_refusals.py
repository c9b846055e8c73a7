"""The words of refusals, as servers and gateways write them, and what they ask for."""

from __future__ import annotations

import json

import pytest

from workbench.llm.asking.bends import bent, bent_key
from workbench.llm.asking.refusals import bends_for

BODY = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Say which is better."},
        {"role": "user", "content": "She says that temperature is unsupported here, always."},
    ],
    "temperature": 0.0,
    "top_p": 1.0,
    "max_tokens": 9,
    "n": 1,
    "seed": 0,
    "logprobs": True,
    "top_logprobs": 20,
    "response_format": {"type": "json_schema", "json_schema": {}},
}


def error(message: str, **more: str) -> str:
    return json.dumps({"error": {"message": message, "type": "invalid_request_error", **more}})


MISTRAL = {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs"}]}
LITELLM = (
    "litellm.UnsupportedParamsError: anthropic does not support parameters: ['seed', 'n'], for "
    "model=claude-3-7. To drop these, set `litellm.drop_params=True` or for proxy:\n\n`litellm_"
    "settings:\n drop_params: true`\n. \n If you want to use these params dynamically send "
    "allowed_openai_params=['seed', 'n'] in your request."
)
ANTHROPIC = (
    'litellm.BadRequestError: AnthropicException - b\'{"type":"error","error":{"type":'
    '"invalid_request_error","message":"`temperature` and `top_p` cannot both be specified for '
    "this model. Please use only one.\"}}'. Received Model Group=claude\nAvailable Model Group "
    "Fallbacks=None"
)
GEMINI = (
    'Invalid JSON payload received. Unknown name "n": Cannot find field.\nInvalid JSON payload '
    'received. Unknown name "seed": Cannot find field.'
)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (400, error("Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                    "'max_completion_tokens' instead.", param="max_tokens"),
         ["rename max_tokens=max_completion_tokens"]),
        (400, error("Unsupported value: 'temperature' does not support 0 with this model. Only "
                    "the default (1) value is supported.", param="temperature"),
         ["omit temperature"]),
        (400, error("`temperature` is deprecated for this model."), ["omit temperature"]),
        (400, error(ANTHROPIC), ["omit top_p"]),
        (400, error(LITELLM), ["omit n", "omit seed"]),
        (422, json.dumps({"object": "error", "message": MISTRAL}), ["omit seed"]),
        (422, json.dumps({"object": "error", "message": json.dumps(MISTRAL)}), ["omit seed"]),
        (400, "[{'type': 'extra_forbidden', 'loc': ('body', 'top_logprobs')}]",
         ["omit top_logprobs"]),
        (400, json.dumps([{"error": {"code": 400, "message": GEMINI}}]), ["omit n", "omit seed"]),
        (422, json.dumps({"error": "Input validation error: `top_p` must be > 0.0 and < 1.0"}),
         ["omit top_p"]),
        (400, error("'n' : number must be at most 1"), ["omit n"]),
        (400, error("System role not supported"), ["system in user"]),
        (400, error("Unsupported value: 'messages[0].role' does not support 'system' with this "
                    "model.", param="messages[0].role"), ["system in user"]),
        (500, error("After the optional system message, conversation roles must alternate"),
         ["system in user"]),
        (400, error("Developer instruction is not enabled for models/gemma-3-27b-it"),
         ["system in user"]),
        (400, error("top_logprobs must be less than or equal to 5"), ["top_logprobs=5"]),
        (400, error("Cannot request more than 5 logprobs."), ["top_logprobs=5"]),
        (403, error("You are not allowed to request logprobs from this model"),
         ["omit logprobs"]),
        (400, error("Gaudi doesn't support logprobs. Please remove 'logprobs'/'top_logprobs' from "
                    "your request to receive a response."), ["omit logprobs"]),
        (400, error("This response_format type is unavailable now"),
         ["response_format=json_object"]),
        (422, "Failed to deserialize the JSON body into the target type: response_format: "
         "response_format.type `json_schema` is unavailable now at line 1 column 1193",
         ["response_format=json_object"]),
        (501, error("json_schema is not implemented"), ["response_format=json_object"]),
    ],
)  # fmt: skip
def test_a_refusal_that_speaks_of_a_field_bends_it(status, text, expected):
    assert list(bends_for(status, text, BODY)) == expected


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (400, error("Upstream closed the connection")),
        (400, error("This model's maximum context length is 8192 tokens. However, you requested "
                    "9000 tokens (8000 in the messages, 1000 in the completion).")),
        (400, error("'max_tokens' or 'max_completion_tokens' is too large: 1024. This model's "
                    "maximum context length is 512 tokens")),
        (400, error("max_tokens is too large: 100000. This model supports at most 4096 completion "
                    "tokens", param="max_tokens")),
        (400, error("The response was filtered due to the prompt triggering Azure OpenAI's content "
                    "management policy. temperature", code="content_filter", param="prompt")),
        (400, error("Bad prompt: She says that temperature is unsupported here, always.")),
        (422, json.dumps({"detail": [{"loc": ["body", "messages", 1, "content"], "msg": "bad",
                                      "input": "seed is not supported"}]})),
        (403, error("Your key may not set temperature: forbidden")),
        (404, error("temperature is not supported")),
        (502, error("temperature is not supported")),
    ],
)  # fmt: skip
def test_any_other_refusal_bends_nothing(status, text):
    assert bends_for(status, text, BODY) == ()


def test_what_is_asked_for_twice_goes_further():
    fewer = {**BODY, "top_logprobs": 5, "response_format": {"type": "json_object"}}
    assert bends_for(400, error("logprobs must be at most 1"), fewer) == ("omit logprobs",)
    said = error("'messages' must contain the word 'json' to use 'response_format'")
    assert bends_for(400, said, fewer) == ("omit response_format",)


def test_bends_change_what_they_say_and_nothing_else():
    bends = ["omit logprobs", "system in user", "omit stop", "rename max_tokens=max_output"]
    body, form = bent(BODY, bends)
    assert form == ("omit logprobs", "system in user", "rename max_tokens=max_output")
    assert body["max_output"] == 9
    (user,) = body["messages"]
    assert user["role"] == "user"
    assert user["content"].startswith("Say which is better.\n\nShe says")
    gone = {"logprobs", "top_logprobs", "max_tokens"}
    assert set(body) == {*BODY, "max_output"} - gone
    assert len(BODY["messages"]) == 2


def test_a_bent_request_has_a_key_of_its_own():
    keys = {bent_key("k", form) for form in ((), ("omit n",), ("omit seed",), ("omit n", "omit s"))}
    assert len(keys) == 4
    assert bent_key("k", ()) == "k"
