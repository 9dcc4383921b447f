#!/usr/bin/env python3
"""Time saectl beside published Python packages: a training step, encoding and
evaluation.

All run on rows of the same size, on the CPU, with the same number of threads,
taking turns so that a slow minute of the machine hits each of them. Install
what is to be compared into a virtual environment first:

    python3 -m venv .venv
    .venv/bin/pip install torch dictionary-learning sae-lens eai-sparsify overcomplete
    go build -o /tmp/saectl ./cmd/saectl
    .venv/bin/python scripts/bench_peers.py --saectl /tmp/saectl

A package that is not installed is named and left out. With --pursuit the
matching pursuit autoencoders are timed, which take seconds a step.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")  # sparsify's kernels for a GPU fail to start without one

import torch


def dictionary_learning_topk(a, x):
    from dictionary_learning.trainers.top_k import AutoEncoderTopK, TopKTrainer

    t = TopKTrainer(steps=10**6, activation_dim=a.d, dict_size=a.latents, k=a.k, layer=0, lm_name="none",
                    dict_class=AutoEncoderTopK, lr=3e-4, device="cpu", seed=0)
    return lambda i: t.update(i, x[i % len(x)])


def dictionary_learning_batchtopk(a, x):
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE, BatchTopKTrainer

    t = BatchTopKTrainer(steps=10**6, activation_dim=a.d, dict_size=a.latents, k=a.k, layer=0, lm_name="none",
                         dict_class=BatchTopKSAE, lr=3e-4, device="cpu", seed=0)
    return lambda i: t.update(i, x[i % len(x)])


def saelens_topk(a, x):
    from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig

    return saelens_step(TopKTrainingSAE(TopKTrainingSAEConfig(d_in=a.d, d_sae=a.latents, k=a.k, device="cpu", dtype="float32")), a, x)


def saelens_step(sae, a, x):
    from sae_lens.saes.sae import TrainStepInput

    adam = torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True)
    dead = torch.zeros(a.latents, dtype=torch.bool)

    def step(i):
        adam.zero_grad()
        out = sae.training_forward_pass(TrainStepInput(
            sae_in=x[i % len(x)], coefficients={}, dead_neuron_mask=dead, n_training_steps=i, is_logging_step=False))
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        adam.step()

    return step


def sparsify_sae(a):
    from sparsify import SparseCoder, SparseCoderConfig

    return SparseCoder(a.d, SparseCoderConfig(num_latents=a.latents, k=a.k), device="cpu", dtype=torch.float32)


def sparsify_step(sae, optimizer, x):
    def step(i):
        optimizer.zero_grad()
        sae.set_decoder_norm_to_unit_norm()
        sae(x[i % len(x)]).fvu.backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        optimizer.step()

    return step


def sparsify_adam(a, x):
    sae = sparsify_sae(a)
    return sparsify_step(sae, torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True), x)


def sparsify_signum(a, x):
    from sparsify.sign_sgd import SignSGD

    sae = sparsify_sae(a)
    return sparsify_step(sae, SignSGD(sae.parameters(), lr=5e-3), x)


def overcomplete_sae(a, kind):
    import matplotlib.cm

    # overcomplete 0.3.0 asks for a function that matplotlib 3.9 took away.
    if not hasattr(matplotlib.cm, "get_cmap"):
        matplotlib.cm.get_cmap = lambda name=None, lut=None: matplotlib.colormaps[name or "viridis"]
    import overcomplete.sae

    if kind == "MpSAE":
        return overcomplete.sae.MpSAE(a.d, nb_concepts=a.latents, k=a.k, device="cpu")
    return overcomplete.sae.TopKSAE(a.d, nb_concepts=a.latents, top_k=a.k, device="cpu")


def overcomplete_step(a, x, kind):
    sae = overcomplete_sae(a, kind)
    adam = torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        rows = x[i % len(x)]
        _, _, recon = sae(rows)
        (recon - rows).square().mean().backward()
        adam.step()

    return step


def overcomplete_topk(a, x):
    return overcomplete_step(a, x, "TopKSAE")


def overcomplete_mp(a, x):
    return overcomplete_step(a, x, "MpSAE")


def saelens_mp_sae(a):
    from sae_lens import MatchingPursuitTrainingSAE, MatchingPursuitTrainingSAEConfig

    return MatchingPursuitTrainingSAE(MatchingPursuitTrainingSAEConfig(
        d_in=a.d, d_sae=a.latents, max_iterations=a.k, residual_threshold=0.0, decoder_init_norm=1.0,
        stop_on_duplicate_support=False,  # k rounds for every row, as the others do
        device="cpu", dtype="float32"))


def saelens_mp(a, x):
    return saelens_step(saelens_mp_sae(a), a, x)


def handwritten_mask(a, x):
    """A dense encoder, a dense mask and a dense decoder, as in most papers' code."""
    enc, dec = torch.nn.Linear(a.d, a.latents), torch.nn.Linear(a.latents, a.d)
    adam = torch.optim.Adam([*enc.parameters(), *dec.parameters()], lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        rows = x[i % len(x)]
        pre = enc(rows).relu()
        top = pre.topk(a.k, sorted=False)
        recon = dec(torch.zeros_like(pre).scatter(-1, top.indices, top.values))
        (recon - rows).square().sum(-1).mean().backward()
        adam.step()

    return step


def handwritten_float32(a, x):
    return handwritten_bf16(a, x, reduced=False)


def handwritten_bf16(a, x, reduced=True):
    """A dense encoder in bfloat16 and a decoder by embedding_bag: the fastest loop we know."""
    enc = torch.nn.Linear(a.d, a.latents)
    dec = torch.nn.Parameter(torch.randn(a.latents, a.d) / a.d**0.5)
    adam = torch.optim.Adam([*enc.parameters(), dec], lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        rows = x[i % len(x)]
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=reduced):
            pre = enc(rows)
        top = pre.float().topk(a.k, sorted=False)
        recon = torch.nn.functional.embedding_bag(top.indices, dec, per_sample_weights=top.values.relu(), mode="sum")
        (recon - rows).square().sum(-1).mean().backward()
        adam.step()

    return step


def encoder_product(a, x):
    w = torch.randn(a.latents, a.d)
    return lambda i: torch.mm(x[i % len(x)], w.T)


def without_gradients(encode, x):
    def step(i):
        with torch.no_grad():
            encode(x[i % len(x)])

    return step


def sparsify_encode(a, x):
    return without_gradients(sparsify_sae(a).encode, x)


def dictionary_learning_sae(a):
    from dictionary_learning.trainers.top_k import AutoEncoderTopK

    return AutoEncoderTopK(a.d, a.latents, a.k)


def dictionary_learning_encode(a, x):
    return without_gradients(dictionary_learning_sae(a).encode, x)


def overcomplete_mp_encode(a, x):
    return without_gradients(overcomplete_sae(a, "MpSAE").eval().encode, x)


def saelens_mp_encode(a, x):
    return without_gradients(saelens_mp_sae(a).encode, x)


def dictionary_learning_evaluate(a, x):
    from dictionary_learning.evaluation import evaluate

    sae = dictionary_learning_sae(a)
    return without_gradients(lambda rows: evaluate(sae, iter([rows])), x)


# What is timed: for each figure of `saectl bench`, what stands beside it.
TOPK = {
    "step": [dictionary_learning_topk, dictionary_learning_batchtopk, saelens_topk, sparsify_adam, sparsify_signum,
             overcomplete_topk, handwritten_mask, handwritten_float32, handwritten_bf16, encoder_product],
    "encode": [sparsify_encode, dictionary_learning_encode],
    "eval": [dictionary_learning_evaluate],
}
PURSUIT = {"step": [overcomplete_mp, saelens_mp], "encode": [overcomplete_mp_encode, saelens_mp_encode], "eval": []}


def start(peers, a, x):
    """The peers that work here, by name, each with its steps done and its times."""
    running = {}
    for peer in peers:
        name = peer.__name__
        if a.only and name not in a.only.split(","):
            continue
        try:
            step = peer(a, x)
            step(0)
            running[name] = [step, 1, []]
        except Exception as e:  # a peer that is missing or has another interface is named
            print(f"left out {name}: {type(e).__name__}: {e}")
    return running


def take_turns(a, groups, ours):
    """One round: saectl, then each peer in turn."""
    out = subprocess.run([a.saectl, "bench", "--json", "--variant", a.variant, f"--batch={a.batch}", f"--d={a.d}",
                          f"--latents={a.latents}", f"--k={a.k}", f"--steps={3 * a.steps}", f"--threads={a.threads}"],
                         capture_output=True, text=True, check=True)
    r = json.loads(out.stdout)
    for what, running in groups.items():
        ours[what] += [r[what + "_ms"]["min"], r[what + "_ms"]["median"]]
        for state in running.values():
            for _ in range(a.steps):
                started = time.perf_counter()
                state[0](state[1])
                state[2].append(1000 * (time.perf_counter() - started))
                state[1] += 1


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--saectl", required=True, help="the saectl program")
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--d", type=int, default=768)
    p.add_argument("--latents", type=int, default=6144)
    p.add_argument("--k", type=int, default=32)
    p.add_argument("--rounds", type=int, default=4, help="turns that each takes")
    p.add_argument("--steps", type=int, default=6, help="steps of a turn")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--only", default="", help="peers, separated by commas")
    p.add_argument("--variant", default="topk")
    p.add_argument("--pursuit", action="store_true", help="time matching pursuit")
    p.add_argument("--json", action="store_true", help="print one JSON object")
    a = p.parse_args()
    if a.pursuit:
        a.variant = "mpsae"
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    x = [torch.randn(a.batch, a.d) for _ in range(4)]
    groups = {what: start(peers, a, x) for what, peers in (PURSUIT if a.pursuit else TOPK).items()}
    ours = {what: [] for what in groups}
    for _ in range(a.rounds):
        take_turns(a, groups, ours)
    if a.json:
        times = {what: {"saectl": ours[what]} | {name: s[2] for name, s in g.items()} for what, g in groups.items()}
        size = {"batch": a.batch, "d": a.d, "latents": a.latents, "k": a.k, "threads": a.threads}
        print(json.dumps({"size": size, "torch": torch.__version__, "variant": a.variant, "ms": times}))
        return
    print(f"B {a.batch}, D {a.d}, F {a.latents}, k {a.k}, {a.threads} threads, torch {torch.__version__}; ms a batch")
    for what, running in groups.items():
        best = min(ours[what])
        print(f"\n{what:32}{'min':>8}{'median':>8}{'min / ours':>12}")
        for name, ms in [("saectl", ours[what]), *((name, s[2]) for name, s in running.items())]:
            print(f"{name:32}{min(ms):8.1f}{statistics.median(ms):8.1f}{min(ms) / best:12.2f}")


if __name__ == "__main__":
    main()
