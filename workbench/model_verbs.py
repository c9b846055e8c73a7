"""The command that audits a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.command import FORMAT, SOURCE, Run, command, fit_flags
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result
    from workbench.scoring.logprob import PairScores


def register(app: typer.Typer) -> None:
    """Add the command ``audit-model`` to an application."""
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "scenarios"))(audit_model)


def audit_model(
    run: Run,
    model: Annotated[
        str, typer.Option(help="Folder or hub id of a causal language model: the trained one.")
    ],
    reference: Annotated[
        str | None, typer.Option(help="The model that the training began from.")
    ] = None,
    mode: Annotated[
        Literal["raw", "chat"], typer.Option(help="Text as it is, or the chat template.")
    ] = "raw",
    beta: Annotated[float, typer.Option(help="Of the training's penalty.")] = 0.1,
    budget: Annotated[int, typer.Option(help="Tokens of a batch.")] = 4096,
) -> None:
    """Audit a trained model: whether it ranks as preferences say, and what training moved.

    --out is a folder for report.html, the tables and the scores of every pair, from which a
    killed run goes on.
    """
    import numpy as np

    from workbench.audit.models.calibration import calibration
    from workbench.audit.models.displacement import displacement
    from workbench.audit.models.ranking import ranking_accuracy
    from workbench.scoring.tokens import TokenPolicy

    data = run.load()
    policy = TokenPolicy(mode)
    trained = _scores(run, model, "model", data, policy, budget)
    table, scores = trained.scored, {"model": trained}
    results: list[Result] = []
    if reference is not None:
        first = _scores(run, reference, "reference", data, policy, budget)
        scores["reference"] = first
        renamed = first.scored.rename(columns={"chosen": "ref_chosen", "rejected": "ref_rejected"})
        table = table.merge(renamed[["pair_id", "ref_chosen", "ref_rejected"]], on="pair_id")
        margin = (table["chosen"] - table["rejected"]) - (
            table["ref_chosen"] - table["ref_rejected"]
        )
        results += [
            calibration(
                beta * margin.to_numpy("float64"), np.ones(len(table)), table["cluster"].to_numpy(),
                seed=run.config.seed,
            ),
            displacement(first.scored, trained.scored),
        ]  # fmt: skip
    band = max(one.noise for one in scores.values())
    results.insert(0, ranking_accuracy(table, beta=beta, band=band))
    left = [
        f"left out by the {role}: {n:,} pairs, {why}"
        for role, one in scores.items()
        for why, n in one.table["reason"].dropna().value_counts().items()
    ]
    text = "\n\n".join(result.summary() for result in results)
    run.show("\n".join([text, *left]), {"results": [result.to_dict() for result in results]})
    if run.out is not None:
        _save(run.out, data, results, trained)
        run.note(f"Written to {run.out}")


def _scores(
    run: Run, name: str, role: str, data: PreferenceData, policy: Any, budget: int
) -> PairScores:
    from workbench.scoring.logprob import score_pairs

    model, tokenizer = _loaded(name)
    with run.progress(f"Scoring under {name}"):
        return score_pairs(
            model, tokenizer, data, run.config.annotators,
            policy=policy, budget=budget, folder=None if run.out is None else run.out / role,
        )  # fmt: skip


def _loaded(name: str) -> tuple[Any, Any]:
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise ConfigError(
            "Scoring needs torch and transformers.",
            expected="the extra models",
            fix='Install it: pip install "preference-workbench[models]"',
        ) from error
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModelForCausalLM.from_pretrained(name, dtype="auto")
    except (OSError, ValueError) as error:
        raise ConfigError(
            "The model cannot be loaded.",
            where=name,
            found=str(error).splitlines()[0][:200],
            expected="a folder or hub id of a causal language model with its tokenizer",
            fix="Check the path, or download it first.",
        ) from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return model.to(device), tokenizer


def _save(folder: Path, data: PreferenceData, results: list[Result], scores: PairScores) -> None:
    from workbench.report.build import report

    folder.mkdir(parents=True, exist_ok=True)
    scores.table.to_parquet(folder / "scores.parquet")
    command = "workbench audit-model DATA --model MODEL"
    report(results, data=data, title="Model audit", command=command).save(folder / "report.html")
