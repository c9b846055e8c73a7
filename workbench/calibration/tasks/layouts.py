"""Tasks in the layouts of labelling tools. No text of the data enters a configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from workbench.calibration.tasks.tasks import LEFT, QUESTION, RIGHT, TIE
from workbench.data.on_view.spreadsheet import to_csv

_ASKED = "Which response is better?"
_WORDS = {LEFT: "Left is better", RIGHT: "Right is better", TIE: "Tie"}

_CONFIG = f"""<View>
  <Header value="Prompt" size="5"/>
  <Text name="prompt" value="$prompt" valueType="text"/>
  <View style="display: flex; gap: 1em">
    <View style="flex: 1">
      <Header value="Left" size="5"/>
      <Text name="left" value="$left" valueType="text"/>
    </View>
    <View style="flex: 1">
      <Header value="Right" size="5"/>
      <Text name="right" value="$right" valueType="text"/>
    </View>
  </View>
  <Header value="{_ASKED}" size="5"/>
  <Choices name="{QUESTION}" toName="prompt" choice="single-radio" required="true"
           showInLine="true">
    <Choice value="{LEFT}" hotkey="1"/>
    <Choice value="{RIGHT}" hotkey="2"/>
    <Choice value="{TIE}" hotkey="3"/>
  </Choices>
</View>
"""
"""Label Studio: ``Text`` shows a text as it is, where ``HyperText`` would run its HTML; one
question of three answers, as ``Pairwise`` knows no tie."""

_SHOWN = ["prompt", "left", "right"]


def label_studio(tasks: pd.DataFrame) -> dict[str, str]:
    """Return the files of Label Studio: tasks to import, and the labelling configuration."""
    rows = tasks[["task_id", *_SHOWN]].to_dict("records")
    return {"tasks.json": _json([{"data": row} for row in rows]), "config.xml": _CONFIG}


def argilla(tasks: pd.DataFrame) -> dict[str, str]:
    """Return the files of Argilla 2: records, and the settings of a data set that takes them."""
    records = [
        {"id": row["task_id"], "fields": {name: row[name] for name in _SHOWN}, "metadata": {},
         "suggestions": {}, "responses": {}, "vectors": {}}
        for row in tasks.to_dict("records")
    ]  # fmt: skip
    fields = [
        {"name": name, "title": name.capitalize(), "required": name != "prompt",
         "settings": {"type": "text", "use_markdown": False}}
        for name in _SHOWN
    ]  # fmt: skip
    options = [{"value": value, "text": text, "description": None}
               for value, text in _WORDS.items()]  # fmt: skip
    question = {
        "name": QUESTION, "title": _ASKED, "description": None, "required": True,
        "settings": {"type": "label_selection", "options": options, "visible_options": 3},
    }  # fmt: skip
    settings = {
        "guidelines": _ASKED, "allow_extra_metadata": True, "distribution":
        {"strategy": "overlap", "min_submitted": 1}, "fields": fields, "questions": [question],
        "vectors": [], "metadata": [],
    }  # fmt: skip
    return {"records.json": _json(records), "settings.json": _json(settings)}


def spreadsheet(tasks: pd.DataFrame) -> dict[str, str]:
    """Return a CSV file whose cells no spreadsheet runs, with empty columns for the answers."""
    table = tasks[["task_id", *_SHOWN]].assign(**{QUESTION: "", "annotator": ""})
    return {"tasks.csv": to_csv(table)}


LAYOUTS: Mapping[str, Callable[[pd.DataFrame], dict[str, str]]] = {
    "label-studio": label_studio,
    "argilla": argilla,
    "csv": spreadsheet,
}
"""What makes the files of each tool, by its name."""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
