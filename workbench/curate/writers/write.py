"""Write curated pairs where a trainer finds them."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.curate.training_data import PARTS
from workbench.curate.writers.cells import write_jsonl, write_parquet
from workbench.curate.writers.layouts import LAYOUTS, Plan
from workbench.curate.writers.limits import check_layout
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DataError

KINDS = ("jsonl", "parquet")
_INFO = "dataset_info.json"
_ROWS = 20_000


def write(
    data: PreferenceData, folder: str | Path, format: str = "trl", kind: str = "jsonl"
) -> list[Path]:
    """Write pairs of one label each for a trainer, ``train`` and, where there is one, ``test``.

    Parameters
    ----------
    data : PreferenceData
        Of a :class:`workbench.Curation`.
    folder : str or Path
    format : str
        One of :data:`workbench.curate.writers.layouts.LAYOUTS`: ``trl`` (explicit prompt;
        messages where the data are chats), ``trl-conversational``, ``trl-unpaired``,
        ``axolotl`` (``chat_template.default``), ``llama-factory`` (with the
        ``dataset_info.json`` that names the columns), ``openrlhf``.
    kind : {"jsonl", "parquet"}
        Both open in Hugging Face ``datasets``.

    Returns
    -------
    list of Path

    Raises
    ------
    ConfigError
        An unknown format or kind.
    DataError
        Pairs without text, or with other than one decided label each; pairs or columns that
        the layout cannot hold, such as missing prompts in ``trl-unpaired``.

    Notes
    -----
    ``margin`` is what TRL's ``RewardTrainer`` and OpenRLHF's reward training subtract;
    ``weight`` and ``p`` are read by no trainer's own collator: ``docs/training.md`` brings them
    to the loss of TRL's trainers. ``workbench.load`` reads every layout back: the same pairs,
    chosen sides, weights and margins.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> made = wb.curate(wb.load("sample"), {"min_agreement": 0.9})
    >>> with tempfile.TemporaryDirectory() as place:
    ...     paths = write(made.data, place)
    ...     len(wb.load(paths[0])) == len(made.data)
    True
    """
    if format not in LAYOUTS or kind not in KINDS:
        wrong, known = (format, LAYOUTS) if format not in LAYOUTS else (kind, KINDS)
        raise ConfigError(
            f"There is no training file of this {'format' if known is LAYOUTS else 'kind'}.",
            found=repr(wrong),
            expected=", ".join(known),
            fix="Choose one of these.",
        )
    _check(data)
    parts = [(name, part, Plan.of(part)) for name, part in _parts(data)]
    for _, part, plan in parts:
        check_layout(part, plan, format)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths, described = [], {}
    for name, part, plan in parts:
        path = folder / f"{name}.{kind}"
        stretches = (LAYOUTS[format](rows, plan) for rows in _stretches(part))
        (write_jsonl if kind == "jsonl" else write_parquet)(stretches, path)
        paths.append(path)
        described[name] = _described(plan.chats, path.name)
    if format == "llama-factory":
        text = json.dumps(described, ensure_ascii=False, indent=1)
        (folder / _INFO).write_text(text, encoding="utf-8")
        paths.append(folder / _INFO)
    return paths


def packed(data: PreferenceData, format: str = "trl", kind: str = "jsonl") -> bytes:
    """Return what :func:`write` writes as one ZIP archive: the same bytes every time.

    Examples
    --------
    >>> import io, workbench as wb
    >>> made = wb.curate(wb.load("sample"), {"min_agreement": 0.9})
    >>> zipfile.ZipFile(io.BytesIO(packed(made.data))).namelist()
    ['train.jsonl']
    """
    whole = io.BytesIO()
    with tempfile.TemporaryDirectory() as place, zipfile.ZipFile(whole, "w") as archive:
        for path in write(data, place, format, kind):
            # the first date that an archive can hold
            archive.writestr(zipfile.ZipInfo(path.name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return whole.getvalue()


def _parts(data: PreferenceData) -> list[tuple[str, PreferenceData]]:
    if "split" not in data.pairs:
        return [("train", data)]
    ids, split = data.pairs["pair_id"], data.pairs["split"]
    return [(name, data.filter(pair_ids=ids[split == name])) for name in PARTS
            if (split == name).any()]  # fmt: skip


def _stretches(data: PreferenceData) -> Iterator[PreferenceData]:
    """Yield the pairs in stretches, so that only one is held twice."""
    for start in range(0, len(data.pairs), _ROWS):
        rows = slice(start, start + _ROWS)
        yield replace(data, pairs=data.pairs[rows], labels=data.labels[rows])


def _described(chats: bool, file: str) -> dict[str, Any]:
    """Return the entry of ``dataset_info.json``."""
    sides = {"chosen": "chosen", "rejected": "rejected"}
    if not chats:
        return {"file_name": file, "ranking": True, "columns": {"prompt": "instruction", **sides}}
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user",
            "assistant_tag": "assistant", "system_tag": "system"}  # fmt: skip
    return {"file_name": file, "ranking": True, "formatting": "sharegpt",
            "columns": {"messages": "conversations", **sides}, "tags": tags}  # fmt: skip


def _check(data: PreferenceData) -> None:
    labels, pairs = data.labels, data.pairs
    decided = labels["preference"].isin([0.0, 1.0]).all()
    one = len(labels) == len(pairs) and labels["pair_id"].equals(pairs["pair_id"])
    if not (decided and one):
        raise DataError(
            "These are not curated pairs.",
            found=f"{len(labels):,} labels of {len(pairs):,} pairs",
            expected="one decided label a pair, in the order of the pairs",
            fix="Write the data of workbench.curate(data, rule).",
        )
    if pairs[["response_a", "response_b"]].isna().any(axis=None):
        raise DataError(
            "Pairs without text cannot be trained on.",
            found=f"{int(pairs['response_a'].isna().sum()):,} pairs without responses",
            expected="two responses as text or messages",
            fix="Load the data with their texts.",
        )
