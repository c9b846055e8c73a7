"""Our own choices of tokens: messages, turn marks, ends; what is left out; flags of the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.plain_scoring import plain_logprob
from tests.scoring.tiny_models import CHATML, byte_tokenizer, kept_model
from workbench.cli.main import app
from workbench.judges.likelihood import DensityRatioJudge
from workbench.scoring.logprob import score_pairs, token_pairs
from workbench.scoring.presets import assumed, policy_like
from workbench.scoring.template import Asked
from workbench.scoring.tokens import TokenPolicy, encode

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

CHAT = TokenPolicy("chat")
THINKS = CHATML.replace("assistant\n{% endif %}", "assistant\n<think>\n{% endif %}")
TURNS = [{"role": "system", "content": "Answer in French."}, {"role": "user", "content": "Hi"},
         {"role": "assistant", "content": "Salut"},
         {"role": "user", "content": "Sky?"}]  # fmt: skip


def kept(folder: Path, *rows: dict[str, Any]) -> Path:
    file = folder / "pairs.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def written(tokenizer: Any, file: Path, policy: TokenPolicy, folder: Path) -> list[str]:
    """Prompt and chosen response of every pair, with a bar between them."""
    model = kept_model(folder / "m", tokenizer)
    return [f"{tokenizer.decode(one.prompt)}|{tokenizer.decode(one.chosen)}"
            for one in token_pairs(model, tokenizer, wb.load(file), policy=policy)]  # fmt: skip


def small(bos: bool) -> tuple[Any, Any]:
    """A tokenizer and a model whose likelihoods are known from TRL's own sums."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    marks = ["<s>", "<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made.train_from_iterator(["hello world the sky is blue"], trainers.BpeTrainer(
        vocab_size=290, special_tokens=marks,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    ))  # fmt: skip
    if bos:
        made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    names = {"bos_token": "<s>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, chat_template=CHATML, **names
    )
    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        intermediate_size=48, vocab_size=320, max_position_embeddings=512,
    ))  # fmt: skip
    return tokenizer, model.eval()


def test_known_likelihoods_of_messages_and_of_the_raw_join():
    tokenizer, model = small(bos=False)
    one = encode(tokenizer, Asked(TURNS), "bleu", "vert", CHAT)
    assert plain_logprob(model, one.prompt, one.chosen) == pytest.approx(-23.0615, abs=5e-4)
    tokenizer, model = small(bos=True)
    one = encode(tokenizer, "Q: sky?\nA:\n", "blue", "red", TokenPolicy())
    assert plain_logprob(model, one.prompt, one.chosen) == pytest.approx(-17.49, abs=5e-3)


def test_turns_go_through_the_template_as_messages(tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    bot = {"role": "assistant", "content": "bleu"}
    file = kept(
        tmp_path,
        {"prompt": TURNS, "chosen": [bot], "rejected": [bot | {"content": "vert"}]},
        {"chosen": [TURNS[1], TURNS[2], TURNS[3], bot],
         "rejected": [TURNS[1], bot, TURNS[3], bot | {"content": "vert"}]},
    )  # fmt: skip
    assert written(tokenizer, file, CHAT, tmp_path) == [
        "<|im_start|>system\nAnswer in French.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nSalut<|im_end|>\n<|im_start|>user\nSky?<|im_end|>\n"
        "<|im_start|>assistant\n|bleu<|im_end|>",
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n|Salut<|im_end|>\n"
        "<|im_start|>user\nSky?<|im_end|>\n<|im_start|>assistant\nbleu<|im_end|>",
    ]
    raw = score_pairs(kept_model(tmp_path / "m", tokenizer), tokenizer, wb.load(file))
    assert any("that no trainer makes" in one and "2 of 2" in one for one in raw.settings["notes"])


def test_a_density_ratio_reads_turns_as_messages(tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    strong, weak = (kept_model(tmp_path / str(k), tokenizer, initializer_range=0.1 * k)
                    for k in (1, 2))  # fmt: skip
    said = [{"role": "assistant", "content": text} for text in ("bleu", "vert")]
    data = wb.load(kept(tmp_path, {"prompt": TURNS, "chosen": said[:1], "rejected": said[1:]}))
    judge = DensityRatioJudge(strong, weak, tokenizer, "ratio", policy=CHAT)
    found = [values[0] for values in judge.rewards(data.pairs)]
    wanted = []
    for text in data.pairs[["response_a", "response_b"]].iloc[0]:
        one = encode(tokenizer, Asked(TURNS), text, "x", CHAT)
        wanted.append(plain_logprob(strong, one.prompt, one.chosen)
                      - plain_logprob(weak, one.prompt, one.chosen))  # fmt: skip
    assert found == pytest.approx(wanted, abs=1e-3)


def test_tools_stand_with_the_dialogues_that_have_them(tmp_path):
    shows = "{% if tools %}{{ tools | tojson }}{% endif %}" + CHATML
    said = {side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")}
    tools = [{"type": "function", "function": {"name": "look"}}]
    file = kept(tmp_path, {"prompt": [TURNS[1]], **said, "tools": json.dumps(tools)},
                {"prompt": [TURNS[3]], **said})  # fmt: skip
    tokenizer = byte_tokenizer(shows, "<eos>")
    one, other = written(tokenizer, file, CHAT, tmp_path)
    # in the order of the file
    assert one.startswith('[{"type": "function", "function": {"name": "look"}}]<|im_start|>user')
    assert other.startswith("<|im_start|>user\nSky?")
    # and no trainer writes them into a raw text
    assert written(tokenizer, file, TokenPolicy(), tmp_path) == ["Hi|chosen<eos>",
                                                                "Sky?|chosen<eos>"]  # fmt: skip


def test_turn_marks_of_a_dialogue_text_stay(tmp_path):
    file = kept(tmp_path, {"chosen": "\n\nHuman: 2+2?\n\nAssistant: Four.",
                           "rejected": "\n\nHuman: 2+2?\n\nAssistant: Five."})  # fmt: skip
    tokenizer = byte_tokenizer(CHATML, "<eos>")
    assert written(tokenizer, file, TokenPolicy(), tmp_path) == [
        "\n\nHuman: 2+2?\n\nAssistant:| Four.<eos>"
    ]
    assert written(tokenizer, file, CHAT, tmp_path) == [
        "<|im_start|>user\n2+2?<|im_end|>\n<|im_start|>assistant\n|Four.<|im_end|>"
    ]


def test_a_control_token_in_a_text_is_never_read_as_one(tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    rows = [{"prompt": "Sky?", "chosen": f"blue{mark} or so", "rejected": "green"}
            for mark in ("", "<|im_end|>", "<eos>")]  # fmt: skip
    model = kept_model(tmp_path / "m", tokenizer)
    data = wb.load(kept(tmp_path, *rows))
    found = score_pairs(model, tokenizer, data, policy=CHAT).table["reason"]
    assert found.isna().sum() == 1
    assert sorted(found.dropna()) == [f"The control token {one!r} stands in a text."
                                      for one in ("<eos>", "<|im_end|>")]  # fmt: skip
    # texts of a raw file may have been through a template already
    raw = score_pairs(model, tokenizer, data)
    assert raw.table["reason"].isna().all()
    assert any("control tokens in the text are read as such: 2 of 3" in one
               for one in raw.settings["notes"])  # fmt: skip


def test_a_dialogue_that_the_template_refuses_is_left_out(tmp_path):
    refuses = "{% if messages[0].role == 'system' %}{{ raise_exception('No system') }}{% endif %}"
    tokenizer = byte_tokenizer(refuses + CHATML)
    rows = [{"prompt": TURNS[k:], "chosen": [{"role": "assistant", "content": "a"}],
             "rejected": [{"role": "assistant", "content": "b"}]} for k in (0, 1)]  # fmt: skip
    model = kept_model(tmp_path / "m", tokenizer)
    table = score_pairs(model, tokenizer, wb.load(kept(tmp_path, *rows)), policy=CHAT).table
    assert table["reason"].dropna().tolist() == [
        "The chat template refuses the dialogue: No system"
    ]


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ([], "Sky?|blue<eos>"),
        (["--separator", r"\n", "--no-eos"], "Sky?|\nblue"),
        (["--bos", "none"], "Sky?|blue<eos>"),
        (["--max-length", "7"], "Sky?|blu"),
        (["--max-length", "7", "--keep", "end"], "y?|blue<eos>"),
        (["--like", "trl"], "Sky?|blue<eos>"),
    ],
)
def test_the_command_joins_as_its_flags_say(flags, text, tmp_path, monkeypatch):
    from workbench.audit.models import scored

    seen = []
    inner = scored.score_parts

    def noted(loading, *given, **more):
        seen.append(loading.policy)
        return inner(loading, *given, **more)

    monkeypatch.setattr(scored, "score_parts", noted)
    tokenizer = byte_tokenizer(None, "<eos>")
    kept_model(tmp_path / "m", tokenizer)
    file = kept(tmp_path, {"prompt": "Sky?", "chosen": "blue", "rejected": "green"},
                {"prompt": "Sea?", "chosen": "blue too", "rejected": "green"})  # fmt: skip
    done = CliRunner().invoke(
        app, ["audit-model", str(file), "--model", str(tmp_path / "m"), *flags]
    )
    assert done.exit_code == 0, done.stderr
    assert written(tokenizer, file, seen[0], tmp_path)[0] == text
    assert "tokens assumed" in done.stdout


def test_a_template_that_opens_a_thought_is_scored_from_what_is_shared(tmp_path):
    tokenizer = byte_tokenizer(THINKS)
    kept_model(tmp_path / "m", tokenizer)
    file = kept(tmp_path, *({"prompt": f"Q{k}", "chosen": "yes", "rejected": "no"}
                            for k in range(6)))  # fmt: skip
    asked = ["audit-model", str(file), "--model", str(tmp_path / "m"), "--mode", "chat"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.stderr
    assert "scored from what prompt and whole share" in done.stdout
    assert "6 of 6 pairs" in done.stdout
    assert CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "audit")]).exit_code == 0
    assert "scored from what prompt and whole share" in (
        tmp_path / "audit" / "report.html").read_text(encoding="utf-8")  # fmt: skip
    refused = CliRunner().invoke(app, [*asked, "--no-back-off"])
    assert refused.exit_code == 1
    assert "6 pairs: The tokens of the prompt are not the beginning" in refused.stderr
    assert written(tokenizer, file, CHAT, tmp_path)[0].endswith("assistant\n|yes<|im_end|>")


def test_presets_of_other_trainers_are_what_their_sources_say():
    tokenizer = byte_tokenizer(CHATML, "<eos>")
    one = encode(tokenizer, "Q", "yes ", "no", policy_like("axolotl", "chat"))
    # no white space at the end, then the end of the sequence, where the template has not put it
    assert tokenizer.decode(one.chosen) == "yes <|im_end|><eos>"
    other = encode(tokenizer, "Q", "yes ", "no", policy_like("llama-factory", "chat"))
    assert tokenizer.decode(other.chosen) == "yes <|im_end|>\n"
    # cut by lengths: 8 * 20 / (10 + 20) = 5 tokens of a response, 3 of the prompt
    cut = encode(tokenizer, "a" * 10, "b" * 19, "c", policy_like("llama-factory", max_length=8))
    assert [len(cut.prompt), len(cut.chosen), len(cut.rejected)] == [3, 5, 2]
    assert "as its sources say" in assumed(policy_like("axolotl", "chat"), tokenizer)


def test_messages_that_are_scored_as_raw_text_are_told(tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    said = {side: [{"role": "assistant", "content": side}] for side in ("chosen", "rejected")}
    file = kept(tmp_path, {"prompt": [TURNS[1]], **said})
    model = kept_model(tmp_path / "m", tokenizer)
    for policy, told in ((TokenPolicy(), True), (CHAT, False)):
        notes = score_pairs(model, tokenizer, wb.load(file), policy=policy).settings["notes"]
        assert any("trainers take the chat template" in one for one in notes) == told
