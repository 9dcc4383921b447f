import unittest

import numpy as np
import torch
from safetensors import safe_open

from saectl_bridge import SAE, Dump, Reconstructions, generate, load_model, mean_row, splice, steering
from saectl_bridge.dump import activations
from saectl_bridge.text import documents_of

from .support import D, VOCAB, data, golden, hooked, models

HOOK = "blocks.1.hook_resid_post"
DOCS = [list(range(i, i + n)) for i, n in enumerate([6, 6, 9, 6])]


def random_sae(scale=1.0):
    g = torch.Generator().manual_seed(3)
    w = torch.nn.functional.normalize(torch.randn(24, D, generator=g), dim=1)
    return SAE("topk", {"k": 4}, {"encoder.weight": w, "decoder.weight": w, "decoder.bias": torch.zeros(D)}, {"scale": "mean-norm", "scale_factor": str(scale)})


class Splices(unittest.TestCase):
    def test_identity_and_ablation(self):
        for name, lm in [*models(), ("HookedTransformer", hooked())]:
            with self.subTest(name):
                r = splice(lm, DOCS, HOOK, {"same": lambda x: x, "nothing": torch.zeros_like}, mean=np.arange(D, dtype=np.float32))
                self.assertEqual(r["predictions"], sum(len(d) - 1 for d in DOCS))
                self.assertAlmostEqual(r["same"]["ce"], r["clean"]["ce"], places=6)
                self.assertAlmostEqual(r["same"]["kl"], 0, places=6)
                self.assertAlmostEqual(r["same"]["loss_recovered_zero_ablation"], 1, places=5)
                self.assertAlmostEqual(r["nothing"]["loss_recovered_zero_ablation"], 0, places=5)
                self.assertNotAlmostEqual(r["nothing"]["loss_recovered_mean_ablation"], 0, places=3)
                self.assertGreater(r["nothing"]["kl"], 0)

    def test_by_hand(self):
        """The loss of one document, computed without the bridge."""
        _, lm = next(models())
        sae, ids = random_sae(), torch.tensor([DOCS[2]])
        r = splice(lm, [DOCS[2]], HOOK, {"sae": sae}, keep_first=True)["sae"]["ce"]
        x = lm.model.model.embed_tokens(ids)
        rotary = lm.model.model.rotary_emb(x, torch.arange(9)[None])
        for i, block in enumerate(lm.model.model.layers):
            x = block(x, position_embeddings=rotary)
            if i == 1:
                x = torch.cat([x[:, :1], sae(x)[:, 1:]], 1)
        logits = lm.model.lm_head(lm.model.model.norm(x))[0, :-1]
        self.assertAlmostEqual(r, torch.nn.functional.cross_entropy(logits, ids[0, 1:]).item(), places=5)

    def test_reconstructions(self):
        _, lm = next(models())
        sae = random_sae()
        rows = [sae(activations(lm, torch.tensor([d]), [HOOK])[HOOK][0])[0].numpy() for d in DOCS]
        r = splice(lm, DOCS, HOOK, {"sae": sae, "elsewhere": Reconstructions(np.concatenate(rows))})
        self.assertAlmostEqual(r["sae"]["ce"], r["elsewhere"]["ce"], places=6)
        with self.assertRaisesRegex(ValueError, "other documents"):
            splice(lm, DOCS, HOOK, {"short": Reconstructions(rows[0])})
        with self.assertRaisesRegex(ValueError, "no name"):
            splice(lm, DOCS, HOOK, {"clean": sae})


class Steering(unittest.TestCase):
    def test_direction(self):
        for name, lm in [*models(), ("HookedTransformer", hooked())]:
            with self.subTest(name):
                sae, ids = random_sae(scale=2.0), torch.tensor(DOCS[:2])
                seen = {}
                after = "blocks.2.hook_resid_pre"
                clean = activations(lm, ids, [after])[after][0]
                with steering(lm, HOOK, sae, 5, 3.0):
                    seen = activations(lm, ids, [after])[after][0]
                torch.testing.assert_close(seen - clean, (3.0 * sae.decoder_weight[5] / 2).expand_as(clean), rtol=1e-3, atol=1e-5)
                with steering(lm, HOOK, sae, 5, 3.0, clamp=True):
                    seen = activations(lm, ids, [after])[after][0]
                moved = ((seen - clean) @ sae.decoder_weight[5]) * 2  # rows of the decoder have norm 1
                torch.testing.assert_close(moved, 3.0 - sae.encode(clean)[..., 5], rtol=1e-3, atol=1e-4)
                with self.assertRaisesRegex(ValueError, "latent 24"), steering(lm, HOOK, sae, 24, 1):
                    pass

    def test_generate(self):
        _, lm = next(models())
        self.assertEqual(generate(lm, [1, 2], 5), generate(lm, [1, 2], 5))
        warm = [generate(lm, [1, 2], 8, temperature=1.0, seed=s) for s in (0, 0, 1)]
        self.assertEqual(warm[0], warm[1])
        self.assertNotEqual(warm[0], warm[2])
        self.assertTrue(all(0 <= i < VOCAB for i in warm[2]) and warm[2][:2] == [1, 2])


class GoldenSplice(unittest.TestCase):
    def test_babyllama(self):
        """The table of the reference autoencoders' folder, to 1e-4."""
        reference = golden("reference-sae")
        dumps = data("dumps", "babyllama105-l3")
        lm = load_model(str(data("models", "babyllama105-hf")))
        saes = {p.stem.rsplit("-", 1)[-1]: self.load(p) for p in sorted(reference.glob("*topk*.safetensors"))}
        self.assertTrue(saes)
        docs = list(documents_of(dumps / "test"))
        mean = mean_row(dumps / "train")
        r = splice(lm, docs, Dump(dumps / "test").hook, saes, mean)
        with safe_open(next(reference.glob("*-ce.safetensors")), "np") as f:
            predictions = f.get_tensor("n_pred").sum()
            self.assertEqual(r["predictions"], predictions)
            np.testing.assert_allclose(mean, f.get_tensor("train_mean"), atol=1e-6)
            names = {"clean": "clean", "zero_ablation": "zero", "mean_ablation": "mean"} | {n: n for n in saes}
            ce = {n: f.get_tensor(f"ce_sum_{key}").sum(dtype=np.float64) / predictions for n, key in names.items()}
        for name, want in ce.items():
            self.assertAlmostEqual(r[name]["ce"], want, delta=1e-4, msg=name)
        for name in saes:
            for baseline in ("zero_ablation", "mean_ablation"):
                want = (ce[baseline] - ce[name]) / (ce[baseline] - ce["clean"])
                self.assertAlmostEqual(r[name][f"loss_recovered_{baseline}"], want, delta=1e-4, msg=f"{name} {baseline}")

    @staticmethod
    def load(path):
        with safe_open(path, "pt") as f:
            t = {n: f.get_tensor(n) for n in f.keys()}
        tensors = {"encoder.weight": t["W_enc"], "encoder.bias": t["b_enc"], "decoder.weight": t["W_dec"], "decoder.bias": t["b_dec"]}
        return SAE("topk", {"k": int(t["k"])}, tensors, {"scale": "mean-norm", "scale_factor": repr(float(t["scale"]))})
