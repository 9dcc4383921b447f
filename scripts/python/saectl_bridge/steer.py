"""Steering: a latent's direction added while a model writes."""

import contextlib

import torch


@contextlib.contextmanager
def steering(lm, hook, sae, latent, strength, clamp=False):
    """While it lasts, adds strength times the latent's decoder row, in the
    model's units, to every row that the hook point gives. With clamp the latent
    is brought to the value strength instead, and the rest of the row, what the
    autoencoder does not explain too, stays."""
    if not 0 <= latent < sae.latents:
        raise ValueError(f"latent {latent} of {sae.latents}: they count from 0")
    direction = direction_of(sae, latent)

    def edit(x):
        row = direction.to(x)
        if not clamp:
            return x + strength * row
        z = sae.encode(x.float())[..., latent, None]
        return (x + (strength - z) * row.float()).to(x.dtype)

    with lm.edited({hook: edit}):
        yield


def direction_of(sae, latent):
    """What one unit of a latent adds to a row, [d] in the model's units."""
    if sae.scale in ("row-norm", "unit-norm"):
        raise ValueError(f"with scale {sae.scale} a latent has no size of its own in the model's units; train with data.scale none or mean-norm to steer")
    return sae.decoder_weight[latent] / sae.scale_factor


@torch.no_grad()
def generate(lm, prompt, tokens, temperature=0.0, seed=0):
    """Continues a list of token ids by so many. A temperature of 0 takes the
    likeliest token; else tokens are drawn, the same ones for the same seed."""
    ids = torch.tensor([list(prompt)], device=lm.device)
    draw = torch.Generator(device=lm.device).manual_seed(seed)
    for _ in range(tokens):
        last = lm.logits(ids)[:, -1]
        if temperature > 0:
            chosen = torch.multinomial((last / temperature).softmax(-1), 1, generator=draw)
        else:
            chosen = last.argmax(-1, keepdim=True)
        ids = torch.cat([ids, chosen], 1)
    return ids[0].tolist()
