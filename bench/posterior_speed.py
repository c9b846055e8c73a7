"""Time of the posterior of 33 judges x 16 subsets x 29 factors, beside numpyro's NUTS."""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from workbench.decompose.sampling.sampler import Part, Prior, sample

K, JUDGES, SCALE = 29, 33, 0.1
SUBSETS = (820, 820, *[400] * 9, 1418, 459, 401, 388, 121)
"""Pairs in each subset of the paper."""


def simulate(n: int, judges: int, seed: int) -> Part:
    """Return ternary differences and labels that follow weights drawn from the prior."""
    rng = np.random.default_rng(seed)
    X = rng.choice([-1.0, 0.0, 1.0], size=(n, K))
    beta = rng.laplace(0.0, SCALE, size=(K, judges))
    votes = (rng.random((n, judges)) < 1 / (1 + np.exp(-X @ beta))).astype(float)
    names = [f"judge {j} of subset {seed}" for j in range(judges)]
    return Part(X, np.ones_like(votes), votes, names)


def nuts(part: Part, group: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Return seconds, posterior means and their errors of one fit as the paper ran it."""
    import jax
    import numpyro
    import numpyro.distributions as dist
    from numpyro.infer import MCMC, NUTS

    X, y = part.X, part.votes[:, group]

    def model() -> None:
        b = numpyro.sample("b", dist.Laplace(np.zeros(K), SCALE))
        numpyro.sample("y", dist.Bernoulli(logits=X @ b), obs=y)

    started = time.perf_counter()
    chains = MCMC(
        NUTS(model),
        num_warmup=500,
        num_samples=2000,
        num_chains=4,
        chain_method="sequential",
        progress_bar=False,
    )
    chains.run(jax.random.PRNGKey(0))
    draws = np.asarray(chains.get_samples(group_by_chain=True)["b"], dtype=float)
    seconds = time.perf_counter() - started
    size = numpyro.diagnostics.effective_sample_size(draws)
    flat = draws.reshape(-1, K)
    return seconds, flat.mean(axis=0), flat.std(axis=0) / np.sqrt(size)


def paper(quick: bool) -> None:
    sizes = SUBSETS[-5:] if quick else SUBSETS
    prior = Prior(np.full(K, 1 / SCALE), np.zeros(K))
    parts = [simulate(n, JUDGES, seed) for seed, n in enumerate(sizes)]
    started = time.perf_counter()
    ours = sample(parts, prior, draws=2000, seed=0)
    seconds = time.perf_counter() - started
    fits = JUDGES * len(sizes)
    print(f"{JUDGES} judges x {len(sizes)} subsets x {K} factors, Laplace prior, 2,000 draws a fit")
    print(f"  workbench {seconds:7.1f} s for {fits} fits; effective draws of the worst weight of a")
    print(f"  fit: median {np.median(ours.ess.min(axis=1)):,.0f}, least {ours.ess.min():,.0f}")
    each, gaps = {}, []
    for n in (121, 459) if quick else (121, 400, 1418):
        subset = sizes.index(n)
        each[n], mean, error = nuts(parts[subset], 0)
        row = subset * JUDGES
        own = ours.values[row].std(axis=0) / np.sqrt(ours.ess[row])
        gaps.append((ours.values[row].mean(axis=0) - mean) / np.hypot(own, error))
        print(
            f"  numpyro   {each[n]:7.1f} s for one fit of {n} pairs (500 + 2,000 draws, 4 chains)"
        )
    total = JUDGES * sum(np.interp(n, list(each), list(each.values())) for n in sizes)
    rms = np.sqrt(np.mean(np.square(gaps)))
    print(f"  numpyro one after another, scaled up from {len(each)} fits (each compiled")
    print(f"  anew, as a new data set is): {total:,.0f} s")
    print(f"  ratio {total / seconds:.0f}x (wanted: at least 50x); difference of the means in")
    print(f"  Monte-Carlo errors: root mean square {rms:.2f}, largest {np.abs(gaps).max():.1f}")


def large(n: int) -> None:
    part = simulate(n, 1, 0)
    started = time.perf_counter()
    found = sample([part], Prior(np.full(K, 1 / SCALE), np.zeros(K)), draws=2000, seed=0)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{n:,} pairs x {K} factors x 1 annotator: {seconds:.1f} s, peak {peak:.1f} GiB,")
    print(f"  acceptance {found.acceptance[0]:.2f}, least effective draws {found.ess.min():,.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="five subsets, a tenth of the rows")
    options = parser.parse_args()
    large(10_000 if options.quick else 100_000)
    paper(options.quick)


if __name__ == "__main__":
    main()
