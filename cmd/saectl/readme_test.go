package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/kernel"
)

// whatTheyFireOn says what the contexts of a latent named in the README look
// like: the text before, the token in «», the text after.
func whatTheyFireOn() map[string]string {
	return map[string]string{
		"`return`":                         `\t«return»`,
		"`{` of a composite literal":       `[\w\])]«\{»`,
		"`{` that opens a function's body": `[\w\])]« \{»(\n| return|$)`,
		"`/` in an import path":            `"(github\.com|gorgonia\.org)(/\w+)?«/»`,
		"`func` of a declaration":          `(^|\n)«func» `,
		"`if`":                             `\t«if» `,
		"`err` that a call returns":        `« err»( :?=| !=)`,
		"`//` that begins a comment":       `(^|\n|>)«//» `,
		"`%` of a verb in a format":        `« %»[a-z.0-9]`,
		"`org` of `gorgonia`":              `g«org»onia`,
		"`ect` of `saectl`":                `sa«ect»l`,
		"`ight` of `weight`":               `[wW]e«ight»`,
		"`!=`":                             `« !=» `,
		"`for`":                            `\t«for» `,
		"`var` of a declaration":           `\t«var» `,
		"`len` of a call":                  `« len»\(`,
		"`Errorf`":                         `«Errorf»`,
		"`range` of a loop":                `=« range» `,
	}
}

// TestReadmeLatents trains the run of the README and wants each latent of its
// table to fire most on what its name says, and on the example.
func TestReadmeLatents(t *testing.T) {
	if testing.Short() {
		t.Skip("trains the sample preset")
	}
	if name, err := kernel.Name(); err != nil || name == "generic" {
		t.Skipf("trains the sample preset, which takes minutes with the kernels %q", name)
	}
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile("(?m)^\\| (\\d+) \\| (.+) \\| `([^|]*«[^|]*»[^|]*)` \\|$").FindAllStringSubmatch(string(readme), -1)
	if len(table) < 10 {
		t.Fatalf("the README names %d latents, want 10 or more", len(table))
	}
	o := eval.DefaultInspect()
	o.Top = 60
	for _, row := range table {
		latent, _ := strconv.Atoi(row[1])
		o.Latents = append(o.Latents, latent)
	}
	t.Chdir(t.TempDir())
	want(t, 0, "train", "--quiet", "--out", "run")
	l, err := openLook("run", "", "all", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	x, err := eval.Inspect(context.Background(), l.model.Subject, l.d, l.rows, l.model.B, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range table {
		t.Run(row[1], func(t *testing.T) { fires(t, row[2], row[3], &x.Features[i]) })
	}
}

// fires wants 9 of the 10 strongest contexts of a latent to be what its name
// says, and the example to be among the 60 strongest.
func fires(t *testing.T, name, example string, f *eval.Feature) {
	pattern, ok := whatTheyFireOn()[name]
	if !ok {
		t.Fatalf("nothing says how the contexts of %s look; write it in whatTheyFireOn", name)
	}
	looks, hits, found := regexp.MustCompile(pattern), 0, false
	var strongest []string
	for i := range f.Top {
		e := &f.Top[i]
		text := strings.Join(e.Tokens[:e.At], "") + "«" + e.Tokens[e.At] + "»" + strings.Join(e.Tokens[e.At+1:], "")
		if i < 10 {
			strongest = append(strongest, eval.Printable(text))
			if looks.MatchString(text) {
				hits++
			}
		}
		found = found || strings.Contains(eval.Printable(text), example)
	}
	if hits < 9 {
		t.Errorf("%d of the 10 strongest contexts of latent %d are of %s:\n%s", hits, f.Latent, name, strings.Join(strongest, "\n"))
	}
	if !found {
		t.Errorf("%s is not among the strongest contexts of latent %d:\n%s", example, f.Latent, strings.Join(strongest, "\n"))
	}
}
