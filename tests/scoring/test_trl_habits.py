"""What the audit says of TRL is what the installed TRL does."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from tests.scoring.test_trl_tokens import CHATS, kept
from tests.scoring.tiny_models import byte_tokenizer, config, kept_model
from workbench.audit.models.scored import score_models
from workbench.audit.models.trainer_notes import of_trl
from workbench.scoring.presets import policy_like

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl", reason="TRL is not installed")

ROWS = CHATS["one turn"]


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def trainer_of(model: Any, folder: Any, reference: Any = None, **own: Any) -> Any:
    from datasets import Dataset

    arguments = trl.DPOConfig(output_dir=str(folder), use_cpu=True, bf16=False, report_to="none",
                              disable_tqdm=True, **own)  # fmt: skip
    data = Dataset.from_list(ROWS)
    return trl.DPOTrainer(model=model, ref_model=reference, args=arguments, train_dataset=data,
                          eval_dataset=data, processing_class=byte_tokenizer())  # fmt: skip


def test_sigmoid_has_no_label_smoothing(tmp_path):
    losses = []
    for smoothing in (0.0, 0.3):
        torch.manual_seed(0)
        model, reference = (transformers.LlamaForCausalLM(config(byte_tokenizer()))
                            for _ in range(2))  # fmt: skip
        trainer = trainer_of(model, tmp_path, reference, label_smoothing=smoothing)
        losses.append(trainer.evaluate()["eval_loss"])
    assert losses[0] == losses[1]
    told = of_trl(reference=True, adapter=False)
    assert any("'sigmoid' has no label_smoothing" in one for one in told)


def test_a_reference_that_is_not_given_is_read_from_disk(tmp_path):
    kept_model(tmp_path / "sft", byte_tokenizer())
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "sft")
    before = model.lm_head.weight.detach().clone()
    with torch.no_grad():
        model.lm_head.weight.mul_(2)
    trainer = trainer_of(model, tmp_path / "run")
    assert torch.equal(trainer.ref_model.lm_head.weight, before)
    assert any("from disk again" in one for one in of_trl(reference=True, adapter=False))


def test_an_adapter_that_was_loaded_before_is_copied_as_the_reference(tmp_path):
    peft = pytest.importorskip("peft")
    lora = peft.LoraConfig(task_type="CAUSAL_LM", r=2, target_modules=["q_proj"],
                           init_lora_weights=False)  # fmt: skip
    torch.manual_seed(0)
    model = peft.get_peft_model(transformers.LlamaForCausalLM(config(byte_tokenizer())), lora)
    trainer = trainer_of(model, tmp_path)
    weights = dict(trainer.model.named_parameters())
    own = [name for name in weights if ".default." in name]
    assert own
    for name in own:
        assert torch.equal(weights[name], weights[name.replace(".default.", ".ref.")])
        assert weights[name].abs().sum() > 0
    assert any("it is a copy" in one for one in of_trl(reference=True, adapter=True))


def test_the_notes_come_with_the_trainers_choices_alone(tmp_path):
    kept_model(tmp_path / "m", byte_tokenizer())
    data, name = kept(ROWS, tmp_path), str(tmp_path / "m")
    for like, told in (("trl", True), (None, False)):
        found = score_models(data, name, reference=name, policy=policy_like(like, "chat"))
        assert any("label_smoothing" in one for one in found.notes) == told
    assert of_trl(reference=False, adapter=False) == []
