#!/usr/bin/env bash
# feedback-forensics 0.5.0: its first view opens an AnnotatedPairs file only where the default
# annotator is called "preferred_text".
#
# The format lets `metadata.default_annotator` name any annotator. The file is loaded, and lists
# its default annotator as "Default: " and its own name; the column that the app's first view asks
# for is a constant, "Default: preferred_text". An annotator of another name, such as "people", is
# skipped with a warning, and the choice of columns ends in an AssertionError about lengths. The
# same pairs and labels under the name "preferred_text" are shown: a writer of this format does
# well to use that name.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/env"
"$work/env/bin/pip" -qq --disable-pip-version-check install feedback-forensics==0.5.0
cd "$work"
"$work/env/bin/python" - <<'PY' 2>/dev/null
import json
from importlib.metadata import version

from feedback_forensics.app.constants import DEFAULT_ANNOTATOR_VISIBLE_NAME
from feedback_forensics.data.dataset_utils import (
    get_annotators_by_type,
    get_default_annotator_rows,
)
from feedback_forensics.data.datasets import get_dataset_from_ap_json
from feedback_forensics.data.handler import DatasetHandler

CHOSEN, RULE = "aaaa1111", "bbbb2222"
ANSWERS = [
    ("Use a kettle.", "Use a pan, then wait."),
    ("Seven.", "It is seven, I think."),
    ("Blue.", "A blue that is nearly green."),
]


def written(name):
    comparisons = [
        {
            "id": f"{k:08d}",
            "prompt": f"Question {k}",
            "response_a": {"text": first},
            "response_b": {"text": second},
            "annotations": {CHOSEN: {"pref": "a" if k else "b"}, RULE: {"pref": "a"}},
            "metadata": {},
        }
        for k, (first, second) in enumerate(ANSWERS)
    ]
    annotators = {
        CHOSEN: {"name": name, "type": "human", "description": "those who chose"},
        RULE: {"name": "short", "type": "principle", "description": "Select the shorter response"},
    }
    metadata = {"version": "2.0", "default_annotator": CHOSEN, "dataset_name": name}
    path = f"{name}.json"
    with open(path, "w") as file:
        record = {"metadata": metadata, "annotators": annotators, "comparisons": comparisons}
        json.dump(record, file)
    return path


def first_view(path):
    dataset = get_dataset_from_ap_json(path)
    handler = DatasetHandler(cache={}, avail_datasets={dataset.name: dataset}, reference_models=[])
    handler.load_data_from_names([dataset.name])
    kinds = get_annotators_by_type(handler.first_handler.votes_dict)
    handler.set_annotator_rows(get_default_annotator_rows(kinds))
    try:
        handler.set_annotator_cols([DEFAULT_ANNOTATOR_VISIBLE_NAME])
        (column,) = handler.get_annotator_metrics().values()
    except AssertionError as error:
        return f"AssertionError: {error}"
    return int(column["num_pairs"])


people, expected = first_view(written("people")), first_view(written("preferred_text"))
print("feedback-forensics", version("feedback-forensics"))
print("the first view asks for:", DEFAULT_ANNOTATOR_VISIBLE_NAME)
print("default annotator 'people':", people)
print("default annotator 'preferred_text':", expected, "pairs")
assert DEFAULT_ANNOTATOR_VISIBLE_NAME == "Default: preferred_text"
assert "must have the same length" in str(people)
assert expected == len(ANSWERS)
print("seen: the same labels are shown under one name only")
PY
