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
import sys

import numpy as np
import pyarrow as pa
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import corpus
import pieces
from model import Config, Model

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))

from saectl_bridge.dumps import DumpWriter  # noqa: E402

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
    length = ids.shape[1] - 1
    with DumpWriter(out, metadata, half=True, vocabulary=pa.array(tok.tokens), shard_rows=1) as dump:
        for part in torch.arange(opt.windows).tensor_split(opt.shards):
            dump.write(
                x[part].flatten(0, 1).numpy(),
                np.repeat(part.numpy(), length),
                np.tile(np.arange(length), len(part)),
                gradient=grad[part].flatten(0, 1).numpy(),
                token_id=ids[part, :-1].flatten().numpy(),
            )
    sizes = [f.stat().st_size for f in out.glob("part-*.arrow")]
    if max(sizes) >= MOST_SHARD_BYTES:
        raise SystemExit(f"a shard has {max(sizes)} bytes: raise --shards")
    total = sum(sizes)
    print(f"{len(files)} files, {opt.windows} windows, {x[..., 0].numel()} rows, {total} bytes")
    print(f"loss {loss.mean().item() / model.cfg.context:.3f} nats a token")
    if total > MOST_BYTES:
        raise SystemExit(f"over {MOST_BYTES} bytes: lower --windows")


if __name__ == "__main__":
    main()
