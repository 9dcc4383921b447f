import pathlib
import tempfile
import unittest

import numpy as np
import pyarrow as pa
import torch

from saectl_bridge import SAE, Dump
from saectl_bridge.variants import UnsupportedVariant

from .support import ROOT, saectl

# Runs of each variant that take a second.
RUNS = {
    "topk": ["topk.k=8"],
    "topk-threshold": ["topk.k=8", "topk.inference=threshold", "data.scale=row-norm"],
    "topk-groups": ["topk.k=8", "topk.groups=true"],
    "topk-uncentred": ["topk.k=8", "topk.input_bias=false"],
    "topk-rescale": ["topk.k=8", "topk.decoder=free", "topk.rescale=true"],
    "topk-rescaled-groups": ["topk.k=8", "topk.groups=true", "topk.decoder=free", "topk.rescale=true"],
    "batchtopk": ["batchtopk.k=8", "data.scale=mean-norm"],
    "batchtopk-rescale": ["batchtopk.k=8", "batchtopk.decoder=free", "batchtopk.rescale=true"],
    "matryoshka": ["matryoshka.k=8"],
    "abstopk": ["abstopk.k=8"],
    "afa": ["data.scale=row-norm"],
    "gradsae": ["gradsae.k=8"],
    "vsae": ["vsae.k=8"],
    "mpsae": ["mpsae.k=8"],
    "mpsae-signed": ["mpsae.k=8", "mpsae.coefficient=signed", "mpsae.reselect=ban", "mpsae.scale=true", "mpsae.bias=true"],
    "mpsae-untied": ["mpsae.k=8", "mpsae.tied=false", "mpsae.encoder_bias=true", "mpsae.reselect=stop"],
    "relu": ["relu.target_l0=0", "relu.coefficient=0.1"],
    "jumprelu": [],
    "gated": ["gated.target_l0=0", "gated.coefficient=0.1"],
}


class Runs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.sample = Dump(ROOT / "data" / "sample")

    def test_latents(self):
        """What saectl encode and its reconstructions say, for every variant."""
        x = self.sample.rows().astype(np.float32)[:512]
        for name, settings in RUNS.items():
            with self.subTest(name):
                variant, out = name.split("-")[0], self.dir / name
                args = [a for s in [f"variant={variant}", "sae.latents=96", "train.batch=256", "train.steps=60", "optimizer.warmup=5", *settings] for a in ("--set", s)]
                saectl("train", "--quiet", "--dump", ROOT / "data" / "sample", "--out", out, *args)
                saectl("encode", "--quiet", "--sae", out, "--dump", ROOT / "data" / "sample", "--out", out / "codes.arrow", "--recon", out / "recon")
                sae = SAE.load(out)
                with torch.no_grad():
                    z, y = sae.encode(torch.tensor(x)).numpy(), sae(torch.tensor(x)).numpy()
                self.compare(z, self.codes(out / "codes.arrow", len(x), sae.latents))
                recon = Dump(out / "recon").rows()[: len(x)]
                error = np.linalg.norm(y - recon, axis=1) / np.linalg.norm(recon, axis=1)
                self.assertLess(np.median(error), 1e-5)
                self.assertLess((error > 1e-3).mean(), 0.01, "rows whose choice fell otherwise")

    @staticmethod
    def codes(path, rows, latents):
        t = pa.ipc.open_file(path).read_all().slice(0, rows)
        z = np.zeros((rows, latents), np.float32)
        for i in range(rows):
            z[i, t["latent"][i].as_py()] = t["value"][i].as_py()
        return z

    def compare(self, got, want):
        """Equal but for rounding, which may swap latents of nearly equal size in
        a few rows."""
        self.assertGreater((want != 0).sum(), 0)
        same = ((got != 0) == (want != 0)).all(1)
        self.assertGreater(same.mean(), 0.99, "rows with the same latents")
        np.testing.assert_allclose(got[same], want[same], rtol=1e-3, atol=1e-4 * np.abs(want).max())

    def test_refusals(self):
        with self.assertRaisesRegex(FileNotFoundError, "config.yaml"):
            SAE.load(self.dir)
        tensors = {"decoder.weight": torch.eye(3), "encoder.weight": torch.eye(3), "decoder.bias": torch.zeros(3)}
        with self.assertRaisesRegex(UnsupportedVariant, "unheard"):
            SAE("unheard", {}, tensors)
        with self.assertRaisesRegex(UnsupportedVariant, "batchtopk.inference=batch"):
            SAE("batchtopk", {"k": 1, "inference": "batch"}, tensors)
        with self.assertRaisesRegex(ValueError, "decoder.weight"):
            SAE("topk", {"k": 1}, {})
