"""Compare people with five LLM judges on the Vicuna questions.

Run ``python analyses/01_real_preferences/run.py --data FOLDER``, FOLDER holding the files of
the peer-rank-and-discussion repository (see README.md).
"""

from __future__ import annotations

import argparse
import itertools
import json
from pathlib import Path
from typing import Any

import pandas as pd

import workbench as wb
from workbench.report.job import MainJob
from workbench.report.main_job import main_job

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data" / "vicuna80"
MODELS = ("bard", "claude", "gpt35", "gpt4", "vicuna-13b")
JUDGES = {
    "gpt4": "gpt-4",
    "gpt35": "gpt-3.5",
    "claude": "claude",
    "bard": "bard",
    "vicuna-13b": "vicuna-13b",
}
FACTORS = (
    "words", "bullets", "numbered_items", "bold", "hedges", "certainty", "readability",
    "prompt_overlap",
)  # fmt: skip
"""Chosen before any fit: length, lists and emphasis, tone, ease, closeness to the prompt."""

VERDICTS = {1: 1.0, 2: 0.0, 3: 0.5}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def review_file(folder: Path, first: str, second: str) -> Path:
    """Return the file of reviews in which ``first`` was shown first."""
    found = sorted(folder.glob(f"answer_{first}-vs-answer_{second}-*"))
    if len(found) != 1:
        raise FileNotFoundError(f"{len(found)} files of {first} against {second}")
    return found[0]


def people(folder: Path, a: str, b: str) -> list[tuple[int, float]]:
    """Return P(A preferred) of each person's vote.

    Where there are files of both orders they mirror each other: one is all there is.
    """
    if (folder / f"answer_{a}-vs-answer_{b}-human-reviewer_threeclass.jsonl").exists():
        votes = lines(review_file(folder, a, b))
        return [(vote["question_id"], VERDICTS[vote["score"]]) for vote in votes]
    votes = lines(review_file(folder, b, a))
    return [(vote["question_id"], 1.0 - VERDICTS[vote["score"]]) for vote in votes]


def read(folder: Path) -> wb.PreferenceData:
    """Read answers, people's and judges' verdicts; A is the model first in the alphabet."""
    root = folder / "data" / "vicuna80"
    questions = {q["question_id"]: q for q in lines(folder / "question.jsonl")}
    answers = {
        model: {
            a["question_id"]: a["text"] for a in lines(root / f"generations/answer_{model}.jsonl")
        }
        for model in MODELS
    }
    pairs, labels = [], []
    for a, b in itertools.combinations(MODELS, 2):
        start = len(pairs)
        place = {qid: start + k for k, qid in enumerate(questions)}
        for qid, question in questions.items():
            pairs.append(
                {
                    "prompt": question["text"],
                    "response_a": answers[a][qid],
                    "response_b": answers[b][qid],
                    "model_a": a,
                    "model_b": b,
                    "scenario": question["category"],
                }
            )
        for question_id, preference in people(root / "ratings-human", a, b):
            labels.append(
                {
                    "pair": place[question_id],
                    "annotator": "people",
                    "kind": "human",
                    "preference": preference,
                }
            )
        for key, judge in JUDGES.items():
            for first, second in ((a, b), (b, a)):
                for review in lines(review_file(root / f"ratings-{key}", first, second)):
                    score = VERDICTS.get(review["score"], float("nan"))
                    labels.append(
                        {
                            "pair": place[review["question_id"]],
                            "annotator": judge,
                            "kind": "llm",
                            "preference": score if first == a else 1.0 - score,
                            "order_shown": "ab" if first == a else "ba",
                        }
                    )
    table = pd.DataFrame(pairs)
    usable = (table["response_a"].str.strip() != "") & (table["response_b"].str.strip() != "")
    kept = pd.DataFrame(labels)
    kept = kept[usable.to_numpy()[kept["pair"].to_numpy()]].reset_index(drop=True)
    kept["pair"] = usable.cumsum().to_numpy()[kept["pair"].to_numpy()] - 1
    return wb.PreferenceData.from_tables(table[usable].reset_index(drop=True), kept)


def analyse(folder: Path) -> MainJob:
    data = wb.score_factors(read(folder))
    return main_job(data, "people", factors=FACTORS)


def record(job: MainJob) -> dict[str, Any]:
    """Return the numbers that the README quotes, rounded for comparison between machines."""
    people = job.people.to_frame().set_index("term")["estimate"]
    gap = job.gap.to_frame().set_index(["group", "term"])
    raw = job.gap.raw.set_index(["group", "term"])
    judges = job.judges.to_frame().set_index(["group", "term"])
    held = pd.concat([job.people.held_out, job.judges.held_out]).set_index(["group", "predictor"])
    return {
        "pairs": len(job.data.pairs),
        "labels": len(job.data.labels),
        "people": people.drop("position").round(4).to_dict(),
        "position": judges["estimate"].xs("position", level="term").round(4).to_dict(),
        "differences_with_q_below_0.05": sorted(
            f"{group}: {term}" for group, term in gap.index[gap["q_value"] < 0.05]
        ),
        "sharpness": job.gap.scale.set_index("group")["ratio"].round(4).to_dict(),
        "words_beyond_sharpness": gap["estimate"].xs("words", level="term").round(4).to_dict(),
        "words_minus_people": raw["estimate"].xs("words", level="term").round(4).to_dict(),
        "agreement": job.gap.agreement.set_index("group")["agreement"].round(4).to_dict(),
        "held_out_accuracy": held["accuracy"].xs("factors", level="predictor").round(4).to_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--out", type=Path, help="also write the report to this HTML file")
    parser.add_argument("--write-expected", action="store_true")
    options = parser.parse_args()
    job = analyse(options.data)
    print(job.people.summary(), job.judges.summary(), job.gap.summary(), sep="\n\n")
    found = record(job)
    if options.out:
        job.report().save(options.out)
    expected = HERE / "expected.json"
    if options.write_expected:
        expected.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    same = found == json.loads(expected.read_text("utf-8"))
    print("equal to expected.json" if same else "DIFFERENT from expected.json")


if __name__ == "__main__":
    main()
