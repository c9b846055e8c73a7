"""Groups of people in three data sets: students, judges of chats, planted personas.

``computed(FOLDER)`` gives the numbers, FOLDER holding ``paired_people``, ``normalised`` and
``personas``. About two minutes on one CPU core.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.structure.groups.held_out import held_out_class_loss
from workbench.structure.groups.number import fits
from workbench.structure.groups.panel import panel
from workbench.structure.labels import PersonLabels, person_labels

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"

CITIES = ("London", "Paris", "Milano", "St. Gallen", "Barcelona", "Stockholm")
ORDER = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3), (0, 4), (1, 4), (2, 4), (3, 4), (0, 5),
         (1, 5), (2, 5), (3, 5), (4, 5))  # fmt: skip
"""Pairs of cities in the columns V1 to V15."""

DENSE = ("words", "numbered_items", "numbers", "first_person", "second_person",
         "type_token_ratio", "readability", "prompt_overlap")  # fmt: skip
"""Eight text factors that differ in most pairs."""

OPPOSED = ("agreeableness", "desire-for-acquiring-power", "interest-in-science")
"""Personas whose statements a planted group says yes to; two opposed groups take the first."""

LABELS = 40
"""Labels of a planted person."""


def computed(folder: Path = DATA) -> dict[str, Any]:
    """Return every number of this study."""
    return {"students": students(folder), "chats": chats(folder), "personas": personas(folder)}


def cems(folder: Path, *, own_prompts: bool = False) -> wb.PreferenceData:
    """Return 303 students' choices between six cities; a missing choice is left out.

    ``own_prompts`` makes each choice a prompt of its own, so that folds are of a person's labels
    at random and not of pairs of cities.
    """
    import pyreadr

    [table] = pyreadr.read_r(str(folder / "paired_people" / "prefmod_cemspc.RData")).values()
    rows = []
    for column, (first, second) in enumerate(ORDER):
        said = table.iloc[:, column].to_numpy("float64")
        rows += [
            {"annotator": f"student {p:03d}", "first": first, "second": second,
             "preference": 1.0 - said[p] / 2.0, "kind": "human",
             "english": str(table["ENG"].iloc[p]), "sex": str(table["SEX"].iloc[p])}
            for p in np.flatnonzero(np.isfinite(said))
        ]  # fmt: skip
    labels = pd.DataFrame(rows)
    if own_prompts:
        pairs = labels[["first", "second"]].copy()
        pairs["item"] = [f"choice {k}" for k in range(len(pairs))]
        labels["pair"] = np.arange(len(labels))
    else:
        pairs = pd.DataFrame(ORDER, columns=["first", "second"])
        pairs["item"] = [f"{CITIES[a]} or {CITIES[b]}" for a, b in ORDER]
        place = {pair: k for k, pair in enumerate(ORDER)}
        labels["pair"] = [
            place[a, b] for a, b in zip(labels["first"], labels["second"], strict=True)
        ]
    pairs["cluster"] = pairs["item"]
    names = np.array(CITIES)
    ends = pairs[["first", "second"]].to_numpy()
    pairs = pairs.drop(columns=["first", "second"])
    pairs["model_a"], pairs["model_b"] = names[ends[:, 0]], names[ends[:, 1]]
    data = wb.PreferenceData.from_tables(pairs, labels.drop(columns=["first", "second"]))
    return _to_london(data)


def _to_london(data: wb.PreferenceData) -> wb.PreferenceData:
    """Add each city's strength against London's as a factor."""
    sides = data.pairs[["model_a", "model_b"]].astype("object")
    frame = pd.DataFrame(
        {city: sides["model_a"].eq(city) * 1.0 - sides["model_b"].eq(city) for city in CITIES[1:]}
    )
    specs = {city: {"coding": {"transform": "difference"}} for city in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def students(folder: Path) -> dict[str, Any]:
    """Return fits of 1 to 5 classes to the students' choices, and what predicts."""
    data = cems(folder)
    labels = person_labels(data, factors=list(CITIES[1:]))
    found = fits(panel(labels), labels, 5, 0)
    n, P = float(found.weight.sum()), found.panel.P
    ll = [float(best.likelihood[0]) for best in found.best]
    size = [found.parameters(C) for C in range(1, 6)]
    apart = person_labels(cems(folder, own_prompts=True), factors=list(CITIES[1:]))
    verb = wb.groups(data, items="model", max_groups=5, simulations=19)
    two = found.best[1]
    return {
        "labels": int(n),
        "people": P,
        "log_likelihood": ll,
        "bic_people": [k * float(np.log(P)) - 2 * value for k, value in zip(size, ll, strict=True)],
        "bic_labels": [k * float(np.log(n)) - 2 * value for k, value in zip(size, ll, strict=True)],
        "strengths": dict(zip(labels.terms, map(float, found.best[0].b[0, 0]), strict=True)),
        "two_classes": {
            "shares": np.exp(two.log_pi[0]).tolist(),
            "St. Gallen": two.b[0, :, labels.terms.index("St. Gallen")].tolist(),
        },
        "held_out_pairs": _held_out(labels, 5),
        "held_out_labels": _held_out(apart, 5),
        "verb": {
            "groups": verb.groups,
            "detectable": verb.settings["detectable"],
            "entropy_r2": verb.settings["entropy_r2"],
            "misfit_p": verb.number["misfit_p"].dropna().tolist(),
            "columns": {row["term"]: [row["estimate"], row["p_value"]]
                        for row in verb.columns.to_dict("records")},
            "new_people": _new_people(verb),
        },
    }  # fmt: skip


def _held_out(labels: PersonLabels, largest: int) -> list[float]:
    return [
        float(np.average(held_out_class_loss(labels, C), weights=labels.weight))
        for C in range(1, largest + 1)
    ]


def _new_people(found: wb.Groups) -> dict[str, list[float]]:
    return {str(row["known_pairs"]): [float(row[k]) for k in ("pooled", "groups", "std_error")]
            for row in found.new_people.to_dict("records") if row["n"]}  # fmt: skip


def mt_bench(folder: Path) -> wb.PreferenceData:
    """Return the people's labels of the pairs whose texts are whole, with dense factors."""
    pairs = pd.read_parquet(folder / "normalised" / "pairs.parquet")
    pairs = pairs[pairs["dataset"].eq("mt_bench_human") & pairs["text_status"].eq("full")]
    labels = pd.read_parquet(folder / "normalised" / "labels.parquet")
    labels = labels[labels["dataset"].eq("mt_bench_human") & labels["annotator_kind"].eq("human")]
    labels = labels[labels["pair_id"].isin(pairs["pair_id"])]
    place = pd.Series(np.arange(len(pairs)), index=pairs["pair_id"])
    said = pd.DataFrame(
        {
            "pair": place[labels["pair_id"]].to_numpy(),
            "annotator": labels["annotator"].to_numpy(),
            "kind": "human",
            "preference": labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5}).to_numpy("float64"),
        }
    )
    shown = pairs[["prompt", "response_a", "response_b", "model_a", "model_b"]]
    data = wb.PreferenceData.from_tables(shown.reset_index(drop=True), said)
    chosen = [spec for spec in wb.factors.CORE if spec.name in DENSE]
    return wb.score_factors(data, chosen)


def chats(folder: Path) -> dict[str, Any]:
    """Return whether the judges of MT-bench are one public in factors, and in models."""
    data = mt_bench(folder)
    found = {}
    for name, options in {"factors": {}, "models": {"items": "model"}}.items():
        one = wb.groups(data, max_groups=3, simulations=99, **options)
        found[name] = {
            "verdict": one.settings["verdict"],
            "people": one.settings["n_people"],
            "labels": one.settings["n_labels"],
            "detectable": one.settings["detectable"],
            "held_out": one.number["held_out_log_loss"].tolist(),
            "bic_people": one.number["bic_people"].tolist(),
            "lr": float(one.number["misfit_lr"].iloc[0]),
            "null_mean": float(one.number["misfit_mean"].iloc[0]),
            "p": float(one.number["misfit_p"].iloc[0]),
        }
    return found


def personas(folder: Path) -> dict[str, Any]:
    """Return held-out accuracy by the number of groups where 2 opposed, or 3, are planted."""
    return {"two opposed": planted(folder, 2), "three": planted(folder, 3)}


def planted(folder: Path, groups: int, people: int = 30, seed: int = 0) -> dict[str, Any]:
    """Return what is found of groups whose choices between real statements are planted.

    A pair is two statements of a persona, one of either answer. Two opposed groups choose it by
    the persona's answer, and by its contrary; each of three groups by that of its own persona
    and by the contrary of the others'.
    """
    rng = np.random.default_rng(seed)
    names = OPPOSED[:1] if groups == 2 else OPPOSED
    pairs, value = _statements(folder, names)
    rows = []
    for p in range(people):
        at = rng.choice(len(pairs), min(LABELS * len(names), len(pairs)), replace=False)
        g = p % groups
        taste = np.where(np.arange(len(names)) == g, 3.0, -3.0)
        p_a = 1.0 / (1.0 + np.exp(-value[at] @ taste))
        rows.append(pd.DataFrame({"pair": at, "annotator": f"person {p:02d}", "kind": "human",
                                  "preference": (rng.random(len(at)) < p_a) * 1.0}))  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, pd.concat(rows))
    frame = pd.DataFrame(value, columns=list(names)).iloc[_places(data, pairs)]
    frame = frame.reset_index(drop=True)
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), specs)
    labels = person_labels(data)
    found = wb.groups(data, max_groups=4, simulations=19, seed=seed)
    truth = [int(name.split()[1]) % groups for name in found.membership["annotator"]]
    shown = found.membership.filter(like="group ").to_numpy().argmax(axis=1)
    return {
        "groups": found.groups,
        "accuracy": [_accuracy(labels, C) for C in range(1, 5)],
        "purity": _purity(np.asarray(truth), shown),
    }


def _statements(folder: Path, names: tuple[str, ...]) -> tuple[pd.DataFrame, np.ndarray]:
    rows, value = [], []
    for k, name in enumerate(names):
        lines = (folder / "personas" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        table = pd.DataFrame([json.loads(line) for line in lines])
        yes = table["answer_matching_behavior"].str.strip().eq("Yes")
        for place, (one, other) in enumerate(
            zip(table.loc[yes, "statement"], table.loc[~yes, "statement"], strict=False)
        ):
            first = place % 2 == 0
            rows.append({"prompt": f"Which of these would you say? ({name}, {place})",
                         "response_a": one if first else other,
                         "response_b": other if first else one})  # fmt: skip
            value.append(np.where(np.arange(len(names)) == k, 1.0 if first else -1.0, 0.0))
    return pd.DataFrame(rows), np.asarray(value)


def _places(data: wb.PreferenceData, pairs: pd.DataFrame) -> np.ndarray:
    place = pd.Series(np.arange(len(pairs)), index=pairs["prompt"])
    return place[data.pairs["prompt"].astype(str)].to_numpy()


def _accuracy(labels: PersonLabels, C: int) -> float:
    """Return the share of held-out labels that are predicted; one half is a tie."""
    loss = held_out_class_loss(labels, C)
    return float(np.mean(np.where(np.isclose(loss, np.log(2), atol=1e-3), 0.5, loss < np.log(2))))


def _purity(truth: np.ndarray, shown: np.ndarray) -> float:
    table = pd.crosstab(truth, shown).to_numpy()
    return float(table.max(axis=0).sum() / table.sum())
