"""Computing in single precision what is kept in half."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def single_precision(model: Any, recast: bool = True) -> Iterator[bool]:
    """Hold a model's weights in single precision for a while, where the memory suffices.

    Parameters
    ----------
    model : transformers model
    recast : bool
        Whether its weights may be touched; those that a trainer holds may not: parameters that
        change their type lose the hooks by which processes share their gradients.

    Yields
    ------
    bool
        Whether the model computes in single precision now.

    Notes
    -----
    Half precision is a part of single precision: the weights come back as they were.
    """
    import torch

    half = [one for one in (*model.parameters(), *model.buffers())
            if one.dtype in (torch.bfloat16, torch.float16)]  # fmt: skip
    kinds = [one.dtype for one in half]
    if not recast:
        yield not half
        return
    if 2 * sum(one.numel() for one in half) > 0.8 * _free(model.device):
        yield False
        return
    try:
        for one in half:
            one.data = one.data.float()
        yield True
    finally:
        for one, kind in zip(half, kinds, strict=True):
            one.data = one.data.to(kind)


def _free(device: Any) -> float:
    """Return the bytes that are free where a model is."""
    import psutil
    import torch

    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    return float(psutil.virtual_memory().available)
