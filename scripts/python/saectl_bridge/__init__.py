"""Between language models in PyTorch and saectl.

saectl needs no Python. This package is for those who have a model in PyTorch:
it writes the dumps that saectl trains on, puts trained autoencoders into the
model, and measures what that costs. The models are those of Hugging Face
transformers and of TransformerLens.

    lm = load_model("gpt2")
    dump(lm, documents, ["blocks.3.hook_resid_post"], "activations", gradient=True)
    sae = SAE.load("runs/topk-001")
    splice(lm, documents, "blocks.3.hook_resid_post", {"topk": sae}, mean=mean_row("activations"))
"""

from .attention import write_attention
from .dump import dump
from .dumps import Dump, DumpWriter, mean_row
from .models import LanguageModel, load_model
from .run import SAE
from .splice import Reconstructions, splice
from .steer import generate, steering

__all__ = [
    "Dump",
    "DumpWriter",
    "LanguageModel",
    "Reconstructions",
    "SAE",
    "dump",
    "generate",
    "load_model",
    "mean_row",
    "splice",
    "steering",
    "write_attention",
]
