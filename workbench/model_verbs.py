"""The command that audits a trained model, or a reward model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.command import (
    FAILED,
    FORMAT,
    SOURCE,
    Run,
    command,
    failing,
    fit_flags,
    split_names,
)
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.audit.models.whole import ModelScores
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result


def register(app: typer.Typer) -> None:
    """Add the command ``audit-model`` to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios"))(audit_model)


def audit_model(
    run: Run,
    model: Annotated[
        str | None,
        typer.Option(help="Folder or hub id of a causal language model: the trained one."),
    ] = None,
    adapter: Annotated[
        str | None, typer.Option(help="PEFT adapter that goes onto the trained one.")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The model that the training began from.")
    ] = None,
    checkpoints: Annotated[
        str | None, typer.Option(help="Models or adapters between the two, in order, by comma.")
    ] = None,
    unseen: Annotated[
        str | None, typer.Option(help="Data with other responses to the same prompts.")
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="Folder or hub id of a reward model, instead of --model.")
    ] = None,
    mode: Annotated[
        Literal["raw", "chat"], typer.Option(help="Text as it is, or the chat template.")
    ] = "raw",
    beta: Annotated[float, typer.Option(help="Of the training's penalty.")] = 0.1,
    budget: Annotated[int, typer.Option(help="Tokens of a batch.")] = 4096,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Audit a trained model: whether it ranks as preferences say, and what training moved.

    --out is a folder for report.html and the scores of every pair, from which a killed run
    goes on; the pairs that filtering by CHES keeps are saved there as data.
    """
    if (model is None) == (reward is None):
        raise ConfigError(
            "There is no model to audit." if model is None else "One or the other.",
            expected="--model NAME, or --reward NAME",
            fix="Name a language model, or a reward model.",
        )
    data, left = run.load(), list[str]()
    if reward is not None:
        results = _of_reward(run, data, reward, mode, budget)
    else:
        from workbench.audit.models.whole import audit_scores
        from workbench.scoring.tokens import TokenPolicy

        names = _in_order(str(model), adapter, reference, split_names([checkpoints or ""]) or ())
        scores = _scored(run, data, names, reference is not None, TokenPolicy(mode),
                         (beta, budget, unseen))  # fmt: skip
        results, left = audit_scores(scores, seed=run.config.seed), scores.left_out
        if run.out is not None:
            scores.save(run.out)
    text = "\n\n".join(result.summary() for result in results)
    run.show("\n".join([text, *left]), {"results": [result.to_dict() for result in results]})
    if run.out is not None:
        _save(run.out, data, results)
        run.note(f"Written to {run.out}")
    wrong = failing([one for result in results for one in result.findings()],
                    split_names(fail_on or []) or ())  # fmt: skip
    if wrong:
        for one in wrong:
            run.note(f"{one.level}: {one.rule_id}: {one.message}")
        raise typer.Exit(FAILED)


Named = tuple[str, str, str | None]
"""Name of a model in the audit, what to load, and the adapter that goes onto it."""


def _in_order(
    model: str, adapter: str | None, reference: str | None, between: Sequence[str]
) -> list[Named]:
    found: list[Named] = [] if reference is None else [("reference", reference, None)]
    found += [(f"checkpoint {k}", one, None) for k, one in enumerate(between, start=1)]
    if between and reference is None:
        raise ConfigError(
            "Checkpoints are held against the model that training began from.",
            expected="--reference NAME beside --checkpoints",
            fix="Name the reference.",
        )
    return [*found, ("model", model, adapter)]


def _scored(
    run: Run, data: PreferenceData, names: list[Named], reference: bool, policy: Any, how: Any
) -> ModelScores:
    from workbench.audit.models.gains import gains
    from workbench.audit.models.whole import ModelScores
    from workbench.scoring.gains import next_tokens
    from workbench.scoring.logprob import score_pairs, score_responses, token_pairs
    from workbench.scoring.models import load_model, load_tokenizer, require_one_vocabulary

    beta, budget, unseen = how
    others = [] if unseen is None else _unseen(data, unseen)
    words = [load_tokenizer(source) for _, source, _ in names]
    for one in words[1:]:
        require_one_vocabulary(words[0], one)
    tables, extra, before, band = {}, {}, None, 0.0
    for name, source, adapter in names:
        model, tokenizer = load_model(source, adapter)
        with run.progress(f"Scoring under {source}"):
            found = score_pairs(
                model, tokenizer, data, run.config.annotators, policy=policy, budget=budget,
                folder=None if run.out is None else run.out / name.replace(" ", "-"),
            )  # fmt: skip
        tables[name], band = found.table, max(band, found.noise)
        if others:
            extra[name] = score_responses(model, tokenizer, others, policy)
        if reference and name in ("reference", "model"):
            some = token_pairs(model, tokenizer, data, run.config.annotators, policy)
            ahead = next_tokens(model, some)
            before = before or ahead
    moved = gains(before, ahead, lambda k: tokenizer.decode([k])) if before is not None else None
    return ModelScores(tables, reference, beta, band, extra, moved)


def _unseen(data: PreferenceData, source: str) -> list[tuple[str, str, str]]:
    """Return one response to the prompt of each pair that no pair holds."""
    import workbench as wb

    pairs, other = data.pairs, wb.load(source).pairs
    known = {*pairs["response_a"].dropna(), *pairs["response_b"].dropna()}
    by_prompt: dict[str, str] = {}
    for row in other.sort_values("pair_id").to_dict("records"):
        for text in (row["response_a"], row["response_b"]):
            if isinstance(text, str) and text not in known and isinstance(row["prompt"], str):
                by_prompt.setdefault(row["prompt"], text)
    found = [
        (str(row["pair_id"]), str(row["prompt"]), by_prompt[row["prompt"]])
        for row in pairs.to_dict("records")
        if row["prompt"] in by_prompt
    ]
    if not found:
        raise ConfigError(
            "There is no unseen response.",
            where=source,
            found=f"{len(other):,} pairs, none with another response to a prompt of the data",
            expected="responses to the same prompts that the data do not hold",
            fix="Sample some, or leave --unseen out.",
        )
    return found


def _of_reward(run: Run, data: PreferenceData, name: str, mode: str, budget: int) -> list[Result]:
    from workbench.audit.models.reward_models import audit_rewards
    from workbench.scoring.models import load_reward
    from workbench.scoring.rewards import RewardHead
    from workbench.scoring.tokens import TokenPolicy

    model, tokenizer = load_reward(name)
    policy = TokenPolicy("chat" if mode == "chat" else "raw")
    head = RewardHead(model, tokenizer, policy, budget=budget)
    with run.progress(f"Rewards of {name}"):
        return audit_rewards(data, head, list(run.config.annotators) or None, seed=run.config.seed)


def _save(folder: Path, data: PreferenceData, results: list[Result]) -> None:
    import workbench as wb
    from workbench.audit.models.displacement import Displacement
    from workbench.report.build import report

    folder.mkdir(parents=True, exist_ok=True)
    command = "workbench audit-model DATA --model MODEL"
    report(results, data=data, title="Model audit", command=command).save(folder / "report.html")
    for one in results:
        if isinstance(one, Displacement) and one.pairs["ln_ches"].notna().all():
            wb.save(data.filter(pair_ids=one.to_keep), folder / "filtered")
