"""What the tests share: tiny models, the data, the program."""

import functools
import os
import pathlib
import subprocess
import tempfile
import unittest

import torch
from transformers import GPT2Config, GPT2LMHeadModel, GPTNeoXConfig, GPTNeoXForCausalLM, LlamaConfig, LlamaForCausalLM

from saectl_bridge import load_model

ROOT = pathlib.Path(__file__).resolve().parents[3]
D, LAYERS, HEADS, VOCAB = 16, 3, 4, 29


def models():
    """A tiny model of each kind, with random weights."""
    torch.manual_seed(0)
    llama = LlamaConfig(
        hidden_size=D, intermediate_size=24, num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=2,
        vocab_size=VOCAB, max_position_embeddings=64, initializer_range=0.3,
    )
    gpt2 = GPT2Config(n_embd=D, n_layer=LAYERS, n_head=HEADS, vocab_size=VOCAB, n_positions=64, initializer_range=0.3)
    neox = GPTNeoXConfig(
        hidden_size=D, intermediate_size=24, num_hidden_layers=LAYERS, num_attention_heads=HEADS, vocab_size=VOCAB,
        max_position_embeddings=64, initializer_range=0.3,
    )
    for kind, config in ((LlamaForCausalLM, llama), (GPT2LMHeadModel, gpt2), (GPTNeoXForCausalLM, neox)):
        yield kind.__name__, load_model(kind(config))


def hooked(dtype=torch.float32):
    """A tiny model of TransformerLens."""
    try:
        from transformer_lens import HookedTransformer, HookedTransformerConfig
    except ImportError as e:
        raise unittest.SkipTest(f"TransformerLens is not installed: {e}") from e
    config = HookedTransformerConfig(n_layers=LAYERS, d_model=D, n_ctx=64, d_head=D // HEADS, n_heads=HEADS, d_vocab=VOCAB, act_fn="gelu", seed=0, dtype=dtype)
    return load_model(HookedTransformer(config))


def folder(variable, default, *parts):
    """A folder of shared data, or a skip that says what is missing."""
    path = pathlib.Path(os.environ.get(variable, ROOT.parent / "shared" / default)).joinpath(*parts)
    if not path.exists():
        raise unittest.SkipTest(f"{path} is missing ({variable} names its folder)")
    return path


def data(*parts):
    return folder("SAECTL_DATA", "data", *parts)


def golden(*parts):
    return folder("SAECTL_GOLDEN", "golden", *parts)


@functools.cache
def program():
    """The saectl program: SAECTL, or built from this checkout."""
    if os.environ.get("SAECTL"):
        return os.environ["SAECTL"]
    out = os.path.join(tempfile.mkdtemp(), "saectl")
    try:
        subprocess.run(["go", "build", "-o", out, "./cmd/saectl"], cwd=ROOT, check=True)
    except FileNotFoundError as e:
        raise unittest.SkipTest("there is no Go to build saectl with (SAECTL names the program)") from e
    return out


def saectl(*args):
    done = subprocess.run([program(), *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
