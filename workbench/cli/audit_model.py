"""The command that audits a trained model, or a reward model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.command import FORMAT, SOURCE, Run, command, fit_flags, split_names
from workbench.cli.fail_on import FAILED, failing
from workbench.cli.token_flags import (
    BackOffFlag,
    BosFlag,
    EosFlag,
    KeepFlag,
    LikeFlag,
    MaxLengthFlag,
    ModeFlag,
    SeparatorFlag,
    policy_of,
)
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result
    from workbench.scoring.policy import TokenPolicy


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
        str | None, typer.Option(help="PEFT adapter that goes onto it, unmerged.")
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
    seen: Annotated[
        str | None,
        typer.Option(
            help="What the trainer saved of its tokens: trainer.train_dataset.save_to_disk"
            "(FOLDER), or a run folder that holds it."
        ),
    ] = None,
    reward: Annotated[
        str | None, typer.Option(help="Folder or hub id of a reward model, instead of --model.")
    ] = None,
    mode: ModeFlag = "raw",
    like: LikeFlag = None,
    separator: SeparatorFlag = None,
    eos: EosFlag = None,
    bos: BosFlag = None,
    back_off: BackOffFlag = None,
    max_length: MaxLengthFlag = None,
    keep: KeepFlag = None,
    beta: Annotated[float, typer.Option(help="Of the training's penalty.")] = 0.1,
    budget: Annotated[int, typer.Option(help="Tokens of a batch.")] = 4096,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Audit a trained model: whether it ranks as preferences say, and what training moved.

    A reward model is given the tokens that TRL's trainer makes, and the output says which.
    --out is a folder for report.html and the scores of every pair, from which a killed run
    goes on; the pairs that filtering by CHES keeps are saved there as data.
    """
    if (model is None) == (reward is None):
        raise ConfigError(
            "There is no model to audit." if model is None else "One or the other.",
            expected="--model NAME, or --reward NAME",
            fix="Name a language model, or a reward model.",
        )
    policy = policy_of(mode, like, max_length, separator=separator, eos=eos, bos=bos,
                       back_off=back_off, keep=keep)  # fmt: skip
    data, left, shown = run.load(), list[str](), list[str]()
    if reward is not None:
        results = _of_reward(run, data, reward, adapter, policy, budget)
    else:
        from workbench.audit.models.scored import score_models
        from workbench.audit.models.whole import audit_scores

        scores = score_models(
            data, str(model), adapter=adapter, reference=reference,
            checkpoints=split_names([checkpoints or ""]) or (), unseen=unseen,
            annotators=list(run.config.annotators) or None, policy=policy, beta=beta,
            budget=budget, folder=run.out, seen=seen, progress=run.progress,
        )  # fmt: skip
        results, left = audit_scores(scores, data, seed=run.config.seed), scores.left_out
        # the first result tells the notes itself
        shown = scores.reasons
        if run.out is not None:
            scores.save(run.out)
    text = "\n\n".join(result.summary() for result in results)
    run.show("\n".join([text, *shown]), {"results": [result.to_dict() for result in results],
                                          "notes": left})  # fmt: skip
    if run.out is not None:
        _save(run.out, data, results)
        run.note(f"Written to {run.out}")
    wrong = failing([one for result in results for one in result.findings()],
                    split_names(fail_on or []) or ())  # fmt: skip
    if wrong:
        for one in wrong:
            run.note(f"{one.level}: {one.rule_id}: {one.message}")
        raise typer.Exit(FAILED)


def _of_reward(
    run: Run, data: PreferenceData, name: str, adapter: str | None, policy: TokenPolicy,
    budget: int,
) -> list[Result]:  # fmt: skip
    from workbench.audit.models.reward_models import audit_rewards
    from workbench.scoring.models import load_reward
    from workbench.scoring.rewards import RewardHead

    model, tokenizer = load_reward(name, adapter)
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
