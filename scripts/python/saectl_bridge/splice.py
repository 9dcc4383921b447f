"""What an autoencoder costs the model whose activations it reconstructs."""

import torch

from .dump import losses
from .text import batches


def splice(lm, documents, hook, saes, mean=None, keep_first=False, batch_rows=4096):
    """Puts reconstructions in the place of a hook point's activations and
    measures the loss of the next tokens, in nats a prediction.

    documents are lists of token ids, each run alone. saes maps names to what
    gives a reconstruction of x [B,T,d]. mean [d] takes the place of every row in
    mean ablation. With keep_first autoencoders leave the row at position 0 as it
    is; ablations replace every row.

    Returns, for `clean`, `zero_ablation`, `mean_ablation` (with mean) and each of
    saes, the cross-entropy `ce`; for saes also `kl`, the divergence of the spliced
    predictions from the clean ones, and the share of the loss that is recovered,
    (ce_ablated - ce)/(ce_ablated - ce_clean), against both ablations. The two
    disagree: name the one that a figure is of.
    """
    edits = {"zero_ablation": torch.zeros_like}
    if mean is not None:
        row = torch.as_tensor(mean, device=lm.device)
        edits["mean_ablation"] = lambda x: row.to(x.dtype).expand_as(x).clone()
    clash = set(saes) & {"clean", "zero_ablation", "mean_ablation", "predictions", "hook"}
    if clash:
        raise ValueError(f"{clash.pop()} is no name for an autoencoder here; choose another")
    if keep_first:
        saes = {name: rest(edit) for name, edit in saes.items()}
    total = Losses(lm, hook, edits | saes)
    for group in batches(documents, batch_rows):
        total.add(torch.tensor(group, device=lm.device))
    return total.report(set(saes), mean is not None)


class Losses:
    """Sums of losses and divergences over documents, in float64."""

    def __init__(self, lm, hook, edits):
        self.lm, self.hook, self.edits = lm, hook, edits
        self.ce = dict.fromkeys(["clean", *edits], 0.0)
        self.kl = dict.fromkeys(edits, 0.0)
        self.predictions = 0

    @torch.no_grad()
    def add(self, ids):
        """Adds documents ids [B,T]."""
        clean = self.lm.logits(ids)
        log_p = clean[:, :-1].log_softmax(-1)
        self.predictions += ids[:, 1:].numel()
        self.ce["clean"] += losses(clean, ids).double().sum().item()
        for name, edit in self.edits.items():
            with self.lm.edited({self.hook: lambda x, edit=edit: edit(x).to(x.dtype)}):
                logits = self.lm.logits(ids)
            self.ce[name] += losses(logits, ids).double().sum().item()
            log_q = logits[:, :-1].log_softmax(-1)
            self.kl[name] += (log_p.exp() * (log_p - log_q)).double().sum().item()

    def report(self, saes, with_mean):
        if self.predictions == 0:
            raise ValueError("the documents have no two tokens in a row, so nothing is predicted")
        mean = {n: v / self.predictions for n, v in self.ce.items()}
        out = {"hook": self.hook, "predictions": self.predictions}
        for name, ce in mean.items():
            out[name] = {"ce": ce}
            if name == "clean":
                continue
            out[name]["kl"] = self.kl[name] / self.predictions
            if name in saes:
                out[name]["loss_recovered_zero_ablation"] = recovered(ce, mean["clean"], mean["zero_ablation"])
                if with_mean:
                    out[name]["loss_recovered_mean_ablation"] = recovered(ce, mean["clean"], mean["mean_ablation"])
        return out


def rest(edit):
    """edit of all positions but 0."""
    return lambda x: torch.cat([x[:, :1], edit(x)[:, 1:].to(x.dtype)], 1)


class Reconstructions:
    """Reconstructions that were made elsewhere, rows [N,d] of the documents in
    order, such as those of a dump that `saectl encode --recon` wrote. splice
    asks for each once."""

    def __init__(self, rows):
        self.rows, self.next = rows, 0

    def __call__(self, x):
        n = x.shape[0] * x.shape[1]
        part = self.rows[self.next : self.next + n]
        if len(part) != n or part.shape[1] != x.shape[2]:
            raise ValueError(f"rows {self.next} to {self.next + n} of {x.shape[2]} values are wanted, there are {self.rows.shape}: the reconstructions are of other documents")
        self.next += n
        return torch.as_tensor(part).to(x).reshape(x.shape)


def recovered(ce, clean, ablated):
    """The share of the loss that ablation costs which is recovered; None where
    ablation costs nothing."""
    return None if ablated == clean else (ablated - ce) / (ablated - clean)
