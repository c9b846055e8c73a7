"""log p(response | prompt) the plain way: one sequence, all of its logits, no mask."""

from __future__ import annotations


def plain_logprob(model, prompt, response) -> float:
    import torch

    ids = torch.tensor([[*prompt, *response]], device=model.device)
    logits = model(input_ids=ids).logits[0].float()
    steps = torch.log_softmax(logits[len(prompt) - 1 : -1], dim=-1)
    picked = steps.gather(1, ids[0, len(prompt) :, None])
    return float(picked.detach().double().sum())
