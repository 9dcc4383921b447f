#!/usr/bin/env python3
"""Time saectl encode and eval of a dump, from file to file, beside sparsify and
dictionary_learning with the same autoencoder on the same rows.

The packages read rows from the same files, through Arrow's memory map, and write
nothing. All take turns: saectl goes through the whole dump, the packages through
its first --rows. Make what is read first:

    saectl data synth --rows 1000000 --d 768 --latents 4096 --active 24 --exponent 0.5 --noise 0.3 --out rows
    saectl train --config topk --dump rows --out run --set sae.latents=6144 --set topk.k=32 --set train.steps=400
    saectl export --sae run --format sparsify --out exported/sparsify
    saectl export --sae run --format dictionary-learning --out exported/dictionary_learning
    .venv/bin/python scripts/bench_rows.py --saectl /tmp/saectl --sae run --exported exported --dump rows
"""

import argparse
import glob
import os
import subprocess
import tempfile
import time

os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")  # sparsify's kernels for a GPU fail to start without one

import pyarrow as pa
import torch


def batches(dump, size):
    """The rows of a dump, as tensors [size, D] that are copied from its files."""
    for path in sorted(glob.glob(os.path.join(dump, "*.arrow"))):
        reader = pa.ipc.open_file(pa.memory_map(path))
        for i in range(reader.num_record_batches):
            column = reader.get_batch(i).column("activation")
            rows = column.flatten().to_numpy().reshape(len(column), -1)
            for first in range(0, len(rows) - size + 1, size):
                yield torch.from_numpy(rows[first : first + size].copy())


def timed(do, dump, size, rows):
    """Rows a second of do on the first rows of a dump."""
    started, done = time.perf_counter(), 0
    with torch.no_grad():
        for x in batches(dump, size):
            do(x)
            done += len(x)
            if done >= rows:
                break
    return done / (time.perf_counter() - started)


def sparsify_encode(a):
    from sparsify import SparseCoder

    return SparseCoder.load_from_disk(os.path.join(a.exported, "sparsify"), device="cpu").encode


def dictionary_learning(a):
    from dictionary_learning.utils import load_dictionary

    return load_dictionary(os.path.join(a.exported, "dictionary_learning"), device="cpu")[0]


def dictionary_learning_evaluate(a):
    from dictionary_learning.evaluation import evaluate

    sae = dictionary_learning(a)
    return lambda x: evaluate(sae, iter([x]))


def ours(a, *args):
    """Rows a second of one command."""
    started = time.perf_counter()
    subprocess.run([a.saectl, *args, "--sae", a.sae, "--dump", a.dump], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return a.all / (time.perf_counter() - started)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--saectl", required=True, help="the saectl program")
    p.add_argument("--sae", required=True, help="a run folder")
    p.add_argument("--exported", required=True, help="folder of its exports, sparsify and dictionary_learning")
    p.add_argument("--dump", required=True, help="rows to go through")
    p.add_argument("--rows", type=int, default=65536, help="rows of a turn of the packages")
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--rounds", type=int, default=3, help="turns that each takes")
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    a.all = sum(pa.ipc.open_file(pa.memory_map(f)).read_all().num_rows for f in glob.glob(os.path.join(a.dump, "*.arrow")))
    peers = {"encode": {"sparsify": sparsify_encode(a), "dictionary_learning": dictionary_learning(a).encode},
             "eval": {"dictionary_learning": dictionary_learning_evaluate(a)}}
    rates = {what: {name: [] for name in ["saectl", *p]} for what, p in peers.items()}
    with tempfile.TemporaryDirectory() as out:
        commands = {"encode": ["encode", "--quiet", "--out", os.path.join(out, "codes.arrow")], "eval": ["eval", "--split", "all"]}
        for i in range(a.rounds):
            for what, others in peers.items():
                rates[what]["saectl"].append(ours(a, *commands[what]))
                for name, do in others.items():
                    rates[what][name].append(timed(do, a.dump, a.batch, a.rows))
                print(f"round {i + 1}, {what}, rows/s:", ", ".join(f"{n} {r[-1]:,.0f}" for n, r in rates[what].items()), flush=True)
    for what, by in rates.items():
        print(f"\n{what:24}{'rows/s':>10}{'ours to it':>12}")
        for name, r in by.items():
            print(f"{name:24}{max(r):10,.0f}{max(by['saectl']) / max(r):12.2f}")


if __name__ == "__main__":
    main()
