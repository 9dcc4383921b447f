"""Attention patterns and values of a layer, for direct feature attribution."""

import numpy as np
import torch
from safetensors.numpy import save_file

from .models import ATTENTION, OUTPUT, HookedModel, TransformersModel, part


@torch.no_grad()
def write_attention(lm, documents, layer, path, doc=None, weights=None, context=None):
    """Writes pattern [docs,heads,T,T], v [docs,T,kv_heads,head_dim], doc and
    token_id as safetensors, which `saectl heads --attention` reads. Entry (t,s)
    of a pattern is how much position t reads from s.

    documents are lists of token ids of one length; context cuts them to their
    first tokens, which attention that looks back only allows. doc are their
    numbers in the dump, 0, 1, ... by default. With weights the output projection
    W_O [heads,head_dim,d] goes to that file.
    """
    documents = [ids[:context] for ids in documents]
    if not documents or len({len(d) for d in documents}) != 1:
        raise ValueError(f"documents of lengths {sorted({len(d) for d in documents})}: give some of one length, or a context")
    patterns, v = [], []
    for ids in documents:
        p, value = patterns_of(lm, torch.tensor([ids], device=lm.device), layer)
        patterns.append(p[0].float().cpu().numpy())
        v.append(value[0].float().cpu().numpy())
    tensors = {
        "pattern": np.stack(patterns),
        "v": np.stack(v),
        "doc": np.asarray(range(len(documents)) if doc is None else doc, np.int64),
        "token_id": np.asarray(documents, np.int32),
    }
    save_file(tensors, path)
    if weights:
        save_file({"W_O": output_weights(lm, layer)}, weights)


def patterns_of(lm, ids, layer):
    """Pattern [B,heads,T,T] and values [B,T,kv_heads,head_dim] of a layer."""
    if isinstance(lm, HookedModel):
        names = [f"blocks.{layer}.attn.hook_{n}" for n in ("pattern", "v")]
        _, cache = lm.model.run_with_cache(ids, names_filter=names)
        return cache[names[0]], cache[names[1]]
    attention = lm.attention(layer)
    held = {}
    handle = values_module(lm, attention).register_forward_hook(lambda m, a, out: held.update(v=out))
    was = lm.config._attn_implementation
    try:
        lm.model.set_attn_implementation("eager")  # the only one that gives patterns
        out = lm.model(input_ids=ids, use_cache=False, output_attentions=True)
    finally:
        lm.model.set_attn_implementation(was)
        handle.remove()
    return out.attentions[layer], split_values(lm, held["v"])


def values_module(lm, attention):
    """The linear map that gives the values, alone or with queries and keys."""
    module = part(attention, ("v_proj", "value", "c_attn"))
    if module is None:
        raise ValueError(f"{lm.name}: the value projection is not found in this architecture; use a model of TransformerLens")
    return module


def split_values(lm, out):
    heads, dim = lm.heads("blocks.0.attn.hook_z")
    kv = getattr(lm.config, "num_key_value_heads", None) or heads
    if out.shape[-1] == 3 * heads * dim:
        out = out[..., 2 * heads * dim :]  # GPT-2: queries, keys, values
    return out.unflatten(-1, (kv, dim))


def output_weights(lm, layer):
    """W_O [heads,head_dim,d]: the attention's output is the sum over heads of
    z_h W_O[h], and a bias where the model has one."""
    if isinstance(lm, HookedModel):
        return lm.model.blocks[layer].attn.W_O.detach().float().cpu().numpy()
    assert isinstance(lm, TransformersModel)
    out = part(part(lm.blocks[layer], ATTENTION), OUTPUT)
    w = out.weight.detach().float().cpu()
    if type(out).__name__ != "Conv1D":  # which keeps the transpose
        w = w.T
    heads, dim = lm.heads("blocks.0.attn.hook_z")
    return np.ascontiguousarray(w.reshape(heads, dim, -1).numpy())
