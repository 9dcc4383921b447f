#!/usr/bin/env python3
"""What an autoencoder costs the language model that its rows come from.

Rows after the last block but one of a Llama are replaced by their
reconstructions and the last block is run on them: the loss of the next tokens
then, its rise over the clean one, the share of the loss of a zero residual that
is recovered, and KL(clean || spliced). All in nats a prediction.

    saectl encode --sae RUN --dump DUMP --out RUN/codes.arrow
    python scripts/experiments/spliced.py MODEL DUMP RUN [RUN ...]

MODEL is a Hugging Face folder (config.json, model.safetensors), DUMP a folder
of shards with token_id, doc and pos whose documents are whole windows. Prints
one JSON object a line. Needs numpy and pyarrow.
"""

import glob
import json
import os
import struct
import sys

import numpy as np
import pyarrow as pa


def safetensors(path):
    """The tensors and metadata of a file of float32 (and float64) tensors."""
    with open(path, "rb") as f:
        (n,) = struct.unpack("<Q", f.read(8))
        head, body = json.loads(f.read(n)), f.read()
    meta, tensors = head.pop("__metadata__", {}), {}
    for name, t in head.items():
        kind = {"F32": "<f4", "F64": "<f8"}.get(t["dtype"])
        if kind:
            lo, hi = t["data_offsets"]
            tensors[name] = np.frombuffer(body[lo:hi], kind).reshape(t["shape"])
    return tensors, meta


def table(paths):
    return pa.concat_tables(pa.ipc.open_file(p).read_all() for p in paths)


def documents(dump):
    """Rows [T,d] and token ids [T] of each document."""
    t = table(sorted(glob.glob(os.path.join(dump, "part-*.arrow"))))
    x = t["activation"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    x = x.astype(np.float32).reshape(len(t), -1)
    doc, pos, ids = (t[c].to_numpy() for c in ("doc", "pos", "token_id"))
    starts = np.flatnonzero(np.r_[True, doc[1:] != doc[:-1]])
    ends = np.r_[starts[1:], len(t)]
    for lo, hi in zip(starts, ends):
        if not np.array_equal(pos[lo:hi], np.arange(hi - lo)):
            sys.exit(f"{dump}: document {doc[lo]} is no whole window from position 0")
    return x, [(slice(lo, hi), ids[lo:hi]) for lo, hi in zip(starts, ends)]


class LastBlock:
    """The last block, norm and head of a Llama with tied embeddings."""

    def __init__(self, folder):
        with open(os.path.join(folder, "config.json")) as f:
            self.c = json.load(f)
        w, _ = safetensors(os.path.join(folder, "model.safetensors"))
        prefix = f"model.layers.{self.c['num_hidden_layers'] - 1}."
        self.w = {k.removeprefix(prefix).removesuffix(".weight"): v for k, v in w.items() if k.startswith(prefix)}
        self.norm, self.head = w["model.norm.weight"], w["model.embed_tokens.weight"]

    def rms(self, x, weight):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + self.c["rms_norm_eps"]) * weight

    def rotate(self, x):
        """Rotary positions; x is [heads,T,e]."""
        e, t = x.shape[-1], np.arange(x.shape[1])
        angle = np.outer(t, self.c["rope_theta"] ** (-np.arange(0, e, 2) / e))
        cos, sin = (np.tile(f(angle), 2).astype(x.dtype) for f in (np.cos, np.sin))
        half = np.concatenate([-x[..., e // 2 :], x[..., : e // 2]], -1)
        return x * cos + half * sin

    def attention(self, x):
        w, e, t = self.w, self.c["head_dim"], len(x)
        q, k, v = ((x @ w[f"self_attn.{n}_proj"].T).reshape(t, -1, e).transpose(1, 0, 2) for n in "qkv")
        q, k = self.rotate(q), self.rotate(k)
        k, v = (np.repeat(a, len(q) // len(a), 0) for a in (k, v))
        s = q @ k.transpose(0, 2, 1) / np.sqrt(e)
        s[:, np.triu(np.ones((t, t), bool), 1)] = -np.inf
        s = np.exp(s - s.max(-1, keepdims=True))
        out = (s / s.sum(-1, keepdims=True)) @ v
        return out.transpose(1, 0, 2).reshape(t, -1) @ w["self_attn.o_proj"].T

    def log_probabilities(self, x):
        """[T,V] for rows x [T,d] of one document."""
        x, w = x.astype(np.float64), self.w
        x = x + self.attention(self.rms(x, w["input_layernorm"]))
        h = self.rms(x, w["post_attention_layernorm"])
        gate = h @ w["mlp.gate_proj"].T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ w["mlp.up_proj"].T)) @ w["mlp.down_proj"].T
        z = self.rms(x, self.norm) @ self.head.T
        z -= z.max(-1, keepdims=True)
        return z - np.log(np.exp(z).sum(-1, keepdims=True))


def reconstructions(run, rows):
    """x-hat [rows,d] of the codes of a run, in the dump's units."""
    w, meta = safetensors(os.path.join(run, "weights.safetensors"))
    if meta.get("scale", "none") not in ("none", "mean-norm"):
        sys.exit(f"{run}: data.scale {meta['scale']} is not undone here")
    codes = table([os.path.join(run, "codes.arrow")])
    if not np.array_equal(codes["row"].to_numpy(), np.arange(rows)):
        sys.exit(f"{run}/codes.arrow is not of every row of the dump in order")
    lists = [codes[c].combine_chunks() for c in ("latent", "value")]
    ptr = lists[0].offsets.to_numpy()
    index, value = (a.flatten().to_numpy() for a in lists)
    x = np.zeros((rows, w["decoder.weight"].shape[1]), np.float32)
    for i in range(rows):
        e = slice(ptr[i], ptr[i + 1])
        x[i] = value[e] @ w["decoder.weight"][index[e]]
    return (x + w.get("decoder.bias", 0)) / float(meta.get("scale_factor", 1))


def main(model, dump, *runs):
    block, (x, docs) = LastBlock(model), documents(dump)
    clean = [block.log_probabilities(x[rows])[:-1] for rows, _ in docs]
    n = sum(map(len, clean))

    def loss(y):
        ce = kl = 0.0
        for (rows, ids), p in zip(docs, clean):
            q = block.log_probabilities(y[rows])[:-1]
            ce -= q[np.arange(len(q)), ids[1:]].sum()
            kl += (np.exp(p) * (p - q)).sum()
        return ce / n, kl / n

    base, zero = loss(x)[0], loss(np.zeros_like(x))[0]
    print(json.dumps({"clean": base, "zero": zero, "predictions": n}))
    for run in runs:
        ce, kl = loss(reconstructions(run, len(x)))
        print(json.dumps({"run": run, "ce": ce, "rise": ce - base, "recovered": (zero - ce) / (zero - base), "kl": kl}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
