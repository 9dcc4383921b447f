"""Which latents each variant of saectl keeps, and their values.

A choice takes rows u [n,d] in the units of training and gives latents z [n,F].
The formulas are those of the packages topk, afa, gradsae, vsae, mpsae and
internal/baselines of saectl, as they are evaluated after training.
"""

import torch


class UnsupportedVariant(ValueError):
    """A variant, or a setting of one, that only saectl itself evaluates."""


def choice_of(sae):
    """The choice of an autoencoder."""
    makers = {
        "topk": top_k, "batchtopk": batch_top_k, "matryoshka": batch_top_k, "abstopk": abs_top_k, "afa": top_afa, "gradsae": grad_sae,
        "vsae": v_sae, "mpsae": matching_pursuit, "relu": relu, "jumprelu": jump_relu, "gated": gated,
    }
    if sae.variant not in makers:
        raise UnsupportedVariant(f"variant {sae.variant} is not known here; known are {', '.join(sorted(makers))}. `saectl encode --recon` gives its reconstructions")
    return makers[sae.variant](sae)


def refuse(sae, setting):
    raise UnsupportedVariant(f"{sae.variant}.{setting}={sae.settings.get(setting)} is not evaluated here; `saectl encode --recon` gives the reconstructions")


def scores(sae, bias=True, centred=True):
    """u -> W_enc(u - b_dec) + b_enc."""
    centre = sae.parameter("decoder.bias") if centred else None
    offset = sae.parameter("encoder.bias") if bias else None

    def run(u):
        h = (u if centre is None else u - centre) @ sae.encoder_weight.T
        return h if offset is None else h + offset

    return run


def keep(h, key, k):
    """h where key is among the k largest of its row and positive, else 0."""
    top = key.topk(min(k, key.shape[-1]), -1)
    mask = torch.zeros_like(h, dtype=torch.bool).scatter(-1, top.indices, top.values > 0)
    return h * mask


def rank(sae):
    """z -> the keys that latents are ranked by: z, or with rescale z times the
    norm of its decoder row."""
    if not sae.settings.get("rescale"):
        return lambda v: v
    norms = sae.decoder_weight.norm(dim=1)
    return lambda v: v * norms


def top_k(sae):
    s = sae.settings
    h, key = scores(sae, centred=s.get("input_bias", True) and not s.get("transcode")), rank(sae)
    if s.get("inference") == "threshold":
        return above(h, key, sae.state("threshold"))
    if s.get("groups"):
        return lambda u: (lambda v: group_max(v, key(v), s["k"]))(h(u))
    return lambda u: (lambda v: keep(v, key(v), s["k"]))(h(u))


def above(h, key, threshold):
    def run(u):
        v = h(u)
        return v * (key(v) > max(threshold, 0.0))

    return run


def group_max(h, key, k):
    best = key.reshape(len(h), k, -1).argmax(-1, keepdim=True)
    g = h.reshape(len(h), k, -1)
    z = torch.zeros_like(g).scatter(-1, best, g.gather(-1, best).clamp(min=0))
    return z.reshape(h.shape)


def batch_top_k(sae):
    if sae.settings.get("inference") != "threshold":
        refuse(sae, "inference")  # the batch would decide
    return above(scores(sae), rank(sae), sae.state("threshold"))


def abs_top_k(sae):
    h = scores(sae)
    return lambda u: (lambda v: keep(v, v.abs(), sae.settings["k"]))(h(u))


def grad_sae(sae):
    if sae.settings.get("eval_score", "plain") != "plain":
        refuse(sae, "eval_score")  # needs the gradients of the rows
    h, rectify = scores(sae), sae.settings.get("relu") != "none"

    def run(u):
        v = h(u)
        if rectify:
            return keep(v, v, sae.settings["k"])
        top = v.topk(min(sae.settings["k"], v.shape[-1]), -1)  # whatever their signs
        return torch.zeros_like(v).scatter(-1, top.indices, top.values)

    return run


def v_sae(sae):
    s = sae.settings
    h = scores(sae, centred=s.get("bias", "tied") == "tied")

    def run(u):
        v = h(u)
        return keep(v, v if s.get("relu_mu") else v.abs(), s["k"])

    return run


# The norm that stands for the last of all prefixes of a row's keys.
SENTINEL = 1e4


def top_afa(sae):
    """The shortest prefix of the largest keys, z times its decoder row's norm,
    whose norm is nearest to that of the row."""
    h, norms = scores(sae, bias=False), sae.decoder_weight.norm(dim=1)
    centre = sae.decoder_bias

    def run(u):
        v = h(u).clamp(min=0)
        order = torch.sort(v * norms, dim=-1, descending=True, stable=True)
        reach = order.values.double().square().cumsum(-1).sqrt()
        reach[:, -1] = SENTINEL
        target = (u - centre).double().norm(dim=-1, keepdim=True)
        count = (reach - target).abs().argmin(-1, keepdim=True) + 1
        kept = (torch.arange(v.shape[-1], device=v.device) < count) & (order.values > 0)
        return v * torch.zeros_like(kept).scatter(-1, order.indices, kept)

    return run


def matching_pursuit(sae):
    """In each step the latent that fits what is left of the row best."""
    s = sae.settings
    if s.get("inference", "pursuit") != "pursuit":
        refuse(sae, "inference")
    log = sae.parameter("decoder.log_scale")
    factor = torch.ones(1) if log is None else log.exp()
    decoder = sae.decoder_weight * factor
    tied = s.get("tied", True)
    encoder, offset, centre = decoder if tied else sae.encoder_weight, None if tied else sae.parameter("encoder.bias"), sae.parameter("decoder.bias")
    steps = {0: s["k"], -1: max(s["k"], sae.d)}.get(s.get("inference_k", 0), s.get("inference_k", 0)) or sae.d
    tolerance = s["inference_tolerance"] if s.get("inference_tolerance", -1) >= 0 else s.get("tolerance", 0)

    def run(u):
        left = u.clone() if centre is None else u - centre
        z = torch.zeros(len(u), len(decoder), device=u.device)
        limit = tolerance * (left.norm(dim=-1) if s.get("tolerance_of") == "row" else torch.ones(len(u), device=u.device))
        live = torch.ones(len(u), dtype=torch.bool, device=u.device)
        for _ in range(steps):
            live = pursue(s, left, z, live, limit, encoder, decoder, offset)
            if not live.any():
                break
        return z * factor.to(z)  # values of latents are for rows without the factor

    return run


def pursue(s, left, z, live, limit, encoder, decoder, offset):
    """A step of the rows that are live. Changes left and z, and gives the rows
    that go on."""
    h = left @ encoder.T
    if offset is not None:
        h = h + offset
    if s.get("reselect") == "ban":
        h = h.masked_fill(z != 0, -torch.inf)
    score, atom = h.max(-1)
    ok = live & (score > 0 if s.get("coefficient", "relu") == "relu" else (score != 0) & score.isfinite())
    again = z.gather(-1, atom[:, None])[:, 0] != 0
    step = torch.where(ok, score, torch.zeros_like(score))
    z.scatter_add_(-1, atom[:, None], step[:, None])
    left -= step[:, None] * decoder[atom]
    on = ok & (left.norm(dim=-1) >= limit)
    return on & ~again if s.get("reselect") == "stop" else on


def relu(sae):
    h = scores(sae, centred=sae.settings.get("input_bias", True))
    return lambda u: h(u).clamp(min=0)


def jump_relu(sae):
    h, theta = scores(sae, centred=sae.settings.get("input_bias", True)), sae.threshold.clamp(min=0)

    def run(u):
        v = h(u)
        return v * (v > theta)

    return run


def gated(sae):
    h = scores(sae, bias=False, centred=sae.settings.get("input_bias", True))

    def run(u):
        s = h(u)
        gate = s + sae.gate_bias > 0
        return gate * (sae.magnitude_log_scale.exp() * s + sae.magnitude_bias).clamp(min=0)

    return run
