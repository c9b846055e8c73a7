"""Open an AnnotatedPairs file in Feedback Forensics as its first view does.

Run it where that package is installed; it needs nothing of the workbench::

    pip install feedback-forensics==0.5.0
    workbench principles export runs/demo/principles --to annotated-pairs > pairs.json
    python bench/opened_elsewhere.py pairs.json

The app's default choices are taken from its own code: the default annotator as the only column,
principles as rows. An annotator of another name than the app expects ends here with the error
that its user would see.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any


def first_view(path: str | Path) -> dict[str, Any]:
    """Return what the app shows first of a file: rows, and the strength of each.

    Parameters
    ----------
    path : str or Path
        Of an AnnotatedPairs file.
    """
    from feedback_forensics.app.constants import DEFAULT_ANNOTATOR_VISIBLE_NAME
    from feedback_forensics.data.dataset_utils import (
        get_annotators_by_type,
        get_default_annotator_rows,
    )
    from feedback_forensics.data.datasets import get_dataset_from_ap_json
    from feedback_forensics.data.handler import DatasetHandler

    dataset = get_dataset_from_ap_json(str(path))
    handler = DatasetHandler(cache={}, avail_datasets={dataset.name: dataset}, reference_models=[])
    handler.load_data_from_names([dataset.name])
    kinds = get_annotators_by_type(handler.first_handler.votes_dict)
    rows = get_default_annotator_rows(kinds)
    handler.set_annotator_rows(rows)
    handler.set_annotator_cols([DEFAULT_ANNOTATOR_VISIBLE_NAME])
    overall, metrics = handler.get_overall_metrics(), handler.get_annotator_metrics()
    [column] = metrics.values()
    strength = column["metrics"]["strength"]
    return {
        "version": version("feedback-forensics"),
        "rows": rows,
        "pairs": int(column["num_pairs"]),
        "overall": next(iter(overall.values())),
        "strength": {
            name: float(one["strength"] if isinstance(one, dict) else one)
            for name, one in strength.items()
        },
    }


if __name__ == "__main__":
    print(json.dumps(first_view(sys.argv[1]), indent=1, default=str))
