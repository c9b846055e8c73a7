"""What the names of a table's columns suggest: sides, labels, people, ids."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from workbench.data.formats.verdict_words import LETTERS

_TEXTS = (
    "response", "text", "output", "answer", "completion", "reply", "generation", "summary",
    "story", "candidate", "option", "translation", "essay", "caption", "conversation", "chat",
    "messages", "message", "assistant", "content", "hypothesis", "poem", "document", "version",
    "result",
)  # fmt: skip
_TEXT_MORE = ("model", "assistant", "ai", "llm", "bot", "system", "final", "generated", "full",
              "candidate")  # fmt: skip
_MODELS = ("model", "generator", "policy", "llm", "agent", "engine", "bot", "player", "system")
_MODEL_MORE = ("name", "id", "response", "output", "model")
_MEDIA = ("media", "image", "img", "picture", "photo", "audio", "video", "clip", "sound")
_MEDIA_MORE = ("path", "url", "uri", "file", "filename", "link", "src")
_VOTES = ("votes", "wins", "win", "n", "count", "counts")
_VOTES_MORE = ("for", "of", "num", "number", "model", "response", "n", "count")
_RANKS = ("rank", "ranking")
_RANKS_MORE = ("response", "model", "of", "output")
_STEMS = {
    "response": (_TEXTS, _TEXT_MORE),
    "model": (_MODELS, _MODEL_MORE),
    "media": (_MEDIA, _MEDIA_MORE),
    "votes": (_VOTES, _VOTES_MORE),
    "rank": (_RANKS, _RANKS_MORE),
}
"""By role, the words of which a column of one side is named: what it is, what may be added."""

_PLACES = {"left": 0, "right": 1, "first": 0, "second": 1, "third": 2, "fourth": 3}
_TELLS = {"preferred", "prefers", "prefer", "preference", "pref", "win", "wins", "won", "winner",
          "better", "best", "chosen", "chose", "p", "prob", "probability"}  # fmt: skip
_BESIDE_TELL = {"is", "was", "model", "response", "answer", "output", "text", "assistant",
                "label", "of", "the", "human"}  # fmt: skip
_TIES = {"tie", "draw"}
_NUMBERED = {"model", "response", "answer", "output", "text", "assistant", "completion"}

_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "instruction", "question", "query", "userprompt", "prompttext",
               "usermessage", "userquery", "prompts", "post", "input", "context"),
    "label": ("preference", "label", "preferred", "preferredtext", "winner", "choice", "verdict",
              "vote", "decision", "judgement", "judgment", "betterresponse", "preferredresponse",
              "preferredmodel", "preferredoutput", "preferredanswer", "better", "best",
              "bestresponse", "bestanswer", "chosenresponse", "selected", "selection", "outcome",
              "pref", "humanpreference", "overallpreference", "userpreference", "goldlabel",
              "winningmodel", "preferencestrength", "preferencescore", "pairwiselabel"),
    "annotator": ("annotator", "judge", "rater", "annotatorid", "workerid", "userid", "worker",
                  "coder", "coderid", "participant", "participantid", "user", "username",
                  "labeler", "labelerid", "labeller", "evaluator", "evaluatorid", "raterid",
                  "judgeid", "judgename", "judgemodel", "annotatorname", "ratername",
                  "prolificid", "prolificpid", "subject", "subjectid", "respondent",
                  "respondentid", "reviewer", "reviewerid", "assessor", "assessorid", "expert",
                  "expertid", "grader", "userhash", "judgehash", "completedby", "sessionuser"),
    "kind": ("annotatorkind", "kind", "annotatortype"),
    "criterion": ("criterion", "dimension", "aspect", "attribute", "criteria", "qualitydimension"),
    "scenario": ("scenario", "category", "subset", "domain", "task"),
    "cluster": ("cluster", "session", "sessionid", "groupid", "promptid", "questionid",
                "instructionid", "queryid", "conversationid"),
    "order_shown": ("ordershown",),
    "strength": ("strength", "margin"),
    "weight": ("weight",),
    "n_votes": ("nvotes", "numvotes"),
    "replicate": ("replicate", "repeat"),
    "reason": ("reason",),
    "raw": ("raw", "rawreply"),
    "row_id": ("rowid", "voteid", "judgementid", "judgmentid", "annotationid", "responseid",
               "assignmentid", "labelid", "uuid"),
    "item": ("pairid", "comparisonid", "itemid", "item", "pair", "comparison"),
    "id": ("id", "index", "idx", "uid", "unnamed0", ""),
    "status": ("assignmentstatus", "annotationstatus", "responsestatus", "status"),
    "votes_tie": ("votestie", "ntie", "counttie", "ties", "nties", "tievotes", "draws",
                  "votesties", "tie"),
    "media": ("image", "images", "imagepath", "imageurl", "media"),
}  # fmt: skip
"""By role, the names that are taken for it without a mapping, best first: letters and digits
alone count, in lower case."""

_SIDED = tuple(f"{role}_{letter}" for role in _STEMS for letter in LETTERS)
ROLES = (
    "prompt", "system", "context", "input", *(r for r in _NAMES if r != "prompt"), "prompt_b",
    "label_b", "label_tie", *_SIDED, "labels", "annotators", "criteria",
)  # fmt: skip
"""What a mapping may name: a column for each role; ``labels``, the meaning of label values;
``annotators``, a label column and a kind for each annotator; ``criteria``, a label column for
each criterion."""

SINGLE = tuple(role for role in ROLES if role not in ("labels", "annotators", "criteria"))
"""Roles of one column each (``prompt`` may have several)."""

_PARTS = {
    "system": ("system", "systemprompt", "systemmessage"),
    "context": ("context", "passage", "background"),
    "input": ("input", "userinput"),
}
"""What belongs to the prompt beside its main column."""

_PERSON = re.compile(
    r"(annotator|rater|judge|human|worker|coder|labell?er|expert|person|evaluator|ann|vote|"
    r"annotation|participant|reviewer|assessor)\d+"
)


def propose(columns: Sequence[str]) -> dict[str, str]:
    """Return a column for each role that the columns' names suggest.

    Examples
    --------
    >>> found = propose(["instruction", "input", "output_1", "output_2", "winner", "WorkerId"])
    >>> found["label"], found["response_b"], found["annotator"], found["input"]
    ('winner', 'output_2', 'WorkerId', 'input')
    """
    mapping: dict[str, str] = {}
    for role in _STEMS:
        for letter, column in zip(LETTERS, _best_sides(columns, role), strict=False):
            if column not in mapping.values():
                mapping[f"{role}_{letter}"] = column
    _keep_whole(mapping)
    keys: dict[str, str] = {}
    for column in columns:
        if column not in mapping.values():
            keys.setdefault(key_of_name(column), column)
    for role, known in _NAMES.items():
        chosen = next((keys[name] for name in known if name in keys), None)
        if chosen is not None and chosen not in mapping.values():
            mapping[role] = chosen
    mapping.update(_two_prompts(keys, mapping))
    mapping.update(_prompt_parts(keys, mapping))
    if "votes_a" not in mapping:
        mapping.pop("votes_tie", None)
    if "label" not in mapping:
        mapping.update(_one_hot(columns, mapping))
    return mapping


def person_columns(columns: Collection[str]) -> list[str]:
    """Return the columns that hold one person's verdicts each, as their names say.

    Examples
    --------
    >>> person_columns(["prompt", "annotator1", "annotator2"])
    ['annotator1', 'annotator2']
    """
    found = [column for column in columns if _PERSON.fullmatch(key_of_name(column))]
    return found if len(found) > 1 else []


def names_verdict(columns: Collection[str]) -> bool:
    """Tell whether a column is called as one of verdicts is.

    Examples
    --------
    >>> names_verdict(["n_a", "n_b", "winner"]), names_verdict(["n_a", "n_b"])
    (True, False)
    """
    return any(key_of_name(column) in _NAMES["label"] for column in columns)


def counts_votes(column: str) -> bool:
    """Tell whether a column says by its name that it counts votes, not tokens or the like.

    Examples
    --------
    >>> counts_votes("n_votes_a"), counts_votes("wins1"), counts_votes("n_a")
    (True, True, False)
    """
    return bool({"votes", "wins"} & set(tokens_of(column)))


def side_told(column: str) -> str | None:
    """Return the side for which a flag or probability speaks, where its name says so.

    Examples
    --------
    >>> side_told("a_preferred"), side_told("winner_model_b"), side_told("preference")
    ('a', 'b', None)
    """
    tokens = tokens_of(column)
    sides = [token for token in tokens if token in (*"ab", "left", "right", "first", "second")]
    if any(token in _NUMBERED for token in tokens):
        sides += [token for token in tokens if token in ("1", "2")]
    rest = [token for token in tokens if token not in sides]
    if len(sides) != 1 or not _TELLS & set(rest) or not set(rest) <= _TELLS | _BESIDE_TELL:
        return None
    return "a" if sides[0] in ("a", "left", "first", "1") else "b"


def tokens_of(column: str) -> list[str]:
    """Return the words of a column's name in lower case, numbers apart.

    Examples
    --------
    >>> tokens_of("Input.responseA"), tokens_of("WorkerId"), tokens_of("output_1")
    (['response', 'a'], ['worker', 'id'], ['output', '1'])
    """
    name = re.sub(r"^(Input|Answer)\.", "", column.strip())
    name = re.sub(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])", r"\1\3 \2\4", name)
    return re.findall(r"[^\W\d_]+|\d+", name.casefold())


def key_of_name(column: str) -> str:
    """Return a column's name as names are compared: letters and digits, in lower case."""
    return "".join(tokens_of(column))


def _best_sides(columns: Sequence[str], role: str) -> list[str]:
    """Return the columns of the sides that fit a role best, the first side first."""
    groups: dict[tuple[tuple[str, ...], str], dict[int, str]] = {}
    for column in columns:
        found = _sided(column)
        if found is not None:
            stem, system, place = found
            groups.setdefault((stem, system), {}).setdefault(place, column)
    best: list[str] = []
    best_rank: tuple[int, int] | None = None
    for (stem, system), sides in groups.items():
        rank = _rank_of(stem, system, role)
        first = 0 if system != "number" or 0 in sides else 1
        whole = sorted(sides) == list(range(first, first + len(sides)))
        if rank is None or len(sides) < 2 or not whole or len(sides) > len(LETTERS):
            continue
        if best_rank is None or rank < best_rank:
            best_rank, best = rank, [sides[place] for place in sorted(sides)]
    return best


def _sided(column: str) -> tuple[tuple[str, ...], str, int] | None:
    """Return what a column is called without its side, how sides are counted, and which it is."""
    tokens = tokens_of(column)
    for system, places in (
        ("letter", {letter: place for place, letter in enumerate(LETTERS)}),
        ("number", {str(number): number for number in range(len(LETTERS) + 1)}),
        ("place", _PLACES),
    ):
        at = [i for i, token in enumerate(tokens) if token in places]
        if len(at) == 1:
            stem = tuple(token for i, token in enumerate(tokens) if i != at[0])
            return stem, system, places[tokens[at[0]]]
    return None


def _rank_of(stem: tuple[str, ...], system: str, role: str) -> tuple[int, int] | None:
    """Return how well a stem fits a role (the smaller the better), None where it does not."""
    nouns, more = _STEMS[role]
    if not stem:
        # bare a and b, left and right are texts; bare numbers are no names of sides
        return (len(nouns), 0) if role == "response" and system != "number" else None
    places = [nouns.index(token) for token in stem if token in nouns]
    if not places or not set(stem) <= {*nouns, *more}:
        return None
    if role == "model" and len(stem) > 1 and set(stem) & {"response", "output"} == set(stem[1:]):
        # model_a_response is a text, response_model_a a name
        return None
    return min(places), len(stem)


def _keep_whole(mapping: dict[str, str]) -> None:
    """Leave out a role of two or more sides that lost one to a better use."""
    for role in _STEMS:
        if not {f"{role}_a", f"{role}_b"} <= mapping.keys():
            for letter in LETTERS:
                mapping.pop(f"{role}_{letter}", None)


def _two_prompts(keys: dict[str, str], mapping: dict[str, str]) -> dict[str, str]:
    """Return the columns of a prompt for each side, where there is none for both."""
    for name in ("prompt", "instruction", "question", "query"):
        columns = [keys.get(f"{name}{side}") for side in "ab"]
        if None not in columns and not {"prompt", *columns} & {*mapping, *mapping.values()}:
            return dict(zip(("prompt", "prompt_b"), map(str, columns), strict=True))
    return {}


def turn_column(columns: Collection[str]) -> str | None:
    """Return the column that numbers the turns of a conversation, if there is one.

    Examples
    --------
    >>> turn_column(["question_id", "Turn"])
    'Turn'
    """
    return next((c for c in columns if key_of_name(c) in ("turn", "turnid", "round")), None)


def _prompt_parts(keys: dict[str, str], mapping: dict[str, str]) -> dict[str, str]:
    """Return the columns that belong to the prompt beside its main one."""
    main = key_of_name(mapping.get("prompt", ""))
    parts = {}
    for role, known in _PARTS.items():
        column = next((keys[name] for name in known if name in keys), None)
        alone = role == "input" and main != "instruction"
        if column is not None and column not in mapping.values() and not alone:
            parts[role] = column
    return parts


def _one_hot(columns: Sequence[str], mapping: dict[str, str]) -> dict[str, str]:
    """Return the columns that say by their names whose victory they tell."""
    found: dict[str, str] = {}
    for column in columns:
        side = None if column in mapping.values() else side_told(column)
        if side is not None:
            found.setdefault(side, column)
    if not found:
        return {}
    result = {"label": found.get("a") or found["b"]}
    if len(found) == 2:
        result["label_b"] = found["b"]
        tie = next((c for c in columns if c not in found.values() and _is_of_ties(c)), None)
        if tie is not None:
            result["label_tie"] = tie
    return result


def _is_of_ties(column: str) -> bool:
    tokens = set(tokens_of(column))
    return bool(tokens & _TIES) and tokens <= _TELLS | _BESIDE_TELL | _TIES
