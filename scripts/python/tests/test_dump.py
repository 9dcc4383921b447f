import json
import pathlib
import tempfile
import unittest

import numpy as np
import pyarrow as pa
import torch

from saectl_bridge import Dump, DumpWriter, dump, load_model, mean_row
from saectl_bridge.dump import activations
from saectl_bridge.text import batches, documents_of, windows

from .support import D, VOCAB, data, models, saectl

HOOKS = ["blocks.1.hook_resid_post", "blocks.0.attn.hook_z"]


class Dumps(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def test_several_hooks(self):
        """saectl takes what one pass wrote; documents come back as they were."""
        _, lm = next(models())
        docs = [list(range(i, i + n)) for i, n in enumerate([5, 5, 7, 1, 5])]
        vocabulary = pa.array([f"t{i}" for i in range(VOCAB)])
        rows = dump(lm, docs, HOOKS, self.dir / "d", gradient=True, batch_rows=10, shard_rows=8, vocabulary=vocabulary)
        self.assertEqual(rows, 23)
        for hook in HOOKS:
            path = self.dir / "d" / hook
            saectl("data", "verify", path)
            info = json.loads(saectl("data", "info", path, "--json"))
            self.assertEqual((info["rows"], info["d"], info["metadata"]["sae.hook"]), (23, D, hook))
            self.assertGreater(len(info["shards"]), 1)
            self.assertEqual(info["metadata"].get("sae.heads"), "4" if hook.endswith("hook_z") else None)
            read = list(Dump(path).documents(["token_id", "activation", "gradient"]))
            self.assertEqual([r["token_id"].tolist() for r in read], docs)
            for doc in read:
                x, g = activations(lm, torch.tensor([doc["token_id"].tolist()]), [hook], gradient=True)[hook]
                np.testing.assert_allclose(doc["activation"], x[0], rtol=1e-4, atol=1e-5)
                np.testing.assert_allclose(doc["gradient"], g[0], rtol=1e-4, atol=1e-5)
                self.assertTrue((doc["gradient"][-1] == 0).all(), "the last row predicts nothing")
        np.testing.assert_allclose(mean_row(path), Dump(path).rows().mean(0), rtol=1e-5, atol=1e-6)

    def test_nothing_is_left_of_a_failure(self):
        with self.assertRaisesRegex(ValueError, "row 3, value 1 .*float16"), DumpWriter(self.dir / "d", {}, half=True) as w:
            w.write(np.zeros((2, 2)), [0, 0], [0, 1])
            w.write(np.array([[0, 0], [1, 1e6]]), [0, 0], [2, 3])
        self.assertFalse((self.dir / "d").exists())
        with DumpWriter(self.dir / "d", {}) as w:
            w.write(np.zeros((2, 2)), [0, 0], [0, 1])
        with self.assertRaises(FileExistsError):
            DumpWriter(self.dir / "d", {})

    def test_documents_must_be_whole(self):
        with DumpWriter(self.dir / "d", {}) as w:
            w.write(np.zeros((2, 2)), [0, 0], [3, 4], token_id=[1, 2])
        with self.assertRaisesRegex(ValueError, "no whole window"):
            list(documents_of(self.dir / "d"))

    def test_batches(self):
        docs = [[1, 2]] * 5 + [[1, 2, 3]] * 2 + [[4, 5]]
        self.assertEqual([len(b) for b in batches(docs, 4)], [2, 2, 1, 1, 1, 1])
        self.assertEqual([d for b in batches(docs, 100) for d in b], docs)

    def test_windows(self):
        lm = load_model(str(data("models", "stories260k-hf")))
        text = self.dir / "t.txt"
        text.write_text("Once upon a time there was a dog. " * 9)
        cut = list(windows(lm.tokenizer, [text], 16))
        self.assertTrue(all(w[0] == lm.tokenizer.bos_token_id and len(w) <= 16 for w in cut))
        whole = [i for w in cut for i in w[1:]]
        self.assertEqual(lm.tokenizer.decode(whole).strip(), text.read_text().strip())


class GoldenDump(unittest.TestCase):
    def test_babyllama(self):
        """The shared dump is reproduced row by row: activations and gradients
        differ by the rounding to float16."""
        source = data("dumps", "babyllama105-l3", "test")
        lm = load_model(str(data("models", "babyllama105-hf")))
        with tempfile.TemporaryDirectory() as out:
            dump(lm, documents_of(source), [Dump(source).hook], f"{out}/d", gradient=True, half=True)
            want, got = Dump(source), Dump(f"{out}/d")
            for c in ("token_id", "doc", "pos"):
                np.testing.assert_array_equal(got.rows(c), want.rows(c), c)
            starts = np.flatnonzero(want.rows("pos") == 0)
            for c in ("activation", "gradient"):
                a, b = got.rows(c).astype(np.float64), want.rows(c).astype(np.float64)
                norm, error = np.linalg.norm(b, axis=1), np.linalg.norm(a - b, axis=1)
                np.testing.assert_array_equal(norm == 0, np.linalg.norm(a, axis=1) == 0, c)
                # Both were rounded to float16 (2^-11 of a value), from sums in
                # float32 that are as exact as the largest row of the document.
                largest = np.maximum.reduceat(norm, starts)[np.searchsorted(starts, np.arange(len(norm)), "right") - 1]
                self.assertLessEqual((error / (2**-11 * norm + 1e-6 * largest + 1e-30)).max(), 1, c)
                self.assertLess(np.linalg.norm(error) / np.linalg.norm(norm), 1e-4, c)
