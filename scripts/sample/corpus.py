"""The texts: Go's standard library to learn from, this project to read."""

import hashlib
import io
import os
import pathlib
import re
import subprocess
import tarfile

GENERATED = re.compile(r"^// Code generated .*DO NOT EDIT\.$", re.M)
LICENCE = re.compile(r"\A(// Copyright .*\n)(//.*\n)*\n*")
LONGEST = 300_000  # characters; what is longer is a table
SKIPPED = ("testdata", "vendor")


def standard_library():
    """Returns (train, held) lists of texts from `go env GOROOT`.

    Generated files are left out, and so are the licence headers, which
    the model would only learn by heart. One package in sixteen, chosen by
    the hash of its path, is held out whole.
    """
    root = pathlib.Path(subprocess.check_output(["go", "env", "GOROOT"], text=True).strip()) / "src"
    train, held = [], []
    for folder, folders, names in os.walk(root):
        at_root = folder == str(root)
        folders[:] = sorted(d for d in folders if d not in SKIPPED and not (at_root and d == "cmd"))
        package = os.path.relpath(folder, root)
        side = held if hashlib.sha256(package.encode()).digest()[0] % 16 == 0 else train
        side += filter(None, (text_of(pathlib.Path(folder, n)) for n in sorted(names) if n.endswith(".go")))
    return train, held


def text_of(path):
    """Returns the text of a hand-written Go file, or None."""
    return cleaned(path.read_text(encoding="utf-8", errors="replace"))


def cleaned(text):
    if len(text) > LONGEST or GENERATED.search(text):
        return None
    return LICENCE.sub("", text)


def own_source(root, commit):
    """Returns the texts of the Go files of a commit of the checkout at root, in name order."""
    packed = subprocess.check_output(["git", "-C", root, "archive", commit])
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = sorted((m for m in tar if m.isfile() and m.name.endswith(".go")), key=lambda m: m.name)
        texts = [cleaned(tar.extractfile(m).read().decode("utf-8")) for m in members]
    return [t for t in texts if t]


def commit_hash(root, commit):
    return subprocess.check_output(["git", "-C", root, "rev-parse", commit], text=True).strip()
