package sae

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/saectl/saectl/internal/safetensors"
)

// The files of a run folder.
const (
	configFile     = "config.yaml"
	weightsFile    = "weights.safetensors"
	checkpointDir  = "checkpoint"
	metricsFile    = "metrics.jsonl"
	checkpointGlob = "step-*.safetensors"
)

// The keys of the metadata of weights and checkpoints that this package
// writes; callers of Train add their own.
const (
	metaSteps   = "steps"
	metaMetrics = "metrics_bytes"
	metaSum     = "crc32c"
)

// RunState is what a folder holds of a run.
type RunState struct {
	Exists bool   // it holds a run, begun or done
	Config []byte // its config.yaml, nil when it was killed before that was written
	Steps  int    // steps of the newest complete checkpoint or of the final weights
	Done   bool   // the final weights are there
	Meta   map[string]string
}

// Inspect says what dir holds. A missing or empty folder is no run; a folder
// with other things in it is an error.
func Inspect(dir string) (RunState, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return RunState{}, nil
	}
	if err != nil {
		return RunState{}, fmt.Errorf("run folder: %w", err)
	}
	known := []string{configFile, weightsFile, checkpointDir, metricsFile, "report.json"}
	var s RunState
	foreign := ""
	for _, e := range entries {
		s.Exists = s.Exists || slices.Contains(known, e.Name())
		if !slices.Contains(known, e.Name()) && e.Name()[0] != '.' {
			foreign = e.Name()
		}
	}
	if !s.Exists && foreign != "" {
		return s, fmt.Errorf("%s: the folder holds %s and no run; give an empty or new folder", dir, foreign)
	}
	if !s.Exists {
		return s, nil
	}
	return s, s.read(dir)
}

func (s *RunState) read(dir string) error {
	config, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.Config = config
	if f, err := safetensors.Open(filepath.Join(dir, weightsFile)); err == nil {
		s.Done, s.Meta = true, f.Metadata()
		s.Steps, err = strconv.Atoi(s.Meta[metaSteps])
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: the metadata does not say how many steps made it: %w", filepath.Join(dir, weightsFile), err)
		}
	}
	path, steps, err := newestCheckpoint(dir)
	if err != nil || path == "" || steps <= s.Steps && s.Done {
		return err
	}
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	s.Done, s.Steps, s.Meta = false, steps, f.Metadata()
	return f.Close()
}
