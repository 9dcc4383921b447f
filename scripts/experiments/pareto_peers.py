#!/usr/bin/env python3
"""FVU at equal L0 beside the trainers of dictionary_learning.

Trains their ReLU (April update), gated, JumpReLU and Matryoshka trainers, as
published, on a dump, at a few penalties and learning rates; then saectl on as
many rows at two targets around the L0 that each penalty's best run keeps, and
compares FVU there, between the two on logarithmic scales. Figures are of rows
that neither trained on. Finished runs are kept.

    python3 -m venv .venv
    .venv/bin/pip install torch pyarrow dictionary-learning
    go build -o saectl ./cmd/saectl
    .venv/bin/python scripts/experiments/pareto_peers.py --saectl ./saectl --dump DIR/babyllama105-l3 --out runs/pareto-peers
"""

import argparse
import glob
import importlib.metadata
import json
import math
import os
import subprocess

import numpy
import pyarrow.ipc
import torch

RATES = [1e-3, 3e-3, 1e-2]
SETTINGS = {"jumprelu": [8, 16, 32], "matryoshka": [8, 16, 32], "gated": [0.2, 0.5], "relu": [0.2, 0.5]}


def rows(folder):
    """The activations of a dump, [rows, d]."""
    parts = []
    for path in sorted(glob.glob(os.path.join(folder, "part-*.arrow"))):
        table = pyarrow.ipc.open_file(path).read_all()
        for chunk in table.column("activation").chunks:
            parts.append(chunk.flatten().to_numpy(zero_copy_only=False).reshape(len(chunk), -1).astype(numpy.float32))
    return torch.from_numpy(numpy.concatenate(parts))


def trainer(kind, setting, rate, a, d):
    from dictionary_learning.trainers.gdm import GatedSAETrainer
    from dictionary_learning.trainers.jumprelu import JumpReluTrainer
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKTrainer
    from dictionary_learning.trainers.standard import StandardTrainerAprilUpdate

    common = dict(steps=a.steps, activation_dim=d, dict_size=8 * d, layer=0, lm_name="none", lr=rate,
                  warmup_steps=100, decay_start=a.steps * 8 // 10, seed=0, device="cpu")
    if kind == "matryoshka":
        return MatryoshkaBatchTopKTrainer(k=setting, group_fractions=[1 / 16, 1 / 16, 1 / 8, 1 / 4, 1 / 2],
                                          threshold_beta=0.99, threshold_start_step=0, **common)
    common["sparsity_warmup_steps"] = a.steps // 20
    if kind == "jumprelu":
        return JumpReluTrainer(target_l0=setting, **common)
    return {"relu": StandardTrainerAprilUpdate, "gated": GatedSAETrainer}[kind](l1_penalty=setting, **common)


def measure(encode, decode, x):
    z = encode(x)
    residual = (x - decode(z)).double().square().sum()
    return {"l0": float((z != 0).sum(1).double().mean()), "fvu": float(residual / (x - x.mean(0)).double().square().sum())}


def peer(kind, setting, rate, a, train, test):
    torch.manual_seed(0)
    t = trainer(kind, setting, rate, a, train.shape[1])
    order = torch.cat([torch.randperm(len(train)) for _ in range(math.ceil(a.steps * a.batch / len(train)))])
    for i in range(a.steps):
        t.update(i, train[order[i * a.batch:(i + 1) * a.batch]])
    with torch.no_grad():
        return measure(t.ae.encode, t.ae.decode, test)


def kept(path, make):
    """What make gives, from its file where there is one."""
    if not os.path.exists(path):
        result = make()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".tmp", "w") as f:
            json.dump(result, f)
        os.replace(path + ".tmp", path)
    with open(path) as f:
        return json.load(f)


def ours(kind, l0, a):
    """saectl's best of the same rates at two targets around l0, as (L0, FVU)."""
    points = []
    for share in (0.9, 1.1):
        k = l0 * share
        key, value = kind + ".target_l0", f"{k:.3g}"
        if kind == "matryoshka":
            key, value = "matryoshka.k", str(math.floor(l0) if share < 1 else math.ceil(l0 + 0.01))
        out = os.path.join(a.out, "saectl", f"{kind}-{value}")
        rates = ",".join(map(str, RATES))
        found = kept(out + ".json", lambda: json.loads(subprocess.run(
            [a.saectl, "sweep", "--config", kind, "--dump", a.dump + "/train", "--test", a.dump + "/test", "--out", out, "--quiet", "--json",
             "--set", "data.holdout=0", "--set", f"train.steps={a.steps}", "--set", f"train.batch={a.batch}", "--set", f"{key}={value}",
             "--set", "train.keep_checkpoint=false", "--grid", "optimizer.lr=" + rates], check=True, capture_output=True).stdout))
        best = min((r["metrics"] for r in found["runs"]), key=lambda m: m["fvu"])
        points.append((best["l0"], best["fvu"]))
    return points


def between(points, l0):
    """FVU at l0 on the line through two points, in logarithms."""
    (a, fa), (b, fb) = points
    if abs(math.log(a / b)) < 1e-6:
        return fa
    share = (math.log(l0) - math.log(a)) / (math.log(b) - math.log(a))
    return math.exp(math.log(fa) + share * (math.log(fb) - math.log(fa)))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--saectl", default="saectl")
    p.add_argument("--dump", required=True, help="folder with train and test")
    p.add_argument("--out", default="runs/pareto-peers")
    p.add_argument("--steps", type=int, default=400)
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--only", help="one of " + ", ".join(SETTINGS))
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    train, test = rows(a.dump + "/train"), rows(a.dump + "/test")
    scale = float(train.square().sum(1).mean().sqrt())  # theirs: the mean squared norm is 1
    train, test = train / scale, test / scale
    print(f"dictionary-learning {importlib.metadata.version('dictionary-learning')}, torch {torch.__version__}\n")
    print("| kind | setting | rate | L0 | FVU | saectl's FVU at that L0 | against theirs |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for kind in SETTINGS if a.only is None else [a.only]:
        for setting in SETTINGS[kind]:
            best, rate = min(((kept(os.path.join(a.out, "peers", f"{kind}-{setting}-{r}.json"),
                                    lambda: peer(kind, setting, r, a, train, test)), r) for r in RATES), key=lambda m: m[0]["fvu"])
            fvu = between(ours(kind, best["l0"], a), best["l0"])
            print(f"| {kind} | {setting} | {rate} | {best['l0']:.2f} | {best['fvu']:.4f} | {fvu:.4f} | {100 * (fvu / best['fvu'] - 1):+.1f} % |", flush=True)


if __name__ == "__main__":
    main()
