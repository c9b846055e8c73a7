"""The audit while training runs: the numbers of saved checkpoints, going on, refusals, ranks."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.scoring.test_trl_tokens import bot, said, user
from tests.scoring.test_trl_tokens import kept as loaded
from tests.scoring.tiny_models import byte_tokenizer, config, pairs
from workbench.audit.models.scored import score_models
from workbench.audit.models.whole import audit_scores
from workbench.data.preferred import preferred
from workbench.errors import ConfigError
from workbench.scoring import AuditCallback
from workbench.scoring.presets import policy_like
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.training.in_training import as_saved, refuse_shards
from workbench.scoring.training.kept import read_scores

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl", reason="TRL is not installed")

TOKENIZER = byte_tokenizer()
POLICY = TokenPolicy("raw", eos=True)
BETA = 0.3


def model_of(kind: str = "llama", **more: Any) -> Any:
    torch.manual_seed(0)
    if kind == "llama":
        return transformers.LlamaForCausalLM(config(TOKENIZER, **more))
    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "vocab_size": len(TOKENIZER)}
    more |= {"pad_token_id": TOKENIZER.pad_token_id, "eos_token_id": TOKENIZER.eos_token_id}
    return transformers.GPT2LMHeadModel(transformers.GPT2Config(**sizes, **more))


def others(data: wb.PreferenceData) -> wb.PreferenceData:
    table = pd.DataFrame({"prompt": data.pairs["prompt"], "response_a": "An owl.",
                          "response_b": "A bat."})  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(table)), "annotator": "a", "preference": 1.0})
    return wb.PreferenceData.from_tables(table, labels)


def trainer(model: Any, folder: Path, live: list[Any], steps: int = 6, **more: Any) -> Any:
    """Return TRL's trainer with an evaluation and a checkpoint at every second step."""
    from datasets import Dataset

    rows = [{name: row[name] for name in ("prompt", "chosen", "rejected")}
            for row in preferred(pairs(12)).to_dict("records")]  # fmt: skip
    arguments = trl.DPOConfig(**{
        "output_dir": str(folder), "beta": BETA, "max_length": None, "max_steps": steps,
        "per_device_train_batch_size": 4, "per_device_eval_batch_size": 12, "learning_rate": 1e-3,
        "eval_strategy": "steps", "eval_steps": 2, "save_strategy": "steps", "save_steps": 2,
        "use_cpu": True, "report_to": "none", "bf16": False, "disable_tqdm": True,
        "lr_scheduler_type": "constant", "gradient_checkpointing": False, **more,
    })  # fmt: skip
    data = Dataset.from_list(rows)
    return trl.DPOTrainer(
        model=model, ref_model=None if "peft_config" in vars(model) else copy.deepcopy(model),
        args=arguments, train_dataset=data, eval_dataset=data, processing_class=TOKENIZER,
        callbacks=live,
    )  # fmt: skip


def state(step: int, first: bool = True) -> Any:
    return SimpleNamespace(global_step=step, max_steps=6, is_world_process_zero=first)


def event(live: AuditCallback, name: str, step: int, model: Any, first: bool = True) -> None:
    getattr(live, name)(SimpleNamespace(beta=BETA), state(step, first), None, model=model,
                        processing_class=TOKENIZER)  # fmt: skip


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_it_keeps_what_an_audit_of_the_saved_checkpoints_says(kind, tmp_path):
    # dropout, as training has it and no audit may
    start = model_of(kind, **({} if kind == "llama" else {"resid_pdrop": 0.5}))
    start.save_pretrained(tmp_path / "start")
    TOKENIZER.save_pretrained(tmp_path / "start")
    unseen = others(pairs(12))
    wb.save(unseen, tmp_path / "unseen")
    live = AuditCallback(pairs(12), tmp_path / "live", policy=POLICY, pairs=8, unseen=unseen)
    trainer(start, tmp_path / "out", [live], disable_dropout=False).train()
    kept = read_scores(tmp_path / "live")
    assert list(kept.tables) == ["reference", "step 2", "step 4", "step 6"]
    data = wb.load(tmp_path / "live" / "data")
    assert len(data.pairs) == 8
    saved = score_models(
        data, str(tmp_path / "out" / "checkpoint-6"), reference=str(tmp_path / "start"),
        checkpoints=[str(tmp_path / "out" / f"checkpoint-{k}") for k in (2, 4)],
        unseen=str(tmp_path / "unseen"), policy=POLICY, beta=BETA,
    )  # fmt: skip
    assert kept.beta == BETA
    for own, theirs in ((kept.tables, saved.tables), (kept.unseen, saved.unseen)):
        assert len(own) == len(theirs) == 4
        for one, other in zip(own.values(), theirs.values(), strict=True):
            numbers = one.select_dtypes("number").columns
            assert one["pair_id"].tolist() == other["pair_id"].tolist()
            np.testing.assert_allclose(one[numbers], other[numbers], rtol=0, atol=1e-5)
    moved = kept.tables["step 6"]["chosen"] - kept.tables["reference"]["chosen"]
    assert moved.abs().min() > 1e-3
    # the numbers that are made of them, under other names of the checkpoints
    for one, other in zip(audit_scores(kept, data), audit_scores(saved, data), strict=False):
        table, told = one.to_frame(), other.to_frame()
        assert type(one) is type(other)
        numbers = ["estimate", "conf_low", "conf_high", "n"]
        np.testing.assert_allclose(table[numbers], told[numbers], rtol=1e-4, atol=1e-4)
    assert not kept.live
    assert "training ended at step 6 of 6" in kept.left_out
    assert any("scoring 8 pairs took" in one for one in kept.left_out)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_training_that_goes_on_goes_on_in_its_folder(tmp_path):
    def run(folder: str, steps: int, resume: bool, live: AuditCallback) -> None:
        one = trainer(model_of(), tmp_path / folder, [live], steps, save_strategy="steps")
        one.train(
            resume_from_checkpoint=str(tmp_path / folder / "checkpoint-4") if resume else None
        )

    def live(folder: str, **more: Any) -> AuditCallback:
        return AuditCallback(pairs(12), tmp_path / folder, **{"policy": POLICY, **more})

    run("out", 6, False, live("whole"))
    whole = read_scores(tmp_path / "whole")
    # from the checkpoint at step 4: what came after it is made again, and more
    run("out", 8, True, live("whole"))
    longer = read_scores(tmp_path / "whole")
    assert list(longer.tables) == [*whole.tables, "step 8"]
    for name, table in whole.tables.items():
        pd.testing.assert_frame_equal(table, longer.tables[name], atol=1e-4)
    assert [one for one in longer.left_out if "training" in one and "ended" in one] == [
        "training ended at step 8 of 8"
    ]
    # other settings, another training, no start
    with pytest.raises(ConfigError, match="differ in policy"):
        run("out", 10, True, live("whole", policy=TokenPolicy("raw", eos=False)))
    with pytest.raises(ConfigError, match="another audit"):
        run("out", 10, False, live("whole"))
    with pytest.raises(ConfigError, match="start of this training was not scored"):
        run("out", 10, True, live("new"))


def test_the_first_process_alone_scores_and_the_model_comes_back_as_it_was(tmp_path):
    model = model_of("gpt2", resid_pdrop=0.5).train()
    model.transformer.h[0].eval()
    before = {name: one.clone() for name, one in model.state_dict().items()}
    modes = [one.training for one in model.modules()]
    inner = model.forward

    def halved(*given: Any, **named: Any) -> Any:
        raise AssertionError("a trainer's forward pass is not that of a checkpoint")

    model.forward = halved
    wrapped = torch.nn.DataParallel(model)
    other = AuditCallback(pairs(6), tmp_path / "other", policy=POLICY)
    for name, step in (("on_train_begin", 0), ("on_evaluate", 2), ("on_train_end", 2)):
        event(other, name, step, wrapped, first=False)
    assert not (tmp_path / "other").exists()
    live = AuditCallback(pairs(6), tmp_path / "live", policy=POLICY)
    event(live, "on_evaluate", 0, wrapped)
    assert not (tmp_path / "live").exists()
    for name, step in (("on_train_begin", 0), ("on_evaluate", 0), ("on_evaluate", 2),
                       ("on_evaluate", 2)):  # fmt: skip
        event(live, name, step, wrapped)
    kept = read_scores(tmp_path / "live")
    assert list(kept.tables) == ["reference", "step 2"]
    assert kept.live
    assert "training goes on: step 2 of 6" in kept.left_out
    assert model.forward is halved
    assert [one.training for one in model.modules()] == modes
    assert all(torch.equal(one, before[name]) for name, one in model.state_dict().items())
    del model.forward
    assert model.forward == inner


def test_half_precision_weights_stay_the_trainers_own(tmp_path):
    model = model_of().to(torch.bfloat16)
    place = [one.data_ptr() for one in model.parameters()]
    hooks = [one.register_post_accumulate_grad_hook(lambda p: seen.append(1))
             for one in model.parameters()]  # fmt: skip
    seen: list[int] = []
    live = AuditCallback(pairs(6), tmp_path / "live", policy=POLICY)
    event(live, "on_train_begin", 0, model)
    assert [one.data_ptr() for one in model.parameters()] == place
    ids = torch.tensor([[1, 2, 3]])
    model(input_ids=ids, labels=ids).loss.backward()
    assert len(seen) == len(hooks)


def test_a_part_that_fails_is_told_and_ends_no_training(tmp_path, monkeypatch):
    from workbench.scoring.training import callback

    model = model_of()
    live = AuditCallback(pairs(6), tmp_path / "live", policy=POLICY)
    event(live, "on_train_begin", 0, model)
    with monkeypatch.context() as patch:

        def broken(*_: Any, **__: Any) -> Any:
            raise wb.WorkbenchError("The weights are not finite.")

        patch.setattr(callback, "score_pairs", broken)
        with pytest.warns(UserWarning, match="step 2 is not scored"):
            event(live, "on_evaluate", 2, model)
    with monkeypatch.context() as patch:

        def full(*_: Any) -> None:
            raise OSError("No space left on device")

        patch.setattr(callback.ModelScores, "save", full)
        with pytest.warns(UserWarning, match="is not written: No space left"):
            event(live, "on_evaluate", 3, model)
    # what could not be written comes with the next
    event(live, "on_evaluate", 4, model)
    kept = read_scores(tmp_path / "live")
    assert list(kept.tables) == ["reference", "step 3", "step 4"]
    assert any(one.startswith("step 2 is not scored: The weights") for one in kept.left_out)


def test_messages_and_cut_texts_are_scored_as_the_policy_says(tmp_path):
    data = loaded(
        [{"prompt": [said("system", "Be short."), user(f"Say {k}")], "chosen": [bot(f"It is {k}.")],
          "rejected": [bot(f"No {k}")]} for k in range(6)], tmp_path)  # fmt: skip
    wb.save(others(data), tmp_path / "unseen")
    policy = policy_like("trl", "chat", max_length=50)
    live = AuditCallback(data, tmp_path / "live", policy=policy,
                         unseen=wb.load(tmp_path / "unseen"))  # fmt: skip
    model = model_of()
    event(live, "on_train_begin", 0, model)
    model.save_pretrained(tmp_path / "model")
    TOKENIZER.save_pretrained(tmp_path / "model")
    saved = score_models(live.data, str(tmp_path / "model"), policy=policy,
                         unseen=str(tmp_path / "unseen"))  # fmt: skip
    own = read_scores(tmp_path / "live")
    for name in ("chosen", "rejected", "n_chosen", "n_rejected"):
        np.testing.assert_allclose(own.tables["reference"][name], saved.tables["model"][name],
                                   atol=1e-5)  # fmt: skip
    np.testing.assert_allclose(own.unseen["reference"]["logprob"], saved.unseen["model"]["logprob"],
                               atol=1e-5)  # fmt: skip
    assert any("tokens assumed (like trl): messages" in one for one in own.notes)
    assert any("cut to 50 tokens" in one for one in own.notes)


def test_a_trainer_without_a_tokenizer_is_refused(tmp_path):
    live = AuditCallback(pairs(6), tmp_path / "live")
    with pytest.raises(ConfigError, match="no tokenizer"):
        live.on_train_begin(SimpleNamespace(), state(0), None, model=model_of(),
                            processing_class=None)  # fmt: skip


def test_shards_are_refused_by_name():
    model = torch.nn.Linear(2, 2)
    refuse_shards(model)
    model.weight.ds_id = 1
    with pytest.raises(ConfigError, match="ZeRO-3"):
        refuse_shards(model)


def test_an_adapter_is_scored_unmerged_and_as_it_is(tmp_path):
    peft = pytest.importorskip("peft")
    base = model_of()
    adapted = peft.get_peft_model(base, peft.LoraConfig(task_type="CAUSAL_LM", r=2))
    with torch.no_grad():
        for name, one in adapted.named_parameters():
            if "lora_B" in name:
                one.normal_()
    with as_saved(adapted.train()) as plain:
        assert plain is adapted
        assert not any(one.training for one in plain.modules())
    assert adapted.training
    live = AuditCallback(pairs(6), tmp_path / "live", policy=POLICY)
    event(live, "on_train_begin", 0, adapted)
    adapted.save_pretrained(tmp_path / "adapter")
    model_of().save_pretrained(tmp_path / "base")
    TOKENIZER.save_pretrained(tmp_path / "base")
    saved = score_models(pairs(6), str(tmp_path / "base"), adapter=str(tmp_path / "adapter"),
                         policy=POLICY)  # fmt: skip
    own = read_scores(tmp_path / "live").tables["reference"]
    np.testing.assert_allclose(own["chosen"], saved.tables["model"]["chosen"], atol=1e-5)
