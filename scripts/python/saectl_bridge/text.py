"""Documents of tokens: windows of a text, or those of a dump."""

import pathlib

import pyarrow as pa

from .dumps import Dump


def windows(tokenizer, paths, context):
    """Windows of at most context tokens that together are the text of the
    files, lists of ids; each begins with BOS where the tokenizer has one."""
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    step = context - len(bos)
    if step < 1:
        raise ValueError(f"a context of {context} has no room for a token besides BOS")
    for path in paths:
        ids = tokenizer(pathlib.Path(path).read_text(), add_special_tokens=False)["input_ids"]
        for lo in range(0, len(ids), step):
            yield bos + ids[lo : lo + step]


def documents_of(path, limit=None):
    """The token ids of each document of a dump."""
    for i, doc in enumerate(Dump(path).documents()):
        if i == limit:
            return
        yield doc["token_id"].tolist()


def batches(documents, rows):
    """Lists of consecutive documents of one length with about rows tokens."""
    held = []
    for ids in documents:
        if held and (len(ids) != len(held[0]) or len(held[0]) * (len(held) + 1) > rows):
            yield held
            held = []
        held.append(ids)
    if held:
        yield held


def vocabulary(tokenizer, size):
    """The text of tokens 0 to size-1 as an Arrow array. Spaces are spaces, and
    a token that is no text by itself is named by its bytes or its number."""
    pieces = tokenizer.convert_ids_to_tokens(list(range(size)))
    special = set(tokenizer.all_special_ids)
    return pa.array([readable(tokenizer, i, p, i in special) for i, p in enumerate(pieces)])


def readable(tokenizer, i, piece, special):
    if piece is None:
        return f"<{i}>"
    if special:
        return piece
    if piece.startswith("<0x") and piece.endswith(">") and len(piece) == 6:
        byte = int(piece[3:5], 16)
        return chr(byte) if 32 <= byte < 127 or byte == 10 else piece
    if "\u2581" in piece:
        return piece.replace("\u2581", " ")
    text = tokenizer.decode([i])
    return piece if "\ufffd" in text else text
