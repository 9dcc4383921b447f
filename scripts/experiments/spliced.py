#!/usr/bin/env python3
"""What an autoencoder costs the language model that its rows come from.

Rows of a dump are put back into the model at their hook point as their
reconstructions: the loss of the next tokens then, its rise over the clean one,
the share of the loss of a zero residual that is recovered, and KL(clean ||
spliced). All in nats a prediction.

    saectl encode --sae RUN --dump DUMP --out RUN/codes.arrow
    python scripts/experiments/spliced.py MODEL DUMP RUN [RUN ...]

MODEL is a Hugging Face folder, DUMP a folder of shards with token_id, doc and
pos whose documents are whole windows. Prints one JSON object a line. Needs what
the bridge in scripts/python needs.
"""

import json
import os
import pathlib
import sys

import numpy as np
import pyarrow as pa
from safetensors import safe_open

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "python"))

from saectl_bridge import Dump, Reconstructions, load_model, splice  # noqa: E402
from saectl_bridge.text import documents_of  # noqa: E402


def reconstructions(run, rows):
    """x-hat [rows,d] of the codes of a run, in the dump's units."""
    with safe_open(os.path.join(run, "weights.safetensors"), "np") as f:
        w, meta = {n: f.get_tensor(n) for n in ("decoder.weight", "decoder.bias") if n in f.keys()}, f.metadata() or {}
    if meta.get("scale", "none") not in ("none", "mean-norm"):
        sys.exit(f"{run}: data.scale {meta['scale']} is not undone here")
    codes = pa.ipc.open_file(os.path.join(run, "codes.arrow")).read_all()
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
    lm, hook, documents = load_model(model), Dump(dump).hook, list(documents_of(dump))
    rows = sum(map(len, documents))
    saes = {run: Reconstructions(reconstructions(run, rows)) for run in runs}
    r = splice(lm, documents, hook, saes)
    clean, zero = r["clean"]["ce"], r["zero_ablation"]["ce"]
    print(json.dumps({"clean": clean, "zero": zero, "predictions": r["predictions"]}))
    for run in runs:
        s = r[run]
        print(json.dumps({"run": run, "ce": s["ce"], "rise": s["ce"] - clean, "recovered": s["loss_recovered_zero_ablation"], "kl": s["kl"]}))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
