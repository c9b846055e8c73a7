"""The folder of a Vicuna benchmark of 2023: reviews, joined with answers and questions.

Reviews lie in files named by the two models (``answer_bard-vs-answer_gpt4-...-reviewer...``,
``review_bard_vicuna-13b``), answers in one file a model. What a review's ids say of an answer
counts before the name of the file, which in some studies has the models the other way round.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from workbench.data.formats.judged.bench_folder import (
    UNREAD,
    files_in,
    first_of,
    lines_of,
    stem_of,
)
from workbench.data.formats.records import Record

NAMES = ("model_1", "model_2", "judge")
"""Fields that a file's name may fill."""

_JUDGE = r"gpt-4|gpt4|gpt-?3\.?5|claude|bard|human|vicuna-13b|[^-_]+"
_VERSUS = re.compile(rf"(.+)-vs-(.+?)[-_]({_JUDGE})[-_]reviewer")
_REVIEW = re.compile(r"review_([^_]+)_([^_]+)(?:_(human))?$")
_TIE = "tie"


def named_in(name: str) -> Record:
    """Return the models and the judge that a file of reviews is named by.

    Examples
    --------
    >>> named_in("answer_bard-vs-answer_gpt4-claude-reviewer_threeclass.jsonl")
    {'model_1': 'bard', 'model_2': 'gpt4', 'judge': 'claude'}
    >>> named_in("review_gpt35_vicuna-13b_human.txt")["judge"]
    'human'
    """
    stem = stem_of(Path(name)).removesuffix(".txt")
    found = _VERSUS.match(stem) or _REVIEW.match(stem)
    parts = [] if found is None else found.groups(default="")
    models = (re.sub(r"^answer[-_]", "", part) for part in parts)
    named = {field: model for field, model in zip(NAMES, models, strict=False) if model}
    if "judge" in named:
        # two repositories have the same reviews, by gpt4 and by gpt-4
        named["judge"] = re.sub("^gpt4$", "gpt-4", named["judge"])
    return named


class Answers:
    """Every answer under a folder, by its id and by model and question.

    Parameters
    ----------
    files : list of Path
        Files of JSON lines; those that hold no answers are passed over.
    """

    def __init__(self, files: dict[Path, list[Record]]) -> None:
        self.of_id: dict[str, tuple[str, str]] = {}
        self.of_model: dict[tuple[str, str], list[tuple[Path, str]]] = defaultdict(list)
        self.models: dict[str, str] = {}
        for path, records in files.items():
            model = re.sub(r"^answer[-_]", "", stem_of(path))
            for record in records:
                text = _answer(record)
                if text is None:
                    continue
                self.models[model] = model
                self.models.setdefault(_plain(model), model)
                self.of_model[model, str(record.get("question_id"))].append((path, text))
                if record.get("answer_id") is not None:
                    self.of_id.setdefault(str(record["answer_id"]), (model, text))

    def name(self, model: str | None) -> str | None:
        """Return a model's name as its file of answers has it."""
        if model is None:
            return None
        return self.models.get(model) or self.models.get(_plain(model), model)

    def text(self, model: str | None, question: str, near: Path) -> str | None:
        """Return a model's answer from the file that lies nearest."""
        found = self.of_model.get((model or "", question), [])
        shared = {path: len(os.path.commonpath([path, near])) for path, _ in found}
        return max(found, key=lambda one: shared[one[0]])[1] if found else None


def review_records(folder: Path) -> list[Record] | None:
    """Return the reviews under a folder with models, questions and answers, None without any."""
    reviews = [path for path in files_in(folder, "*.jsonl") if _holds_reviews(path)]
    votes = files_in(folder, "review_*_human.txt")
    if not reviews and not votes:
        return None
    others = {p: lines_of(p) for p in files_in(folder, "*.jsonl") if p not in set(reviews)}
    answers = Answers(others)
    questions = {
        path: {str(one.get("question_id")): one for one in records}
        for path, records in others.items()
        if records and _is_question(records[0])
    }
    joined: list[Record] = []
    for path in [*reviews, *votes]:
        asked = _nearest(questions, path)
        found = lines_of(path) if path in reviews else _voted(path, list(asked))
        joined.extend(_joined(record, path, asked, answers) for record in found)
    return joined


def _joined(record: Record, path: Path, asked: dict[str, Record], answers: Answers) -> Record:
    if UNREAD in record:
        return {**record, "file": path.name}
    question = str(record.get("question_id"))
    score = record.get("score")
    models, texts = _sides(record, path, question, answers)
    return {
        **named_in(path.name),
        **{key: record[key] for key in record if key not in ("score", "metadata")},
        "model_1": models[0],
        "model_2": models[1],
        "answer_1": texts[0],
        "answer_2": texts[1],
        "score": None if isinstance(score, list) else score,
        "scores": score if isinstance(score, list) else None,
        "question": asked.get(question, {}).get("text"),
        "category": asked.get(question, {}).get("category"),
        "question_id": question,
        "file": path.name,
    }


def _sides(
    record: Record, path: Path, question: str, answers: Answers
) -> tuple[list[str | None], list[str | None]]:
    """Return the models and the texts of the answers shown first and second."""
    named = named_in(path.name)
    by_name = [answers.name(named.get(field)) for field in NAMES[:2]]
    by_id = [answers.of_id.get(str(record.get(f"answer{k}_id"))) for k in (1, 2)]
    known = [one[0] if one else None for one in by_id]
    if known == [None, None]:
        models = by_name
    else:
        models = [
            one or next((name for name in by_name if _plain(name) != _plain(other)), None)
            for one, other in zip(known, known[::-1], strict=True)
        ]
    texts = [
        one[1] if one else answers.text(model, question, path)
        for one, model in zip(by_id, models, strict=True)
    ]
    return models, texts


def _voted(path: Path, questions: list[str]) -> Iterator[Record]:
    """Yield the votes of a text file: a model's name or TIE a line, in the questions' order."""
    votes = path.read_text(encoding="utf-8").split()
    named = named_in(path.name)
    words = {_plain(word) for word in votes} - {_TIE}
    places = {_plain(named.get(field, "")): k for k, field in enumerate(NAMES[:2], start=1)}
    strange = words - set(places)
    if len(strange) == 1 and len(words) == 2:
        # one model goes by another name: it is the one that is left
        places[strange.pop()] = next(k for name, k in places.items() if name not in words)
    for question, word in zip(questions, votes, strict=False):
        score = 3 if _plain(word) == _TIE else places.get(_plain(word))
        yield {"question_id": question, "score": score, "unordered": True}


def _holds_reviews(path: Path) -> bool:
    first = first_of(path)
    if not {"question_id", "score"} <= set(first):
        return False
    return "answer1_id" in first or bool(_VERSUS.match(stem_of(path)))


def _nearest(questions: dict[Path, dict[str, Record]], path: Path) -> dict[str, Record]:
    near = sorted(questions, key=lambda one: len(os.path.commonpath([one, path])))
    return questions[near[-1]] if near else {}


def _is_question(record: Record) -> bool:
    return {"question_id", "text", "category"} <= set(record) and _answer(record) is None


def _answer(record: Record) -> str | None:
    """Return the text of an answer; what a judge saw of a generation was cut off at its end."""
    if "answer_id" in record:
        found = record.get("text")
    else:
        found = record.get("generation_truncated", record.get("generation"))
    return found if isinstance(found, str) else None


def _plain(name: str | None) -> str:
    return re.sub(r"[^a-z0-9]", "", (name or "").lower())
