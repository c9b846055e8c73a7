"""What rules of curation do to predictions of labels that they never touched.

Run ``python analyses/07_curate/run.py --data FOLDER``, FOLDER holding ``adparaphrase`` and
``hh_rlhf_test`` (see README.md). It prints JSON. Minutes on two CPU cores.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

import workbench as wb
from workbench.audit.models.calibration_bins import Bins
from workbench.clustered import share
from workbench.curate.votes import votes_of
from workbench.data.split import split

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data"
DOCS = HERE.parents[1] / "docs" / "training.md"
ADS, HH = "adparaphrase/adparaphrase_v2_main.csv", "hh_rlhf_test/helpful-base.test.jsonl.gz"
LEVEL, SEED = 0.95, 0
MARKS = ("<pad>", "</s>", "<unk>")

SIGNS = {
    "characters": r".", "kanji": r"[\u4e00-\u9fff]", "hiragana": r"[\u3040-\u309f]",
    "katakana": r"[\u30a0-\u30ff]", "latin": r"[A-Za-zＡ-Ｚａ-ｚ]", "digits": r"[0-9０-９]",
    "spaces": r"\s", "brackets": r"[\[\]【】「」『』()（）<>＜＞]", "exclamations": r"[!！]",
    "stops": r"[、。,.，．・]",
    "other_signs": r"[^\w\s\[\]【】「」『』()（）<>＜＞!！、。,.，．・]",
}  # fmt: skip
"""Counts of characters, chosen before any fit: an advertisement has about 13 of them."""

AD_RULES: dict[str, dict[str, Any]] = {
    "agreement of 60 %": {"min_agreement": 0.6},
    "agreement of 70 %": {"min_agreement": 0.7},
    "agreement of 80 %": {"min_agreement": 0.8},
    "agreement of 90 %": {"min_agreement": 0.9},
    "soft": {"soft": True},
    "soft, agreement of 80 %": {"soft": True, "min_agreement": 0.8},
    "weight: confidence": {"weight": "confidence"},
    "soft, weight: confidence": {"soft": True, "weight": "confidence"},
    "without 10 % suspects": {"drop_suspects": 0.1},
    "balance of characters": {"balance": ["characters"], "max_loss": 0.9},
}
HH_RULES: dict[str, dict[str, Any]] = {
    "soft, by the factors": {"soft": True, "source": "model"},
    "weight: confidence, by the factors": {"weight": "confidence", "source": "model"},
    "without 10 % suspects": {"drop_suspects": 0.1},
    "without 20 % suspects": {"drop_suspects": 0.2},
    "balance of words, pairs left out": {"balance": ["words"], "max_loss": 0.9},
    "balance of words, pairs weighed": {
        "balance": ["words"], "max_loss": 0.9, "balance_by": "weigh"},
}  # fmt: skip
TRAINED: dict[str, dict[str, Any]] = {
    "every pair's majority": {},
    "agreement of 80 %": {"min_agreement": 0.8},
    "agreement of 80 %, one pass": {"min_agreement": 0.8},
    "soft": {"soft": True},
}
"""All are trained for the same number of steps, or for one pass over what is kept."""


@dataclass(frozen=True)
class Size:
    """How much of everything; ``QUICK`` is for a test."""

    pairs: int | None = None
    steps: int = 150
    batch: int = 64
    width: int = 64
    seeds: int = 3


QUICK = Size(pairs=900, steps=6, batch=16, width=32, seeds=1)


def ads(folder: Path, size: Size) -> wb.PreferenceData:
    """Return the advertisements; pairs that share a text, over any chain, are one cluster."""
    data = wb.load(folder / ADS)
    pairs = data.pairs
    texts = pd.factorize(pd.concat([pairs["response_a"], pairs["response_b"]]))[0]
    one, other = texts[: len(pairs)], texts[len(pairs) :]
    n = int(texts.max()) + 1
    code = connected_components(coo_array((np.ones(len(one)), (one, other)), (n, n)))[1][one]
    data = replace(data, pairs=pairs.assign(cluster=pd.Series(code).map("ad {}".format).array))
    for name, pattern in SIGNS.items():
        data = wb.factors.from_function(data, name, _count(pattern))
    return _some(data, size)


def _count(pattern: str) -> Callable[[str], float]:
    found = re.compile(pattern)
    return lambda text: float(len(found.findall(text)))


def helpful(folder: Path, size: Size) -> wb.PreferenceData:
    """Return the helpful part of hh-rlhf with the core text factors."""
    return wb.score_factors(_some(wb.load(folder / HH), size), wb.factors.CORE)


def _some(data: wb.PreferenceData, size: Size) -> wb.PreferenceData:
    ids = data.pairs["pair_id"]
    return data if size.pairs is None else data.filter(pair_ids=ids.head(size.pairs))


def priced(data: wb.PreferenceData, rules: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what each rule keeps, what it does on untouched labels, and its findings."""
    found: dict[str, Any] = {}
    for name, rule in rules.items():
        made = wb.curate(data, rule, seed=SEED)
        table = made.held_out.set_index(["group", "term"])
        if not found:
            seen = table.loc[("curated", "ECE")]
            found["n"] = {"pairs": int(seen["n"]), "clusters": int(seen["n_clusters"]),
                          "decided": int(table.loc[("curated", "accuracy"), "n"])}  # fmt: skip
            found["every pair's majority"] = _scores(table.loc["every pair's majority"])
        found[name] = {
            "kept": int(made.rows["n"].iloc[0]),
            **_scores(table.loc["curated"]),
            "change": _scores(table.loc["difference"]),
            "findings": [one.rule_id for one in made.findings()],
        }
        if len(made.balance):
            found[name]["balance"] = {f"{row['term']}, {row['group']}": _row(row)
                                      for row in made.balance.to_dict("records")}  # fmt: skip
    return found


def _scores(table: pd.DataFrame) -> dict[str, list[float]]:
    return {term: _row(table.loc[term]) for term in ("accuracy", "ECE", "log-loss")}


def trained(data: wb.PreferenceData, size: Size) -> dict[str, Any]:
    """Train tiny random reward models on three fifths of the clusters, and test on the rest."""
    train, test = split(data, 2 / 5, seed=SEED)
    names: dict[str, Any] = {}
    code = re.findall(r"^```python\n(.*?)^```", DOCS.read_text("utf-8"), re.S | re.M)[0]
    exec(code, names)  # noqa: S102 - our own text
    found: dict[str, Any] = {"train pairs": len(train), "test pairs": len(test)}
    for name, rule in TRAINED.items():
        made = wb.curate(train, rule, seed=SEED)
        steps = -(-len(made.data) // size.batch) if "one pass" in name else size.steps
        own = replace(size, steps=min(steps, size.steps))
        runs = [_trained(train, test, made, names["SoftRewardTrainer"], own, seed)
                for seed in range(size.seeds)]  # fmt: skip
        found[name] = {"kept": len(made.data), "steps": own.steps,
                       "each seed": [_told(test, p) for p in runs]}  # fmt: skip
    return found


def _trained(
    train: wb.PreferenceData, test: wb.PreferenceData, made: wb.Curation, trainer: Any,
    size: Size, seed: int,
) -> np.ndarray:  # fmt: skip
    """Return P(A) of the test pairs by a model that was trained on curated pairs."""
    import datasets
    import torch
    import transformers
    import trl

    transformers.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    tokenizer = _tokenizer(train)
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        hidden_size=size.width, intermediate_size=2 * size.width, num_hidden_layers=2,
        num_attention_heads=4, vocab_size=len(tokenizer), max_position_embeddings=128,
        pad_token_id=0, eos_token_id=1, num_labels=1,
    )  # fmt: skip
    model = transformers.LlamaForSequenceClassification(config)
    with tempfile.TemporaryDirectory() as place:
        path = made.write(place)[0]
        rows = datasets.load_dataset("json", data_files=str(path), split="train",
                                     cache_dir=f"{place}/cache")  # fmt: skip
        arguments = trl.RewardConfig(
            output_dir=place, max_steps=size.steps, per_device_train_batch_size=size.batch,
            learning_rate=1e-3, lr_scheduler_type="cosine", max_length=None, use_cpu=True,
            bf16=False, gradient_checkpointing=False, report_to="none", disable_tqdm=True,
            save_strategy="no", logging_strategy="no", seed=seed,
        )  # fmt: skip
        with redirect_stdout(sys.stderr):
            trainer(model=model, args=arguments, train_dataset=rows,
                    processing_class=tokenizer).train()  # fmt: skip
    a, b = (_rewards(model, tokenizer, test.pairs[f"response_{side}"]) for side in "ab")
    return expit(a - b)


def _tokenizer(train: wb.PreferenceData) -> Any:
    """Return a tokenizer of single characters."""
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    texts = pd.concat([train.pairs["response_a"], train.pairs["response_b"]])
    signs = [*MARKS, *sorted({sign for text in texts for sign in text})]
    model = models.WordLevel({sign: k for k, sign in enumerate(signs)}, unk_token=MARKS[2])
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.add_special_tokens(list(MARKS))
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        **dict(zip(("pad_token", "eos_token", "unk_token"), MARKS, strict=True)),
    )


def _rewards(model: Any, tokenizer: Any, texts: pd.Series) -> np.ndarray:
    import torch

    model.eval()
    found = []
    for start in range(0, len(texts), 256):
        own = [f"{text}</s>" for text in texts.iloc[start : start + 256]]
        batch = tokenizer(own, padding=True, return_tensors="pt", return_token_type_ids=False)
        with torch.no_grad():
            found.append(model(**batch).logits.squeeze(-1).double().numpy())
    return np.concatenate(found)


def _told(test: wb.PreferenceData, p: np.ndarray) -> dict[str, Any]:
    """Return accuracy and calibration on the vote shares of the test pairs."""
    y = votes_of(test).share
    code = pd.factorize(test.pairs["cluster"])[0]
    decided = y != 0.5
    right = ((p > 0.5) == (y > 0.5))[decided].astype(float)
    rows = {row["term"]: row for row in Bins(p, y, code, 10).rows(LEVEL, 200, SEED)}
    return {"accuracy": _row(share(right, code[decided], LEVEL)), "n decided": int(decided.sum()),
            **{term: _row(rows[term]) for term in ("ECE", "log-loss")}}  # fmt: skip


def _row(row: Any) -> list[float]:
    return [round(float(row[name]), 4) for name in ("estimate", "conf_low", "conf_high")]


def analyse(folder: Path, size: Size) -> dict[str, Any]:
    """Return every number of the README."""
    data = ads(folder, size)
    strength = wb.strength(data, seed=SEED).to_frame().set_index("term")
    return {
        "advertisements": priced(data, AD_RULES),
        "correlation of two votes": _row(strength.loc["correlation of two votes on a pair"]),
        "helpful": priced(helpful(folder, size), HH_RULES),
        "tiny reward models": trained(data, size),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    print(json.dumps(analyse(chosen.data, QUICK if chosen.quick else Size()), indent=1))
