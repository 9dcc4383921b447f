import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from saectl_bridge import Dump
from saectl_bridge.cli import main

from .support import data, saectl

HOOK = "blocks.3.hook_resid_post"


def run(*args):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        main([str(a) for a in args])
    return out.getvalue()


class Commands(unittest.TestCase):
    def test_from_text_to_spliced_loss(self):
        """Dump, train, splice and steer on a real model."""
        model, text = data("models", "babyllama105-hf"), data("models", "tinystories_sample.txt")
        with tempfile.TemporaryDirectory() as d:
            d = pathlib.Path(d)
            out = run("dump", model, "--text", text, "--context", 64, "--hook", HOOK, "--gradient", "--out", d / "x", "--dataset", "TinyStories")
            self.assertIn("saectl data info", out)
            self.assertEqual(Dump(d / "x").metadata["sae.dataset"], "TinyStories")
            saectl("train", "--quiet", "--config", "topk", "--dump", d / "x", "--out", d / "run", "--set", "sae.latents=256",
                   "--set", "topk.k=16", "--set", "train.steps=150", "--set", "train.batch=256")
            saectl("encode", "--quiet", "--sae", d / "run", "--dump", d / "x", "--recon", d / "recon")
            r = json.loads(run("splice", model, "--documents", d / "x", "--run", d / "run", "--recon", d / "recon", "--mean", d / "x"))
            sae, rows = r[str(d / "run")], r[str(d / "recon")]
            self.assertEqual(r["hook"], HOOK)
            self.assertGreater(sae["loss_recovered_zero_ablation"], 0.5)
            self.assertIn("loss_recovered_mean_ablation", sae)
            self.assertAlmostEqual(sae["ce"], rows["ce"], places=3)
            written = run("steer", model, "--hook", HOOK, "--run", d / "run", "--latent", 3, "--strength", 1, "--prompt", "Once upon", "--tokens", 12)
            self.assertTrue(written.startswith("Once upon"), written)
            run("attention", model, "--layer", 1, "--documents", d / "x", "--out", d / "a.safetensors", "--limit", 2, "--context", 32)
            self.assertTrue((d / "a.safetensors").exists())

    def test_errors(self):
        model = data("models", "babyllama105-hf")
        for args, says in (
            (("dump", model, "--text", "missing.txt", "--hook", HOOK, "--out", "x"), "missing.txt"),
            (("dump", model, "--documents", data("dumps", "digits", "test"), "--hook", HOOK, "--out", "x"), "no column token_id"),
            (("splice", model, "--text", "t", "--run", "x"), "--hook is missing"),
            (("steer", model, "--hook", HOOK, "--run", "none", "--latent", 0, "--strength", 1), "config.yaml is missing"),
        ):
            with self.subTest(says), self.assertRaises(SystemExit) as e:
                run(*args)
            self.assertIn(says, str(e.exception))
        self.assertFalse(pathlib.Path("x").exists())
