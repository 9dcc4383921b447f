package convert

import (
	"encoding/json"
	"errors"
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
	names, err := shardNames(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for i, name := range names {
		names[i] = filepath.Join(dir, name)
		if _, err := os.Stat(names[i]); err != nil {
			return nil, fmt.Errorf("%s: the shard %s, which state.json names, is missing; copy the whole folder", dir, name)
		}
	}
	return names, nil
}

// shardNames reads a state.json.
func shardNames(b []byte) ([]string, error) {
	var state struct {
		Files []struct{ Filename string } `json:"_data_files"`
	}
	if err := json.Unmarshal(b, &state); err != nil {
		return nil, fmt.Errorf("it is not valid JSON, or not a data set's: %w; save the data set again", err)
	}
	if len(state.Files) == 0 {
		return nil, errors.New("_data_files names no shards; save the data set again")
	}
	var names []string
	for _, f := range state.Files {
		if f.Filename == "." || f.Filename != filepath.Base(f.Filename) || !filepath.IsLocal(f.Filename) || strings.ContainsAny(f.Filename, `/\`) {
			return nil, fmt.Errorf("the shard name %.80q leaves the folder; shards lie beside state.json", f.Filename)
		}
		names = append(names, f.Filename)
	}
	return names, nil
}
