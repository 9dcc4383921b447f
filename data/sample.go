package data

import (
	"embed"
	"fmt"
	"io"
	"path"

	"github.com/saectl/saectl/activations"
)

// sampleFiles is what scripts/sample wrote: a small transformer, trained on
// Go's standard library, reading the source of this project.
//
//go:embed sample/*.arrow
var sampleFiles embed.FS

// SampleDump opens the embedded sample: residual stream and its gradient
// [N,64] of a small transformer that reads Go source, with token, doc and pos.
// Its rows stay where they are in the program; Close has nothing to do.
func SampleDump() (*activations.Dump, error) {
	const dir = "sample"
	entries, err := sampleFiles.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("data: embedded sample: %w", err)
	}
	var shards []activations.Shard
	for _, e := range entries {
		s, err := sampleShard(path.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("data: embedded sample: %w", err)
		}
		shards = append(shards, s)
	}
	return activations.OpenShards("embedded sample", shards)
}

// sampleShard hands out an embedded file without copying it.
func sampleShard(name string) (activations.Shard, error) {
	f, err := sampleFiles.Open(name)
	if err != nil {
		return activations.Shard{}, err
	}
	info, err := f.Stat()
	if err != nil {
		return activations.Shard{}, err
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return activations.Shard{}, fmt.Errorf("%s cannot be read at an offset", name)
	}
	return activations.Shard{Name: name, R: r, Size: info.Size()}, nil
}
