"""A run folder of saectl as a torch module."""

import pathlib

import torch
import yaml
from safetensors import safe_open

from .variants import choice_of


class SAE(torch.nn.Module):
    """A trained autoencoder, for evaluation: rows in the units of the model.

    encode gives the latents [...,F], dense, most of them 0; decode gives rows
    [...,d] back; forward is both. The latents are those that `saectl encode`
    writes, up to rounding. Parameters keep the names of weights.safetensors.
    """

    def __init__(self, variant, settings, tensors, metadata=None):
        super().__init__()
        self.variant, self.settings, self.metadata = variant, settings, metadata or {}
        self.scale = self.metadata.get("scale", "none")
        self.scale_factor = float(self.metadata.get("scale_factor", 1))
        if self.scale not in ("none", "mean-norm", "row-norm", "unit-norm"):
            raise ValueError(f"a scale of kind {self.scale} is not known; use a newer bridge")
        self.states = {n.removeprefix("state."): t for n, t in tensors.items() if n.startswith("state.")}
        for name, t in tensors.items():
            if not name.startswith("state."):
                self.register_buffer(name.replace(".", "_"), t.float())
        if getattr(self, "decoder_weight", None) is None:
            raise ValueError("there is no tensor decoder.weight; give the folder of a run of saectl")
        self.choose = choice_of(self)

    @classmethod
    def load(cls, path):
        """The run in a folder that saectl train wrote, whose training has ended."""
        path = pathlib.Path(path)
        config, weights = path / "config.yaml", path / "weights.safetensors"
        for f in (config, weights):
            if not f.exists():
                raise FileNotFoundError(f"{path} is no finished run of saectl: {f.name} is missing")
        settings = yaml.safe_load(config.read_text())
        with safe_open(weights, "pt") as f:
            tensors, metadata = {n: f.get_tensor(n) for n in f.keys()}, f.metadata()
        variant = settings["variant"]
        return cls(variant, settings.get(variant) or {}, tensors, metadata)

    @property
    def d(self):
        return self.decoder_weight.shape[1]

    @property
    def latents(self):
        return self.decoder_weight.shape[0]

    def parameter(self, name):
        """A tensor by its name in weights.safetensors, or None."""
        return getattr(self, name.replace(".", "_"), None)

    def state(self, name):
        """What training left behind, such as a threshold, as a float."""
        if name not in self.states:
            raise ValueError(f"the weights have no state {name}")
        return float(self.states[name])

    def encode(self, x):
        z, _ = self._encode(x)
        return z

    def decode(self, z, like=None):
        """Rows of latents z. With a scale of each row, like gives the rows
        whose mean and size they take back."""
        if self.scale in ("row-norm", "unit-norm") and like is None:
            raise ValueError(f"with scale {self.scale} a reconstruction needs the rows that it is of: decode(z, like=x)")
        return self._decode(z, None if like is None else self._scaled(like)[1], like)

    def forward(self, x):
        z, undo = self._encode(x)
        return self._decode(z, undo, x)

    def _encode(self, x):
        u, undo = self._scaled(x.float())
        shape = u.shape[:-1]
        return self.choose(u.reshape(-1, u.shape[-1])).reshape(*shape, self.latents), undo

    def _decode(self, z, undo, x):
        y = z @ self.decoder_weight
        if self.parameter("decoder.bias") is not None:
            y = y + self.decoder_bias
        if self.parameter("skip.weight") is not None:
            y = y + self._scaled(x.float())[0] @ self.skip_weight.T
        if self.scale == "mean-norm":
            return y / self.scale_factor
        if undo is not None:
            mean, size = undo
            return y * size + mean
        return y

    def _scaled(self, x):
        """Rows in the units of training, and what undoes it."""
        if self.scale == "none":
            return x, None
        if self.scale == "mean-norm":
            return x * self.scale_factor, None
        if self.scale == "row-norm":
            mean, std = x.mean(-1, keepdim=True), x.std(-1, keepdim=True)
            return (x - mean) / (std + 1e-5), (mean, std)
        size = x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5
        size = torch.where(size == 0, torch.ones_like(size), size)
        return x / size, (torch.zeros_like(size), size)
