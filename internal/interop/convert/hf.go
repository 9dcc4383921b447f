package convert

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// maxState bounds state.json, which names a shard in some 50 bytes.
const maxState = 16 << 20

// stateShards gives the shards that the state.json of a Hugging Face folder
// names, in its order.
func stateShards(dir string) ([]string, error) {
	path := filepath.Join(dir, "state.json")
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > maxState {
		return nil, fmt.Errorf("%s: it is no list of shards: %d bytes, at most %d are read", path, st.Size(), maxState)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var state struct {
		Files []struct{ Filename string } `json:"_data_files"`
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("%s: it is not valid JSON, or not a data set's: %w; save the data set again", path, err)
	}
	if len(state.Files) == 0 {
		return nil, fmt.Errorf("%s: _data_files names no shards; save the data set again", path)
	}
	var names []string
	for _, f := range state.Files {
		if f.Filename != filepath.Base(f.Filename) || !filepath.IsLocal(f.Filename) || strings.ContainsAny(f.Filename, `/\`) {
			return nil, fmt.Errorf("%s: the shard name %.80q leaves the folder; shards lie beside state.json", path, f.Filename)
		}
		shard := filepath.Join(dir, f.Filename)
		if _, err := os.Stat(shard); err != nil {
			return nil, fmt.Errorf("%s: the shard %s, which state.json names, is missing; copy the whole folder", dir, f.Filename)
		}
		names = append(names, shard)
	}
	return names, nil
}
