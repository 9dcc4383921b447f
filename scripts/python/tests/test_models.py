import unittest

import torch

from saectl_bridge.dump import activations, losses
from saectl_bridge.models import HookError

from .support import D, HEADS, LAYERS, VOCAB, hooked, models

POINTS = ["hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_attn_out", "hook_mlp_out", "attn.hook_z"]
IDS = torch.arange(24).reshape(2, 12) % VOCAB


def point(layer, name):
    return f"blocks.{layer}.{name}"


class HookPoints(unittest.TestCase):
    def test_what_they_are(self):
        """Sums of the residual stream, and z before the output projection."""
        for name, lm in [*models(), ("HookedTransformer", hooked())]:
            parallel = name.startswith("GPTNeoX")
            points = [p for p in POINTS if not (parallel and p == "hook_resid_mid")]
            with self.subTest(name):
                x = {p: a for p, (a, _) in activations(lm, IDS, [point(1, p) for p in points]).items()}
                got = {p: x[point(1, p)] for p in points}
                for p, a in got.items():
                    self.assertEqual(a.shape, (2, 12, D), p)
                mid = got["hook_resid_pre"] + got["hook_attn_out"]
                if not parallel:
                    torch.testing.assert_close(got["hook_resid_mid"], mid)
                torch.testing.assert_close(got["hook_resid_post"], mid + got["hook_mlp_out"])
                following = activations(lm, IDS, [point(2, "hook_resid_pre")])[point(2, "hook_resid_pre")][0]
                torch.testing.assert_close(following, got["hook_resid_post"])
                self.assertEqual(lm.heads(point(1, "attn.hook_z")), (HEADS, D // HEADS))
                torch.testing.assert_close(self.project(lm, got["attn.hook_z"]), got["hook_attn_out"])

    @staticmethod
    def project(lm, z):
        if hasattr(lm, "blocks"):
            attention = lm.attention(1)
            return next(m for n, m in attention.named_children() if n in ("o_proj", "c_proj", "dense"))(z)
        w = lm.model.blocks[1].attn
        return torch.einsum("bthe,hed->btd", z.unflatten(-1, (HEADS, -1)), w.W_O) + w.b_O

    def test_hidden_states(self):
        for name, lm in models():
            with self.subTest(name):
                hidden = lm.model(input_ids=IDS, output_hidden_states=True).hidden_states
                got = activations(lm, IDS, [point(layer, "hook_resid_post") for layer in range(LAYERS - 1)])
                for layer in range(LAYERS - 1):
                    torch.testing.assert_close(got[point(layer, "hook_resid_post")][0], hidden[layer + 1])

    def test_gradients(self):
        """Each against a central difference along a random direction."""
        for name, lm in [*models(), ("HookedTransformer", hooked(torch.float64))]:
            lm.model.double()
            points = [point(1, p) for p in POINTS if not lm.read_only(point(1, p))]
            if hasattr(lm, "blocks"):
                lm.logits = lambda ids, lm=lm: lm.model(input_ids=ids, use_cache=False).logits
            else:
                lm.logits = lambda ids, lm=lm: lm.model(ids)
            together = activations(lm, IDS, points, gradient=True)
            for p in points:
                with self.subTest(f"{name} {p}"):
                    x, g = together[p]
                    direction = torch.randn(x.shape, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
                    # Norms of transformers compute in float32 whatever the model's type is.
                    slope = (self.loss_at(lm, p, 1e-3 * direction) - self.loss_at(lm, p, -1e-3 * direction)) / 2e-3
                    self.assertGreater(g.norm(), 0.01)
                    self.assertAlmostEqual(slope, (g * direction).sum().item(), delta=2e-3 * g.norm().item())
                    alone = activations(lm, IDS, [p], gradient=True)[p]
                    torch.testing.assert_close(alone, (x, g))

    @staticmethod
    @torch.no_grad()
    def loss_at(lm, p, shift):
        with lm.edited({p: lambda x: x + shift}):
            return losses(lm.logits(IDS), IDS).sum().item()

    def test_gradient_of_read_only_point(self):
        """hook_resid_mid has all of its gradient: that of what is added to it."""
        for name, lm in models():
            if name.startswith("GPTNeoX"):
                continue
            with self.subTest(name):
                both = activations(lm, IDS, [point(1, "hook_resid_mid"), point(1, "hook_attn_out")], gradient=True)
                torch.testing.assert_close(both[point(1, "hook_resid_mid")][1], both[point(1, "hook_attn_out")][1])

    def test_names(self):
        for _, lm in [*models(), ("HookedTransformer", hooked())]:
            for bad in ("blocks.9.hook_resid_post", "blocks.1.hook_nothing", "hook_resid_post"):
                with self.assertRaisesRegex(HookError, "hook point"):
                    activations(lm, IDS, [bad])
        _, llama = next(models())
        with self.assertRaisesRegex(HookError, "not replaced"), llama.edited({point(1, "hook_resid_mid"): torch.zeros_like}):
            llama.logits(IDS)
