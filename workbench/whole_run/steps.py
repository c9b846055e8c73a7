"""The stages of a whole run, one after another: kept, done, or told in a dry run."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data import store
from workbench.data.dataset import PreferenceData
from workbench.data.load import load
from workbench.data.parts.parted import MANIFEST, PartedData, is_parted, open_parts
from workbench.engine import engine_from
from workbench.finding import Finding
from workbench.json_values import to_json
from workbench.llm.budget import Budget, Price, read_prices
from workbench.llm.journal import Journal
from workbench.llm.request import OFFLINE
from workbench.llm.sending.stage import Tell
from workbench.report.build import report
from workbench.results import Result
from workbench.whole_file import write_text
from workbench.whole_run import found, in_parts, tables
from workbench.whole_run.asked import Asked, refuse_doubles
from workbench.whole_run.config import WholeConfig
from workbench.whole_run.in_parts import SAMPLE, Parted, clear, joins, linked, wants_parts
from workbench.whole_run.kept import JOURNAL, Kept, digest_of_file, digest_of_source, key_of
from workbench.whole_run.result import COLUMNS, WholeRun

UNKNOWN = "?"
"""What a stage gave that a dry run did not do: no key with it was ever kept."""

_READING = (
    "format", "map", "verdict", "scale", "label", "annotator_columns", "annotator_name", "kind",
    "order", "drop_duplicates", "seed",
)  # fmt: skip

Data = Callable[[], PreferenceData]


class Steps:
    """One call of a whole run.

    Parameters
    ----------
    config : WholeConfig
    kept : Kept
    command : str
        That makes the report again.
    dry : bool
        Nothing is done; what is not kept is told.
    retry_failed : bool
    progress, tell
        As for :func:`workbench.whole_run.run.run`.
    """

    def __init__(
        self, config: WholeConfig, kept: Kept, command: str, dry: bool, retry_failed: bool,
        progress: found.Progress, tell: Tell | None,
    ) -> None:  # fmt: skip
        self.config, self.kept, self.command, self.dry = config, kept, command, dry
        self.retry_failed, self.progress, self.tell = retry_failed, progress, tell
        self.rows: list[dict[str, Any]] = []
        self.results: list[Callable[[], Sequence[Result]]] = []
        self.gave: list[str] = []
        self.engine = engine_from(config.engine)
        # data in parts: as read, and where they stay so to the end
        self.read_parts: Callable[[], PartedData] | None = None
        self.parted: Parted | None = None

    def go(self) -> WholeRun:
        """Do what is left, or tell it."""
        where, config = self.kept.path, self.config
        whole, read = self._read()
        choice = {"criteria": config.criteria, "scenarios": config.scenarios}

        @cache
        def asked_about() -> PreferenceData:
            return tables.chosen(whole(), config)

        asked_digest = key_of(choice, read)
        judges = self._stages("judge", asked_digest)
        if judges:
            refuse_doubles(judges, set(whole().annotators["annotator"]))
        judged = [self._ask(stage, asked_about) for stage in judges]
        rubrics = self._stages("rubric", asked_digest)
        rated = [self._ask(stage, asked_about) for stage in rubrics]
        ready = [stage for stage, gave in zip(judges, judged, strict=True) if gave != UNKNOWN]

        @cache
        def labelled() -> PreferenceData:
            data = asked_about()
            for stage in ready:
                data = tables.with_labels(data, stage.data(), stage.config.annotator)
            return data

        full, full_digest = self._full(whole, read, judges, rubrics, [*judged, *rated])
        self._compare(full, full_digest)
        labelled_digest = key_of({}, asked_digest, *judged)
        for name in ("principles", "audit_judge"):
            for stage in self._stages(name, labelled_digest):
                self._ask(stage, labelled)
                self.results.append(partial(_parts_of, stage))
        self._audits(full, full_digest)
        self._report(full)
        return self._outcome(where)

    def _stage(
        self,
        name: str,
        key: str,
        make: Callable[[], str],
        files: Sequence[str],
        again: bool = False,
    ) -> str:
        """Do a stage unless it is kept, and return the digest of what it gave."""
        if not again and self.kept.done(name, key):
            self._told(name, "kept")
        elif self.dry:
            self._told(name, "to do")
            return UNKNOWN
        else:
            began = time.monotonic()
            gave = make()
            seconds = time.monotonic() - began
            self.kept.put(name, key, gave, files, seconds)
            self._told(name, "done", seconds=seconds)
        self.gave.append(self.kept.gave(name))
        return self.gave[-1]

    def _told(self, stage: str, state: str, seconds: float = math.nan, **used: Any) -> None:
        empty = dict.fromkeys(COLUMNS, math.nan)
        self.rows.append({**empty, "stage": stage, "state": state, "seconds": seconds, **used})

    def _read(self) -> tuple[Data, str]:
        """Return the data as read, when they are wanted, and their digest."""
        config, divide = self.config, wants_parts(self.config)
        settings = {key: getattr(config, key) for key in _READING}
        divided = {"parts": config.parts} if divide else {}
        key = key_of({**settings, **divided, "source": config.source},
                     digest_of_source(config.source))  # fmt: skip
        folder = f"parts-{key[:10]}" if divide else "read"
        path = self.kept.path / folder

        @cache
        def fresh() -> PreferenceData:
            with self.progress(f"Loading {config.source}"):
                return load(config.source, **config.reading())

        def make() -> str:
            if not divide:
                return _saved(fresh(), path)
            clear(self.kept.path, "parts", folder)
            with self.progress(f"Loading {config.source}"):
                return in_parts.read_parts(config, path, self.engine).digest

        kept = self.kept.done("read", key)
        digest = self._stage("read", key, make, [f"{folder}/{MANIFEST}" if divide else folder])
        if digest == UNKNOWN and (config.judge or config.rubric or config.principles
                                  or config.audit_judge):  # fmt: skip
            # what a model is asked has its name by the data
            digest = fresh().digest
        if divide and (kept or not self.dry):
            self.read_parts = opened = cache(partial(open_parts, path))
            return cache(lambda: opened().whole()), digest
        return (cache(lambda: store.open_folder(path)) if kept else fresh), digest

    def _stages(self, name: str, digest: str) -> list[Asked]:
        return [Asked(one, digest, self.kept.path) for one in self.config.asked(name)]

    def _ask(self, stage: Asked, data: Data) -> str:
        """Do a stage that asks a model, or say what it would take."""
        if self.dry and not self.kept.done(stage.name, stage.key):
            table = stage.estimate(data()).stages
            used = table[["prompt_tokens", "completion_tokens"]].sum().to_dict()
            cost = table["cost"].sum(skipna=False)
            self._told(stage.name, "to do", calls=int(table["to_ask"].sum()), **used, cost=cost)
            return UNKNOWN

        def make() -> str:
            stage.do(data(), self.retry_failed, self.tell)
            return digest_of_file(stage.folder.results / "result.json")

        return self._stage(
            stage.name, stage.key, make, [f"{stage.name}/results"],
            again=self.retry_failed and not self.dry,
        )  # fmt: skip

    def _full(
        self, whole: Data, read: str, judges: list[Asked], rubrics: list[Asked], gave: list[str]
    ) -> tuple[Data, str]:
        """Return the data with all factors and labels, when they are wanted, and their digest."""
        config, root = self.config, self.kept.path
        parts = self.read_parts
        if parts is None or not in_parts.scores_in_parts(config, parts()):
            base, digest = self._scored(whole, read)
        else:
            scored, digest = self._scored_parts(parts, read)
            if not joins(config):
                return self._stays_in_parts(scored, digest, parts().folder.name)
            base = cache(lambda: scored().whole())

        def make() -> str:
            # scenarios are chosen after scoring: the scale of a factor is that of all the data
            data = tables.chosen(base(), config)
            for stage in rubrics:
                data = tables.with_rubric(data, stage.data())
            for stage in judges:
                data = tables.with_labels(data, stage.data(), stage.config.annotator)
            if is_parted(root / "data"):
                shutil.rmtree(root / "data")
            return _saved(data, root / "data")

        choice = {"criteria": config.criteria, "scenarios": config.scenarios}
        digest = self._stage("data", key_of(choice, digest, *gave), make, ["data"])
        return cache(lambda: store.open_folder(root / "data")), digest

    def _scored(self, whole: Data, read: str) -> tuple[Data, str]:
        config, root = self.config, self.kept.path

        @cache
        def scored() -> PreferenceData:
            with self.progress("Scoring factors"):
                return tables.scored(whole(), config.families)

        def make() -> str:
            return _saved(scored(), root / "scored")

        key = key_of({"families": config.families}, read)
        there = self.kept.done("factors", key)
        digest = self._stage("factors", key, make, ["scored"])
        return (cache(lambda: store.open_folder(root / "scored")) if there else scored), digest

    def _scored_parts(
        self, parts: Callable[[], PartedData], read: str
    ) -> tuple[Callable[[], PartedData], str]:
        """Score factors part by part, beside parts of their own: those as read stay as they are."""
        config, root = self.config, self.kept.path
        folder = root / parts().folder.name.replace("parts", "scored", 1)

        def make() -> str:
            clear(root, "scored", folder.name)
            with self.progress("Scoring factors"):
                own = linked(parts(), folder)
                return in_parts.scored(own, config.families, self.engine).digest

        # the same data may be divided otherwise
        key = key_of({"families": config.families, "parts": folder.name}, read)
        digest = self._stage("factors", key, make, [f"{folder.name}/{MANIFEST}"])
        return cache(partial(open_parts, folder)), digest

    def _stays_in_parts(
        self, scored: Callable[[], PartedData], digest: str, folder: str
    ) -> tuple[Data, str]:
        place = self.kept.path / "data"

        def make() -> str:
            shutil.rmtree(place, ignore_errors=True)
            return linked(scored(), place).digest

        key = key_of({"parts": folder}, digest)
        digest = self._stage("data", key, make, [f"data/{MANIFEST}"])
        self.parted = parted = Parted(partial(open_parts, place))
        return cache(lambda: parted.data.whole()), digest

    def _compare(self, full: Data, digest: str) -> None:
        config = self.config
        settings = {name: getattr(config, name) for name in found.FIT}
        if config.rule is not None:
            settings["rule"] = digest_of_file(Path(config.rule))
        if self.parted is not None:
            settings["sample"] = SAMPLE

        @cache
        def compared() -> tuple[list[Result], str]:
            with self.progress("Decomposing and comparing"):
                return found.compared(self.parted or full(), config, self.engine)

        def make() -> str:
            return self._kept_results("compare", *compared())

        self._stage("compare", key_of(settings, digest), make, ["results/compare.json"])
        self.results.append(lambda: compared()[0])

    def _kept_results(self, name: str, results: Sequence[Result], text: str) -> str:
        """Write numbers and text of a stage, and return their digest."""
        folder = self.kept.path / "results"
        folder.mkdir(exist_ok=True)
        write_text(folder / f"{name}.txt", text)
        write_text(folder / f"{name}.json", to_json([one.to_dict() for one in results]))
        return digest_of_file(folder / f"{name}.json")

    def _audits(self, full: Data, digest: str) -> None:
        """Audit judges by the verdicts that are there, and trained models."""
        seed, root = self.config.seed, self.kept.path
        for k, table in enumerate(self.config.verdicts(), 1):
            made = cache(partial(_later, found.from_verdicts, full, table, seed))
            name = f"audit-verdicts-{k}"
            self._results_stage(name, key_of({**table, "seed": seed}, digest), made)
        for k, table in enumerate(self.config.audit_model, 1):
            key = key_of({**table, "seed": seed}, digest)
            folder = root / f"audit-model-{k}-{key[:10]}"
            there = self.kept.done(folder.name, key)
            how = (
                partial(_later, found.kept_audit, full, folder, seed)
                if there
                else partial(
                    _later, found.of_model, full, table, folder, seed, self.engine, self.progress
                )
            )
            made = cache(how)
            self._results_stage(folder.name, key, made)

    def _results_stage(self, name: str, key: str, made: Callable[[], list[Result]]) -> None:
        def make() -> str:
            text = "\n\n".join(one.summary() for one in made())
            return self._kept_results(name, made(), text)

        self._stage(name, key, make, [f"results/{name}.json"])
        self.results.append(made)

    def _report(self, full: Data) -> None:
        config, root = self.config, self.kept.path
        notes = found.notes_of(config)

        def make() -> str:
            with self.progress("Writing the report"):
                results = [one for made in self.results for one in made()]
                title = {} if config.title is None else {"title": config.title}
                parted = self.parted
                data, of_all, of_parts = (
                    (full(), None, None) if parted is None
                    else (parted.some, parted.data, parted.said)
                )  # fmt: skip
                said = "\n\n".join(filter(None, (of_parts, notes))) or None
                page = report(
                    results, data=data, command=self.command, licence=config.licence,
                    sections=config.sections or None, notes=said, whole=of_all, **title,
                )  # fmt: skip
                page.save(root / "report.html")
            return digest_of_file(root / "report.html")

        said = {name: getattr(config, name) for name in ("title", "licence", "sections")}
        settings = {**said, "notes": notes, "command": self.command}
        inputs = [*self.gave, *(UNKNOWN for row in self.rows if row["state"] == "to do")]
        self._stage("report", key_of(settings, *inputs), make, ["report.html", "report.json"])

    def _outcome(self, root: Path) -> WholeRun:
        stages = pd.DataFrame(self.rows, columns=COLUMNS)
        if self.dry:
            return WholeRun(root, stages, dry=True)
        record = json.loads((root / "report.json").read_text("utf-8"))
        findings = tuple(_finding(one) for one in record["findings"])
        told = (root / "results" / "compare.txt").read_text("utf-8")
        return WholeRun(root, stages, findings, self._spent(), told=told)

    def _spent(self) -> dict[str, float] | None:
        """Return what was asked of models since the run began."""
        if not (self.kept.path / JOURNAL).is_file():
            return None
        with Journal(self.kept.path / JOURNAL) as journal:
            used = journal.used()
        prices = {} if self.config.prices is None else read_prices(Path(self.config.prices))
        prices |= {model: Price(0.0, 0.0) for model in used if model.startswith(OFFLINE)}
        return {
            "calls": sum(one.calls for one in used.values()),
            "prompt_tokens": sum(one.prompt_tokens for one in used.values()),
            "completion_tokens": sum(one.completion_tokens for one in used.values()),
            "cost": Budget(prices).cost(used),
        }


def _later(make: Callable[..., list[Result]], data: Data, *given: Any) -> list[Result]:
    """Return results of data that are opened only now."""
    return make(data(), *given)


def _saved(data: PreferenceData, folder: Path) -> str:
    store.save(data, folder)
    return data.digest


def _parts_of(stage: Asked) -> list[Result]:
    result = stage.found()
    return [] if result is None else [result, *result.parts()]


def _finding(record: dict[str, Any]) -> Finding:
    numbers = dict.fromkeys(("estimate", "conf_low", "conf_high"), math.nan)
    told = {key: value for key, value in record.items() if value is not None}
    return Finding(**{**numbers, **told, "evidence": tuple(record["evidence"])})
