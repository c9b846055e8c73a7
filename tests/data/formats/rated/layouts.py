"""A few harmless records in the layout of each published set."""

from __future__ import annotations

from typing import Any

ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")


def completion(model: str, *ratings: str | None, overall: float = 1.0) -> dict[str, Any]:
    annotations = {
        name: {"Rating": r, "Rationale": "said \"so\""}
        for name, r in zip(ASPECTS, ratings, strict=True)
    }  # fmt: skip
    return {"model": model, "response": f"reply of {model}", "annotations": annotations,
            "overall_score": overall}  # fmt: skip


def steered(prompt: str, response: str, *ratings: float) -> dict[str, Any]:
    names = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
    return {"prompt": prompt, "response": response, **dict(zip(names, ratings, strict=True))}


def person(name: str, overall: str | None, helpful: str | None) -> dict[str, Any]:
    return {"evaluator": name, "overall_pref": overall, "helpful_pref": helpful,
            "helpful_checked_reasons": ["x"], "time_spent": 9}  # fmt: skip


def message(name: str, parent: str | None, text: str, rank: int | None, role: str = "assistant",
            deleted: bool = False) -> dict[str, Any]:  # fmt: skip
    return {"message_id": name, "parent_id": parent, "text": text, "role": role, "rank": rank,
            "message_tree_id": "t1", "deleted": deleted, "lang": "en", "model_name": None,
            "user_id": "writer", "labels": {"name": ["quality"], "value": [0.5]}}  # fmt: skip


def summary(worker: str, post: str, text: str, policy: str, overall: int, accuracy: int) -> dict:
    return {"info": {"id": post, "post": f"Post {post}.", "title": "t", "subreddit": "gardens"},
            "summary": {"text": text, "policy": policy, "note": None,
                        "axes": {"overall": overall, "accuracy": accuracy}},
            "worker": worker, "batch": "b1", "split": "test"}  # fmt: skip


def compared(choice: int | None, worker: str, confidence: int | None = None) -> dict[str, Any]:
    return {"info": {"id": "s1", "post": "The shed leaks.", "title": "t", "subreddit": "gardens"},
            "summaries": [{"text": "Wet shed.", "policy": "one", "note": None},
                          {"text": "A shed.", "policy": "two", "note": "short"}],
            "choice": choice, "worker": worker, "batch": "b1", "split": "train",
            "extra": {"confidence": confidence}}  # fmt: skip


def chat(question: str, answer: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


RECORDS: dict[str, list[dict[str, Any]]] = {
    "ultrafeedback": [
        {"source": "x", "instruction": "Say hello.", "models": ["m1", "m2"], "completions": [
            completion("m1", "5", "4", "4", "3"), completion("m2", "2", "N/A", "2", "2")]},
        {"source": "x", "instruction": "Say bye.", "models": ["m1", "m2"], "completions": [
            completion("m1", "3", "3", "3", "3"), completion("m2", "3", "3", "3", "3")]},
    ],
    "helpsteer2_preference": [
        {"split": "train", "prompt": "A tree?", "response_1": "Oak.", "response_2": "Elm.",
         "preference_strength": -2, "all_preferences_unprocessed": [
             {"strength": -2, "justification": "it's taller"},
             {"strength": 1, "justification": "\"nice\""}]},
        {"split": "train", "prompt": "A bush?", "response_1": "Box.", "response_2": "Yew.",
         "preference_strength": 0, "all_preferences_unprocessed": [
             {"strength": -100, "justification": "neither"},
             {"strength": 3, "justification": "b"}]},
    ],
    "helpsteer3_preference": [
        {"domain": "stem", "language": "english", "context": [{"role": "user", "content": "Pi?"}],
         "response1": "3.14", "response2": "3", "overall_preference": -2,
         "individual_preference": [{"score": -3, "reasoning": "exact"}, {"score": 0,
                                                                         "reasoning": "same"}]},
        {"domain": "code", "language": "python", "context": [
            *chat("Sort?", "What?"), {"role": "user", "content": "A list."}],
         "response1": "", "response2": "sorted(x)", "overall_preference": 3,
         "individual_preference": [{"score": 3, "reasoning": "r"}]},
    ],
    "multipref": [
        {"comparison_id": f"c{k}", "prompt_id": "p1", "text": "Mend a chair?",
         "completion_a": "Glue it.", "model_a": "m1", "completion_b": "Buy one.", "model_b": "m2",
         "category": "QA", "normal_worker_annotations": [
             person("ann", "A-is-clearly-better", "Tie"),
             person("bob", "B-is-slightly-better", None)],
         "expert_worker_annotations": [person("eve", "Tie", "A-is-slightly-better")]}
        for k in (1, 2)
    ],
    "shp": [
        {"post_id": "x1", "domain": "askgarden_train", "history": "Prune when?",
         "human_ref_A": "In winter.", "human_ref_B": "Never.", "score_A": 9, "score_B": 3,
         "labels": 1, "score_ratio": 3.0},
        {"post_id": "x1", "domain": "askgarden_train", "history": "Prune when?",
         "human_ref_A": "Never.", "human_ref_B": "In May.", "score_A": 3, "score_B": 6,
         "labels": 0, "score_ratio": 2.0},
    ],
    "webgpt": [
        {"question": {"dataset": "eli5", "id": f"q{k}", "full_text": f"Why {k}?"},
         "quotes_0": {"title": ["t"], "extract": ["e"]}, "answer_0": f"So {k}.",
         "tokens_0": {"prefix": [1], "completion": [2]}, "score_0": score,
         "quotes_1": {"title": ["u"], "extract": ["e"]}, "answer_1": f"Not so {k}.",
         "tokens_1": {"prefix": [1], "completion": [3]}, "score_1": -score}
        for k, score in enumerate((0.75, -1.0, 0.0))
    ],
    "unified_feedback": [
        {"conv_A": chat("A hat?", a), "conv_B": chat("A hat?", b), "conv_A_rating": one,
         "conv_B_rating": two, "num_turns": 1, "source": "x", "id": f"u{k}"}
        for k, (a, b, one, two) in enumerate(
            [("Cap.", "Hood.", 4.0, 1.5), ("Fez.", "Bonnet.", 2.0, 2.0)])
    ],
    "pku_saferlhf": [
        {"prompt": "Cross a road?", "response_0": "Look first.", "response_1": "Run.",
         "response_0_source": "m1", "response_1_source": "m2", "is_response_0_safe": True,
         "is_response_1_safe": False, "better_response_id": 1, "safer_response_id": 0},
        {"prompt": "Use a knife?", "response_0": "Slowly.", "response_1": "Fast.",
         "response_0_source": "m1", "response_1_source": "m2", "is_response_0_safe": True,
         "is_response_1_safe": True, "better_response_id": 0, "safer_response_id": 0},
    ],
    "prometheus_preference": [
        {"orig_criteria": criterion, "orig_instruction": "Thank me.", "orig_response_A": "Thanks!",
         "orig_response_B": "Ok, thank you, kind friend.", "orig_preference": verdict,
         "orig_score_A": "4", "orig_score_B": "2", "orig_feedback": "f",
         "instruction": "###Task: judge", "output": "[RESULT] A", "input": ""}
        for criterion, verdict in (("Is it short?", "A"), ("Is it warm?", "B"))
    ],
    "pandalm": [
        {"idx": 0, "motivation_app": "x", "cmp_key": "m1_m2", "instruction": "Name it.",
         "input": "a herb", "response1": "Thyme.", "response2": "Oak.", "annotator1": 1,
         "annotator2": 2, "annotator3": 0},
        {"idx": 1, "motivation_app": "x", "cmp_key": "m1_m2", "instruction": "Sing.", "input": "",
         "response1": "La.", "response2": "Lo.", "annotator1": 2, "annotator2": 2, "annotator3": 1},
    ],
    "auto_j": [
        {"scenario": "planning", "label": label, "prompt": f"Plan {label}.",
         "response 1": "First A.", "response 2": "Then B."} for label in (0, 1, 2)
    ],
    "lfqa": [
        {"question": "Why is it dark?", "answer_a": "Night.", "answer_b": "A lamp broke.",
         "answer_a_type": "m1", "answer_b_type": "human", "overall_preference": -1,
         "coherence_preference": 1, "justification": "short and right"},
        {"question": "Why wet?", "answer_a": "Rain.", "answer_b": "Dew.", "answer_a_type": "m1",
         "answer_b_type": "human", "overall_preference": 0, "coherence_preference": 0,
         "justification": "alike"},
    ],
    "summarize_comparisons": [compared(0, "w1", 8), compared(1, "w2", 3), compared(0, "w1", 5)],
    "summarize_axes": [
        summary("w1", "p1", "Beds.", "one", 6, 2), summary("w1", "p1", "Rows.", "two", 4, 3),
        summary("w2", "p1", "Beds.", "one", 1, 1), summary("w2", "p1", "Rows.", "two", 1, 7),
        summary("w1", "p2", "Ponds.", "one", 3, 3),
    ],
    "oasst": [
        message("m0", None, "A drink?", None, "prompter"),
        message("m1", "m0", "Water.", 0), message("m2", "m0", "Milk.", 1),
        message("m3", "m0", "Mud.", 2, deleted=True), message("m4", "m0", "Unranked.", None),
        message("m5", "m1", "Cold?", 0, "prompter"), message("m6", "m1", "Hot?", 1, "prompter"),
        message("m7", "m5", "Yes.", 1), message("m8", "m5", "No.", 0),
    ],
    "langsmith": [
        {"example_id": "e1", "inputs": {"question": "A lake?"}, "runs": [
            {"id": "r1", "experiment": "m1", "outputs": {"answer": "Como."}},
            {"id": "r2", "experiment": "m2", "outputs": {"answer": "Garda."}}],
         "feedback": {"key": "ranked", "scores": {"r1": 0, "r2": 1}}},
        {"example_id": "e2", "inputs": {"question": "A hill?"}, "runs": [
            {"id": "r3", "experiment": "m1", "outputs": {"answer": "Tor."}},
            {"id": "r4", "experiment": "m2", "outputs": {"answer": "Fell."}}],
         "feedback": {"key": "ranked", "scores": {"r3": 0, "r4": 0}}},
    ],
    "ranked_lists": [
        {"prompt": f"\n\nHuman: A {what}?\n\nAssistant: ", "answers": [
            {"answer": f"{what} {name}", "model": f"m{name}", "rank": rank}
            for name, rank in (("x", 2.0), ("y", 1.0), ("z", 3.0))],
         "turns": 1, "num_responses": 3, "source": ["s"], "good_natured": True}
        for what in ("fish", "bird")
    ],
    "ratings": [
        steered("A stone?", "Flint.", 4, 4, 3, 1, 1), steered("A stone?", "Glass.", 1, 4, 4, 1, 1),
        steered("A metal?", "Tin.", 2, 2, 2, 2, 2), steered("A metal?", "Wood.", 2, 1, 2, 2, 2),
        # the same question again, as another pair
        steered("A stone?", "Chalk.", 0, 0, 0, 0, 0), steered("A stone?", "Slate.", 3, 3, 3, 3, 3),
    ],
    "counts": [
        {"model_a": "x", "model_b": "y", "wins_a": 3, "wins_b": 1, "ties": 1},
        {"model_a": "y", "model_b": "z", "wins_a": 10, "wins_b": 10, "ties": 0},
        {"model_a": "x", "model_b": "z", "wins_a": 0, "wins_b": 0, "ties": 0},
    ],
}  # fmt: skip
"""Records by the name of their format."""
