"""Layouts of two responses a row: SHP, PKU-SafeRLHF, Prometheus, PandaLM, Auto-J, LFQA."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.rated.pair_rows import TIE, A, B, PairRows, Verdicts, translate_rows
from workbench.data.formats.records import names
from workbench.errors import DataError

_SHP = PairRows(
    title="the Stanford Human Preferences",
    responses=("human_ref_A", "human_ref_B"),
    prompt=("history",),
    # a flag, not an index: 1 says that A is the better one
    verdicts=(Verdicts("labels", {"1": A, "0": B}),),
    annotator="reddit",
    kind="human",
    columns={"cluster": "post_id"},
    # net votes are no number of people who compared the two
    strength="score_ratio",
    marks=("A", "B"),
)


def _shp(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate SHP: a crowd's votes say which of two comments on a post is the better."""
    frame = translate_rows(records, first_row, options, _SHP)
    domain = names(records, "domain")
    frame["scenario"] = domain.str.replace(r"_(train|validation|test)$", "", regex=True)
    if not options.get("annotator"):
        of_stack = domain.str.startswith("stack").fillna(False).astype(bool)
        frame["annotator"] = np.where(of_stack, "stackexchange", "reddit")
    return frame


_PKU = PairRows(
    title="PKU-SafeRLHF",
    responses=("response_0", "response_1"),
    prompt=("prompt",),
    # an index, not a flag: 1 says that the second is the better one
    verdicts=(
        Verdicts("better_response_id", {"0": A, "1": B}, "helpful"),
        Verdicts("safer_response_id", {"0": A, "1": B}, "harmless"),
    ),
    annotator="pku",
    kind="human",
    models=("response_0_source", "response_1_source"),
    marks=("0", "1"),
)


def _pku(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate PKU-SafeRLHF: helpful and harmless, or one dimension of both."""
    frame = translate_rows(records, first_row, options, _PKU)
    if "safer_response_id" not in records.column_names:
        frame["criterion"] = "overall"
    return frame


_PROMETHEUS = PairRows(
    title="Prometheus' preference collection",
    responses=("orig_response_A", "orig_response_B"),
    prompt=("orig_instruction",),
    verdicts=(Verdicts("orig_preference", {"a": A, "b": B}),),
    annotator="gpt-4",
    kind="llm",
    columns={"criterion": "orig_criteria", "raw": "orig_feedback"},
    marks=("A", "B"),
    # what the judge was trained on, not what the responses answer
    dropped=("instruction", "input", "output", "messages"),
)

_PANDALM = PairRows(
    title="PandaLM's test set",
    responses=("response1", "response2"),
    prompt=("instruction", "input"),
    verdicts=tuple(
        Verdicts(f"annotator{k}", {"0": TIE, "1": A, "2": B}, annotator=f"annotator{k}")
        for k in range(1, 10)
    ),
    annotator=None,
    kind="human",
    marks=("1", "2"),
)

_AUTO_J = PairRows(
    title="Auto-J's test set",
    responses=("response 1", "response 2"),
    prompt=("prompt",),
    verdicts=(
        Verdicts("label", {"0": A, "1": B, "2": TIE}),
        Verdicts("output", {"0": A, "1": B, "2": TIE}, None, "auto-j-13b", "llm", "ab"),
        # shown the other way round, and answered by place
        Verdicts("output_exchanged", {"0": B, "1": A, "2": TIE}, None, "auto-j-13b", "llm", "ba"),
    ),
    annotator="human",
    kind="human",
    columns={"scenario": "scenario"},
)
_AUTO_J_FILES = {
    "output": "pairwise_example_output.jsonl",
    "output_exchanged": "pairwise_exchange_example_output.jsonl",
}


def _auto_j_folder(folder: Path) -> list[dict[str, Any]] | None:
    """Return the test set's records with the judge's outputs, which lie beside it by position."""
    test = folder / "testdata_pairwise.jsonl"
    if not test.is_file():
        return None
    records = _lines(test)
    for name, file in _AUTO_J_FILES.items():
        if (folder / file).is_file():
            outputs = _lines(folder / file)
            if len(outputs) != len(records):
                raise DataError(
                    "The outputs are not of these pairs: they belong together by position.",
                    where=file,
                    found=f"{len(outputs):,} outputs",
                    expected=f"{len(records):,}, as many as {test.name} has pairs",
                    fix="Take the outputs of the whole test set, in its order.",
                )
            for record, one in zip(records, outputs, strict=True):
                record[name] = one.get("output")
    return records


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


_LFQA = PairRows(
    title="long-form answers (Xu et al. 2023)",
    responses=("answer_a", "answer_b"),
    prompt=("question",),
    # their README: -1 says that answer_a wins
    verdicts=tuple(
        Verdicts(f"{name}_preference", {"-1": A, "0": TIE, "1": B}, name)
        for name in ("overall", "coherence", "factuality")
    ),
    annotator="human",
    kind="human",
    models=("answer_a_type", "answer_b_type"),
    columns={"raw": "justification"},
)


def _format(
    name: str,
    title: str,
    needs: set[str],
    layout: PairRows,
    translate: Callable[[pa.Table, int, Mapping[str, Any]], pd.DataFrame] | None = None,
    of_folder: Callable[[Path], list[dict[str, Any]] | None] | None = None,
) -> Format:
    def recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
        have = set(columns)
        return {*needs, *layout.responses, layout.verdicts[0].column} <= have

    read = translate or partial(translate_rows, layout=layout)
    return Format(name, title, recognise, read, of_folder=of_folder)


SHP = _format("shp", "Stanford Human Preferences (SHP, SHP-2)", {"history"}, _SHP, _shp)
PKU = _format("pku_saferlhf", "PKU-SafeRLHF", {"prompt"}, _PKU, _pku)
PROMETHEUS = _format(
    "prometheus_preference", "Prometheus' preference collection", {"orig_instruction"}, _PROMETHEUS
)
PANDALM = _format("pandalm", "PandaLM's test set", {"instruction", "annotator2"}, _PANDALM)
AUTO_J = _format(
    "auto_j", "Auto-J's test set", {"prompt", "scenario"}, _AUTO_J, of_folder=_auto_j_folder
)
LFQA = _format("lfqa", "Long-form answers (LFQA)", {"question", "answer_a_type"}, _LFQA)
