package interop

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/saectl/saectl/internal/interop/torchfile"
	"github.com/saectl/saectl/internal/saetest"
	"github.com/saectl/saectl/internal/safetensors"
)

var update = flag.Bool("update", false, "write the messages of refused files to testdata/hostile.tsv")

// What refusing a file may cost.
const (
	maxTime   = time.Second
	maxMemory = 64 << 20
)

// readers open what the manifest names and read every number of it.
func readers() map[string]func(path string) error {
	as := func(format string) func(path string) error {
		return func(path string) error { _, err := Open(path, format); return err }
	}
	return map[string]func(path string) error{
		"safetensors": readSafetensors, "torch": readTorch,
		"saelens": as("saelens"), "sparsify": as("sparsify"), "dictionary_learning": as("dictionary-learning"),
	}
}

// elsewhere are the kinds whose readers' own tests go through their entries of
// the manifest.
func elsewhere() map[string]string {
	convert := "internal/interop/convert"
	return map[string]string{"arrow_file": convert, "arrow_stream": convert, "hf_datasets": convert, "npy": convert, "npz": convert, "parquet": convert}
}

func readSafetensors(path string) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, name := range f.Names() {
		if _, _, err := f.Bytes(name); err != nil {
			return err
		}
	}
	return nil
}

func readTorch(path string) error {
	f, err := torchfile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, x := range f.Tensors() {
		if _, err := x.Float32(); err != nil {
			return err
		}
	}
	return nil
}

// TestGoldenHostile opens every broken file as its manifest says. Each must be
// refused, in bounded time and memory, with the message in testdata/hostile.tsv,
// which was held against what the manifest asks for.
func TestGoldenHostile(t *testing.T) {
	dir := saetest.Folder(t, "formats/hostile")
	var manifest struct {
		Files []struct {
			Path      string
			OpenAs    string `json:"open_as"`
			ShouldSay string `json:"should_say"`
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err == nil {
		err = json.Unmarshal(b, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	known, said := messages(t), map[string]string{}
	for _, f := range manifest.Files {
		read, ours := readers()[f.OpenAs]
		t.Run("hostile/"+f.Path, func(t *testing.T) {
			if where := elsewhere()[f.OpenAs]; !ours && where != "" {
				t.Skipf("opened by the test of %s", where)
			}
			if !ours {
				t.Fatalf("there is no reader of %s", f.OpenAs)
			}
			path := filepath.Join(dir, filepath.FromSlash(f.Path))
			said[f.Path] = refusal(t, path, read)
			if want := known[f.Path]; !*update && said[f.Path] != want {
				t.Errorf("says  %s\nknown %s\nshould say: %s", said[f.Path], want, f.ShouldSay)
			}
		})
	}
	if *update {
		write(t, said)
	}
}

// refusal is the message of a reader, with the folder's own name cut out.
func refusal(t *testing.T, path string, read func(string) error) string {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := read(path)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Fatal("it was not refused")
	}
	if took > maxTime {
		t.Errorf("it took %v", took)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > maxMemory {
		t.Errorf("it took %d bytes of memory", used)
	}
	message := err.Error()
	if !strings.Contains(message, path) {
		t.Errorf("the message does not name the file: %s", message)
	}
	if strings.Contains(message, "panic") || strings.Contains(message, "goroutine") || len(message) > len(path)+600 {
		t.Errorf("the message is %d bytes long: %.300s", len(message), message)
	}
	return strings.ReplaceAll(strings.ReplaceAll(message, path, "FILE"), "\n", " ")
}

const messageFile = "testdata/hostile.tsv"

func messages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	f, err := os.Open(messageFile)
	if err != nil {
		if *update {
			return all
		}
		t.Fatal(err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		path, message, _ := strings.Cut(lines.Text(), "\t")
		all[path] = message
	}
	return all
}

func write(t *testing.T, said map[string]string) {
	t.Helper()
	var lines []string
	for path, message := range said {
		lines = append(lines, fmt.Sprintf("%s\t%s\n", path, message))
	}
	slices.Sort(lines)
	if err := os.MkdirAll("testdata", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(messageFile, []byte(strings.Join(lines, "")), 0o666); err != nil {
		t.Fatal(err)
	}
}
