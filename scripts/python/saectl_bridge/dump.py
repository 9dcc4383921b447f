"""Writing activations and gradients of a model as dumps."""

import contextlib
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from .dumps import DumpWriter
from .text import batches


def dump(lm, documents, hooks, out, gradient=False, half=False, batch_rows=4096, shard_rows=1 << 20, metadata=None, vocabulary=None, progress=None):
    """Runs lm over documents, lists of token ids, and writes what the hook
    points give: one dump in the folder out, or one in out/HOOK for each of
    several.

    A document is a window that the model sees alone. gradient adds the gradient
    of the next-token loss, summed over the document's predictions, with respect
    to the activations. Documents of one length are run together, about
    batch_rows tokens at a time; nothing else is held. Returns how many rows each
    dump has.
    """
    hooks = list(hooks)
    if not hooks:
        raise ValueError("name at least one hook point")
    with contextlib.ExitStack() as stack:
        writers = {}
        for hook in hooks:
            path = pathlib.Path(out) if len(hooks) == 1 else pathlib.Path(out) / hook
            meta = describe(lm, hook, gradient) | (metadata or {})
            writers[hook] = stack.enter_context(DumpWriter(path, meta, half, vocabulary, shard_rows))
        first = 0
        for group in batches(documents, batch_rows):
            ids = torch.tensor(group, device=lm.device)
            kept = activations(lm, ids, hooks, gradient)
            n, t = ids.shape
            rows = {
                "token_id": ids.flatten().cpu().numpy(),
                "doc": np.repeat(np.arange(first, first + n), t),
                "pos": np.tile(np.arange(t), n),
            }
            for hook, (x, g) in kept.items():
                writers[hook].write(flat(x), gradient=None if g is None else flat(g), **rows)
            first += n
            if progress:
                progress(first, writers[hooks[0]].rows)
        return writers[hooks[0]].rows


def describe(lm, hook, gradient):
    """The metadata of a dump of a hook point."""
    meta = {"sae.hook": hook}
    if lm.name:
        meta["sae.model"] = lm.name
    heads = lm.heads(hook)
    if heads:
        meta |= {"sae.heads": str(heads[0]), "sae.head_dim": str(heads[1])}
    if gradient:
        meta["sae.loss_reduction"] = "sum"
    return meta


def flat(x):
    return x.flatten(0, 1).float().cpu().numpy()


def activations(lm, ids, hooks, gradient=False):
    """What the hook points give for ids [B,T]: pairs of x and, with gradient,
    d loss/dx, both [B,T,d], by hook point; else None."""
    kept = {}

    def keep(hook):
        def edit(x):
            if not gradient:
                kept[hook] = x.detach()
                return None
            if x.requires_grad:  # it depends on an earlier hook point
                x.retain_grad()
                kept[hook] = x
                return None if lm.read_only(hook) else x  # x may be a view, which must be on the way
            kept[hook] = x.detach().requires_grad_()
            return kept[hook]

        return edit

    edits = {h: keep(h) for h in hooks}
    if gradient and any(lm.read_only(h) for h in hooks):  # then the graph begins below them
        edits = {"hook_embed": lambda x: x.detach().requires_grad_()} | edits
    with torch.set_grad_enabled(gradient), lm.edited(edits):
        logits = lm.logits(ids)
        if gradient:
            losses(logits, ids).sum().backward()
    return {h: (kept[h].detach(), gradient_of(kept[h]) if gradient else None) for h in hooks}


def gradient_of(x):
    return torch.zeros_like(x) if x.grad is None else x.grad  # a document of one token predicts nothing


def losses(logits, ids):
    """-log p of each token given those before it, [B,T-1] in nats."""
    return F.cross_entropy(logits[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
