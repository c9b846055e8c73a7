"""A model in the hands of a trainer, lent for a while as its checkpoint would be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from workbench.errors import ConfigError


@contextmanager
def as_saved(model: Any) -> Iterator[Any]:
    """Lend a model that is being trained, and give it back as it was.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers or PEFT model, perhaps in the containers of a trainer.

    Yields
    ------
    transformers model
        Out of its containers (data parallel, compiled), in evaluation, and with the forward
        pass of its class: a trainer's own computes in mixed precision, which no checkpoint keeps.
    """
    from accelerate.utils import extract_model_from_parallel

    plain = extract_model_from_parallel(model, keep_torch_compile=False)
    modes = [(one, one.training) for one in plain.modules()]
    within = getattr(plain, "get_base_model", lambda: plain)()
    # a model that lies on several devices is moved about by its own forward pass
    patched = [(one, vars(one).pop("forward")) for one in dict.fromkeys((plain, within))
               if "forward" in vars(one) and not hasattr(one, "_hf_hook")]  # fmt: skip
    plain.eval()
    try:
        yield plain
    finally:
        for one, forward in patched:
            one.forward = forward
        for one, mode in modes:
            one.training = mode


def refuse_shards(model: Any) -> None:
    """Refuse a model of which every process holds a part only.

    Parameters
    ----------
    model : torch.nn.Module

    Raises
    ------
    ConfigError
        Its weights are sharded (FSDP, DeepSpeed ZeRO-3, tensor parallel).
    """
    parts = {type(one).__name__ for one in (*model.modules(), *model.parameters())}
    found = parts & {"FullyShardedDataParallel", "FlatParameter", "DTensor"}
    if any(hasattr(one, "ds_id") for one in model.parameters()):
        found |= {"DeepSpeed ZeRO-3"}
    if found:
        raise ConfigError(
            "The model cannot be scored while it trains: its weights lie in shards.",
            found=", ".join(sorted(found)),
            expected="whole weights in the first process (one device, or data parallel)",
            fix="Save checkpoints, and audit them: workbench audit-model --checkpoints.",
        )
