"""What of a pair is scored: what a template drops, closing tokens, limits, noise, the day."""

from __future__ import annotations

import datetime
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.plain_scoring import plain_logprob
from tests.scoring.tiny_models import CHATML, SIZES, byte_tokenizer, config, kept_model, pairs
from workbench.audit.models.reward_models import audit_rewards
from workbench.audit.models.scored import score_models
from workbench.errors import ConfigError, ScoringError
from workbench.scoring.logprob import score_pairs
from workbench.scoring.models import load_model
from workbench.scoring.rewards import RewardHead
from workbench.scoring.tokens import TokenPolicy, encode
from workbench.scoring.training.kept import read_scores

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CHAT = TokenPolicy("chat")
ANSWER_ONLY = CHATML.replace(
    "{{ m.content }}",
    "{{ m.content.split('</think>')[-1] if m.role == 'assistant' else m.content }}",
)
"""As a family of reasoning models has it: what was thought is dropped."""
DATED = "{{ 'Today: ' + strftime_now('%d %b %Y') + '\n' }}" + CHATML
SYSTEM = "<|im_start|>system\nYou help.<|im_end|>\n" + CHATML


def thinking(answers: list[tuple[str, str]]) -> wb.PreferenceData:
    rows = [
        {"prompt": f"Question {k}?", "response_a": f"<think>good</think>{a}",
         "response_b": f"<think>bad</think>{b}"}
        for k, (a, b) in enumerate(answers)
    ]  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(rows)), "annotator": "a", "preference": 1.0})
    return wb.PreferenceData.from_tables(pd.DataFrame(rows), labels)


def head_of(tokenizer, **more):
    torch.manual_seed(0)
    return transformers.LlamaForSequenceClassification(
        config(tokenizer, num_labels=1, **more)
    ).eval()


def test_what_a_template_drops_is_said(tmp_path):
    tokenizer = byte_tokenizer(ANSWER_ONLY)
    model = kept_model(tmp_path / "m", tokenizer)
    data = thinking([("yes", "yes"), ("yes", "no"), ("a", "b")])
    found = score_pairs(model, tokenizer, data, policy=CHAT)
    reasons = found.table["reason"].dropna().tolist()
    why = "both responses have the same tokens: the chat template leaves out a part of them"
    assert reasons == [why]
    assert found.settings["notes"] == [
        "tokens assumed: messages through the chat template; a response goes to the first token "
        "that ends the turn; nothing cut",
        "the chat template leaves out a part of 6 of 6 responses",
    ]
    # raw text leaves nothing out
    whole = score_pairs(model, tokenizer, data)
    assert whole.settings["notes"] == [
        "tokens assumed: prompt + response + '<|im_end|>'; the beginning as the tokenizer adds it, "
        "once; nothing cut"
    ]
    assert len(whole.scored) == 3
    with pytest.raises(ScoringError, match="same tokens: the chat template"):
        score_pairs(model, tokenizer, thinking([("yes", "yes")]), policy=CHAT)
    head = RewardHead(head_of(tokenizer), tokenizer, CHAT)
    told = audit_rewards(data, head)[0]
    assert told.to_frame()["n"].max() == 2
    for line in (f"left out: 1 pairs, {why}", "leaves out a part of 6 of 6 responses"):
        assert line in told.summary()
    # kept with the scores, and told again
    scores = score_models(data, str(tmp_path / "m"), policy=CHAT)
    scores.save(tmp_path / "kept")
    assert "the chat template leaves out a part of 6 of 6 responses" in scores.left_out
    assert read_scores(tmp_path / "kept").left_out == scores.left_out


def test_a_template_that_strips_and_reorders_drops_nothing(tmp_path):
    # white space is not a part of a response, and a short one may stand in its prompt too
    tidy = byte_tokenizer(CHATML.replace("m.content }}", "m.content | trim }}\n"))
    data = pairs(3)
    model = kept_model(tmp_path / "m", tidy)
    assert len(score_pairs(model, tidy, data, policy=CHAT).settings["notes"]) == 1


def test_a_tokenizer_that_closes_every_text_closes_no_prompt(tmp_path):
    plain, closing = byte_tokenizer(), byte_tokenizer(closes=True)
    for policy in (TokenPolicy(), TokenPolicy(eos=True)):
        for text in ("yes", "no more"):
            one, other = (encode(k, "Say it", text, "x", policy) for k in (plain, closing))
            assert one == other
    # TRL adds EOS to the text of a head, and such a tokenizer its own
    head = RewardHead(head_of(closing), closing, TokenPolicy())
    assert head.tokens("a", "b")[-2:] == [closing.eos_token_id] * 2
    reading = head.reading([("a", "b", "c")])
    assert reading.tokens == "prompt + response + '<|im_end|>', with '<|im_end|>' of the tokenizer"
    # an EOS that a text ends in is not doubled
    once = RewardHead(head_of(plain), plain, TokenPolicy())
    assert once.tokens("a", "b<|im_end|>") == once.tokens("a", "b")


def test_an_encoder_gets_its_own_sequence_up_to_its_limit():
    from tokenizers import processors

    tokenizer = byte_tokenizer(None, "<eos>")
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        "<bos> $A <eos>", special_tokens=[("<bos>", 1), ("<eos>", 2)]
    )
    torch.manual_seed(0)
    sizes = SIZES | {"max_position_embeddings": 40}
    model = transformers.RobertaForSequenceClassification(transformers.RobertaConfig(
        **sizes, vocab_size=len(tokenizer), num_labels=1, pad_token_id=3, bos_token_id=1,
        eos_token_id=2, initializer_range=0.3,
    )).eval()  # fmt: skip
    head = RewardHead(model, tokenizer)
    # places begin after that of padding: 40 - 3 - 1 = 36 tokens, two of them the tokenizer's
    texts = [("What? ", "yes"), ("What? ", "y" * 28), ("What? ", "y" * 29)]
    found = head(texts)
    for k in (0, 1):
        with torch.no_grad():
            wanted = model(**tokenizer("".join(texts[k]), return_tensors="pt")).logits.item()
        assert found[k] == pytest.approx(wanted, abs=1e-5)
    assert np.isnan(found[2])
    reading = head.reading([(*texts[0], "no"), (*texts[0], texts[2][1])])
    assert reading.left_out == {1: "longer than the 36 tokens that the model takes"}
    assert reading.read_at == "pooled by the model; the last token is '<eos>'"


def test_a_half_precision_head_has_a_noise_band():
    tokenizer = byte_tokenizer()
    half = head_of(tokenizer).to(torch.bfloat16)
    single = deepcopy(half).float()
    texts = [(row["prompt"], row["response_a"], row["response_b"])
             for row in pairs(8).pairs.to_dict("records")]  # fmt: skip
    margins = {}
    for name, model in (("half", half), ("single", single)):
        head = RewardHead(model, tokenizer, CHAT)
        margins[name] = np.subtract(*(head([(t[0], t[k]) for t in texts]) for k in (1, 2)))
    worst = np.abs(margins["half"] - margins["single"]).max()
    noise = RewardHead(half, tokenizer, CHAT).noise(texts, margins["half"])
    assert noise == pytest.approx(worst, abs=1e-4)
    assert worst > 1e-3 > RewardHead(single, tokenizer, CHAT).noise(texts, margins["single"])
    assert half.dtype == torch.bfloat16
    # margins that small are ties
    with torch.no_grad():
        half.score.weight.mul_(1e-30)
    told = audit_rewards(pairs(8), RewardHead(half, tokenizer, CHAT))[0]
    tie = told.to_frame().set_index("term").loc["tie mass", "estimate"]
    assert told.settings["band"] > 0
    assert tie >= 1 / 8


def on(monkeypatch, *day: int) -> None:
    import transformers.utils.chat_template_utils as templates

    held = type("Day", (datetime.datetime,),
                {"now": classmethod(lambda cls, tz=None: datetime.datetime(*day))})  # fmt: skip
    monkeypatch.setattr(templates, "datetime", held)
    templates._compile_jinja_template.cache_clear()


def test_a_run_goes_on_with_the_same_tokens_only(tmp_path, monkeypatch):
    tokenizer = byte_tokenizer(DATED)
    model, data, folder = kept_model(tmp_path / "m", tokenizer), pairs(4), tmp_path / "kept"
    on(monkeypatch, 2026, 11, 28)
    first = score_pairs(model, tokenizer, data, policy=CHAT, folder=folder)
    assert "Today: 28 Nov 2026" in first.settings["chat_template_today"]
    # a batch that was padded on the way changes no token
    tokenizer(["a", "b c"], padding=True)
    score_pairs(model, tokenizer, data, policy=CHAT, folder=folder)
    on(monkeypatch, 2026, 11, 29)
    with pytest.raises(ConfigError, match="differ in chat_template_today"):
        score_pairs(model, tokenizer, data, policy=CHAT, folder=folder)
    on(monkeypatch, 2026, 11, 28)
    edited = byte_tokenizer(DATED.replace("strftime_now", " strftime_now"))
    with pytest.raises(ConfigError, match="differ in chat_template"):
        score_pairs(model, edited, data, policy=CHAT, folder=folder)
    closing = byte_tokenizer(DATED, closes=True)
    with pytest.raises(ConfigError, match="differ in tokenizer"):
        score_pairs(model, closing, data, policy=CHAT, folder=folder)
    model.config.rms_norm_eps = 1e-3
    with pytest.raises(ConfigError, match="differ in configuration"):
        score_pairs(model, tokenizer, data, policy=CHAT, folder=folder)


def test_both_policies_are_scored_on_one_token_sequence(tmp_path):
    kept_model(tmp_path / "sft", byte_tokenizer(CHATML))
    model = kept_model(tmp_path / "dpo", byte_tokenizer(SYSTEM))
    found = score_models(pairs(4), str(tmp_path / "dpo"), reference=str(tmp_path / "sft"),
                         policy=CHAT)  # fmt: skip
    first, last = found.tables["reference"], found.tables["model"]
    assert first["chosen"].tolist() == last["chosen"].tolist()
    row = pairs(4).pairs.iloc[0]
    one = encode(byte_tokenizer(SYSTEM), row["prompt"], row["response_a"], "x", CHAT)
    wanted = plain_logprob(model, one.prompt, one.chosen)
    assert np.abs(first[["chosen", "rejected"]].to_numpy() - wanted).min() < 1e-3
    assert found.notes[0] == (
        f"reference: its chat template is another; it is scored on the tokens of {tmp_path}/dpo"
    )
    # raw text has no template, and says nothing of it
    raw = score_models(pairs(4), str(tmp_path / "dpo"), reference=str(tmp_path / "sft"))
    assert [one for one in raw.notes if "template" in one] == []


def test_midnight_between_two_models_stops_the_run(tmp_path, monkeypatch):
    kept_model(tmp_path / "m", byte_tokenizer(DATED))
    days = iter([(2026, 11, 28), (2026, 11, 29)])

    def load(*names):
        on(monkeypatch, *next(days))
        return load_model(*names)

    monkeypatch.setattr("workbench.scoring.divided.loaded.load_model", load)
    with pytest.raises(ConfigError, match="another text while the models were scored"):
        score_models(pairs(3), str(tmp_path / "m"), reference=str(tmp_path / "m"), policy=CHAT)
