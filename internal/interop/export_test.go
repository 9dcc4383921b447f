package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/saetest"
)

// exported is s as written in a format and read back.
func exported(t *testing.T, s *foreign.SAE, format string) (*foreign.SAE, error) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), format)
	if err := Write(dir, format, s); err != nil {
		return nil, err
	}
	back, err := Open(dir, "")
	if err != nil {
		t.Fatalf("exported to %s and read: %v", format, err)
	}
	return back, nil
}

// computation is what an SAE computes, without where it came from.
func computation(s *foreign.SAE) *foreign.SAE {
	c := *s
	c.Config, c.Warnings, c.Dtype, c.Cut = nil, nil, "", nil
	return &c
}

// TestGoldenExports writes every SAE of every tool in every format. In its own it
// must come back to the last bit, in another with the same latents and
// reconstructions, or be refused by a name.
func TestGoldenExports(t *testing.T) {
	for _, folder := range []string{"formats/saelens", "formats/sparsify", "formats/dictionary_learning"} {
		saetest.FolderCases(t, folder, func(t *testing.T, c *saetest.Case, dir string) {
			var f caseFile
			c.JSON(&f)
			if f.Layers != nil {
				t.Skip("one autoencoder a hook point; the others cover them")
			}
			s := openSAE(t, filepath.Join(dir, f.Path), f.Format)
			for _, format := range Names(true) {
				back, err := exported(t, s, format)
				switch {
				case err != nil && format == s.Format:
					t.Errorf("not exported to its own format: %v", err)
				case err != nil:
					t.Logf("%s: %v", format, err)
				case format == s.Format:
					if d := difference(computation(s), computation(back)); d != "" {
						t.Errorf("%s: %s differs", format, d)
					}
				default:
					f.compare(t, c, back, "x", "z", "x_hat", f.MeanL0)
				}
			}
		})
	}
}

// TestRefusedExports asks for the name of what a tool does not know.
func TestRefusedExports(t *testing.T) {
	dir := saetest.Folder(t, "formats")
	for _, c := range []struct{ path, format, want string }{
		{"saelens/abstopk/sae", "sparsify", "abstopk"},
		{"saelens/abstopk/sae", "dictionary-learning", "abstopk"},
		{"saelens/standard_layer_norm/sae", "sparsify", "layer-norm"},
		{"saelens/standard_constant_norm/sae", "dictionary-learning", "constant-norm"},
		{"saelens/matching_pursuit/sae", "dictionary-learning", "matching-pursuit"},
		{"saelens/transcoder/sae", "dictionary-learning", "transcoders"},
		{"saelens/gated_no_input_bias/sae", "dictionary-learning", "gated"},
		{"sparsify/groupmax/sae", "saelens", "groupmax"},
		{"sparsify/skip_sae/sae", "saelens", "W_skip"},
		{"sparsify/transcoder/sae", "saelens", "topk"},
		{"sparsify/topk/sae", "params", "saelens, sparsify, dictionary-learning"},
	} {
		s, err := Open(filepath.Join(dir, c.path), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := exported(t, s, c.format); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %s: %v, want an error with %q", c.path, c.format, err, c.want)
		}
	}
}
