"""Layouts that hold labels of single responses, and so no comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.errors import DataError

_NEEDED = {"prompt", "response", "is_safe"}


def _refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Refuse BeaverTails and PKU-SafeRLHF-QA: each response is called safe or unsafe by itself."""
    raise DataError(
        "The file holds no comparison: every label is of a single response.",
        found="a safety label of each response (is_safe), as in BeaverTails",
        expected="two responses to a prompt and which of them is preferred",
        fix='To compare the labels of responses to one prompt, read it as ratings: format="ratings"'
        ', rule={"columns": ["is_safe"], "group": ["prompt"]}.',
    )


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _NEEDED


FORMAT = Format("single_labels", "Safety labels of single responses", _recognise, _refuse)
