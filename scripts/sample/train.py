"""Trains the small transformer whose activations are the embedded sample.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python train.py --out DIR

Reads the Go standard library of `go env GOROOT`, learns a vocabulary and a
model from it and writes vocab.json, model.safetensors and train.json to DIR.
"""

import argparse
import collections
import dataclasses
import json
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

import corpus
import pieces
from model import Config, Model


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True, help="folder to write to")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--steps", type=int, default=5000)
    p.add_argument("--batch", type=int, default=32, help="windows a step")
    p.add_argument("--lr", type=float, default=2e-2, help="of Adam: embedding and norms")
    p.add_argument("--muon-lr", type=float, default=0.04, help="of Muon: matrices of the blocks")
    p.add_argument("--threads", type=int, default=1)
    for f in dataclasses.fields(Config):
        p.add_argument("--" + f.name, type=int, default=f.default)
    return p.parse_args()


def tokens_of(texts, tok):
    return torch.from_numpy(np.concatenate([np.array(tok.encode_file(t), dtype=np.int16) for t in texts]))


def prepare(opt, out):
    """Learns the vocabulary; returns the token streams (train, held)."""
    train, held = corpus.standard_library()
    counts = collections.Counter(p for text in train for p in pieces.split(text))
    tok = pieces.Tokenizer(pieces.learn(counts, opt.vocab))
    tok.save(out / "vocab.json")
    sizes = {"train_chars": sum(map(len, train)), "held_chars": sum(map(len, held))}
    streams = tokens_of(train, tok), tokens_of(held, tok)
    return *streams, sizes | {"train_tokens": len(streams[0]), "held_tokens": len(streams[1])}


def windows(stream, starts, length):
    """Returns inputs and next tokens, both [N, length]."""
    at = starts[:, None] + torch.arange(length + 1)
    ids = stream[at].long()
    return ids[:, :-1], ids[:, 1:]


def loss_of(model, ids, targets, reduction="mean"):
    return F.cross_entropy(model(ids).flatten(0, 1), targets.flatten(), reduction=reduction)


@torch.no_grad()
def mean_loss(model, stream, most=400_000):
    """Mean loss in nats a token over consecutive windows of a stream."""
    t = model.cfg.context
    starts = torch.arange(0, len(stream) - t, t)
    starts = starts[:: max(1, len(starts) * t // most)]
    total = sum(loss_of(model, *windows(stream, part, t), "sum").item() for part in starts.split(64))
    return total / (len(starts) * t)


def optimizers(model, opt):
    """Muon for the matrices of the blocks, Adam for everything else."""
    matrices = [p for b in model.blocks for p in b.parameters() if p.ndim == 2]
    others = [p for p in model.parameters() if not any(p is m for m in matrices)]
    return [
        torch.optim.AdamW(others, lr=opt.lr, betas=(0.9, 0.95), weight_decay=0.0),
        torch.optim.Muon(matrices, lr=opt.muon_lr, weight_decay=0.01),
    ]


def rate(step, steps):
    """The factor of the learning rates: short warm-up, cosine to 2 %."""
    warm = min(1.0, (step + 1) / 50)
    return warm * (0.02 + 0.98 * (0.5 + 0.5 * math.cos(math.pi * step / steps)))


def fit(model, stream, opt):
    """Trains on windows drawn with replacement; yields (step, loss)."""
    draw = torch.Generator().manual_seed(opt.seed)
    opts = optimizers(model, opt)
    rates = [g["lr"] for o in opts for g in o.param_groups]
    for step in range(opt.steps):
        starts = torch.randint(len(stream) - opt.context, (opt.batch,), generator=draw)
        loss = loss_of(model, *windows(stream, starts, opt.context))
        for o, r in zip(opts, rates):
            o.param_groups[0]["lr"] = r * rate(step, opt.steps)
            o.zero_grad()
        loss.backward()
        for o in opts:
            o.step()
        yield step, loss.item()


def main():
    opt = options()
    out = pathlib.Path(opt.out)
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(opt.threads)
    torch.manual_seed(opt.seed)
    train, held, sizes = prepare(opt, out)
    print(sizes, flush=True)
    cfg = Config(**{f.name: getattr(opt, f.name) for f in dataclasses.fields(Config)})
    model, begun = Model(cfg), time.time()
    for step, loss in fit(model, train, opt):
        if step % 50 == 0:
            print(f"step {step} loss {loss:.3f} {time.time() - begun:.0f} s", flush=True)
    report = {
        "config": dataclasses.asdict(cfg),
        "parameters": sum(p.numel() for p in model.parameters()),
        "run": vars(opt) | {"out": out.name, "tokens_seen": opt.steps * opt.batch * opt.context},
        "corpus": sizes,
        "train_loss": mean_loss(model, train),
        "held_loss": mean_loss(model, held),
        "seconds": round(time.time() - begun),
    }
    save_file(model.state_dict(), out / "model.safetensors")
    (out / "train.json").write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
