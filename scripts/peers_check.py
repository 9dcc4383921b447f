"""Loads folders that `saectl export` wrote in the libraries they are for.

usage: peers_check.py SAECTL FORMATS WORK

Every autoencoder in FORMATS (files of the libraries themselves, with inputs and
outputs) is exported to every format that can hold it, and runs of several
variants are trained and exported. What the libraries compute must be what
saectl computes: the same latents active, values and reconstructions within the
tolerance of the case.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from safetensors.numpy import load_file

warnings.filterwarnings("ignore")
FORMATS = ["saelens", "sparsify", "dictionary-learning"]


def saelens(folder, x):
    from sae_lens import SAE

    sae = SAE.load_from_disk(str(folder), device="cpu")
    z = sae.encode(x)
    skip = getattr(sae, "W_skip", None)
    return z, sae(x) if skip is not None else sae.decode(z)


def sparsify(folder, x):
    from sparsify import SparseCoder

    coder = SparseCoder.load_from_disk(str(folder), device="cpu")
    top = coder.encode(x)
    z = torch.zeros(len(x), coder.num_latents).scatter_(1, top.top_indices, top.top_acts)
    out = coder.decode(top.top_acts, top.top_indices)
    if coder.W_skip is not None:
        out = out + x @ coder.W_skip.mT
    return z, out


def dictionary_learning(folder, x):
    from dictionary_learning.dictionary import AutoEncoder
    from dictionary_learning.utils import load_dictionary

    name = json.loads((folder / "config.json").read_text())["trainer"]["dict_class"]
    if name == "AutoEncoder":  # by default latents are rescaled on loading
        ae = AutoEncoder.from_pretrained(str(folder / "ae.pt"), normalize_decoder=False)
    else:
        ae, _ = load_dictionary(str(folder), "cpu")
    z = ae.encode(x)
    return z, ae.decode(z)


LOAD = {"saelens": saelens, "sparsify": sparsify, "dictionary-learning": dictionary_learning}


class Check:
    def __init__(self, saectl, work):
        self.saectl, self.work = saectl, Path(work)
        self.passed, self.refused, self.failed = {f: 0 for f in FORMATS}, 0, []
        self.work.mkdir(parents=True, exist_ok=True)

    def run(self, *args):
        return subprocess.run([self.saectl, *map(str, args)], capture_output=True, text=True)

    def one(self, name, sae, form, x, z, x_hat, absolute, relative):
        """Exports sae, loads it and compares with z and x_hat."""
        out = self.work / f"{name}-{form}"
        done = self.run("export", "--sae", sae, "--format", form, "--out", out)
        if done.returncode != 0:
            if done.returncode != 1 or "internal" in done.stderr:
                self.failed.append(f"{name} {form}: {done.stderr.strip()}")
            self.refused += 1
            return
        try:
            rows = x if form == "saelens" else x.reshape(len(x), -1)  # which alone knows of heads
            with torch.no_grad():
                got_z, got_x = (v.detach().float().numpy().reshape(len(x), -1) for v in LOAD[form](out, torch.from_numpy(rows)))
        except Exception as e:  # the library's own words
            self.failed.append(f"{name} {form}: {type(e).__name__}: {e}")
            return
        for what, got, want in (("z", got_z, z), ("x_hat", got_x, x_hat)):
            want = want.reshape(len(x), -1)
            if what == "z" and not np.array_equal(got != 0, want != 0):
                self.failed.append(f"{name} {form}: {np.sum((got != 0) != (want != 0))} latents are active in one alone")
                return
            worst = np.max(np.abs(got - want) - absolute - relative * np.abs(want))
            if not worst <= 0:
                self.failed.append(f"{name} {form}: {what} is off by {worst:.3g} beyond the tolerance")
                return
        self.passed[form] += 1

    def cases(self, formats):
        for case in sorted(Path(formats).glob("*/*/case.json")):
            c = json.loads(case.read_text())
            if case.parent.parent.name not in ("saelens", "sparsify", "dictionary_learning") or "layers" in c:
                continue
            t = load_file(case.parent / "case.safetensors")
            tol = c["tolerance"]
            for form in FORMATS:
                self.one(f"{case.parent.parent.name}-{c['name']}", case.parent / c["path"], form, t["x"], t["z"], t["x_hat"], tol["absolute"], tol["relative"])

    def runs(self):
        """Trains runs of several variants and compares on rows of their dump."""
        dump = self.work / "planted"
        self.ok("data", "synth", "--out", dump, "--rows", 4000, "--d", 16, "--latents", 48, "--active", 3)
        for variant, more in {"topk": ["topk.k=4"], "batchtopk": ["batchtopk.k=4"], "abstopk": ["abstopk.k=4"], "matryoshka": ["matryoshka.k=4"], "relu": [], "jumprelu": [], "gated": [], "mpsae": ["mpsae.k=4", "mpsae.bias=true"]}.items():
            run = self.work / variant
            scale = [] if variant == "mpsae" else ["data.scale=mean-norm"]
            sets = [f"variant={variant}", "sae.latents=48", "train.steps=60", "train.batch=256", *scale, *more]
            self.ok("train", "--quiet", "--dump", dump, "--out", run, *[a for s in sets for a in ("--set", s)])
            x, z, x_hat = self.encoded(run, dump)
            for form in FORMATS:
                self.one(f"run-{variant}", run, form, x, z, x_hat, 1e-4, 1e-4)

    def encoded(self, run, dump):
        """Rows of the dump, and what saectl makes of them."""
        codes = self.work / "codes.arrow"
        self.ok("encode", "--sae", run, "--dump", dump, "--out", codes)
        rows = 256
        shards = [pa.ipc.open_file(p).read_all() for p in sorted(dump.glob("part-*.arrow"))]
        column = pa.concat_tables(shards).column("activation").combine_chunks().slice(0, rows)
        x = np.array(column.to_pylist(), dtype=np.float32)
        table = pa.ipc.open_file(codes).read_all().slice(0, rows)
        w = load_file(run / "weights.safetensors")
        z = np.zeros((rows, len(w["decoder.weight"])), np.float32)
        for i, (latents, values) in enumerate(zip(table.column("latent").to_pylist(), table.column("value").to_pylist())):
            z[i, latents] = values
        scale = float(self.metadata(run).get("scale_factor", 1))
        x_hat = (z @ w["decoder.weight"] + w.get("decoder.bias", 0)) / scale
        return x, z, x_hat.astype(np.float32)

    def metadata(self, run):
        from safetensors import safe_open

        with safe_open(run / "weights.safetensors", framework="numpy") as f:
            return f.metadata() or {}

    def ok(self, *args):
        done = self.run(*args)
        if done.returncode != 0:
            sys.exit(f"saectl {' '.join(map(str, args))}: {done.stderr}")


def main():
    saectl, formats, work = sys.argv[1:]
    torch.set_num_threads(1)
    check = Check(saectl, work)
    if os.path.isdir(formats):
        check.cases(formats)
    else:
        print(f"skipped: {formats} is missing, so only runs are checked")
    check.runs()
    print("exports that compute the same in the library:", ", ".join(f"{f} {n}" for f, n in check.passed.items()), f"; refused by name: {check.refused}")
    for line in check.failed:
        print("FAILED", line)
    sys.exit(1 if check.failed or not all(check.passed.values()) else 0)


main()
