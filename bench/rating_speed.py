"""Time of ratings, beside evalica, arena-rank and scikit-learn, each in a process of its own."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
MODELS, STYLE = 100, 5
REPLICATES = 1000


@dataclass
class Arena:
    """Simulated battles: model codes, names, outcomes (1, 0, 0.5) and style differences."""

    a: np.ndarray
    b: np.ndarray
    names: pd.Index
    y: np.ndarray
    X: np.ndarray
    given: Any = None

    @property
    def text(self) -> tuple[pd.Series, pd.Series]:
        """Names of both models, as the text columns of a file."""
        return pd.Series(self.names[self.a]), pd.Series(self.names[self.b])


def simulate(n: int) -> Arena:
    rng = np.random.default_rng(0)
    theta = rng.normal(size=MODELS) * 0.7
    a = rng.integers(0, MODELS, n)
    b = (a + rng.integers(1, MODELS, n)) % MODELS
    X = rng.normal(size=(n, STYLE))
    eta = theta[a] - theta[b] + X @ np.array([0.25, 0.03, 0.02, 0.02, 0.1])
    y = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(float)
    y[rng.random(n) < 0.15] = 0.5
    return Arena(a, b, pd.Index([f"model-{k:03d}" for k in range(MODELS)], dtype="str"), y, X)


def battles_of(a: np.ndarray, b: np.ndarray, arena: Arena, style: bool = False) -> Any:
    """Hold arrays as the library does after its checks of a data set's labels."""
    from workbench.ratings.battles import Battles

    return Battles(
        models=list(arena.names),
        a=a,
        b=b,
        preference=arena.y,
        weight=np.ones(len(a)),
        X=arena.X if style else np.zeros((len(a), 0)),
        covariates=[f"x{k}" for k in range(STYLE * style)],
        cluster=np.arange(len(a)),
        n_clusters=len(a),
        exclusions=pd.DataFrame(),
    )


def ours_codes(arena: Arena) -> np.ndarray:
    return _rated(arena.given)[1].phi


def ours_text(arena: Arena) -> np.ndarray:
    from workbench.data.rows import coded
    from workbench.ratings.battles import model_codes

    a, b, _ = model_codes(coded(arena.given["model_a"]), coded(arena.given["model_b"]))
    return _rated(battles_of(a, b, arena))[1].phi


def _rated(battles: Any) -> tuple[Any, Any]:
    """Count wins by pair of models, then fit."""
    from workbench.ratings.errors import collapse
    from workbench.ratings.kernel import Likelihood, fit

    rows, votes = collapse(battles, davidson=False)
    model = Likelihood(rows, davidson=False, ridge=0.0)
    return model, fit(model, votes)


def ours_bootstrap(arena: Arena) -> np.ndarray:
    from workbench.ratings.errors import bootstrap_draws, lay

    battles = battles_of(arena.a, arena.b, arena)
    model, full = _rated(battles)
    laid = lay(battles, davidson=False)
    return bootstrap_draws(laid, [model], [full], REPLICATES, 0).std(axis=0)


def ours_style(arena: Arena) -> np.ndarray:
    from workbench.ratings.errors import lay
    from workbench.ratings.kernel import Likelihood, fit

    laid = lay(battles_of(arena.a, arena.b, arena, style=True), davidson=False)
    return fit(Likelihood(laid.rows, davidson=False, ridge=0.0), laid.votes).phi


def ours_verb(arena: Arena, covariates: int = 0) -> np.ndarray:
    from workbench.ratings.bradley_terry import rate

    names = [f"x{k}" for k in range(covariates)]
    found = rate(arena.given, covariates=names)
    return found.to_frame().set_index("term")["estimate"].sort_index().to_numpy()


def ours_verb_style(arena: Arena) -> np.ndarray:
    return ours_verb(arena, STYLE)


def evalica_codes(arena: Arena) -> np.ndarray:
    return _evalica(*arena.given, pd.RangeIndex(MODELS)).to_numpy()


def evalica_text(arena: Arena) -> np.ndarray:
    return _evalica(*arena.given, None).to_numpy()


def _evalica(left: Any, right: Any, winners: Any, index: pd.Index | None) -> pd.Series:
    import evalica

    found = evalica.bradley_terry(left, right, winners, index=index, tolerance=1e-12, limit=1000)
    return np.log(found.scores.sort_index())


def arena_rank(arena: Arena) -> np.ndarray:
    from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry

    # its penalty is on the mean log-likelihood: at the default of 1 style all but vanishes
    model = ContextualBradleyTerry(MODELS, STYLE, reg=0.0)
    model.fit(arena.given)
    return np.concatenate([model.params["ratings"], model.params["coeffs"]])


def arena_rank_default(arena: Arena) -> np.ndarray:
    from arena_rank.models.contextual_bradley_terry import ContextualBradleyTerry

    model = ContextualBradleyTerry(MODELS, STYLE)
    model.fit(arena.given)
    return np.concatenate([model.params["ratings"], model.params["coeffs"]])


def scikit_learn(arena: Arena) -> np.ndarray:
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    n = len(arena.a)
    at = np.r_[np.arange(n), np.arange(n)]
    D = sparse.csr_array((np.r_[np.ones(n), -np.ones(n)], (at, np.r_[arena.a, arena.b])))
    X = sparse.hstack([D, sparse.csr_array(arena.X)], format="csr")
    model = LogisticRegression(C=1e10, fit_intercept=False, solver="newton-cg", tol=1e-10)
    # a tie is two rows of half the weight
    tied = arena.y == 0.5
    X = sparse.vstack([X, X[tied]], format="csr")
    y = np.r_[arena.y > 0.25, np.zeros(tied.sum())]
    weight = np.r_[np.where(tied, 0.5, 1.0), np.full(tied.sum(), 0.5)]
    return model.fit(X, y, sample_weight=weight).coef_[0]


def prepare(name: str, arena: Arena) -> None:
    """Bring the data into the form that a package wants; this is not timed."""
    left, right = arena.text
    if name.startswith("evalica"):
        import evalica

        kinds = {1.0: evalica.Winner.X, 0.0: evalica.Winner.Y, 0.5: evalica.Winner.Draw}
        winners = [kinds[value] for value in arena.y.tolist()]
        sides = (arena.a, arena.b) if name == "evalica_codes" else (left.tolist(), right.tolist())
        arena.given = (*sides, winners)
    elif name == "ours_codes":
        arena.given = battles_of(arena.a, arena.b, arena)
    elif name == "ours_text":
        arena.given = pd.DataFrame({"model_a": left, "model_b": right})
    elif name.startswith("arena_rank"):
        import jax.numpy as jnp
        from arena_rank.utils.data_utils import ContextualPairDataset

        arena.given = ContextualPairDataset(
            competitors=list(arena.names),
            pairs=jnp.column_stack([arena.a, arena.b]),
            outcomes=jnp.array(arena.y),
            features=jnp.array(arena.X),
            weights=jnp.ones(len(arena.a)),
        )
    elif name.startswith("ours_verb"):
        from workbench.data.dataset import PreferenceData

        n = len(left)
        pairs = pd.DataFrame({"model_a": left, "model_b": right, "item": np.arange(n)})
        labels = pd.DataFrame({"pair": np.arange(n), "annotator": "crowd", "preference": arena.y})
        X = pd.DataFrame(arena.X, columns=[f"x{k}" for k in range(STYLE)])
        data = PreferenceData.from_tables(pairs, labels)
        arena.given = data.with_factors(X, pd.DataFrame(index=X.index), {})


WORK: dict[str, Callable[[Arena], np.ndarray]] = {
    f.__name__: f
    for f in (
        ours_codes,
        ours_text,
        ours_bootstrap,
        ours_style,
        ours_verb,
        ours_verb_style,
        evalica_codes,
        evalica_text,
        arena_rank,
        arena_rank_default,
        scikit_learn,
    )
}


def worker(name: str, n: int) -> None:
    """Work several times after loading, print the fastest and the process's peak memory."""
    warnings.simplefilter("ignore")
    arena = simulate(n)
    prepare(name, arena)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, cpu = [], []
    while len(seconds) < 3 or (sum(seconds) < 4 and len(seconds) < 20):
        started, busy = time.perf_counter(), time.process_time()
        found = WORK[name](arena)
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row = {"seconds": min(seconds), "cpu": min(cpu), "first": seconds[0], "peak": peak / 2**20}
    print(json.dumps({**row, "extra": (peak - before) / 2**20, "found": found.tolist()}))


def measure(name: str, n: int) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "bench.rating_speed", "--worker", name, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        print(f"  {name}: not measured: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    return dict(json.loads(done.stdout.splitlines()[-1]))


def compare(title: str, base: str, others: list[str], n: int, per: int = 1) -> None:
    print(title)
    mine = measure(base, n)
    if mine is None:
        return
    seconds, cpu = mine["seconds"] / per, mine["cpu"] / per
    print(
        f"  {base:<20} {seconds:9.4f} s, processor {cpu:.4f} s, peak {mine['peak']:.2f} GiB "
        f"(+{mine['extra']:.2f})"
    )
    for name in others:
        theirs = measure(name, n)
        if theirs is None:
            continue
        print(
            f"  {name:<20} {theirs['seconds']:9.4f} s (first call {theirs['first']:.2f}), peak "
            f"{theirs['peak']:.2f} GiB (+{theirs['extra']:.2f}), ratio "
            f"{theirs['seconds'] / seconds:6.1f}x (processor time "
            f"{theirs['cpu'] / cpu:.1f}x){_apart(mine, theirs, per)}"
        )


def _apart(mine: dict[str, Any], theirs: dict[str, Any], per: int) -> str:
    if per > 1:
        return ""
    one, other = np.array(mine["found"]), np.array(theirs["found"])
    for ratings in (one, other):
        ratings[:MODELS] -= ratings[:MODELS].mean()
    return f", largest difference {np.abs(one - other).max():.1e}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "N"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the battles")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], int(options.worker[1]))
        return
    n = 100_000 if options.quick else 1_000_000
    size = f"{n:,} battles of {MODELS} models"
    compare(f"{size}, integer codes (wanted: 10x)", "ours_codes", ["evalica_codes"], n)
    compare(f"{size}, columns of text (wanted: 10x)", "ours_text", ["evalica_text"], n)
    compare(
        f"{size}, a bootstrap replicate of {REPLICATES} (wanted: 100x)",
        "ours_bootstrap",
        ["evalica_text", "evalica_codes"],
        n,
        REPLICATES,
    )
    compare(
        f"{size}, {STYLE} style covariates (wanted: ahead)",
        "ours_style",
        ["arena_rank", "arena_rank_default", "scikit_learn"],
        n,
    )
    print(f"{size}, the whole verb with errors, rank sets, checks and digest")
    for name in ("ours_verb", "ours_verb_style"):
        found = measure(name, n)
        if found is not None:
            print(f"  {name:<20} {found['seconds']:9.2f} s, peak {found['peak']:.2f} GiB")


if __name__ == "__main__":
    main()
