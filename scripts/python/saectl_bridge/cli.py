"""The commands of the bridge: saectl-bridge, or python -m saectl_bridge."""

import argparse
import itertools
import json
import sys
import time

from .attention import write_attention
from .dump import dump
from .dumps import Dump, mean_row
from .models import HookError, load_model
from .run import SAE
from .splice import Reconstructions, splice
from .steer import generate, steering
from .text import documents_of, vocabulary, windows


def parser():
    p = argparse.ArgumentParser(prog="saectl-bridge", description="Between language models in PyTorch and saectl.")
    commands = p.add_subparsers(dest="command", required=True)

    c = command(commands, "dump", run_dump, "write what a model's hook points give as dumps for saectl")
    c.add_argument("--hook", action="append", required=True, help="such as blocks.3.hook_resid_post; may be given several times")
    c.add_argument("--out", required=True, help="folder of the dump, or of one for each hook point")
    c.add_argument("--gradient", action="store_true", help="also the gradient of the summed next-token loss")
    c.add_argument("--float16", action="store_true", help="write float16")
    c.add_argument("--dataset", help="name of the text, for the dump's metadata")
    c.add_argument("--split", help="its split, for the dump's metadata")
    inputs(c)

    c = command(commands, "splice", run_splice, "measure what reconstructions cost the model, as JSON")
    c.add_argument("--hook", help="default that of --documents")
    c.add_argument("--run", action="append", default=[], help="run folder of saectl; may be given several times")
    c.add_argument("--recon", action="append", default=[], help="dump of reconstructions of the documents, of saectl encode --recon")
    c.add_argument("--mean", help="dump whose mean row is put in for mean ablation")
    c.add_argument("--keep-first", action="store_true", help="autoencoders leave position 0 as it is")
    inputs(c)

    c = command(commands, "steer", run_steer, "let the model write with a latent's direction added")
    c.add_argument("--hook", required=True)
    c.add_argument("--run", required=True, help="run folder of saectl")
    c.add_argument("--latent", type=int, required=True)
    c.add_argument("--strength", type=float, required=True, help="in units of the latent's values")
    c.add_argument("--clamp", action="store_true", help="bring the latent to the strength in place of adding it")
    c.add_argument("--prompt", default="", help="text to go on from")
    c.add_argument("--tokens", type=int, default=100)
    c.add_argument("--temperature", type=float, default=0.0)
    c.add_argument("--seed", type=int, default=0)

    c = command(commands, "attention", run_attention, "write patterns and values for saectl heads")
    c.add_argument("--layer", type=int, required=True)
    c.add_argument("--documents", required=True, help="dump whose documents are run")
    c.add_argument("--limit", type=int, default=64, help="documents at most")
    c.add_argument("--context", type=int, default=64, help="first tokens of each")
    c.add_argument("--out", required=True, help="safetensors file")
    c.add_argument("--weights", help="safetensors file for W_O")
    return p


def command(commands, name, run, text):
    c = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    c.add_argument("model", help="folder or name of a model of transformers")
    c.add_argument("--device", default="cpu")
    c.set_defaults(run_command=run)
    return c


def inputs(c):
    source = c.add_mutually_exclusive_group(required=True)
    source.add_argument("--text", action="append", help="text file, cut into windows; may be given several times")
    source.add_argument("--documents", help="dump whose documents are run again, by their token_id")
    c.add_argument("--context", type=int, default=128, help="tokens of a window of --text")
    c.add_argument("--limit", type=int, help="documents at most")


def documents(opt, lm):
    if opt.documents:
        yield from documents_of(opt.documents, opt.limit)
        return
    if lm.tokenizer is None:
        raise ValueError(f"{opt.model} has no tokenizer; give --documents")
    for i, ids in enumerate(windows(lm.tokenizer, opt.text, opt.context)):
        if i == opt.limit:
            return
        yield ids


def run_dump(opt, lm):
    meta = {f"sae.{k}": v for k, v in (("dataset", opt.dataset), ("split", opt.split)) if v}
    vocab = None
    if lm.tokenizer is not None:
        vocab = vocabulary(lm.tokenizer, len(lm.tokenizer))
    start = time.time()

    def progress(done, rows):
        print(f"\r{done} documents, {rows} rows, {rows / (time.time() - start):.0f} rows/s ", end="", file=sys.stderr, flush=True)

    shown = progress if sys.stderr.isatty() else None
    rows = dump(lm, documents(opt, lm), opt.hook, opt.out, opt.gradient, opt.float16, metadata=meta, vocabulary=vocab, progress=shown)
    if shown:
        print(file=sys.stderr)
    print(f"{opt.out}: {rows} rows of each of {len(opt.hook)} hook points; try: saectl data info {opt.out}" + ("" if len(opt.hook) == 1 else "/" + opt.hook[0]))


def run_splice(opt, lm):
    hook = opt.hook or (Dump(opt.documents).hook if opt.documents else "")
    if not hook:
        raise ValueError("--hook is missing: the hook point that the reconstructions are of")
    saes = {r: SAE.load(r).to(lm.device) for r in opt.run}
    saes |= {r: Reconstructions(Dump(r).rows()) for r in opt.recon}
    mean = mean_row(opt.mean) if opt.mean else None
    print(json.dumps(splice(lm, documents(opt, lm), hook, saes, mean, opt.keep_first), indent=2))


def run_steer(opt, lm):
    if lm.tokenizer is None:
        raise ValueError(f"{opt.model} has no tokenizer, so it cannot write text")
    bos = [] if lm.tokenizer.bos_token_id is None else [lm.tokenizer.bos_token_id]
    prompt = bos + lm.tokenizer(opt.prompt, add_special_tokens=False)["input_ids"]
    if not prompt:
        raise ValueError("--prompt is missing: the tokenizer has no BOS to begin with")
    sae = SAE.load(opt.run).to(lm.device)
    with steering(lm, opt.hook, sae, opt.latent, opt.strength, opt.clamp):
        ids = generate(lm, prompt, opt.tokens, opt.temperature, opt.seed)
    print(lm.tokenizer.decode(ids[len(bos) :]))


def run_attention(opt, lm):
    whole = (d for d in Dump(opt.documents).documents() if len(d["token_id"]) >= opt.context)
    docs = list(itertools.islice(whole, opt.limit))
    if not docs:
        raise ValueError(f"{opt.documents}: no document has {opt.context} tokens; lower --context")
    ids, numbers = [d["token_id"].tolist() for d in docs], [d["doc"][0] for d in docs]
    write_attention(lm, ids, opt.layer, opt.out, numbers, opt.weights, opt.context)
    print(f"{opt.out}: {len(docs)} documents of {opt.context} tokens")


def main(args=None):
    opt = parser().parse_args(args)
    try:
        opt.run_command(opt, load_model(opt.model, device=opt.device))
    except (HookError, ValueError, FileNotFoundError, FileExistsError, OSError) as e:
        sys.exit(f"saectl-bridge: {e}")


if __name__ == "__main__":
    main()
