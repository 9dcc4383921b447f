import pathlib
import tempfile
import unittest

import numpy as np
from safetensors.numpy import load_file

from saectl_bridge import load_model, write_attention
from saectl_bridge.dump import activations
from saectl_bridge.dumps import Dump
from saectl_bridge.text import documents_of

from .support import D, HEADS, data, hooked, models

import torch

DOCS = [[3, 1, 4, 1, 5, 9], [2, 6, 5, 3, 5, 8]]


class Attention(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_identity(self):
        """z[t,h] = Σ_s A_h(t,s) v[s, key-value head of h], and the output is z
        through W_O."""
        kinds = [(n, m) for n, m in models() if not n.startswith("GPTNeoX")]
        for name, lm in [*kinds, ("HookedTransformer", hooked())]:
            with self.subTest(name):
                write_attention(lm, DOCS, 1, self.dir / "a", weights=self.dir / "w")
                a, w = load_file(self.dir / "a"), load_file(self.dir / "w")["W_O"]
                self.assertEqual(w.shape, (HEADS, D // HEADS, D))
                self.assertEqual(a["pattern"].shape, (2, HEADS, 6, 6))
                self.assertTrue((np.triu(a["pattern"], 1) == 0).all())
                v = np.repeat(a["v"], HEADS // a["v"].shape[2], 2)
                z = np.einsum("nhts,nshi->nthi", a["pattern"], v)
                hooks = ["blocks.1.attn.hook_z", "blocks.1.hook_attn_out"]
                got = activations(lm, torch.tensor(DOCS), hooks)
                np.testing.assert_allclose(z.reshape(2, 6, D), got[hooks[0]][0], atol=1e-5)
                out = np.einsum("nthi,him->ntm", z, w)
                bias = (got[hooks[1]][0] - out)[0, 0]
                np.testing.assert_allclose(out + bias.numpy(), got[hooks[1]][0], atol=1e-5)

    def test_refusals(self):
        _, lm = next(models())
        with self.assertRaisesRegex(ValueError, "one length"):
            write_attention(lm, [[1], [1, 2]], 0, self.dir / "a")
        write_attention(lm, [[1], [1, 2]], 0, self.dir / "a", context=1)

    def test_golden_stories(self):
        """The shared patterns and values are reproduced."""
        folder = data("dumps", "stories260k-z")
        lm = load_model(str(data("models", "stories260k-hf")))
        want = load_file(folder / "dfa.safetensors")
        docs, t = list(documents_of(folder, limit=len(want["doc"]))), want["token_id"].shape[1]
        layer = int(Dump(folder).hook.split(".")[1])
        write_attention(lm, docs, layer, self.dir / "a", want["doc"], self.dir / "w", context=t)
        got = load_file(self.dir / "a")
        for name, w in want.items():
            np.testing.assert_allclose(got[name], w, atol=1e-4, err_msg=name)
        np.testing.assert_allclose(load_file(self.dir / "w")["W_O"], load_file(folder / "w_o.safetensors")["W_O"], atol=1e-6)
