"""How strong labels are, and data for training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.command import Run, command, numbers_by_name, split_names
from workbench.cli.flags import flags_of, rule_flags
from workbench.cli.options import FORMAT, SOURCE, fit_flags
from workbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.data.dataset import PreferenceData
    from workbench.results import Result

_Source = Annotated[
    Literal["votes", "grades", "model", "judge"] | None,
    typer.Option(
        "--strength-from", help="What P(A preferred) stands on; the first that the data have."
    ),
]
RULE = typer.Option(
    "--rule", help="TOML file with the parts of a rule of curation; flags win over it."
)
"""The flag of a rule in a file, for all commands that take one."""


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    who = fit_flags("annotators", "scenarios")
    command(app, SOURCE, FORMAT, *who, *fit_flags("level"))(strength)
    command(app, SOURCE, FORMAT, *who)(curate)


def strength(run: Run, evidence: _Source = None) -> None:
    """Say how strong and how sure each label is, and which labels are suspect."""
    import workbench as wb
    from workbench.data.on_view.spreadsheet import to_csv

    data = run.scored()
    with run.progress("Weighing labels"):
        found = wb.strength(
            data, annotators=run.config.annotators or None, source=evidence,
            **run.fit_options("level"),
        )  # fmt: skip
    run.show_result(found)
    if run.out is not None:
        (run.out / "pairs.csv").write_text(to_csv(found.pairs), encoding="utf-8")
        flags = ["--strength-from", evidence] if evidence else []
        _save_report(run, found, data, ["strength", run.config.source, *flags])


def curate(
    run: Run,
    rule: Annotated[Path | None, RULE] = None,
    evidence: _Source = None,
    min_strength: Annotated[float | None, typer.Option(help="Least |2 P - 1|.")] = None,
    max_strength: Annotated[float | None, typer.Option(help="Largest |2 P - 1|.")] = None,
    min_agreement: Annotated[
        float | None, typer.Option(help="Least share of the votes for the majority.")
    ] = None,
    min_votes: Annotated[float | None, typer.Option(help="Fewest votes.")] = None,
    keep_lowest: Annotated[
        str | None, typer.Option(help="COLUMN=SHARE of the pairs kept, such as ln_ches=0.5.")
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(help="Table with pair_id and COLUMN, or a folder that audit-model kept."),
    ] = None,
    drop_suspects: Annotated[
        float | None, typer.Option(help="Share of the smallest out-of-fold margins left out.")
    ] = None,
    flip: Annotated[
        float | None, typer.Option(help="Share of the smallest margins that is turned.")
    ] = None,
    weight: Annotated[
        Literal["confidence", "variance"] | None, typer.Option(help="Weights of the pairs.")
    ] = None,
    balance: Annotated[
        list[str] | None, typer.Option(help="Factors that are to predict the label no longer.")
    ] = None,
    weigh: Annotated[
        bool, typer.Option("--weigh", help="Balance by weights, and leave no pair out.")
    ] = False,
    max_loss: Annotated[
        float | None, typer.Option(help="Share of the pairs that a balance may cost.")
    ] = None,
    soft: Annotated[bool, typer.Option("--soft", help="Add p: P(chosen preferred).")] = False,
    margin: Annotated[
        Literal["logit", "grade"] | None, typer.Option(help="Add the margin that trainers read.")
    ] = None,
    stages: Annotated[int | None, typer.Option(help="Stages, the easiest first.")] = None,
    test_share: Annotated[
        float | None, typer.Option(help="Share of a test part of repeated labels.")
    ] = None,
    goals: Annotated[
        str | None, typer.Option(help="Scores of both sides: each pair twice, asked for either.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Shares and balances within its groups.")] = None,
    to: Annotated[
        Literal[
            "trl", "trl-conversational", "trl-unpaired", "axolotl", "llama-factory", "openrlhf"
        ],
        typer.Option(help="Layout of the training files."),
    ] = "trl",
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Write Parquet instead of JSON lines.")
    ] = False,
) -> None:
    """Choose, weigh and order pairs for training, say the price, and write them (--out)."""
    import workbench as wb
    from workbench.curate.rules import Rule

    given: dict[str, Any] = {
        "source": evidence, "min_strength": min_strength,
        "max_strength": max_strength, "min_agreement": min_agreement, "min_votes": min_votes,
        "keep_lowest": None if keep_lowest is None else _lowest(keep_lowest),
        "drop_suspects": drop_suspects, "flip": flip, "weight": weight,
        "balance": split_names(balance or []), "balance_by": "weigh" if weigh else None,
        "max_loss": max_loss, "soft": soft or None, "margin": margin, "stages": stages,
        "test_share": test_share, "goals": goals, "by": by,
    }  # fmt: skip
    parts = read_rule(rule) if rule else {}
    parts |= {name: value for name, value in given.items() if value is not None}
    wanted = Rule.of(parts)  # scoring takes long, and a bad rule is told before it
    _refuse_idle(parts)
    column = (parts.get("keep_lowest") or [None])[0]
    beside = None if scores is None else _scores(run, scores, column)
    data = run.scored()
    with run.progress("Curating"):
        made = wb.curate(
            data, wanted, annotators=run.config.annotators or None, scores=beside,
            seed=run.config.seed,
        )  # fmt: skip
    run.show_result(made)
    if run.out is not None:
        for path in made.write(run.out / "data", to, "parquet" if parquet else "jsonl"):
            run.note(f"Training data: {path}")
        flags = rule_flags(made.settings["rule"])
        flags += [] if scores is None else ["--scores", str(scores)]
        _save_report(run, made, data, ["curate", run.config.source, *flags])


def _save_report(run: Run, found: Result, data: PreferenceData, words: list[str]) -> None:
    """Write the page of a result beside its files."""
    from workbench.report.build import report

    if run.out is not None:
        command = shlex.join(["workbench", *words, *flags_of(run.config), "--out", run.out.name])
        report(found, data=data, title=found.heading, command=command).save(run.out / "report.html")


def _refuse_idle(parts: dict[str, Any]) -> None:
    """Refuse what only says how to balance where nothing is balanced."""
    idle = {"balance_by": "--weigh", "max_loss": "--max-loss"}
    found = [flag for name, flag in idle.items() if parts.get(name) is not None]
    if found and not parts.get("balance"):
        raise ConfigError(
            f"{', '.join(found)} cannot go without --balance.",
            found="no factor to balance",
            expected="--balance FACTOR,... beside it",
            fix="Name the factors, or leave it out; weights of the pairs are --weight.",
        )


def _scores(run: Run, source: Path, column: str | None) -> pd.DataFrame:
    """Return the ids of pairs and the column that ``--keep-lowest`` names."""
    import pandas as pd

    from workbench.data.reading.containers import open_source
    from workbench.scoring.training.kept import read_scores

    if column is None:
        raise ConfigError(
            "--scores cannot go without --keep-lowest.",
            found="no column to choose pairs by",
            expected="--keep-lowest COLUMN=SHARE beside it",
            fix="Name the column, such as ln_ches=0.5.",
        )
    if source.is_dir():
        # of what training began from: CHES is to tell what will happen
        table = next(iter(read_scores(source).tables.values()))
    else:
        with run.progress(f"Reading {source}"):
            table = open_source(source).table.to_pandas()
    if not {"pair_id", column} <= set(table):
        raise DataError(
            f"The scores lack pair_id or {column}.",
            where=source.name,
            found="columns " + ", ".join(map(str, table.columns)),
            expected=f"pair_id and {column}",
            fix="Name another column in --keep-lowest, or other scores.",
        )
    numbers = pd.to_numeric(table[column], errors="coerce")
    return pd.DataFrame({"pair_id": table["pair_id"].astype(str), column: numbers})


def _lowest(text: str) -> tuple[str, float]:
    return next(iter(numbers_by_name("--keep-lowest", [text], "COLUMN=SHARE").items()))


def read_rule(path: Path) -> dict[str, Any]:
    """Return the parts of a rule from a TOML file."""
    from workbench.curate.rules import read_rule as read

    return read(path)
