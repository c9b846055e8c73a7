"""Scores and losses against TRL's own trainer, on the same pairs and weights."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.scoring.test_logprob import few, made
from tests.scoring.tiny_models import pairs
from workbench.audit.models.training import follow_training
from workbench.audit.models.whole import audit_scores
from workbench.data.preferred import preferred
from workbench.scoring.logprob import score_pairs
from workbench.scoring.tokens import TokenPolicy
from workbench.scoring.training.kept import ModelScores

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl", reason="TRL is not installed")

TEMPLATE = (
    "{% for m in messages %}<s>{{ m['role'] }}: {{ m['content'] }}</s>{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant: {% endif %}"
)
"""Without a tail behind the end of a turn: TRL scores that tail, and we do not."""
BETA = 0.3


def short() -> wb.PreferenceData:
    data = few(40)
    sizes = data.pairs[["response_a", "response_b"]].map(len).max(axis=1)
    return data.filter(pair_ids=data.pairs.loc[sizes < 600, "pair_id"].head(8))


def trained(model: Any, reference: Any, tokenizer: Any, mode: str, folder: Any) -> dict[str, float]:
    """Return what TRL's trainer measures before a step."""
    from datasets import Dataset

    rows = []
    for row in preferred(short()).to_dict("records"):
        if mode == "raw":
            rows.append({side: row[side] for side in ("prompt", "chosen", "rejected")})
        else:
            rows.append({
                "prompt": [{"role": "user", "content": row["prompt"]}],
                "chosen": [{"role": "assistant", "content": row["chosen"]}],
                "rejected": [{"role": "assistant", "content": row["rejected"]}],
            })  # fmt: skip
    held = Dataset.from_list(rows)
    arguments = trl.DPOConfig(
        output_dir=str(folder), beta=BETA, max_length=None, per_device_eval_batch_size=1,
        use_cpu=True, report_to="none", bf16=False, disable_tqdm=True,
    )  # fmt: skip
    trainer = trl.DPOTrainer(
        model=model, ref_model=reference, args=arguments, train_dataset=held,
        eval_dataset=held, processing_class=tokenizer,
    )  # fmt: skip
    return dict(trainer.evaluate())


@pytest.mark.parametrize("mode", ["raw", "chat"])
@pytest.mark.parametrize("kind", ["tied", "absolute", "softcap"])
def test_scores_rewards_and_loss_are_trl_s(kind, mode, tokenizer, tmp_path, monkeypatch):
    logging.disable(logging.WARNING)
    monkeypatch.setattr(tokenizer, "chat_template", TEMPLATE)
    model, reference = made(kind), made(kind)
    with torch.no_grad():
        reference.get_output_embeddings().weight.mul_(0.5)
    policy = TokenPolicy(mode)
    ours = score_pairs(model, tokenizer, short(), policy=policy).scored
    first = score_pairs(reference, tokenizer, short(), policy=policy).scored
    assert len(ours) == len(short().pairs) == 8
    found = trained(model, reference, tokenizer, mode, tmp_path)
    assert ours["chosen"].mean() == pytest.approx(found["eval_logps/chosen"], abs=1e-3)
    assert ours["rejected"].mean() == pytest.approx(found["eval_logps/rejected"], abs=1e-3)
    told = follow_training({"first": first, "model": ours}, beta=BETA).to_frame()
    told = told[told["checkpoint"] == "model"].set_index("term")["estimate"]
    assert told["loss"] == pytest.approx(found["eval_loss"], abs=1e-3)
    assert told["reward accuracy"] == pytest.approx(found["eval_rewards/accuracies"])
    margin = (ours["chosen"] - ours["rejected"]).to_numpy() - (
        first["chosen"] - first["rejected"]
    ).to_numpy()
    assert BETA * np.mean(margin) == pytest.approx(found["eval_rewards/margins"], abs=1e-3)
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("moved", [False, True])
def test_the_accuracy_that_trl_prints_is_named_where_it_differs(moved, tokenizer, tmp_path):
    from datasets import Dataset

    model, reference = made("tied"), made("tied")
    if moved:
        with torch.no_grad():
            reference.get_output_embeddings().weight.normal_(std=0.1)
    # eight in the first batch of an evaluation, and three that count as much
    data = pairs(11)
    rows = [{side: row[side] for side in ("prompt", "chosen", "rejected")}
            for row in preferred(data).to_dict("records")]  # fmt: skip
    logging.disable(logging.WARNING)
    arguments = trl.DPOConfig(output_dir=str(tmp_path), max_length=None, use_cpu=True, bf16=False,
                              report_to="none", disable_tqdm=True)  # fmt: skip
    trainer = trl.DPOTrainer(model=model, ref_model=reference, args=arguments,
                             train_dataset=Dataset.from_list(rows),
                             eval_dataset=Dataset.from_list(rows),
                             processing_class=tokenizer)  # fmt: skip
    printed = trainer.evaluate()["eval_rewards/accuracies"]
    tables = {name: score_pairs(one, tokenizer, data).table
              for name, one in (("reference", reference), ("model", model))}  # fmt: skip
    found = audit_scores(ModelScores(tables, True, BETA, 1e-6))[0]
    own = found.to_frame().set_index("term").loc["reward accuracy", "estimate"]
    assert abs(own - printed) > 1e-3
    assert f"TRL prints rewards/accuracies {printed:.3f} for these pairs" in found.summary()
    assert ("equal pairs count as wrong" in found.summary()) != moved
    logging.disable(logging.NOTSET)
