"""Reading and writing dumps of activations, format version 1 of saectl.

A dump is a folder of Arrow IPC files part-00000.arrow, ... with a column
`activation` and, where they are known, `gradient`, `target`, `token_id`,
`token`, `doc`, `pos` and `label`.
"""

import os
import pathlib

import numpy as np
import pyarrow as pa

# Of a record batch; the format allows 64 MiB.
BATCH_BYTES = 32 << 20


class Dump:
    """An open dump, whose documents are read one at a time.

    Rows of a document lie together and in order; columns are numpy arrays.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)
        files = sorted(self.path.glob("part-*.arrow")) if self.path.is_dir() else [self.path]
        if not files:
            raise ValueError(f"{path} holds no shards called part-*.arrow; give the folder of a dump")
        self.readers = [pa.ipc.open_file(pa.memory_map(str(f))) for f in files]
        self.schema = self.readers[0].schema
        self.metadata = {k.decode(): v.decode() for k, v in (self.schema.metadata or {}).items()}
        if "activation" not in self.schema.names:
            raise ValueError(f"{files[0]}: there is no column activation, only {self.schema.names}")

    @property
    def hook(self):
        return self.metadata.get("sae.hook", "")

    def batches(self, columns):
        """Dictionaries of the columns' values, a record batch each."""
        missing = [c for c in columns if c not in self.schema.names]
        if missing:
            raise ValueError(f"{self.path}: the dump has no column {missing[0]}, only {self.schema.names}")
        for reader in self.readers:
            for i in range(reader.num_record_batches):
                batch = reader.get_batch(i)
                yield {c: values(batch.column(c)) for c in columns}

    def rows(self, column="activation"):
        """All rows of a column, [N,d] or [N]."""
        return np.concatenate([b[column] for b in self.batches([column])])

    def documents(self, columns=("token_id",)):
        """Dictionaries of the columns of each document, which must be a whole
        window from position 0, with doc."""
        held, want = None, list(dict.fromkeys([*columns, "doc", "pos"]))
        for batch in self.batches(want):
            edges = np.flatnonzero(np.diff(batch["doc"])) + 1
            for part in split(batch, edges):
                if held is not None and held["doc"][0] == part["doc"][0]:
                    held = {c: np.concatenate([held[c], part[c]]) for c in want}
                    continue
                if held is not None:
                    yield self._whole(held)
                held = part
        if held is not None:
            yield self._whole(held)

    def _whole(self, doc):
        if not np.array_equal(doc["pos"], np.arange(len(doc["pos"]))):
            raise ValueError(f"{self.path}: document {doc['doc'][0]} is no whole window from position 0, so a model cannot be run on it again")
        return doc


def values(column):
    """A column of a record batch as numpy, lists of one length as [n,d]."""
    if pa.types.is_fixed_size_list(column.type):
        width = column.type.list_size
        return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        return column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    return column.to_numpy(zero_copy_only=False)


def split(batch, edges):
    bounds = [0, *edges, len(next(iter(batch.values())))]
    return [{c: v[lo:hi] for c, v in batch.items()} for lo, hi in zip(bounds, bounds[1:])]


def mean_row(path):
    """The mean [d] of all rows of a dump, summed in float64."""
    total, n = 0.0, 0
    for b in Dump(path).batches(["activation"]):
        total = total + b["activation"].astype(np.float64).sum(0)
        n += len(b["activation"])
    return (total / n).astype(np.float32)


class DumpWriter:
    """Writes a dump batch by batch; use it in a with statement.

    Shards have temporary names until the end, so that a dump that was not
    finished is not taken for one. write begins a new shard when the one begun
    has shard_rows rows or more.
    """

    def __init__(self, path, metadata, half=False, vocabulary=None, shard_rows=None):
        self.path, self.half, self.vocabulary = pathlib.Path(path), half, vocabulary
        self.metadata = {"sae.version": "1", "sae.scale": "1", **metadata}
        self.shard_rows = shard_rows
        self.file = self.writer = None
        self.shards, self.in_shard, self.rows = [], 0, 0
        self.made = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        if any(self.path.glob("part-*.arrow")):
            raise FileExistsError(f"{path} holds a dump already; remove it or give another folder")

    def write(self, activation, doc, pos, gradient=None, token_id=None, label=None, target=None):
        """Adds n rows: activation, gradient [n,d], target [n,d_out], the others [n]."""
        columns = {"activation": self._floats(activation)}
        if gradient is not None:
            columns["gradient"] = self._floats(gradient)
        if target is not None:
            columns["target"] = self._floats(target)
        if token_id is not None:
            ids = pa.array(np.asarray(token_id, np.int32))
            columns["token_id"] = ids
            if self.vocabulary is not None:
                columns["token"] = pa.DictionaryArray.from_arrays(ids, self.vocabulary)
        columns["doc"] = pa.array(np.asarray(doc, np.int64))
        columns["pos"] = pa.array(np.asarray(pos, np.int32))
        if label is not None:
            columns["label"] = pa.array(np.asarray(label, np.int32))
        fields = [pa.field(n, c.type, nullable=False) for n, c in columns.items()]
        self._write(pa.record_batch(list(columns.values()), pa.schema(fields, metadata=self.metadata)))

    def _floats(self, x):
        x = np.asarray(x, np.float32)
        if self.half:
            with np.errstate(over="ignore"):
                x = x.astype(np.float16)
        if not np.isfinite(x).all():
            row, value = np.argwhere(~np.isfinite(x))[0]
            why = ", or is more than float16 holds: write float32" if self.half else ""
            raise ValueError(f"{self.path}: row {self.rows + row}, value {value} is not finite{why}")
        return pa.FixedSizeListArray.from_arrays(pa.array(np.ascontiguousarray(x).reshape(-1)), x.shape[1])

    def _write(self, batch):
        if self.vocabulary is not None and not isinstance(self.vocabulary, pa.Array):
            raise TypeError("the vocabulary is a pyarrow array of strings")
        if self.writer is None or (self.shard_rows and self.in_shard >= self.shard_rows):
            self._begin(batch.schema)
        step = max(1, BATCH_BYTES * len(batch) // max(batch.nbytes, 1))
        for lo in range(0, len(batch), step):
            self.writer.write_batch(batch.slice(lo, step))
        self.in_shard += len(batch)
        self.rows += len(batch)

    def _begin(self, schema):
        self._end()
        name = f"part-{len(self.shards):05}.arrow"
        self.shards.append(name)
        self.file = open(self.path / f".{name}.tmp", "wb")
        self.writer = pa.ipc.new_file(self.file, schema)
        self.in_shard = 0

    def _end(self):
        if self.writer is not None:
            self.writer.close()
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()
            self.writer = None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self._end()
        for name in reversed(self.shards):
            temporary = self.path / f".{name}.tmp"
            if kind is None:
                temporary.rename(self.path / name)
            else:
                temporary.unlink()
        if self.made and (kind is not None or not self.shards):
            self.path.rmdir()
        if kind is None and not self.shards:
            raise ValueError(f"{self.path}: the dump has no rows")
