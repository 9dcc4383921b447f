"""One face for the models of transformers and of TransformerLens.

Hook points have TransformerLens' names, whichever the model is:

    blocks.L.hook_resid_pre, hook_resid_mid, hook_resid_post   [B,T,d]
    blocks.L.hook_attn_out, hook_mlp_out                       [B,T,d]
    blocks.L.attn.hook_z                                       [B,T,heads*head_dim]
    hook_embed                                                 [B,T,d]

z is the concatenation of the heads' outputs before the output projection, head
after head. A model of TransformerLens has all its hook points under their own
names; those with an axis of heads are flattened in the same way.
"""

import contextlib
import re

import torch


class HookError(ValueError):
    """A hook point that the model does not have."""


class LanguageModel:
    """A causal language model with named hook points."""

    def __init__(self, model, tokenizer=None, name=""):
        self.model, self.tokenizer, self.name = model.eval(), tokenizer, name
        for p in model.parameters():
            p.requires_grad_(False)

    @property
    def device(self):
        return next(self.model.parameters()).device

    def logits(self, ids):
        """Logits [B,T,V] for tokens ids [B,T], in float32."""
        raise NotImplementedError

    def edited(self, edits):
        """A context in which edits[hook](x) takes the place of what the hook
        point gives, x [B,T,d]; one that returns None leaves it."""
        raise NotImplementedError

    def heads(self, hook):
        """(heads, head_dim) of a hook point whose rows are split by heads, else None."""
        raise NotImplementedError

    def read_only(self, hook):
        """Whether a hook point can be read but not replaced."""
        return False


def load_model(model, tokenizer=None, name=None, device="cpu", dtype=torch.float32):
    """The LanguageModel of a model or of the name or folder of one.

    model is a module of transformers or TransformerLens, or what
    AutoModelForCausalLM.from_pretrained takes.
    """
    if isinstance(model, str) or hasattr(model, "__fspath__"):
        from transformers import AutoModelForCausalLM, AutoTokenizer

        path = str(model)
        name = name or path.rstrip("/").rsplit("/", 1)[-1].removesuffix("-hf")
        if tokenizer is None:
            with contextlib.suppress(OSError, ValueError):  # a model may come without
                tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype).to(device)
    if hasattr(model, "hook_dict") and hasattr(model, "run_with_hooks"):
        return HookedModel(model, tokenizer or getattr(model, "tokenizer", None), name or getattr(model.cfg, "model_name", "") or "")
    return TransformersModel(model, tokenizer, name or getattr(model.config, "_name_or_path", "") or "")


class HookedModel(LanguageModel):
    """A model of TransformerLens, such as HookedTransformer."""

    def logits(self, ids):
        return self.model(ids, return_type="logits").float()

    def edited(self, edits):
        return self.model.hooks(fwd_hooks=[(name, self._hook(name, edit)) for name, edit in edits.items()])

    def _hook(self, name, edit):
        if name not in self.model.hook_dict:
            raise HookError(f"{self.name}: there is no hook point {name}; TransformerLens lists them in model.hook_dict")

        def run(x, hook=None):
            y = edit(x.flatten(2))
            return None if y is None else y.reshape(x.shape)

        return run

    def heads(self, hook):
        if hook.rsplit(".", 1)[-1] != "hook_z":
            return None
        return self.model.cfg.n_heads, self.model.cfg.d_head


# Where models of transformers keep their parts. The first that is there counts.
BLOCKS = ("model.layers", "model.model.layers", "transformer.h", "gpt_neox.layers", "model.decoder.layers", "transformer.blocks", "layers")
ATTENTION = ("self_attn", "attn", "attention", "self_attention")
MLP = ("mlp", "feed_forward", "ffn", "block_sparse_moe")
OUTPUT = ("o_proj", "out_proj", "c_proj", "dense", "wo")
SECOND_NORM = ("ln_2", "post_attention_layernorm")

POINT = re.compile(r"blocks\.(\d+)\.(hook_resid_pre|hook_resid_mid|hook_resid_post|hook_attn_out|hook_mlp_out|attn\.hook_z)")


def part(module, names):
    """The first of the named submodules that module has, or None."""
    for name in names:
        found = module
        for step in name.split("."):
            found = getattr(found, step, None)
        if isinstance(found, torch.nn.Module):
            return found
    return None


class TransformersModel(LanguageModel):
    """A causal language model of transformers."""

    def __init__(self, model, tokenizer=None, name=""):
        super().__init__(model, tokenizer, name)
        self.config = model.config.get_text_config() if hasattr(model.config, "get_text_config") else model.config
        self.blocks = part(model, BLOCKS)
        if self.blocks is None:
            raise HookError(f"{name}: its blocks are not found under any of {', '.join(BLOCKS)}; give a causal language model")

    def logits(self, ids):
        return self.model(input_ids=ids, use_cache=False).logits.float()

    def attention(self, layer):
        return part(self.blocks[layer], ATTENTION)

    @contextlib.contextmanager
    def edited(self, edits):
        handles = []
        try:
            for name, edit in edits.items():
                handles.append(self._register(name, edit))
            yield
        finally:
            for h in handles:
                h.remove()

    def _register(self, name, edit):
        if name == "hook_embed":
            return self.model.get_input_embeddings().register_forward_hook(on_output(edit))
        m = POINT.fullmatch(name)
        if not m or int(m[1]) >= len(self.blocks):
            raise HookError(
                f"{self.name}: there is no hook point {name}; blocks 0 to {len(self.blocks) - 1} have "
                "hook_resid_pre, hook_resid_mid, hook_resid_post, hook_attn_out, hook_mlp_out and attn.hook_z"
            )
        block, point = self.blocks[int(m[1])], m[2]
        if point == "hook_resid_pre":
            return block.register_forward_pre_hook(on_input(edit), with_kwargs=True)
        if point == "hook_resid_post":
            return block.register_forward_hook(on_output(edit))
        if point == "hook_resid_mid":
            return self._found(name, self._second_norm(block)).register_forward_pre_hook(watch_input(name, edit), with_kwargs=True)
        if point == "hook_mlp_out":
            return self._found(name, part(block, MLP)).register_forward_hook(on_output(edit))
        attention = self._found(name, part(block, ATTENTION))
        if point == "hook_attn_out":
            return attention.register_forward_hook(on_output(edit))
        return self._found(name, part(attention, OUTPUT)).register_forward_pre_hook(on_input(edit), with_kwargs=True)

    @staticmethod
    def _second_norm(block):
        if part(block, ("pre_feedforward_layernorm",)) is not None or getattr(block, "use_parallel_residual", False):
            return None  # the norm of that name is another, or both halves read the same input
        return part(block, SECOND_NORM)

    def _found(self, name, module):
        if module is None:
            raise HookError(f"{self.name}: the part that {name} names is not found in this architecture; use hook_resid_pre or hook_resid_post")
        return module

    def read_only(self, hook):
        return hook.endswith("hook_resid_mid")

    def heads(self, hook):
        if not hook.endswith("attn.hook_z"):
            return None
        c = self.config
        heads = c.num_attention_heads
        return heads, getattr(c, "head_dim", None) or c.hidden_size // heads


def on_input(edit):
    """A forward pre-hook that edits the first input."""

    def run(module, args, kwargs):
        if args:
            y = edit(args[0])
            return None if y is None else ((y, *args[1:]), kwargs)
        y = edit(kwargs["hidden_states"])
        return None if y is None else (args, {**kwargs, "hidden_states": y})

    return run


def watch_input(name, edit):
    """on_input for a place from which the residual also goes on elsewhere: what
    is edited there would reach one of both ways only."""
    run = on_input(edit)

    def watch(module, args, kwargs):
        changed = run(module, args, kwargs)
        if changed is not None:
            raise HookError(f"{name} can be read but not replaced in a model of transformers; use a model of TransformerLens, or hook_resid_post")

    return watch


def on_output(edit):
    """A forward hook that edits the output, or the first of several."""

    def run(module, args, output):
        if isinstance(output, tuple):
            y = edit(output[0])
            return None if y is None else (y, *output[1:])
        return edit(output)

    return run
