"""Checkpoints: transitions by hand, gradients by autograd, movement by planted changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.audit.models.training import follow_training
from workbench.errors import DataError


def scores(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"pair_id": [f"p{k}" for k in range(n)], "cluster": [f"c{k // 2}" for k in
                         range(n)], "chosen": -rng.uniform(1, 9, n), "rejected":
                         -rng.uniform(1, 9, n), "n_chosen": 5.0, "n_rejected": 5.0})  # fmt: skip


def value(found, checkpoint, term):
    table = found.to_frame().set_index(["checkpoint", "term"])
    return table.loc[(checkpoint, term), "estimate"]


def test_what_moves_is_told_against_the_first():
    start = scores(0)
    later = start.assign(chosen=start["chosen"] - 1.5, rejected=start["rejected"] - 4.0)
    unseen = {name: pd.DataFrame({"pair_id": start["pair_id"], "logprob": -3.0 + k})
              for k, name in enumerate(("start", "later"))}  # fmt: skip
    found = follow_training({"start": start, "later": later}, unseen, beta=0.5)
    assert value(found, "later", "change of the chosen") == pytest.approx(-1.5)
    assert value(found, "later", "change of the rejected") == pytest.approx(-4.0)
    assert value(found, "later", "change of the unseen") == pytest.approx(1.0)
    # every implicit reward is right, whatever the rankings are
    assert value(found, "later", "reward accuracy") == 1.0
    assert value(found, "later", "loss") == pytest.approx(np.log1p(np.exp(-0.5 * 2.5)))
    assert value(found, "start", "loss") == pytest.approx(np.log(2))
    assert value(found, "start", "reward accuracy") == 0.5
    was, now = start["chosen"] > start["rejected"], later["chosen"] > later["rejected"]
    assert value(found, "later", "ranking accuracy") == pytest.approx(now.mean())
    moves = found.moves.set_index(["before", "after"])["n"]
    assert moves["right", "wrong"] == (was & ~now).sum()
    assert moves["wrong", "right"] == (~was & now).sum()
    assert moves.sum() == 60
    assert "reward accuracy: 1.000" in found.summary()
    assert set(found.figures()) >= {"rankings and implicit rewards", "gradients"}


def test_gradients_are_those_of_autograd():
    torch = pytest.importorskip("torch")
    start, later, beta = scores(1), scores(2), 0.3
    found = follow_training({"a": start, "b": later}, beta=beta)
    logs = {"plus": [], "minus": []}
    for (_, was), (_, now) in zip(start.iterrows(), later.iterrows(), strict=True):
        plus, minus = (torch.tensor(np.exp(now[s]), requires_grad=True, dtype=torch.float64)
                       for s in ("chosen", "rejected"))  # fmt: skip
        h = torch.log(plus) - was["chosen"] - torch.log(minus) + was["rejected"]
        (-torch.nn.functional.logsigmoid(beta * h)).backward()
        logs["plus"].append(np.log(abs(plus.grad.item())))
        logs["minus"].append(np.log(abs(minus.grad.item())))
    assert value(found, "b", "log gradient on the chosen") == pytest.approx(np.mean(logs["plus"]))
    assert value(found, "b", "log gradient on the rejected") == pytest.approx(
        np.mean(logs["minus"])
    )
    ratio = np.mean(logs["minus"]) - np.mean(logs["plus"])
    assert value(found, "b", "their log-ratio") == pytest.approx(ratio)
    mass = np.log(np.exp(later["chosen"]) + np.exp(later["rejected"])).mean()
    assert value(found, "b", "log of the known mass") == pytest.approx(mass)


def test_a_softmax_policy_under_dpo_shows_the_three_properties():
    """Ten responses, logits from shared features: the rejected one falls, mass goes elsewhere."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    body = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    inputs = torch.randn(20, 8)
    # the preferred responses are unlikely to begin with, as are the others
    chosen, rejected, unseen = 0, 1, list(range(2, 10))
    with torch.no_grad():
        body[-1].bias[:2] -= 3.0
    seen: dict[str, pd.DataFrame] = {}
    others: dict[str, pd.DataFrame] = {}

    def keep(name):
        logs = torch.log_softmax(body(inputs), dim=1).detach().double().numpy()
        ids = [f"p{k}" for k in range(20)]
        seen[name] = pd.DataFrame({"pair_id": ids, "cluster": ids, "chosen": logs[:, chosen],
                                   "rejected": logs[:, rejected], "n_chosen": 1.0,
                                   "n_rejected": 1.0})  # fmt: skip
        mass = np.logaddexp.reduce(logs[:, unseen], axis=1)
        others[name] = pd.DataFrame({"pair_id": ids, "logprob": mass})

    keep("0")
    start = torch.log_softmax(body(inputs), dim=1).detach()
    steps = torch.optim.SGD(body.parameters(), lr=0.5)
    for step in range(1, 301):
        logs = torch.log_softmax(body(inputs), dim=1)
        h = (logs - start)[:, chosen] - (logs - start)[:, rejected]
        steps.zero_grad()
        (-torch.nn.functional.logsigmoid(h)).mean().backward()
        steps.step()
        if step in (100, 300):
            keep(str(step))
    found = follow_training(seen, others, beta=1.0)
    drop = [value(found, name, "change of the rejected") for name in ("100", "300")]
    assert drop[1] < drop[0] < -0.5
    # drop: the gradient on the rejected grows far above that on the chosen
    assert value(found, "300", "their log-ratio") > value(found, "0", "their log-ratio") + 1
    assert value(found, "300", "loss") < value(found, "100", "loss") < np.log(2)
    # all ten responses are known here: the masses add up to one
    for name in seen:
        assert value(found, name, "log of the known mass") == pytest.approx(0.0, abs=1e-5)


def test_other_pairs_are_refused():
    with pytest.raises(DataError, match="followed"):
        follow_training({"a": scores(0), "b": scores(0, 50)})
    with pytest.raises(DataError, match="followed"):
        follow_training({"a": scores(0)})


def test_calibration_and_similarity_are_told_at_every_checkpoint():
    n, beta = 400, 0.5
    rng = np.random.default_rng(0)
    start = scores(3, n).assign(votes=1.0, ln_ches=rng.permutation(np.linspace(-1, 1, n)))
    # every pair's implicit reward is log 3: P = 3/4, where three in four chose that response
    later = start.assign(chosen=start["chosen"] + np.log(3) / beta, ln_ches=start["ln_ches"] - 2)
    later["votes"] = start["votes"] = (np.arange(n) % 4 > 0).astype(float)
    found = follow_training({"start": start, "later": later}, beta=beta)
    assert value(found, "later", "ECE of the implicit reward") == pytest.approx(0, abs=1e-9)
    assert value(found, "later", "Brier of the implicit reward") == pytest.approx(3 / 16)
    assert value(found, "start", "Brier of the implicit reward") == pytest.approx(1 / 4)
    sure = follow_training({"start": start, "later": later}, beta=2 * beta)
    # nine in ten were forecast
    assert value(sure, "later", "ECE of the implicit reward") == pytest.approx(0.15)
    for q in (0.05, 0.5, 0.95):
        term = f"length-normalised CHES, quantile {q:g}"
        assert value(found, "later", term) == pytest.approx(np.quantile(later["ln_ches"], q))
    table = found.to_frame().set_index(["checkpoint", "term"])
    median = table.loc[("start", "length-normalised CHES, quantile 0.5")]
    # of a uniform distribution in [-1, 1]: the ends of a share of a half, times two
    half = 1.96 * np.sqrt(0.25 / n) * 2
    assert median[["conf_low", "conf_high"]].tolist() == pytest.approx([-half, half], abs=0.03)
    assert {"calibration of the implicit reward", "similarity of the responses"} < set(
        found.figures()
    )
    # without votes or CHES, nothing is said of them
    bare = follow_training({"start": scores(1), "later": scores(2)}).to_frame()["term"]
    assert not bare.str.contains("implicit reward|CHES").any()
