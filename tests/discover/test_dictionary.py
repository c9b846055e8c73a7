"""Dictionaries: gradients against autograd, planted directions, and what turns their sign."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.discover.dictionary import Dictionary, signed_top
from workbench.discover.joined import join
from workbench.discover.oriented import oriented
from workbench.discover.training import _REVIVAL, _Training, learn_dictionary
from workbench.errors import DataError


def sparse(n: int = 3000, d: int = 40, m: int = 10, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Differences that a few of m planted directions make, and the directions."""
    rng = np.random.default_rng(seed)
    true = np.linalg.qr(rng.normal(size=(d, m)))[0].T
    a = (rng.random((n, m)) < 0.25) * rng.choice([-1.0, 1.0], (n, m)) * rng.gamma(4.0, 0.25, (n, m))
    x = a @ true + 0.05 * rng.normal(size=(n, d))
    return x.astype(np.float32), true


def test_planted_directions_are_found():
    x, true = sparse()
    found = learn_dictionary(x, 10, 4)
    assert np.abs(found.decoder @ true.T).max(axis=0).min() > 0.97
    new = sparse(500, seed=0)[0]
    left, whole = found.unexplained(new, found.activations(new))
    assert left / whole < 0.15


@pytest.mark.parametrize("dead", [(), (1, 4)])
def test_gradients_are_those_of_autograd(dead):
    import torch

    rng = np.random.default_rng(1)
    x = rng.normal(size=(16, 9)).astype(np.float32)
    own = _Training(x, np.linalg.qr(rng.normal(size=(9, 9)))[0][:6].astype(np.float32), 2, 1.0, rng)
    own.encoder.value += 0.1 * rng.normal(size=(6, 9)).astype(np.float32)
    own.encoder.value[list(dead)] *= 1e-3
    own.silent[list(dead)] = 1000
    W, D = (torch.tensor(one.value, requires_grad=True) for one in (own.encoder, own.decoder))
    X = torch.tensor(x)
    before = X @ W.T
    kept = torch.tensor(signed_top(before.detach().numpy(), 2) != 0)
    rest = (before * kept) @ D - X
    loss = (rest**2).sum() / len(x)
    if dead:
        some = torch.tensor(list(dead))
        assert not kept[:, some].any()
        revived = before[:, some] @ D[some]
        loss = loss + _REVIVAL * ((revived + rest.detach()) ** 2).sum() / len(x)
    loss.backward()
    encoder, decoder = own.gradients(x)
    along = (D.grad * D).sum(dim=1, keepdim=True) * D
    np.testing.assert_allclose(encoder, W.grad.numpy(), atol=1e-5)
    np.testing.assert_allclose(decoder, (D.grad - along).detach().numpy(), atol=1e-5)


def test_exchanging_a_and_b_turns_every_sign_and_nothing_else():
    x, _ = sparse(400)
    flip = np.where(np.random.default_rng(3).random(len(x)) < 0.5, -1.0, 1.0).astype(np.float32)
    one = learn_dictionary(x, 6, 2, steps=100)
    for turned in (-x, x * flip[:, None]):
        assert learn_dictionary(turned, 6, 2, steps=100).digest == one.digest
    assert (one.activations(-x) == -one.activations(x)).all()


def test_seed_and_data_give_the_same_bytes():
    x, _ = sparse(300)
    digests = [learn_dictionary(x, 5, 2, seed=seed, steps=60).digest for seed in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


def test_as_many_are_active_as_were_asked_for_ties_too():
    values = np.array([[1.0, -1.0, 1.0, 0.5], [0.0, 0.0, 2.0, 0.0]], dtype=np.float32)
    assert signed_top(values, 2).tolist() == [[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]
    assert signed_top(values, 9) is values


def test_equal_pairs_and_pairs_without_a_difference_are_no_trouble():
    zeros = np.zeros((50, 6), dtype=np.float32)
    found = learn_dictionary(zeros, 3, 2, steps=20)
    assert np.isfinite(found.decoder).all()
    assert found.unexplained(zeros, found.activations(zeros)) == (0.0, 0.0)


def test_the_rarer_end_is_the_positive_one():
    rng = np.random.default_rng(0)
    rare = np.where(rng.random((500, 1)) < 0.2, 1.0, 0.0).astype(np.float32)
    unit = np.eye(1, dtype=np.float32)
    for sign in (1.0, -1.0):
        found = oriented(Dictionary(unit, unit, 1, 1.0), sign * rare, np.arange(500))
        assert found.decoder[0, 0] == sign


def test_writing_and_reading_changes_nothing(tmp_path):
    found = learn_dictionary(sparse(300)[0], 5, 2, steps=30)
    found.save(tmp_path / "d.parquet")
    again = Dictionary.load(tmp_path / "d.parquet")
    assert (again.digest, again.active, again.scale) == (found.digest, 2, found.scale)
    (tmp_path / "d.parquet").write_bytes(b"")
    with pytest.raises(DataError, match="cannot be read"):
        Dictionary.load(tmp_path / "d.parquet")


def test_near_duplicates_are_joined_into_the_one_of_greater_fidelity():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 400))
    columns = np.column_stack([a, -a + 0.1 * rng.normal(size=400), b, a])
    found = join(columns, np.array([0.2, 0.9, np.nan, 0.1]), 0.9)
    assert found[["direction", "joined_into"]].to_numpy().tolist() == [[0, 1], [3, 1]]
    assert (found["correlation"] < -0.9).all()
