#!/usr/bin/env python3
"""Time a training step of saectl beside those of published Python trainers.

All run on the same rows sizes, on the CPU, with the same number of threads,
taking turns so that a slow minute of the machine hits each of them. Install
what is to be compared into a virtual environment first:

    python3 -m venv .venv
    .venv/bin/pip install torch dictionary-learning sae-lens eai-sparsify overcomplete
    go build -o /tmp/saectl ./cmd/saectl
    .venv/bin/python scripts/bench_peers.py --saectl /tmp/saectl

A package that is not installed is named and left out.
"""

import argparse
import json
import statistics
import subprocess
import time

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
    from sae_lens.saes.sae import TrainStepInput

    sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=a.d, d_sae=a.latents, k=a.k, device="cpu", dtype="float32"))
    adam = torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True)
    dead = torch.zeros(a.latents, dtype=torch.bool)

    def step(i):
        adam.zero_grad()
        out = sae.training_forward_pass(TrainStepInput(
            sae_in=x[i % len(x)], coefficients={}, dead_neuron_mask=dead, n_training_steps=i))
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        adam.step()

    return step


def sparsify_adam(a, x):
    from sparsify import SparseCoder, SparseCoderConfig

    sae = SparseCoder(a.d, SparseCoderConfig(num_latents=a.latents, k=a.k), device="cpu", dtype=torch.float32)
    adam = torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        sae.set_decoder_norm_to_unit_norm()
        sae(x[i % len(x)]).fvu.backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        adam.step()

    return step


def overcomplete_topk(a, x):
    from overcomplete.sae import TopKSAE

    sae = TopKSAE(a.d, nb_concepts=a.latents, top_k=a.k, device="cpu")
    adam = torch.optim.Adam(sae.parameters(), lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        rows = x[i % len(x)]
        _, _, recon = sae(rows)
        (recon - rows).square().mean().backward()
        adam.step()

    return step


def handwritten_bf16(a, x):
    """A dense encoder in bfloat16 and a decoder by embedding_bag: the fastest loop we know."""
    enc = torch.nn.Linear(a.d, a.latents)
    dec = torch.nn.Parameter(torch.randn(a.latents, a.d) / a.d**0.5)
    adam = torch.optim.Adam([*enc.parameters(), dec], lr=3e-4, fused=True)

    def step(i):
        adam.zero_grad()
        rows = x[i % len(x)]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            pre = enc(rows)
        top = pre.float().topk(a.k, sorted=False)
        recon = torch.nn.functional.embedding_bag(top.indices, dec, per_sample_weights=top.values.relu(), mode="sum")
        (recon - rows).square().sum(-1).mean().backward()
        adam.step()

    return step


def encoder_product(a, x):
    w = torch.randn(a.latents, a.d)
    return lambda i: torch.mm(x[i % len(x)], w.T)


PEERS = [dictionary_learning_topk, dictionary_learning_batchtopk, saelens_topk, sparsify_adam, overcomplete_topk,
         handwritten_bf16, encoder_product]


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
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    x = [torch.randn(a.batch, a.d) for _ in range(4)]
    steps, times = {}, {"saectl": []}
    for peer in PEERS:
        name = peer.__name__
        if a.only and name not in a.only.split(","):
            continue
        try:
            steps[name] = peer(a, x)
            steps[name](0)
            times[name] = []
        except Exception as e:  # a peer that is missing or has another interface is named
            print(f"left out {name}: {type(e).__name__}: {e}")
            steps.pop(name, None)
    done = {name: 1 for name in steps}
    for _ in range(a.rounds):
        out = subprocess.run([a.saectl, "bench", "--json", "--variant", a.variant, f"--batch={a.batch}", f"--d={a.d}",
                              f"--latents={a.latents}", f"--k={a.k}", f"--steps={3 * a.steps}", f"--threads={a.threads}"],
                             capture_output=True, text=True, check=True)
        r = json.loads(out.stdout)
        times["saectl"] += [r["step_ms"]["min"], r["step_ms"]["median"]]
        for name, step in steps.items():
            for _ in range(a.steps):
                started = time.perf_counter()
                step(done[name])
                times[name].append(1000 * (time.perf_counter() - started))
                done[name] += 1
    ours = min(times["saectl"])
    print(f"B {a.batch}, D {a.d}, F {a.latents}, k {a.k}, {a.threads} threads, torch {torch.__version__}; ms a step")
    print(f"{'':32}{'min':>8}{'median':>8}{'min / ours':>12}")
    for name, ms in times.items():
        print(f"{name:32}{min(ms):8.1f}{statistics.median(ms):8.1f}{min(ms) / ours:12.2f}")


if __name__ == "__main__":
    main()
