package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval/circuit"
)

func TestSynthCircuitAndCircuit(t *testing.T) {
	t.Chdir(t.TempDir())
	want(t, 0, "data", "synth", "circuit", "--out", "planted", "--examples", "40", "--d", "16", "--layers", "4", "--heads", "4", "--planted", "3", "--seed", "7")
	args := []string{"circuit", "--dump", "planted", "--truth", "planted/heads.txt", "--seeds", "2", "--steps", "300"}
	out, _ := want(t, 0, append(args, "--json", "--html", "c.html", "--codes", "codes.csv")...)
	var r circuit.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Results[0].Scores[0].AUROC.Mean < 0.9 || len(r.Truth) != 3 || r.Heads != 16 || r.PerLayer != 4 {
		t.Errorf("%+v", r.Results[0].Scores[0])
	}
	if n := strings.Count(string(read(t, "codes.csv")), "\n"); n != 1+80*16 {
		t.Errorf("the table of codes has %d lines", n)
	}
	if !strings.Contains(string(read(t, "c.html")), "2405.12522") {
		t.Error("the page lacks its source")
	}
	if out, _ := want(t, 0, args...); !strings.Contains(out, "in the circuit") {
		t.Errorf("the table is\n%s", out)
	}
	if _, e := want(t, 2, "circuit"); !strings.Contains(e, "--dump") {
		t.Errorf("without a dump: %s", e)
	}
	if _, e := want(t, 2, "circuit", "--dump", "planted", "--axis", "rows"); !strings.Contains(e, "outputs or atoms") {
		t.Errorf("another axis: %s", e)
	}
	if _, e := want(t, 1, "circuit", "--dump", "sample"); !strings.Contains(e, "label") {
		t.Errorf("a dump without labels: %s", e)
	}
	if _, e := want(t, 1, "circuit", "--dump", "planted", "--train", "900"); !strings.Contains(e, "900") {
		t.Errorf("more examples than there are: %s", e)
	}
}
