package activations

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// ownCache gives the test a cache folder of its own, as each system finds it.
func ownCache(t *testing.T) string {
	t.Helper()
	for _, v := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(v, t.TempDir())
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(dir, "saectl", "fingerprints")
}

func fingerprintOf(t testing.TB, path string) string {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s, err := d.Fingerprint()
	if err != nil || len(s) != 64 {
		t.Fatalf("fingerprint %q, %v", s, err)
	}
	return s
}

// TestFingerprintOfLayouts: how rows are stored does not count, what they hold
// does.
func TestFingerprintOfLayouts(t *testing.T) {
	ownCache(t)
	seen := map[string]string{}
	for _, l := range layouts() {
		kind := l.elem.Name()
		s := fingerprintOf(t, save(t, l.write(t)))
		if have, ok := seen[kind]; ok && have != s {
			t.Errorf("%s: the fingerprint changed with the layout", l.name)
		}
		seen[kind] = s
	}
	if len(seen) != 2 || seen[f32.Name()] == seen[f16.Name()] {
		t.Errorf("the types do not count: %v", seen)
	}
	l := layouts()[0]
	files := l.write(t)
	d, err := openBytes(files["part-00000.arrow"])
	if err != nil {
		t.Fatal(err)
	}
	if s, err := d.Fingerprint(); s != seen[f32.Name()] || err != nil {
		t.Errorf("from memory it is %s, %v", s, err)
	}
}

// TestFingerprintOfWriter cuts many rows, more than one chunk, differently.
func TestFingerprintOfWriter(t *testing.T) {
	ownCache(t)
	s := smallSchema(3, 1, true)
	s.ShardBytes = 30_000
	one, many := writeNumbered(t, smallSchema(3, 1, true), 3*chunkRows), writeNumbered(t, s, 3*chunkRows)
	if n := len(mustOpen(t, many).Shards()); n < 5 {
		t.Fatalf("only %d shards", n)
	}
	if fingerprintOf(t, one) != fingerprintOf(t, many) {
		t.Error("the shards count")
	}
	if fingerprintOf(t, one) == fingerprintOf(t, writeNumbered(t, smallSchema(3, 1, true), 3*chunkRows-1)) {
		t.Error("the last row does not count")
	}
}

func TestFingerprintChanges(t *testing.T) {
	ownCache(t)
	const rows = `[{"activation":[1,2],"token":"ab","label":7},{"activation":[3,4],"token":"c","label":8}]`
	build := func(m Metadata, rows string) string {
		s := schemaOf(m, col("activation", fixed(2, f32)), col("token", text), col("label", i32))
		d, err := openBytes(arrowFile(t, s, []string{rows}))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := d.Fingerprint()
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	base := build(Metadata{KeyModel: "m"}, rows)
	if build(Metadata{KeyModel: "m", "pandas": "x"}, rows) != base {
		t.Error("metadata of others count")
	}
	for name, s := range map[string]string{
		"metadata":  build(Metadata{KeyModel: "n"}, rows),
		"more":      build(Metadata{KeyModel: "m", KeySplit: "train"}, rows),
		"value":     build(Metadata{KeyModel: "m"}, strings.Replace(rows, "[3,4]", "[3,5]", 1)),
		"text cut":  build(Metadata{KeyModel: "m"}, strings.NewReplacer(`"ab"`, `"a"`, `"c"`, `"bc"`).Replace(rows)),
		"label":     build(Metadata{KeyModel: "m"}, strings.Replace(rows, "8", "9", 1)),
		"row order": build(Metadata{KeyModel: "m"}, strings.NewReplacer("[1,2]", "[3,4]", "[3,4]", "[1,2]").Replace(rows)),
	} {
		if s == base {
			t.Errorf("%s does not count", name)
		}
	}
}

// TestFingerprintCache shows by a forged entry that the cache is read, and
// when it is not.
func TestFingerprintCache(t *testing.T) {
	cache := ownCache(t)
	dir := writeNumbered(t, smallSchema(3, 1, false), 500)
	entries := func() []os.DirEntry { list, _ := os.ReadDir(cache); return list }
	real := fingerprintOf(t, dir)
	if len(entries()) != 0 {
		t.Error("the fingerprint of a file changed just now was kept")
	}
	old := time.Now().Add(-time.Hour)
	shard := filepath.Join(dir, "part-00000.arrow")
	if err := os.Chtimes(shard, old, old); err != nil {
		t.Fatal(err)
	}
	if fingerprintOf(t, dir) != real || len(entries()) != 1 {
		t.Fatalf("%d entries in the cache, want 1", len(entries()))
	}
	entry := filepath.Join(cache, entries()[0].Name())
	forge := func(s string) {
		if err := os.WriteFile(entry, []byte(s), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	forged := strings.Repeat("ab", 32)
	forge(forged + "\n")
	if fingerprintOf(t, dir) != forged {
		t.Error("the cache is not read")
	}
	for _, bad := range []string{"", forged, forged[:62] + "\n", strings.Repeat("xy", 32) + "\n"} {
		if forge(bad); fingerprintOf(t, dir) != real {
			t.Errorf("the damaged entry %q was believed", bad)
		}
	}
	forge(forged + "\n")
	older := old.Add(-time.Minute)
	if err := os.Chtimes(shard, older, older); err != nil {
		t.Fatal(err)
	}
	if fingerprintOf(t, dir) != real {
		t.Error("the entry of an earlier state of the file was believed")
	}
}

func TestFingerprintWithoutCache(t *testing.T) {
	dir := writeNumbered(t, smallSchema(3, 1, false), 500)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "part-00000.arrow"), old, old); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(v, file) // a folder cannot be made below a file
	}
	fingerprintOf(t, dir)
}

// TestFingerprintGolden fixes what the fingerprint of known content is: it
// stands in run folders, so a change must come with a new version of it.
func TestFingerprintGolden(t *testing.T) {
	b := arrowFile(t, schemaOf(Metadata{KeyVersion: "1"}, col("activation", fixed(2, f32)), col("token", text)),
		[]string{`[{"activation":[1,2],"token":"a"},{"activation":[3,4],"token":"é"}]`}, ipc.WithZstd())
	d, err := OpenShards("memory", []Shard{{"memory", bytes.NewReader(b), int64(len(b))}})
	if err != nil {
		t.Fatal(err)
	}
	// Made from the description of sum with another SHA-256.
	const want = "4b59fa1635de9ba96adc04f25f863388f5826cc3a79dc5c7147e302846f18b0e"
	if s, err := d.Fingerprint(); s != want || err != nil {
		t.Errorf("%s, %v", s, err)
	}
}
