"""Agreement of many raters: beside krippendorff, evalica, irrCAC, pingouin and R's aov, in one run.

Wanted: the same values to 1e-8, krippendorff's alpha of 33 raters and a million units ten times
as fast as the package krippendorff, agreement of each two of them ahead of polars, and intervals
that cover as often as they say.

    python -m bench.structure.raters [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.structure.raters.alpha import METRICS, krippendorff_alpha
from workbench.structure.raters.counts import value_counts
from workbench.structure.raters.icc import FORMS, icc
from workbench.structure.raters.kappas import fleiss_kappa, gwet_ac1

ROOT = Path(__file__).resolve().parents[2]
RATERS, UNITS, VALUES = 33, 1_000_000, 5
WHAT = ("ours", "krippendorff", "evalica")


def table(units: int, raters: int, values: int, missing: float, seed: int = 0) -> np.ndarray:
    """Return ratings of raters by units, NaN where there is none."""
    rng = np.random.default_rng(seed)
    found = rng.integers(1, values + 1, (raters, units)).astype(float)
    shared = rng.integers(1, values + 1, units)
    alike = rng.random(found.shape) < 0.5
    found = np.where(alike, shared, found)
    found[rng.random(found.shape) < missing] = np.nan
    return found


def peer(name: str, metric: str) -> Callable[[Any], float]:
    """Return a package's alpha as a function of raters by units."""
    if name == "ours":
        return lambda x: krippendorff_alpha(x.T, metric=metric)["estimate"]  # with its interval
    if name == "krippendorff":
        import krippendorff

        return lambda x: float(krippendorff.alpha(x, level_of_measurement=metric))
    import evalica

    return lambda x: float(evalica.alpha(x, metric).alpha)


def worker(name: str, metric: str, units: int) -> None:
    x: Any = table(units, RATERS, VALUES, 0.3)
    work = peer(name, metric)
    if name == "evalica":
        x = pd.DataFrame(x)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    while len(seconds) < 3 or (sum(seconds) < 3 and len(seconds) < 10):
        started = time.perf_counter()
        found = work(x)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row = {"found": found, "seconds": min(seconds), "extra": (peak - before) / 2**20}
    print(json.dumps({**row, "peak": peak / 2**20}))


def speed(units: int) -> None:
    print(f"alpha of {RATERS} raters x {units:,} units, {VALUES} values, 30% missing (wanted: 10x)")
    for metric in METRICS:
        base = None
        for name in WHAT:
            command = [sys.executable, "-m", "bench.structure.raters", "--worker", name, metric,
                       str(units)]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["?"])[-1]
                print(f"  {metric:<9} {name:<13} not measured: {why}")
                continue
            row = json.loads(done.stdout.splitlines()[-1])
            base = base or row
            print(
                f"  {metric:<9} {name:<13} {row['seconds']:8.3f} s, peak {row['peak']:.2f} GiB "
                f"(+{row['extra']:.2f}), {row['seconds'] / base['seconds']:6.1f}x, difference "
                f"{abs(row['found'] - base['found']):.1e}"
            )


def pairs_counted(name: str) -> Callable[[dict[str, Any]], list[float]]:
    """Return how one side counts, of each two raters, pairs that both judged and judged alike."""
    if name == "ours":
        from workbench.calibration.panel.each_two import same_verdicts

        def ours(made: dict[str, Any]) -> list[float]:
            shared, same = same_verdicts(made["table"])
            return list((same / shared)[np.triu_indices(RATERS, 1)])

        return ours

    def polars(made: dict[str, Any]) -> list[float]:
        # columns of truth values are bits there too: the best of four programs that were tried
        row = made["wide"].select(_asked(made["two"])).row(0)
        return list(np.divide(row[::2], row[1::2]))

    return polars


def _asked(two: list[tuple[str, str]]) -> list[Any]:
    """Return polars' sums and counts of where each two columns are equal."""
    import polars as pl

    alike = [pl.col(a) == pl.col(b) for a, b in two]
    return [x for k, one in enumerate(alike)
            for x in (one.sum().alias(f"s{k}"), one.count().alias(f"n{k}"))]  # fmt: skip


def pairs_from_labels(name: str) -> Callable[[dict[str, Any]], list[float]]:
    """Return how one side goes from labels to agreement of each two raters."""
    if name == "ours":
        from workbench.structure.raters.ratings import ratings_of
        from workbench.structure.raters.two import each_two

        def ours(made: dict[str, Any]) -> list[float]:
            data = made["data"]
            table = each_two(ratings_of(data, data.annotators["annotator"]), 0.95)
            return [float(value) for value in table["agreement"]]

        return ours

    def polars(made: dict[str, Any]) -> list[float]:
        wide = made["long"].pivot(on="who", index="pair", values="y")
        return pairs_counted("polars")({**made, "wide": wide})

    def of_clusters(made: dict[str, Any]) -> list[float]:
        """Count by clusters, as intervals need, for one rater's 32 pairs of the 528."""
        wide = made["wide"].with_columns(made["cluster"])
        wide.group_by("cluster").agg(_asked(made["two"][: RATERS - 1]))
        return []

    return polars if name == "polars" else of_clusters


TWO: dict[str, tuple[Callable[[str], Callable[[dict[str, Any]], list[float]]], tuple[str, ...]]] = {
    "from a table: pairs judged by both, and alike": (pairs_counted, ("ours", "polars")),
    "from labels: ours with kappa and intervals over prompts, polars agreement alone": (
        pairs_from_labels, ("ours", "polars")),
    "what intervals need in polars, 32 of 528": (pairs_from_labels, ("polars by prompt",)),
}  # fmt: skip


def worker_two(what: str, name: str, units: int) -> None:
    work = TWO[what][0](name)
    rng = np.random.default_rng(0)
    truth = rng.normal(size=units)
    at, who = np.nonzero(rng.random((units, RATERS)) > 0.3)
    y = rng.random(len(at)) < 1 / (1 + np.exp(-truth[at]))
    names = [f"rater {r:02d}" for r in range(RATERS)]
    cluster = np.sort(rng.integers(0, units // 3, units))
    made: dict[str, Any] = {"two": list(combinations(names, 2))}
    if name != "ours":
        import polars as pl

        said = np.full((RATERS, units), -1, dtype=np.int8)
        said[who, at] = y
        made["wide"] = pl.DataFrame(dict(zip(names, said, strict=True))).select(
            pl.when(pl.all() >= 0).then(pl.all() == 1)
        )
        made["long"] = pl.DataFrame(
            {"pair": at.astype(np.int32), "y": y, "who": pl.Series(np.array(names)[who])}
        ).with_columns(pl.col("who").cast(pl.Categorical))
        made["cluster"] = pl.Series("cluster", cluster.astype(np.int32))
    elif "labels" in what:
        annotator = pd.Series(pd.Categorical.from_codes(who, names)).astype("str")
        labels = pd.DataFrame(
            {"pair": at, "annotator": annotator, "kind": "human", "preference": y * 1.0,
             "replicate": 0}
        )  # fmt: skip
        pairs = pd.DataFrame({"item": np.arange(units), "cluster": [f"p{c:08d}" for c in cluster]})
        made["data"] = PreferenceData.from_tables(pairs, labels)
    else:
        table_of_raters = np.full((RATERS, units), np.nan)
        table_of_raters[who, at] = 2.0 * y - 1
        made["table"] = table_of_raters.T
    seconds = []
    while len(seconds) < 3:
        started = time.process_time()
        found = work(made)
        seconds.append(time.process_time() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"found": found, "seconds": min(seconds), "peak": peak}))


def speed_of_two(units: int) -> None:
    """Print the agreement of each two of 33 raters beside polars, seconds of the processor."""
    print(f"agreement of each two of {RATERS} raters x {units:,} units (wanted: ahead of polars)")
    for what, (_, names) in TWO.items():
        base = None
        for name in names:
            command = [sys.executable, "-m", "bench.structure.raters", "--two", what, name,
                       str(units)]  # fmt: skip
            pinned = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(
                command, capture_output=True, text=True, cwd=ROOT, check=False, env=pinned
            )
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["?"])[-1]
                print(f"  {what}: {name} not measured: {why}")
                continue
            row = json.loads(done.stdout.splitlines()[-1])
            base = base or row
            apart = np.abs(np.subtract(row["found"], base["found"])).max(initial=0.0)
            print(
                f"  {what}: {name} {row['seconds']:.3f} CPU s, peak {row['peak']:.2f} GiB, "
                f"difference {apart:.1e}"
            )


def same_values() -> None:
    """Say how far small tables lie from the values of each package."""
    print("largest difference on 50 tables (wanted: 1e-8)")
    apart: dict[str, list[float]] = {}
    absent: dict[str, str] = {}
    for seed in range(50):
        x = table(40, 6, 4, 0.25 * (seed % 2), seed)
        x[:, (np.isfinite(x).sum(axis=0) < 2)] = np.nan  # irrCAC takes single ratings to chance
        for name, differ in COMPARED.items():
            if name in absent:
                continue
            try:
                gap = differ(x)
                apart.setdefault(name, []).append(gap)
            except ImportError as error:
                absent[name] = str(error)
    for name, found in apart.items():
        print(f"  {name:<26} {np.nanmax(found):.1e} (n = {np.isfinite(found).sum()} tables)")
    for name, why in absent.items():
        print(f"  {name:<26} not measured: {why}")


def _alphas(name: str) -> Callable[[np.ndarray], float]:
    def differ(x: np.ndarray) -> float:
        theirs = [peer(name, m)(pd.DataFrame(x) if name == "evalica" else x) for m in METRICS]
        ours = [peer("ours", m)(x) for m in METRICS]
        return float(np.abs(np.subtract(ours, theirs)).max())

    return differ


def _fleiss_of_statsmodels(x: np.ndarray) -> float:
    from statsmodels.stats.inter_rater import fleiss_kappa as theirs

    if np.isnan(x).any():
        return float("nan")
    return abs(fleiss_kappa(x.T)["estimate"] - theirs(value_counts(x.T).counts))


def _irrcac(x: np.ndarray) -> float:
    from irrCAC.raw import CAC

    # left to find the values itself, it takes NaN for one more
    values = np.unique(x[np.isfinite(x)]).tolist()
    made = CAC(pd.DataFrame(x.T).dropna(how="all"), digits=15, categories=values)
    ours = (fleiss_kappa(x.T), gwet_ac1(x.T), krippendorff_alpha(x.T))
    theirs = (made.fleiss(), made.gwet(), made.krippendorff())
    return max(
        abs(one["estimate"] - other["est"]["coefficient_value"])
        for one, other in zip(ours, theirs, strict=True)
    )


def _pingouin(x: np.ndarray) -> float:
    from pingouin import intraclass_corr

    if np.isnan(x).any():
        return float("nan")
    long = pd.DataFrame(x.T).rename_axis("unit").reset_index().melt("unit", var_name="rater")
    found = intraclass_corr(long, "unit", "rater", "value")
    return _apart(x, found["ICC"].to_numpy("float64"))


def _aov(x: np.ndarray) -> float:
    """Put the mean squares of R's analysis of variance into the formulas of Shrout and Fleiss."""
    if np.isnan(x).any():
        return float("nan")
    rscript = shutil.which("Rscript")
    if rscript is None:
        raise ImportError("no Rscript")
    k, n = x.shape
    values = ",".join(map(str, x.T.ravel()))
    code = (
        f"d <- data.frame(x=c({values}), u=factor(rep(1:{n}, each={k})), r=factor(rep(1:{k}, {n})))"
        "; cat(format(c(summary(aov(x ~ u + r, d))[[1]]$`Mean Sq`, "
        "summary(aov(x ~ u, d))[[1]]$`Mean Sq`[2]), digits=17))"
    )
    done = subprocess.run([rscript, "-e", code], capture_output=True, text=True, check=True)
    R, J, E, W = map(float, done.stdout.split())
    return _apart(x, [
        (R - W) / (R + (k - 1) * W), (R - E) / (R + (k - 1) * E + k * (J - E) / n),
        (R - E) / (R + (k - 1) * E), (R - W) / R, (R - E) / (R + (J - E) / n), (R - E) / R,
    ])  # fmt: skip


def _apart(x: np.ndarray, theirs: Any) -> float:
    ours = icc(x.T)
    names = [*FORMS, *(f"{form}k" for form in FORMS)]
    return float(
        np.abs([ours[name]["estimate"] - b for name, b in zip(names, theirs, strict=True)]).max()
    )


COMPARED: dict[str, Callable[[np.ndarray], float]] = {
    "krippendorff": _alphas("krippendorff"),
    "evalica": _alphas("evalica"),
    "statsmodels (Fleiss)": _fleiss_of_statsmodels,
    "irrCAC (Fleiss, AC1, alpha)": _irrcac,
    "pingouin (ICC)": _pingouin,
    "R aov (ICC)": _aov,
}


def coverage(runs: int) -> None:
    """Say how often 95% intervals hold the planted correlation of beta-binomial votes."""
    print(
        f"coverage of 95% intervals, {runs} runs (wanted: .95; binomial SE {0.22 / runs**0.5:.3f})"
    )
    measures: dict[str, Callable[..., Any]] = {
        **{f"alpha {metric}": lambda t, c, m=metric: krippendorff_alpha(t, metric=m, cluster=c)
           for metric in METRICS},
        "Fleiss": lambda t, c: fleiss_kappa(t, cluster=c),
        "AC1": lambda t, c: gwet_ac1(t, cluster=c),
        **{form: lambda t, c, f=form: icc(t, cluster=c)[f] for form in ("ICC1", "ICC3")},
    }  # fmt: skip
    for clusters in (20, 60, 200):
        for rho in (0.05, 0.3, 0.8):
            rng, hits = np.random.default_rng(1), dict.fromkeys(measures, 0)
            for _ in range(runs):
                t, code = votes(clusters, rho, rng)
                for name, measure in measures.items():
                    row = measure(t, code)
                    hits[name] += row["conf_low"] <= rho <= row["conf_high"]
            told = ", ".join(f"{name} {hit / runs:.3f}" for name, hit in hits.items())
            print(f"  {clusters:>3} prompts of 2 pairs, 4 raters, truth {rho}: {told}")


def votes(clusters: int, rho: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return votes 0 or 1 of four raters whose chances pairs of one prompt share by half."""
    a = (1 / rho - 1) / 2
    one = rng.beta(a, a, clusters)
    p = np.where(rng.random((clusters, 2)) < 0.5, one[:, None], rng.beta(a, a, (clusters, 2)))
    said = (rng.random((2 * clusters, 4)) < p.reshape(-1, 1)).astype(float)
    return said, np.repeat(np.arange(clusters), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("NAME", "METRIC", "UNITS"))
    parser.add_argument("--two", nargs=3, metavar=("WHAT", "NAME", "UNITS"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the units and runs")
    options = parser.parse_args()
    if options.worker:
        name, metric, units = options.worker
        worker(name, metric, int(units))
        return
    if options.two:
        what, name, units = options.two
        worker_two(what, name, int(units))
        return
    share = 10 if options.quick else 1
    same_values()
    speed(UNITS // share)
    speed_of_two(UNITS // share)
    coverage(400 // share)


if __name__ == "__main__":
    main()
