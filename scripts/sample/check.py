"""Judges a dump: can a small TopK autoencoder explain it, and in what terms?

    .venv/bin/python check.py --dump ../../data/sample

Trains a plain TopK autoencoder (Gao et al. 2024, without the auxiliary loss)
on nine documents in ten and prints the FVU of the rest; then, for each of a
list of things a programmer would name, the latent that agrees with it best,
with its strongest contexts.
"""

import argparse
import glob

import numpy as np
import pyarrow as pa
import torch


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--dump", required=True)
    p.add_argument("--latents", type=int, default=512)
    p.add_argument("--k", type=int, default=16)
    p.add_argument("--steps", type=int, default=1500)
    p.add_argument("--batch", type=int, default=1024)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--show", default="", help="also print these latents: 3,17")
    return p.parse_args()


def read(folder):
    """Returns activations [N, d], gradients [N, d], documents [N], tokens."""
    t = pa.concat_tables(pa.ipc.open_file(f).read_all() for f in sorted(glob.glob(folder + "/part-*.arrow")))
    t = t.unify_dictionaries().combine_chunks()
    doc = t["doc"].to_numpy()
    rows = lambda name: np.vstack([c.flatten().to_numpy(zero_copy_only=False) for c in t[name].chunks]).reshape(len(doc), -1)
    return torch.tensor(rows("activation")).float(), torch.tensor(rows("gradient")).float(), doc, t["token"].to_pylist()


class TopK(torch.nn.Module):
    def __init__(self, mean, latents, k):
        super().__init__()
        rows = torch.nn.functional.normalize(torch.randn(latents, len(mean)), dim=1)
        self.k, self.bias = k, torch.nn.Parameter(mean.clone())
        self.enc, self.dec = torch.nn.Parameter(rows.clone()), torch.nn.Parameter(rows.clone())

    def encode(self, x):  # [B, d] to [B, F]
        top = ((x - self.bias) @ self.enc.T).relu().topk(self.k, dim=1)
        return torch.zeros(len(x), len(self.enc)).scatter(1, top.indices, top.values)

    def forward(self, x):
        return self.encode(x) @ self.dec + self.bias


def fit(x, opt):
    sae = TopK(x.mean(0), opt.latents, opt.k)
    adam = torch.optim.Adam(sae.parameters(), lr=opt.lr)
    for step in range(opt.steps):
        adam.param_groups[0]["lr"] = opt.lr * min(1.0, 5 * (1 - step / opt.steps))
        b = x[torch.randint(len(x), (opt.batch,))]
        loss = (sae(b) - b).pow(2).sum(1).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            sae.dec /= sae.dec.norm(dim=1, keepdim=True)
    return sae


def fvu(sae, x):
    return ((sae(x) - x).pow(2).sum() / (x - x.mean(0)).pow(2).sum()).item()


def things(doc, tokens):
    """Returns {name: bool [N]}: what the line so far says about each row."""
    out = {}
    line, block, last = "", "", None

    def mark(name, row, true):
        out.setdefault(name, np.zeros(len(tokens), bool))[row] = true

    for i, t in enumerate(tokens):
        if doc[i] != last or t.startswith("\n") or t == "<file>":
            line = ""
        if doc[i] != last or t == ")" or t.startswith("\n\n"):
            block = ""
        last = doc[i]
        before, line = line, line + t
        code = line.split("//")[0]
        comment = "//" in line
        block = "import" if line.strip() == "import" else block
        mark("comment", i, comment)
        mark("string literal", i, code.count('"') % 2 == 1 and not comment)
        mark("import block", i, block == "import")
        mark("line of a func header", i, line.startswith("\nfunc") or line.startswith("\n\nfunc"))
        mark("func keyword", i, t.strip() == "func" and not comment)
        mark("after func", i, before.strip() == "func")
        mark("closing brace", i, t.strip() == "}")
        mark("opening brace", i, t.strip() == "{" and not comment)
        mark("index or slice bracket", i, t == "[")
        mark("line break, tabs", i, t.startswith("\n") and t.endswith("\t"))
        mark("line break at the margin", i, t.startswith("\n") and not t.endswith("\t"))
        mark("return statement", i, code.strip().startswith("return") and not comment)
        mark("for or if header", i, code.strip().startswith(("for", "if")) and not comment)
        mark("error", i, "err" in t.lower() and not comment)
        mark("number", i, t.strip().isdigit())
        mark(":= or =", i, t.strip() in (":=", "="))
        mark("dot of a selector", i, t == "." and not comment)
        mark("comma", i, t == ",")
    return out


def best(codes, masks):
    """Returns, for each mask of [N,M], (F1, precision, recall, latent, share) of the latent nearest to it.

    A latent says yes where it is above a share of its maximum.
    """
    found = [(-1.0,)] * masks.shape[1]
    for share in (0, 0.1, 0.2, 0.3, 0.4, 0.5):
        on = (codes > share * codes.amax(0)).float()
        hits, said, true = on.T @ masks, on.sum(0)[:, None].clamp(min=1), masks.sum(0).clamp(min=1)
        f1 = 2 * hits / (said + true)
        for m, i in enumerate(f1.argmax(0).tolist()):
            score = f1[i, m].item(), (hits[i, m] / said[i, 0]).item(), (hits[i, m] / true[m]).item()
            found[m] = max(found[m], (*score, i, share))
    return found


def show(codes, latent, doc, tokens, most=6):
    """Prints the strongest rows of a latent, one a document."""
    seen = set()
    for row in codes[:, latent].argsort(descending=True).tolist():
        if doc[row] in seen or codes[row, latent] <= 0:
            continue
        seen.add(doc[row])
        lo, hi = max(0, row - 9), min(len(tokens), row + 4)
        at = lambda a, b: "".join(t for t, d in zip(tokens[a:b], doc[a:b]) if d == doc[row])
        text = at(lo, row) + "⟦" + tokens[row] + "⟧" + at(row + 1, hi)
        print(f"    {codes[row, latent]:6.2f}  {text!r}")
        if len(seen) == most:
            return


@torch.no_grad()
def report(sae, x, test, doc, tokens, opt):
    codes = sae.encode(x)
    dead = (codes > 0).sum(0) == 0
    print(f"FVU train {fvu(sae, x[~test]):.4f} held out {fvu(sae, x[test]):.4f}; {dead.sum()} of {opt.latents} never fire")
    named = things(doc, tokens)
    masks = torch.tensor(np.stack(list(named.values()), axis=1)).float()
    for name, (f1, precision, recall, i, share) in zip(named, best(codes, masks)):
        print(f"\n{name}, {named[name].sum()} rows: latent {i} above {share} of its maximum, "
              f"F1 {f1:.2f}, precision {precision:.2f}, recall {recall:.2f}")
        show(codes, i, doc, tokens, 3)
    for i in filter(None, opt.show.split(",")):
        print(f"\nlatent {i}: fires on {(codes[:, int(i)] > 0).float().mean():.2%}")
        show(codes, int(i), doc, tokens)


def main():
    opt = options()
    torch.manual_seed(0)
    x, grad, doc, tokens = read(opt.dump)
    norms = x.norm(dim=1)
    print(f"{x.shape[0]} rows, norm quantiles 0, .5, 1: {norms.min():.2f} {norms.median():.2f} {norms.max():.2f}")
    print(f"gradient rms {grad.pow(2).mean().sqrt():.4f}, zero entries {(grad == 0).float().mean():.2%}")
    x *= (x.shape[1] / x.pow(2).sum(1).mean()).sqrt()
    test = torch.tensor(doc % 10 == 9)
    report(fit(x[~test], opt), x, test, doc, tokens, opt)


if __name__ == "__main__":
    main()
