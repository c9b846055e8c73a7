"""Chosen-first layouts that tell who preferred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages
from workbench.data.formats.printed import nested
from workbench.data.formats.records import names, values
from workbench.data.formats.single import number
from workbench.data.formats.training.columns import columns_of
from workbench.data.formats.training.trl import Source, judged, translate

_Recognise = Callable[[list[str], list[dict[str, Any]]], bool]
_ORCA = ("labelling_model", "generations", "rating", "status", "chosen", "rejected")
_ORCA_OWN = frozenset(
    {"generations", "rating", "order", "raw_labelling_response", "labelling_prompt",
     "original_chosen", "original_rejected"}
)  # fmt: skip


def _hh(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """HH-RLHF: two dialogues of Human and Assistant, or with their prompt apart."""
    if not {"chosen", "rejected"} <= set(columns) <= {"chosen", "rejected", "prompt", "response"}:
        return False
    whole = ("prompt",) if "prompt" in columns else ("chosen", "rejected")
    said = [record.get(name) for record in records for name in whole]
    return bool(said) and all(
        isinstance(text, str) and text.lstrip().startswith("Human:") and "\n\nAssistant:" in text
        for text in said
    )


def _ultrafeedback(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """HuggingFaceH4's binarised UltraFeedback, or Argilla's."""
    if not {"chosen", "rejected"} <= set(columns):
        return {"chosen_avg_rating", "rejected_avg_rating", "chosen_response"} <= set(columns)
    h4 = {"prompt", "prompt_id", "messages", "score_chosen", "score_rejected"}
    argilla = {"chosen-rating", "rejected-rating", "chosen-model", "rejected-model"}
    return h4 <= set(columns) or argilla <= set(columns)


def _tulu(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """Tulu 3's and OLMo 2's mixes: nothing but these columns, whole chats."""
    need = {"id", "source", "prompt", "chosen", "rejected"}
    models = {"chosen_model", "rejected_model"}
    if not need <= set(columns) <= need | models or not _are_chats(records):
        return False
    return models <= set(columns) or any("tulu" in str(one.get("source")) for one in records)


def _skywork(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) == {"chosen", "rejected", "source"} and _are_chats(records)


def _distilabel(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """Tell the columns that distilabel's step FormatTextGenerationDPO adds to a model's ratings."""
    need = {"prompt", "prompt_id", "chosen", "chosen_model", "chosen_rating", "rejected",
            "rejected_model", "rejected_rating"}  # fmt: skip
    return need <= set(columns)


def _orca(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_ORCA) <= set(columns)


def _are_chats(records: list[dict[str, Any]]) -> bool:
    return bool(records) and all(as_messages(one.get("chosen")) for one in records)


def _known(name: str, title: str, recognise: _Recognise, source: Source) -> Format:
    def read(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
        return translate(records, first_row, options, source)

    return Format(name, title, recognise, read)


def _translate_orca(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate the Orca pairs: ``generations`` is the order shown, ``rating`` beside it.

    A status of ``tie`` is the judge's verdict, although both sides are filled; ``order``
    names the sides before the judge saw them.
    """
    columns = columns_of(records.column_names, options.get("mapping"))
    if columns is None:
        return translate(records, first_row, options)
    source = Source("gpt-4", "llm", named_by="labelling_model")
    frame = judged(records, columns, first_row, options, source, _ORCA_OWN)
    chosen_is_a = frame["preference"] == 1.0
    cells = (values(records, name) for name in (columns.chosen, "generations", "rating"))
    seen = [_seen(*row) for row in zip(*cells, strict=True)]
    place = pd.Series([place for place, _ in seen], dtype="float64")
    order = pd.Series(np.where((place == 0) == chosen_is_a, "ab", "ba"), dtype="str")
    frame["order_shown"] = order.where(place.notna())
    tie = names(records, "status").str.strip().str.lower().eq("tie").fillna(False).astype(bool)
    frame["strength"] = pd.Series([gap for _, gap in seen], dtype="float64").mask(tie)
    frame["preference"] = frame["preference"].mask(tie, 0.5)
    frame["reason"] = pd.Series([None] * len(frame), dtype="str").mask(tie, "tie")
    frame["raw"] = names(records, "raw_labelling_response")
    frame.attrs["notes"] = []
    return frame


def _seen(chosen: Any, generations: Any, rating: Any) -> tuple[float, float]:
    """Return the place of the chosen response, and how much better it was rated."""
    shown, rated = (nested(v) for v in (generations, rating))
    if not isinstance(shown, list) or len(shown) != 2 or shown.count(chosen) != 1:
        return float("nan"), float("nan")
    place = shown.index(chosen)
    if not isinstance(rated, list) or len(rated) != 2:
        return float(place), float("nan")
    return float(place), number(rated[place]) - number(rated[1 - place])


HH = _known("hh_rlhf", "HH-RLHF dialogues", _hh, Source("human", "human"))
ULTRAFEEDBACK = _known(
    "ultrafeedback_binarized",
    "UltraFeedback, binarised (HuggingFaceH4, Argilla)",
    _ultrafeedback,
    Source("gpt-4", "llm", scenario="source"),
)
TULU = _known(
    "tulu3_preference",
    "Tulu 3 preference mix",
    _tulu,
    Source("gpt-4o", "llm", scenario="source"),
)
SKYWORK = _known(
    "skywork_reward", "Skywork reward preference mix", _skywork, Source(scenario="source")
)
DISTILABEL = _known(
    "distilabel_pairs",
    "distilabel's best and worst generation",
    _distilabel,
    Source("ratings", "llm", named_by="model_name"),
)
ORCA = Format("orca_pairs", "Orca pairs of distilabel", _orca, _translate_orca)
