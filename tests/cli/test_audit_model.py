"""``workbench audit-model``: the library's numbers, checkpoints, reward models, bad input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.scoring.test_logprob import few
from workbench.audit.models.reward_models import audit_rewards
from workbench.audit.models.whole import audit_scores
from workbench.cli.fail_on import FAILED
from workbench.cli.main import app
from workbench.errors import DataError
from workbench.scoring.gains import next_tokens
from workbench.scoring.logprob import score_responses, token_pairs
from workbench.scoring.models import load_model, load_reward
from workbench.scoring.rewards import RewardHead
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.training.kept import read_scores

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["audit-model", *map(str, arguments)])


@pytest.fixture(scope="module")
def world(tokenizer, tmp_path_factory) -> Path:
    """Three language models, a reward model, pairs, and other responses to their prompts."""
    root = tmp_path_factory.mktemp("models")
    for name, seed in (("first", 1), ("middle", 2), ("last", 3)):
        torch.manual_seed(seed)
        config = transformers.GPT2Config(n_embd=32, n_layer=1, n_head=4, vocab_size=300)
        transformers.GPT2LMHeadModel(config).save_pretrained(root / name)
        tokenizer.save_pretrained(root / name)
    config = transformers.GPT2Config(n_embd=32, n_layer=1, n_head=4, vocab_size=300, num_labels=1,
                                     pad_token_id=1)  # fmt: skip
    transformers.GPT2ForSequenceClassification(config).save_pretrained(root / "reward")
    tokenizer.save_pretrained(root / "reward")
    data = few(30)
    wb.save(data, root / "data")
    other = pd.DataFrame({"prompt": data.pairs["prompt"], "response_a": "Something else.",
                          "response_b": "Nothing of the kind."})  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(other)), "annotator": "a", "preference": 1.0})
    wb.save(wb.PreferenceData.from_tables(other, labels), root / "other")
    return root


def test_a_training_is_audited_checkpoint_by_checkpoint(world, tmp_path):
    out = tmp_path / "audit"
    asked = (
        world / "data", "--model", world / "last", "--reference", world / "first",
        "--checkpoints", world / "middle", "--unseen", world / "other", "--out", out,
    )  # fmt: skip
    done = run(*asked)
    assert done.exit_code == 0, done.stderr
    for part in ("ranking accuracy", "reward accuracy", "alignment gap", "ECE, raw",
                 "change of the chosen", "change of the unseen", "3 checkpoints",
                 "Gain of probability", "left out by model"):  # fmt: skip
        assert part in done.stdout
    page = (out / "report.html").read_text()
    for part in ("Likelihood displacement", "Training, checkpoint by checkpoint",
                 "Tokens that gain", "idealised accuracy over beta"):  # fmt: skip
        assert part in page
    # what was kept gives the same numbers
    again = audit_scores(read_scores(out), wb.load(world / "data"))
    for result in again:
        assert result.summary() in done.stdout
    displaced = next(one for one in again if type(one).__name__ == "Displacement")
    assert wb.load(out / "filtered").pairs["pair_id"].tolist() == displaced.to_keep
    # what was kept, as a command
    kept = run(world / "data", "--scores", out, "--out", tmp_path / "kept")
    assert kept.exit_code == 0, kept.stderr
    assert kept.stdout == done.stdout
    assert (tmp_path / "kept" / "report.html").is_file()
    # data that are kept beside the scores need no name; others are named
    assert "name the data" in run("--scores", out).stderr
    wb.save(wb.load(world / "data"), out / "data")
    beside = run("--scores", out)
    assert beside.exit_code == 0, beside.stderr
    assert beside.stdout == done.stdout
    # the same scores, and the same bytes, from the folder
    report = (out / "report.json").read_bytes()
    assert run(*asked).exit_code == 0
    assert (out / "report.json").read_bytes() == report
    with pytest.raises(DataError, match="no audit of a model"):
        read_scores(tmp_path / "none")
    record = json.loads((out / "audit.json").read_text())
    (out / "audit.json").write_text(json.dumps({**record, "schema_version": 2}))
    with pytest.raises(DataError, match="newer version"):
        read_scores(out)


@pytest.mark.usefixtures("let_in")
def test_the_page_scores_keeps_and_shows_what_the_command_says(world, tmp_path, monkeypatch):
    from streamlit.testing.v1 import AppTest

    pages = Path(__file__).resolve().parents[2] / "pages"
    monkeypatch.syspath_prepend(str(pages))
    monkeypatch.setenv("WORKBENCH_DATA", str(world / "data"))
    # models are looked for below the folder that the dashboard was started in
    monkeypatch.setenv("WORKBENCH_RUNS", str(world / "runs"))
    shown = AppTest.from_file(str(pages / "model_audit.py"), default_timeout=120).run()
    assert not shown.exception, shown.exception
    shown.text_input("m-model").set_value(str(world / "last"))
    shown.text_input("m-ref").set_value(str(world / "first"))
    shown.run()
    shown.button("m-start").click().run()
    assert not shown.exception, shown.exception
    texts = [one.value for one in shown.code]
    done = run(world / "data", "--model", world / "last", "--reference", world / "first")
    results = audit_scores(read_scores(world / "runs" / "model-audit-1"))
    assert len(results) == 5
    for result in results:
        assert result.summary() in texts
        assert result.summary() in done.stdout
    for name in shown.selectbox("m-which").options:
        shown.selectbox("m-which").set_value(name).run()
        assert not shown.exception, shown.exception
    # another visit finds what was kept; a model that is not there is said
    again = AppTest.from_file(str(pages / "model_audit.py"), default_timeout=120).run()
    assert results[0].summary() in [one.value for one in again.code]
    again.text_input("m-model").set_value(str(tmp_path / "none")).run()
    again.button("m-start").click().run()
    assert not again.exception
    assert any("cannot be loaded" in one.value for one in again.code)


def test_a_model_without_reference_is_ranked_only(world):
    done = run(world / "data", "--model", world / "last", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert len(told["results"]) == 1
    assert any("left out by model" in one for one in told["notes"])
    assert run(world / "data", "--model", world / "last", "--fail-on",
               "ranks-against-preferences").exit_code in (0, FAILED)  # fmt: skip


def test_only_so_many_pairs_are_audited(world, tmp_path):
    some = run(world / "data", "--model", world / "last", "--pairs", 12, "--json", "--out",
               tmp_path / "few")  # fmt: skip
    assert some.exit_code == 0, some.stderr
    kept = read_scores(tmp_path / "few").tables["model"]
    assert len(kept) == 12
    # drawn with the seed, not the first of the file
    other = run(world / "data", "--model", world / "last", "--pairs", 12, "--seed", 3, "--out",
                tmp_path / "others")  # fmt: skip
    assert other.exit_code == 0, other.stderr
    assert set(read_scores(tmp_path / "others").tables["model"]["pair_id"]) != set(kept["pair_id"])
    sample = run("sample", "--pairs", 6, "--model", world / "last")
    assert sample.exit_code == 0, sample.stderr
    assert "ranking accuracy" in sample.stdout
    beside = run(world / "data", "--scores", tmp_path / "few", "--pairs", 3)
    assert "--pairs cannot go with --scores" in beside.stderr


def test_a_reward_model_is_audited(world, tmp_path):
    done = run(world / "data", "--reward", world / "reward", "--out", tmp_path / "audit")
    assert done.exit_code == 0, done.stderr
    head = RewardHead(*load_reward(str(world / "reward")), TokenPolicy("raw"))
    for result in audit_rewards(wb.load(world / "data"), head):
        assert result.summary() in done.stdout
    # padding is EOS here, and the head is read before it, as transformers does
    assert "read at the last token that is not padding ('</s>')" in done.stdout
    page = (tmp_path / "audit" / "report.html").read_text()
    for part in ("Reward accuracy", "Calibration", "Relevance and length", "read at the last"):
        assert part in page
    # an adapter goes onto the reward model too, and is not passed over
    absent = run(world / "data", "--reward", world / "reward", "--adapter", tmp_path / "none")
    assert absent.exit_code == 1
    assert "adapter cannot be loaded" in absent.stderr


def test_what_cannot_be_audited_is_said(world, tokenizer, tmp_path):
    neither = run(world / "data")
    assert neither.exit_code == 1
    assert "no model to audit" in neither.stderr
    both = run(world / "data", "--model", world / "last", "--reward", world / "reward")
    assert "One or the other" in both.stderr
    own = (["--reference", 1], ["--checkpoints", 1], ["--unseen", 1], ["--seen", 1],
           ["--beta", 1], ["--like", "trl"], ["--eos"], ["--bos", "once"], ["--back-off"],
           ["--max-length", 0], ["--keep", "end"])  # fmt: skip
    for flag in own:
        beside = run(world / "data", "--reward", world / "reward", *flag)
        assert beside.exit_code == 1
        assert f"{flag[0]} cannot go with --reward" in beside.stderr
    for flag in (*own, ["--separator", " "], ["--no-eos"]):
        kept = run(world / "data", "--scores", world, *flag)
        assert f"{flag[0].replace('no-', '')} cannot go with --scores" in kept.stderr
    kept = run(world / "data", "--scores", world, "--adapter", world, "--unseen", world,
               "--mode", "raw")  # fmt: skip
    assert "--unseen, --adapter, --mode cannot go with --scores" in kept.stderr
    empty = run(world / "data", "--scores", world)
    assert "holds no audit of a model" in empty.stderr
    absent = run("sample", "--model", tmp_path / "none")
    assert absent.exit_code == 1
    assert "cannot be loaded" in absent.stderr
    alone = run(world / "data", "--model", world / "last", "--checkpoints", world / "middle")
    assert "--reference" in alone.stderr
    same = run(world / "data", "--model", world / "last", "--unseen", world / "data")
    assert "no unseen response" in same.stderr
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"a": 0, "b": 1}))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    odd = tmp_path / "odd"
    load_model(str(world / "first"))[0].save_pretrained(odd)
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(odd)
    mixed = run(world / "data", "--model", world / "last", "--reference", odd)
    assert mixed.exit_code == 1
    assert "one tokenizer" in mixed.stderr


def test_the_token_that_training_pushes_up_gains(world, tokenizer):
    from workbench.audit.models.gains import gains

    model, names = load_model(str(world / "first"))
    pairs = token_pairs(model, names, few(20))
    before = next_tokens(model, pairs)
    assert np.allclose(before.probabilities.sum(axis=1), 1, atol=1e-4)
    after = before.probabilities.copy()
    after[:, 7] += 0.2
    found = gains(before, type(before)(after, before.direction), lambda k: f"t{k}", most=3)
    first = found.to_frame().iloc[0]
    assert first["term"] == "'t7'"
    assert first["estimate"] == pytest.approx(0.2, abs=1e-5)
    # the direction by hand
    head = model.get_output_embeddings().weight.detach().numpy()
    once = {p.prompt: p for p in reversed(pairs)}.values()
    push = np.mean([head[p.chosen[0]] - head[p.rejected[0]] for p in once], axis=0)
    assert before.direction == pytest.approx(head @ push, abs=1e-4)


def test_single_responses_are_those_of_pairs(world):
    model, names = load_model(str(world / "first"))
    data = few(6)
    one = data.pairs.iloc[0]
    found = score_responses(model, names, [("p", one["prompt"], one["response_a"]),
                                           ("q", one["prompt"], "")])  # fmt: skip
    assert np.isfinite(found["logprob"][0])
    assert found["reason"][1] == "A response has no token."


def test_where_in_the_response_the_margin_arises_and_whose_responses_they_are(world, tmp_path):
    out = tmp_path / "audit"
    asked = (world / "data", "--model", world / "last", "--reference", world / "first",
             "--per-token", "--unseen", world / "other", "--pairs", 12)  # fmt: skip
    done = run(*asked, "--out", out)
    assert done.exit_code == 0, done.stderr
    assert "Margin by place in the response" in done.stdout
    assert "Where in the response the margin arises" in (out / "report.html").read_text()
    # what was kept gives the same numbers, and the run goes on from it
    kept = audit_scores(read_scores(out))
    found = next(one for one in kept if type(one).__name__ == "Along")
    assert found.summary() in done.stdout
    assert found.summary() in run(*asked, "--out", out).stdout
    table = found.to_frame().set_index("term")["estimate"]
    ranked = kept[0].pairs if hasattr(kept[0], "pairs") else None
    assert ranked is None or len(ranked) == len(found.pairs)
    assert table[table.index.str.startswith("tenth")].sum() == pytest.approx(table["margin"])
    # --unseen as samples of the model: twelve prompts are too few to know what it writes
    beside = ("on-policy", str(world / "data"), "--scores", str(out))
    for more, why in ((["--samples"], "What the model itself writes is not known"),
                      (["--own", "nobody"], "No response is by")):  # fmt: skip
        refused = CliRunner().invoke(app, [*beside, *more])
        assert refused.exit_code == 1
        assert why in refused.stderr
