"""A small GPT over source tokens, written to be read.

Pre-norm blocks, rotary positions, tied embedding. One departure from the
usual: every attention head may attend to nothing (a key and a value of
zeros, as in "softmax with one added to the denominator"), so that the first
token of a window is not drafted as the place to look when there is nothing to
look for, and its residual stays like the others'.
"""

import dataclasses

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclasses.dataclass
class Config:
    vocab: int = 2048
    d: int = 64
    layers: int = 4
    heads: int = 4
    hidden: int = 256
    context: int = 128


def rotary(cfg):
    """Returns the turn of every position as unit complex numbers [context, head_dim/2]."""
    half = cfg.d // cfg.heads // 2
    angle = torch.outer(torch.arange(cfg.context), 1000.0 ** (-torch.arange(half) / half))
    return torch.polar(torch.ones_like(angle), angle)


def rotate(x, turn):  # [..., T, head_dim]
    pairs = torch.view_as_complex(x.unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turn).flatten(-2)


class Attention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.heads = cfg.heads
        self.qkv = nn.Linear(cfg.d, 3 * cfg.d, bias=False)
        self.out = nn.Linear(cfg.d, cfg.d, bias=False)
        self.register_buffer("turn", rotary(cfg), persistent=False)
        mask = torch.ones(cfg.context, cfg.context, dtype=torch.bool).tril()
        self.register_buffer("mask", F.pad(mask, (1, 0), value=True), persistent=False)

    def forward(self, x):  # [N, T, d]
        n, t, d = x.shape
        qkv = self.qkv(x).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k = rotate(qkv[:2], self.turn[:t])
        v = qkv[2]
        nothing = (0, 0, 1, 0)  # a row of zeros before the first position
        y = F.scaled_dot_product_attention(q, F.pad(k, nothing), F.pad(v, nothing), self.mask[:t, : t + 1])
        return self.out(y.transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln1, self.ln2 = nn.LayerNorm(cfg.d, bias=False), nn.LayerNorm(cfg.d, bias=False)
        self.attn = Attention(cfg)
        self.up = nn.Linear(cfg.d, cfg.hidden, bias=False)
        self.down = nn.Linear(cfg.hidden, cfg.d, bias=False)

    def forward(self, x):  # [N, T, d]
        x = x + self.attn(self.ln1(x))
        return x + self.down(F.gelu(self.up(self.ln2(x)), approximate="tanh"))


class Model(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.embed = nn.Embedding(cfg.vocab, cfg.d)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.layers))
        self.ln = nn.LayerNorm(cfg.d, bias=False)
        self.apply(self.start)
        for block in self.blocks:
            nn.init.zeros_(block.attn.out.weight)
            nn.init.zeros_(block.down.weight)

    def start(self, module):
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=module.in_features**-0.5)
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, std=0.1)

    def forward(self, ids, hook=None):
        """Returns logits [N, T, vocab] for ids [N, T].

        hook(i, x), where given, sees the residual after block i [N, T, d]
        and returns what goes on.
        """
        x = self.embed(ids)
        for i, block in enumerate(self.blocks):
            x = block(x)
            x = hook(i, x) if hook else x
        return F.linear(self.ln(x), self.embed.weight)
