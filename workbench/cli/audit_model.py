"""The command that audits a trained model, or a reward model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.fail_on import fail
from workbench.cli.options import (
    FORMAT,
    SOURCE,
    Address,
    EngineName,
    Workers,
    fit_flags,
    told_engine,
)
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result
    from workbench.scoring.policy import TokenPolicy


_DATA = (
    "A file, a pattern in quotes, a folder, a saved folder, hub:owner/name, or sample; with "
    "--scores FOLDER the data that are kept in it."
)

PerToken = Annotated[
    bool,
    typer.Option(
        "--per-token",
        help="Keep every token's log-probability, and say where in the responses the margin "
        "arises.",
    ),
]

# how prompt and response become tokens
ModeFlag = Annotated[
    Literal["raw", "chat"] | None,
    typer.Option(help="Text as it is (raw, if not given), or the chat template."),
]
LikeFlag = Annotated[
    Literal["trl", "axolotl", "llama-factory"] | None,
    typer.Option(help="Make tokens as this trainer does by default; the flags below change it."),
]
SeparatorFlag = Annotated[
    str | None,
    typer.Option(help=r"Raw: between prompt and response (\n is a line end); nothing if not set."),
]
EosFlag = Annotated[
    bool | None, typer.Option("--eos/--no-eos", help="Raw: score the end-of-sequence token.")
]
BosFlag = Annotated[
    Literal["once", "tokenizer", "none"] | None,
    typer.Option(help="Raw: what the tokenizer adds; not what the text has already; or nothing."),
]
BackOffFlag = Annotated[
    bool | None,
    typer.Option(
        "--back-off/--no-back-off",
        help="Where a prompt's tokens are no beginning of the whole: score from what they share, "
        "or leave the pair out.",
    ),
]
MaxLengthFlag = Annotated[
    int | None, typer.Option(min=0, help="Cut prompt and response to so many tokens; 0: never.")
]
KeepFlag = Annotated[
    Literal["start", "end"] | None, typer.Option(help="What is kept of what is cut.")
]


def register(app: typer.Typer) -> None:
    """Add the command ``audit-model`` to an application."""
    told = typer.Argument(metavar="DATA", help=_DATA, show_default=False, callback=_kept_beside)
    data = SOURCE.replace(annotation=Annotated[str | None, told])
    command(app, data, FORMAT, *fit_flags("annotators", "scenarios"))(audit_model)


def _kept_beside(context: typer.Context, data: str | None) -> str | None:
    """Return the data that were named, or those that are kept beside the scores."""
    # options are read before arguments
    scores, config = (context.params.get(name) for name in ("scores", "config"))
    if data is not None or scores is None or config is not None:
        return data
    kept = Path(scores) / "data"
    return str(kept) if kept.is_dir() else None


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
    scores: Annotated[
        Path | None,
        typer.Option(
            help="Folder that an audit or a training's AuditCallback keeps, instead of --model."
        ),
    ] = None,
    mode: ModeFlag = None,
    like: LikeFlag = None,
    separator: SeparatorFlag = None,
    eos: EosFlag = None,
    bos: BosFlag = None,
    back_off: BackOffFlag = None,
    max_length: MaxLengthFlag = None,
    keep: KeepFlag = None,
    per_token: PerToken = False,
    pairs: Annotated[
        int | None,
        typer.Option(min=1, help="Only so many pairs, drawn by prompt with the seed."),
    ] = None,
    beta: Annotated[float | None, typer.Option(help="Of the training's penalty (0.1).")] = None,
    budget: Annotated[int | None, typer.Option(help="Tokens of a batch (4096).")] = None,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
) -> None:
    """Audit a trained model: whether it ranks as preferences say, and what training moved.

    A reward model is given the tokens that TRL's trainer makes, and the output says which.
    While training runs, --scores FOLDER shows what AuditCallback has kept so far.
    --out is a folder for report.html and the scores of every pair, from which a killed run
    goes on; the pairs that filtering by CHES keeps are saved there as data. With --engine ray
    each worker loads the model: one a GPU, where the cluster has any.
    """
    _one_of(model, reward, scores)
    apart: dict[str, object] = {
        "--reference": reference, "--checkpoints": checkpoints, "--unseen": unseen,
        "--seen": seen, "--beta": beta, "--like": like, "--eos": eos, "--bos": bos,
        "--back-off": back_off, "--max-length": max_length, "--keep": keep,
        "--per-token": per_token or None, "--engine": engine, "--address": address,
        "--workers": workers,
    }  # fmt: skip
    if reward is not None:
        _refuse(apart, "--reward", "a reward model stands alone: it has no likelihoods, and gets "
                "the tokens that TRL's RewardTrainer makes")  # fmt: skip
    if scores is not None:
        apart |= {"--adapter": adapter, "--mode": mode, "--separator": separator,
                  "--budget": budget, "--pairs": pairs}  # fmt: skip
        _refuse(apart, "--scores", "everything is scored already")
    policy = policy_of(mode, like, max_length, separator=separator, eos=eos, bos=bos,
                       back_off=back_off, keep=keep)  # fmt: skip
    data, left, shown = _some(run, pairs), list[str](), list[str]()
    if reward is not None:
        results = _of_reward(run, data, reward, adapter, policy, budget)
    elif scores is not None:
        from workbench.audit.models.whole import audit_scores
        from workbench.scoring.training.kept import read_scores

        kept = read_scores(scores)
        results = audit_scores(kept, data, seed=run.config.seed)
        left, shown = kept.left_out, kept.reasons
    else:
        from workbench.audit.models.scored import score_models
        from workbench.audit.models.whole import audit_scores
        from workbench.scoring.tree import BUDGET

        found = score_models(
            data, str(model), adapter=adapter, reference=reference,
            checkpoints=split_names([checkpoints or ""]) or (), unseen=unseen,
            annotators=list(run.config.annotators) or None, policy=policy,
            beta=0.1 if beta is None else beta, budget=budget or BUDGET, folder=run.out,
            seen=seen, per_token=per_token, progress=run.progress,
            engine=told_engine(run.file, engine, address, workers),
        )  # fmt: skip
        results = audit_scores(found, data, seed=run.config.seed)
        # the first result tells the notes itself
        left, shown = found.left_out, found.reasons
        if run.out is not None:
            found.save(run.out)
    text = "\n\n".join(result.summary() for result in results)
    run.show("\n".join([text, *shown]), {"results": [result.to_dict() for result in results],
                                          "notes": left})  # fmt: skip
    if run.out is not None:
        _save(run.out, data, results)
        run.note(f"Written to {run.out}")
    fail(run, results, fail_on)


def _some(run: Run, pairs: int | None) -> PreferenceData:
    """Return the data, or as many of their pairs as were asked for."""
    from workbench.annotate.config import AnnotateConfig
    from workbench.annotate.run import drawn

    return drawn(run.load(), AnnotateConfig(pairs=pairs, seed=run.config.seed))


def _one_of(model: str | None, reward: str | None, scores: Path | None) -> None:
    given = [one for one in (model, reward, scores) if one is not None]
    if len(given) != 1:
        raise ConfigError(
            "One or the other." if given else "There is no model to audit.",
            expected="--model NAME, --reward NAME, or --scores FOLDER",
            fix="Name a language model, a reward model, or scores that were kept.",
        )


def _refuse(given: Mapping[str, object], beside: str, why: str) -> None:
    """Refuse flags that would say nothing."""
    found = [flag for flag, value in given.items() if value is not None]
    if found:
        raise ConfigError(
            f"{', '.join(found)} cannot go with {beside}.",
            found=why,
            expected=f"{beside} without {', '.join(given)}",
            fix="Leave them out, or audit a language model (--model NAME).",
        )


def _of_reward(
    run: Run, data: PreferenceData, name: str, adapter: str | None, policy: TokenPolicy,
    budget: int | None,
) -> list[Result]:  # fmt: skip
    from workbench.audit.models.reward_models import audit_rewards
    from workbench.scoring.models import load_reward
    from workbench.scoring.rewards import RewardHead
    from workbench.scoring.tree import BUDGET

    model, tokenizer = load_reward(name, adapter)
    head = RewardHead(model, tokenizer, policy, budget=budget or BUDGET)
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


def policy_of(
    mode: Literal["raw", "chat"] | None, like: str | None, max_length: int | None, **flags: Any
) -> TokenPolicy:
    """Return the policy that the flags ask for; what is not set is the trainer's, or ours."""
    from workbench.scoring.presets import policy_like

    own = {name: value for name, value in flags.items() if value is not None}
    if max_length is not None:
        own["max_length"] = max_length or None
    if "separator" in own:
        own["separator"] = own["separator"].replace("\\n", "\n").replace("\\t", "\t")
    return policy_like(like, mode or "raw", **own)
