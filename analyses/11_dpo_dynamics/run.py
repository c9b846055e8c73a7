"""A tiny language model is trained with TRL's DPO on real pairs and audited at checkpoints.

Run ``python analyses/11_dpo_dynamics/run.py --data FOLDER``, FOLDER holding
``helpful-base.test.jsonl.gz`` (see README.md). It prints JSON. Minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import tempfile
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers
import trl
from datasets import Dataset

import workbench as wb
from workbench.audit.models.displacement import displacement
from workbench.audit.models.ranking import ranking_accuracy
from workbench.audit.models.training import Training, follow_training
from workbench.data.preferred import preferred
from workbench.data.split import split
from workbench.scoring.logprob import score_pairs, score_responses
from workbench.scoring.tokens import TokenPolicy

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data" / "hh_rlhf_test"
FILE = "helpful-base.test.jsonl.gz"
POLICY = TokenPolicy("raw", separator=" ")
BETA, RATE, BATCH = 0.1, 3e-4, 16


@dataclass(frozen=True)
class Size:
    """How much of everything; ``quick`` is for a test."""

    pairs: int = 900
    epochs: int = 6
    dpo_epochs: int = 4
    checkpoints: int = 4
    width: int = 128
    windows: int = 5
    window: int = 96


QUICK = Size(pairs=96, epochs=1, dpo_epochs=8, checkpoints=2, width=64, windows=2, window=16)


def pairs_of(folder: Path, size: Size) -> tuple[wb.PreferenceData, wb.PreferenceData]:
    """Return short pairs, split by prompt: two thirds to train on, one third held out."""
    data = wb.load(folder / FILE)
    text = data.pairs
    short = (text["prompt"].str.len() < 400) & text["response_a"].str.len().between(20, 240)
    short &= text["response_b"].str.len().between(20, 240)
    data = data.filter(pair_ids=text.loc[short, "pair_id"].head(size.pairs))
    # texts alone are trained on: without the turns, whose marks the scores would put back
    turns = [name for name in data.pairs if name.endswith("_messages")]
    data = replace(data, pairs=data.pairs.drop(columns=turns))
    return split(data, 1 / 3, seed=0)


def tokenizer_of(texts: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=["<s>", "</s>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    made.train_from_iterator(texts, trainer)
    marks = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "</s>"}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=made, **marks)


def reference_of(train: pd.DataFrame, tokenizer: Any, size: Size) -> Any:
    """Return a small Llama that has read prompts with both responses: the start of DPO."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=size.width, num_hidden_layers=4, num_attention_heads=4,
        intermediate_size=2 * size.width, num_key_value_heads=4, vocab_size=2000,
        max_position_embeddings=1024, bos_token_id=0, eos_token_id=1, pad_token_id=1,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config)
    texts = [f"{row['prompt']} {row[side]}" for row in train.to_dict("records")
             for side in ("chosen", "rejected")]  # fmt: skip
    ids = [[*tokenizer(text)["input_ids"], 1] for text in texts]
    order = np.random.default_rng(0)
    steps = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for _ in range(size.epochs):
        # of similar length together, batches in random order
        rows = sorted(range(len(ids)), key=lambda k: len(ids[k]))
        batches = [rows[k : k + BATCH] for k in range(0, len(rows), BATCH)]
        for k in order.permutation(len(batches)):
            own = [ids[i] for i in batches[k]]
            width = max(map(len, own))
            tokens = torch.tensor([one + [1] * (width - len(one)) for one in own])
            seen = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in own])
            labels = tokens.masked_fill(seen == 0, -100)
            loss = model(input_ids=tokens, attention_mask=seen, labels=labels).loss
            steps.zero_grad()
            loss.backward()
            steps.step()
    return model.eval()


def dpo(reference: Any, tokenizer: Any, train: pd.DataFrame, epochs: int, saves: int) -> list[Any]:
    """Return the model at so many evenly spaced checkpoints of a DPO run by TRL."""
    rows = [
        {"prompt": row["prompt"], "chosen": f" {row['chosen']}", "rejected": f" {row['rejected']}"}
        for row in train.to_dict("records")
    ]
    kept: list[Any] = []
    total = epochs * -(-len(rows) // BATCH)
    at = {round(total * k / saves) for k in range(1, saves + 1)}

    class Keep(transformers.TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
            if state.global_step in at:
                # the trainer has its own forward on its model: the weights alone are wanted
                own = copy.deepcopy(reference)
                own.load_state_dict(more["model"].state_dict())
                kept.append(own.eval())

    # the trainer prints what it measured; standard output is for the numbers of this analysis
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        arguments = trl.DPOConfig(
            output_dir=folder, beta=BETA, max_length=None, per_device_train_batch_size=BATCH,
            num_train_epochs=epochs, learning_rate=RATE, lr_scheduler_type="constant",
            use_cpu=True, report_to="none", bf16=False, save_strategy="no", disable_tqdm=True,
            logging_strategy="no", seed=0, gradient_checkpointing=False,
        )  # fmt: skip
        trl.DPOTrainer(
            model=copy.deepcopy(reference), ref_model=copy.deepcopy(reference), args=arguments,
            train_dataset=Dataset.from_list(rows), processing_class=tokenizer, callbacks=[Keep()],
        ).train()  # fmt: skip
    return kept


def sampled(reference: Any, tokenizer: Any, pairs: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return a response of the reference itself to every prompt: unseen by the training."""
    torch.manual_seed(0)
    found = []
    for row in pairs.to_dict("records"):
        ids = torch.tensor([tokenizer(row["prompt"])["input_ids"]])
        said = reference.generate(ids, do_sample=True, max_new_tokens=40, pad_token_id=1)
        text = tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True).strip()
        found.append((row["pair_id"], row["prompt"], text or "..."))
    return found


def followed(models: dict[str, Any], tokenizer: Any, data: wb.PreferenceData) -> Training:
    """Audit every checkpoint on some pairs, with unseen responses."""
    unseen = sampled(models["reference"], tokenizer, _wanted(data))
    tables = {name: score_pairs(one, tokenizer, data, policy=POLICY).scored
              for name, one in models.items()}  # fmt: skip
    others = {name: score_responses(one, tokenizer, unseen, POLICY)
              for name, one in models.items()}  # fmt: skip
    return follow_training(tables, others, beta=BETA)


def windows(
    reference: Any, tokenizer: Any, data: wb.PreferenceData, size: Size, by: str
) -> pd.DataFrame:
    """Train on windows of a score apart, lowest first, and return what the chosen ones did."""
    before = score_pairs(reference, tokenizer, data, policy=POLICY).scored
    order = before.sort_values([by, "pair_id"])["pair_id"].tolist()
    rows = []
    for k in range(size.windows):
        start = round(k / (size.windows - 1) * (len(order) - size.window))
        own = data.filter(pair_ids=order[start : start + size.window])
        (model,) = dpo(reference, tokenizer, _wanted(own), 2, 1)
        found = displacement(
            score_pairs(reference, tokenizer, own, policy=POLICY).scored,
            score_pairs(model, tokenizer, own, policy=POLICY).scored,
        ).to_frame()
        row = found.set_index("term").loc["change of the chosen"]
        rows.append({"window": k, **row[["estimate", "conf_low", "conf_high", "n"]].to_dict()})
    return pd.DataFrame(rows)


def analyse(folder: Path, size: Size) -> dict[str, Any]:
    """Return every number of the README."""
    transformers.logging.set_verbosity_error()
    train, held = pairs_of(folder, size)
    wanted = _wanted(train)
    texts = [row[side] for row in wanted.to_dict("records")
             for side in ("prompt", "chosen", "rejected")]  # fmt: skip
    tokenizer = tokenizer_of(texts)
    reference = reference_of(wanted, tokenizer, size)
    kept = dpo(reference, tokenizer, wanted, size.dpo_epochs, size.checkpoints)
    models = {"reference": reference} | {f"{k}": one for k, one in enumerate(kept, start=1)}
    found: dict[str, Any] = {"train pairs": len(wanted), "held-out pairs": len(_wanted(held))}
    for name, data in (("train", train), ("held out", held)):
        told = followed(models, tokenizer, data)
        table = told.to_frame()
        found[name] = {
            checkpoint: {row["term"]: _row(row) for row in part.to_dict("records")}
            for checkpoint, part in table.groupby("checkpoint", sort=False)
        }
        moves = told.moves[told.moves["from"].eq("reference")
                           & told.moves["to"].eq(list(models)[-1])]  # fmt: skip
        found[name]["moves"] = {f"{m['before']} to {m['after']}": int(m["n"])
                                for m in moves.to_dict("records")}  # fmt: skip
        first, last = (score_pairs(models[key], tokenizer, data, policy=POLICY).scored
                       for key in ("reference", list(models)[-1]))  # fmt: skip
        own = displacement(first, last).to_frame().set_index("term")
        found[name]["spearman"] = {k: _row(own.loc[k]) for k in own.index if "correlation" in k}
        both = last.merge(
            first.rename(columns={"chosen": "ref_chosen", "rejected": "ref_rejected"})[
                ["pair_id", "ref_chosen", "ref_rejected"]
            ], on="pair_id",
        )  # fmt: skip
        ideal = ranking_accuracy(both, beta=BETA).ideal
        found[name]["idealised"] = {f"{r['beta']:g}": round(r["estimate"], 3)
                                    for r in ideal.to_dict("records")}  # fmt: skip
    for by in ("ches", "ln_ches"):
        table = windows(reference, tokenizer, train, size, by)
        found[f"windows of {by}"] = [
            {name: round(value, 2) for name, value in row.items()}
            for row in table.to_dict("records")
        ]
    return found


def _wanted(data: wb.PreferenceData) -> pd.DataFrame:
    table = preferred(data)
    return table[table["why"].isna()]


def _row(row: Any) -> list[float | None]:
    values = [float(row[name]) for name in ("estimate", "conf_low", "conf_high")]
    return [round(one, 3) if np.isfinite(one) else None for one in values]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(analyse(chosen.data, QUICK if chosen.quick else Size()), indent=1))
