"""How a dictionary is learnt: the training of a signed sparse autoencoder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from workbench.discover.dictionary import Dictionary, signed_top
from workbench.embedding.base import Matrix
from workbench.threads import one_thread

_BATCH, _STEPS = 512, 1500
_STARTS, _MANY_STARTS, _MANY = 4, 8, 20_000
"""Random beginnings, and how many there are of fewer pairs than this, which cost little."""
_RATE, _FIRST, _SECOND, _NEAR = 8e-3, 0.9, 0.999, 1e-8
"""Of Adam: the first learning rate, which falls to 0 in a straight line, and its two memories."""

_DEAD_AFTER = 64
"""Steps without any activation after which a unit is dead."""

_REVIVAL = 1.0 / 32.0
"""Weight of the loss that lets dead units model what the others leave."""

_SAMPLE = 20_000


def learn_dictionary(
    x: Matrix, m: int, active: int, *, seed: int = 0, steps: int = _STEPS, starts: int | None = None
) -> Dictionary:
    r"""Learn directions of which a few make each difference.

    Parameters
    ----------
    x : ndarray of float32, shape (n, d)
        Differences e(A) - e(B), in an order that is theirs: not that of a file.
    m : int
        Directions.
    active : int
        Directions that are active in a pair.
    seed : int
    steps : int
        Of the optimiser, 512 pairs each.
    starts : int, optional
        Random beginnings: again and again, the half of them that leaves more is given up, until
        one is left. 4 when None, and 8 with fewer than 20,000 pairs.

    Returns
    -------
    Dictionary
        Those that explain most first.

    Notes
    -----
    A TopK sparse autoencoder minimises
    :math:`\lVert x - D^\top \mathrm{top}_s(W x) \rVert^2` by Adam, with rows of D
    of length 1 (Makhzani and Frey 2014; Gao et al. 2024). Entries are kept by size and keep their
    sign, and there are no intercepts, so that x and -x give the same gradient: training on one is
    training on both. Dead units get the loss of Gao et al. on what the others leave.
    Each start has random directions within the span of the first m principal ones. The gradients
    are written out: nothing but numpy is needed, on one thread, so that the bytes are the same
    with any extras and any number of processors.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> true = np.eye(3, 8, dtype=np.float32)
    >>> x = rng.normal(size=(400, 3)).astype(np.float32) @ true
    >>> found = learn_dictionary(x, 3, 3, steps=200)
    >>> left, whole = found.unexplained(x, found.activations(x))
    >>> left / whole < 0.01
    True
    """
    length = float(np.sqrt(np.einsum("ij,ij->", x, x, dtype=np.float64) / max(len(x), 1)))
    scale = length if length > 0 else 1.0
    starts = starts or (_STARTS if len(x) >= _MANY else _MANY_STARTS)
    rng = np.random.default_rng(seed)
    some = np.sort(rng.permutation(len(x))[:_SAMPLE])
    with one_thread():
        first = _principal(x[some], m)
        running = [
            _Training(x, _start(first, m, own), active, scale, own) for own in rng.spawn(starts)
        ]
        done = 0
        while len(running) > 1:
            # half of those that run go on, after as many steps each
            upto = done + max(1, int(steps / (1 + np.ceil(np.log2(starts)))))
            for one in running:
                one.run(done, min(upto, steps), steps)
            done = min(upto, steps)
            left = [one.left(some) for one in running]
            order = np.argsort(left, kind="stable")[: (len(running) + 1) // 2]
            running = [running[k] for k in order]
        running[0].run(done, steps, steps)
    found = running[0].dictionary()
    strength = np.zeros(m)
    for at in range(0, len(x), 8192):
        strength += np.square(found.activations(x[at : at + 8192]), dtype=np.float64).sum(axis=0)
    return found.taken(np.argsort(-strength, kind="stable"))


def _principal(x: Matrix, m: int) -> np.ndarray:
    """Return the first m principal directions, shape (d, m); they are not centred."""
    from scipy.linalg import eigh

    gram = (x.T @ x).astype(np.float64)
    d = len(gram)
    return np.asarray(eigh(gram, subset_by_index=(max(d - m, 0), d - 1))[1])


def _start(first: np.ndarray, m: int, rng: np.random.Generator) -> Matrix:
    """Return random directions within a span."""
    # a projection is the same whatever signs the principal directions have
    made = (rng.normal(size=(m, len(first))) @ first) @ first.T
    return np.ascontiguousarray(_unit(made), dtype=np.float32)


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1.0))


@dataclass(eq=False)
class _Adam:
    """Steps of Adam (Kingma and Ba 2015) on one matrix."""

    value: Matrix
    first: Matrix = field(init=False)
    second: Matrix = field(init=False)
    taken: int = 0

    def __post_init__(self) -> None:
        self.first, self.second = np.zeros_like(self.value), np.zeros_like(self.value)

    def step(self, gradient: Matrix, rate: float) -> None:
        self.taken += 1
        self.first += np.float32(1 - _FIRST) * (gradient - self.first)
        self.second += np.float32(1 - _SECOND) * (gradient * gradient - self.second)
        size = rate * np.sqrt(1 - _SECOND**self.taken) / (1 - _FIRST**self.taken)
        root = np.sqrt(self.second)
        root += np.float32(_NEAR)
        self.value -= np.float32(size) * (self.first / root)


class _Training:
    """The gradient descent of an autoencoder."""

    def __init__(
        self, x: Matrix, start: Matrix, active: int, scale: float, rng: np.random.Generator
    ) -> None:
        self.x, self.active, self.scale, self.rng = x, active, np.float32(scale), rng
        self.encoder, self.decoder = _Adam(start.copy()), _Adam(start.copy())
        self.silent = np.zeros(len(start), dtype=np.int64)
        self.order, self.at = rng.permutation(len(x)), 0

    def run(self, first: int, last: int, steps: int) -> None:
        """Take some of all the steps."""
        for step in range(first, last):
            encoder, decoder = self.gradients(self._batch())
            rate = _RATE * (1.0 - step / steps)
            self.encoder.step(encoder, rate)
            self.decoder.step(decoder, rate)
            self.decoder.value[:] = _unit(self.decoder.value)

    def _batch(self) -> Matrix:
        size = min(_BATCH, len(self.x))
        if self.at + size > len(self.order):
            self.order, self.at = self.rng.permutation(len(self.x)), 0
        rows = np.sort(self.order[self.at : self.at + size])
        self.at += size
        return np.asarray(self.x[rows] / self.scale)

    def dictionary(self) -> Dictionary:
        """Return what is learnt so far."""
        return Dictionary(
            self.encoder.value.copy(), self.decoder.value.copy(), self.active, float(self.scale)
        )

    def left(self, rows: np.ndarray) -> float:
        """Return the squared length that it leaves of some differences."""
        own, some = self.dictionary(), self.x[rows]
        return own.unexplained(some, own.activations(some))[0]

    def gradients(self, batch: Matrix) -> tuple[Matrix, Matrix]:
        """Return the gradients of encoder and decoder; that of the decoder along the sphere."""
        W, D = self.encoder.value, self.decoder.value
        before = batch @ W.T
        a = signed_top(before, self.active)
        rest = a @ D - batch
        to_a = np.where(a != 0, rest @ D.T, np.float32(0.0))
        to_decoder = a.T @ rest
        on = a.any(axis=0)
        self.silent = np.where(on, 0, self.silent + 1)
        dead = np.flatnonzero(self.silent > _DEAD_AFTER)
        if len(dead):
            # dead units are to make what is left: -rest
            revived = signed_top(before[:, dead], min(2 * self.active, len(dead)))
            error = np.float32(_REVIVAL) * (revived @ D[dead] + rest)
            to_a[:, dead] = np.where(revived != 0, error @ D[dead].T, np.float32(0.0))
            to_decoder[dead] += revived.T @ error
        double = np.float32(2.0 / len(batch))
        to_decoder -= np.einsum("ij,ij->i", to_decoder, D)[:, None] * D
        return double * (to_a.T @ batch), double * to_decoder
