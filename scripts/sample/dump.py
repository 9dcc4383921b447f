"""Writes the embedded sample: the trained model reading this project.

    .venv/bin/python dump.py --model DIR --out ../../data/sample

Takes windows evenly from all Go files of a commit, runs the model over
them and writes the residual stream after one block, the gradient of the summed
next-token loss with respect to it, and the tokens, as shards of an activation
dump. A document of the dump is one window.
"""

import argparse
import json
import pathlib

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import corpus
import pieces
from model import Config, Model

MOST_BYTES, MOST_SHARD_BYTES = 8_000_000, 1_400_000


def options():
    root = pathlib.Path(__file__).resolve().parents[2]
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", required=True, help="folder that train.py wrote")
    p.add_argument("--out", required=True, help="folder of the shards")
    p.add_argument("--source", default=str(root), help="git checkout to read")
    p.add_argument("--commit", default="HEAD", help="commit of the checkout to read")
    p.add_argument("--block", type=int, default=2, help="the residual after this block is dumped")
    p.add_argument("--windows", type=int, default=222, help="documents of the dump")
    p.add_argument("--shards", type=int, default=6)
    return p.parse_args()


def load(folder):
    """Returns the model of a folder and its tokeniser."""
    folder = pathlib.Path(folder)
    model = Model(Config(**json.loads((folder / "train.json").read_text())["config"]))
    model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    return model.eval(), pieces.Tokenizer.load(folder / "vocab.json")


def choose(files, tok, length, count):
    """Cuts files into windows and returns count of them, evenly spread.

    The windows of a file do not overlap. Each [length+1] has the token after
    it, the target of its last position. The ends of files that fill no
    window are dropped.
    """
    cut = []
    for text in files:
        ids = tok.encode_file(text)
        cut += [ids[i : i + length + 1] for i in range(0, len(ids) - length, length)]
    if len(cut) < count:
        raise SystemExit(f"the source fills {len(cut)} windows of {length} tokens, {count} are wanted: lower --windows")
    return torch.tensor([cut[(2 * i + 1) * len(cut) // (2 * count)] for i in range(count)])


def read(model, ids, block):
    """Returns activations, gradients, both [N, T, d], and the summed loss of each window."""
    kept = {}

    def hook(i, x):
        if i != block:
            return x
        kept["x"] = x.detach().requires_grad_()
        return kept["x"]

    logits = model(ids[:, :-1], hook)
    loss = F.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none").sum(1)
    loss.sum().backward()
    return kept["x"].detach(), kept["x"].grad, loss.detach()


def column(x):
    """Returns x [N, T, d] as fixed_size_list<float16>[d] of N*T rows."""
    half = x.flatten(0, 1).numpy().astype(np.float16)
    if not np.isfinite(half).all():
        raise SystemExit("a value does not fit in float16")
    return pa.FixedSizeListArray.from_arrays(pa.array(half.ravel()), half.shape[1])


def table(x, grad, ids, first, vocab, metadata):
    """Returns the record batch of windows first, first+1, ... ."""
    n, t = ids.shape
    token = pa.array(ids.flatten().numpy().astype(np.int32))
    columns = {
        "activation": column(x),
        "gradient": column(grad),
        "token_id": token,
        "token": pa.DictionaryArray.from_arrays(token, pa.array(vocab)),
        "doc": pa.array(np.repeat(np.arange(first, first + n, dtype=np.int64), t)),
        "pos": pa.array(np.tile(np.arange(t, dtype=np.int32), n)),
    }
    fields = [pa.field(name, c.type, nullable=False) for name, c in columns.items()]
    return pa.record_batch(list(columns.values()), pa.schema(fields, metadata=metadata))


def write(batch, path):
    with pa.ipc.new_file(path, batch.schema) as f:
        f.write_batch(batch)
    if path.stat().st_size >= MOST_SHARD_BYTES:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes: raise --shards")
    return path.stat().st_size


def main():
    opt = options()
    out = pathlib.Path(opt.out)
    out.mkdir(parents=True, exist_ok=True)
    model, tok = load(opt.model)
    files = corpus.own_source(opt.source, opt.commit)
    ids = choose(files, tok, model.cfg.context, opt.windows)
    x, grad, loss = read(model, ids, opt.block)
    metadata = {
        "sae.version": "1",
        "sae.model": f"gostd-{model.cfg.layers}x{model.cfg.d}",
        "sae.hook": f"blocks.{opt.block}.hook_resid_post",
        "sae.dataset": "Go source of saectl",
        "sae.split": "all",
        "sae.commit": corpus.commit_hash(opt.source, opt.commit),
        "sae.loss_reduction": "sum",
        "sae.scale": "1",
    }
    for old in out.glob("part-*.arrow"):
        old.unlink()
    total = 0
    for i, part in enumerate(torch.arange(opt.windows).tensor_split(opt.shards)):
        batch = table(x[part], grad[part], ids[part, :-1], int(part[0]), tok.tokens, metadata)
        total += write(batch, out / f"part-{i:05}.arrow")
    print(f"{len(files)} files, {opt.windows} windows, {x[..., 0].numel()} rows, {total} bytes")
    print(f"loss {loss.mean().item() / model.cfg.context:.3f} nats a token")
    if total > MOST_BYTES:
        raise SystemExit(f"over {MOST_BYTES} bytes: lower --windows")


if __name__ == "__main__":
    main()
