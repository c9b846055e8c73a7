"""The trainers of docs/training.md: the loss by hand, TRL's own where nothing is soft."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.scoring.tiny_models import CHATML, byte_tokenizer, config

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl", reason="TRL is not installed")
datasets = pytest.importorskip("datasets")

DOCS = Path(__file__).resolve().parents[2] / "docs" / "training.md"
CODE = re.findall(r"^```python\n(.*?)^```", DOCS.read_text("utf-8"), re.DOTALL | re.MULTILINE)
ARGUMENTS = {"max_length": None, "per_device_train_batch_size": 4, "use_cpu": True, "bf16": False,
             "per_device_eval_batch_size": 4, "report_to": "none", "disable_tqdm": True,
             "save_strategy": "no", "logging_strategy": "no", "max_steps": 1,
             "learning_rate": 1e-3}  # fmt: skip
BETA = 0.3


@pytest.fixture(autouse=True)
def quiet():
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def trainers() -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(CODE[0], names)  # noqa: S102 - our own text
    return names


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Four short pairs as the writer exports them, opened by datasets."""
    data = wb.load("sample")
    short = data.pairs[["response_a", "response_b"]].map(len).max(axis=1).sort_values().index[:60]
    data = data.filter(pair_ids=data.pairs["pair_id"].loc[short])
    made = wb.curate(data, {"soft": True, "weight": "confidence"})
    place = tmp_path_factory.mktemp("soft")
    path = made.write(place, "trl-conversational")[0]
    opened = datasets.load_dataset("json", data_files=str(path), split="train",
                                   cache_dir=str(place / "cache"))  # fmt: skip
    return opened.select(range(4))


def model_of(kind: str, tokenizer: Any, seed: int, **more: Any) -> Any:
    torch.manual_seed(seed)
    shape = config(tokenizer, max_position_embeddings=2048, **more)
    return getattr(transformers, kind)(shape).eval()


def made(trainers: dict[str, Any], name: str, rows: Any, folder: Path, tokenizer: Any) -> Any:
    """A trainer of the docs, or TRL's own, on a tiny random model."""
    maker = trainers.get(name) or getattr(trl, name)
    if "DPO" in name:
        model, reference = (model_of("LlamaForCausalLM", tokenizer, k) for k in (0, 1))
        return maker(model=model, ref_model=reference, train_dataset=rows, eval_dataset=rows,
                     args=trl.DPOConfig(output_dir=str(folder), beta=BETA, **ARGUMENTS),
                     processing_class=tokenizer)  # fmt: skip
    model = model_of("LlamaForSequenceClassification", tokenizer, 0, num_labels=1)
    return maker(model=model, args=trl.RewardConfig(output_dir=str(folder), **ARGUMENTS),
                 train_dataset=rows, eval_dataset=rows, processing_class=tokenizer)  # fmt: skip


def differences(name: str, trainer: Any, rows: Any, tokenizer: Any) -> np.ndarray:
    """D of each pair by hand: one text at a time, without padding."""

    def ids(messages: list, prompt: bool = False) -> list[int]:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=prompt)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    def value(model: Any, row: dict, side: str) -> float:
        asked, whole = ids(row["prompt"], True), ids([*row["prompt"], *row[side]])
        logits = model(torch.tensor([whole])).logits[0].double()
        if "Reward" in name:
            return float(logits.squeeze())
        told = logits[:-1].log_softmax(-1)
        return sum(float(told[k - 1, whole[k]]) for k in range(len(asked), len(whole)))

    found = []
    with torch.no_grad():
        for row in rows:
            gap = value(trainer.model, row, "chosen") - value(trainer.model, row, "rejected")
            if "DPO" in name:
                other = trainer.ref_model
                gap -= value(other, row, "chosen") - value(other, row, "rejected")
                gap *= BETA
            found.append(gap)
    return np.array(found)


@pytest.mark.parametrize("name", ["SoftRewardTrainer", "SoftDPOTrainer"])
def test_the_loss_is_the_one_by_hand(trainers, name, rows, tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    trainer = made(trainers, name, rows, tmp_path, tokenizer)
    d = differences(name, trainer, rows, tokenizer)
    p, weight = np.array(rows["p"]), np.array(rows["weight"])
    assert len(set(p)) > 1
    assert len(set(weight)) > 1
    by_hand = weight * (p * np.logaddexp(0, -d) + (1 - p) * np.logaddexp(0, d))
    told = trainer.evaluate()
    assert told["eval_loss"] == pytest.approx(by_hand.mean(), abs=1e-4)
    assert told["eval_accuracy"] == pytest.approx((d > 0).mean())
    # TRL's own trainer takes no notice of either column
    plain = made(trainers, name.removeprefix("Soft"), rows, tmp_path, tokenizer)
    assert plain.evaluate()["eval_loss"] == pytest.approx(np.logaddexp(0, -d).mean(), abs=1e-4)
    assert abs(by_hand.mean() - np.logaddexp(0, -d).mean()) > 0.01


@pytest.mark.parametrize("name", ["SoftRewardTrainer", "SoftDPOTrainer"])
def test_without_the_columns_a_training_is_trl_s_own(trainers, name, rows, tmp_path):
    tokenizer = byte_tokenizer(CHATML)
    bare = rows.select_columns(["prompt", "chosen", "rejected"])
    trained = [made(trainers, one, bare, tmp_path, tokenizer)
               for one in (name, name.removeprefix("Soft"))]  # fmt: skip
    losses = []
    for trainer in trained:
        trainer.train()
        losses.append(trainer.evaluate()["eval_loss"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


def test_the_loss_is_least_where_the_model_says_the_share(trainers):
    """Its gradient is 0 where s(D) is p, whatever the weight."""
    for share in (0.5, 0.8, 0.95):
        delta = torch.tensor([float(np.log(share / (1 - share)))], requires_grad=True)

        class Bare(trainers["Shares"]):
            def __init__(self):
                self.model = torch.nn.Linear(1, 1)
                self.accelerator = type("A", (), {"gather_for_metrics": staticmethod(lambda x: x)})
                self._metrics = {"train": {"accuracy": []}}

        Bare().soft_loss(delta, torch.tensor([share]), torch.tensor([3.0])).backward()
        assert abs(float(delta.grad)) < 1e-6


def test_the_second_block_uses_what_the_first_makes(trainers):
    used = set(re.findall(r"\b(Soft\w+)\(", CODE[1]))
    assert used <= set(trainers)
    assert used
