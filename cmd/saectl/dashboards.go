package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/saectl/saectl/activations"
	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/atomicfile"
)

// The values of inspect-features --format.
const (
	formatSAEDashboard = "saedashboard"
	formatNeuronpedia  = "neuronpedia"
)

// perBatch is how many latents a file of pages holds, as in SAEDashboard.
const perBatch = 128

// dashboards writes pages of latents into a folder, as Inspect hands them on.
type dashboards struct {
	format, dir string
	pages       eval.Neuronpedia // whose Dashboards SAEDashboard's pages are made from
	source      string           // folder of Neuronpedia's rows
	batches     int
	written     []int // latents
}

// newDashboards makes the folder, which must be empty or missing.
func newDashboards(t *trained, d *activations.Dump, o inspectOptions) (*dashboards, error) {
	if list, err := os.ReadDir(o.out); err == nil && len(list) > 0 {
		return nil, fmt.Errorf("%s is not empty; give --out a folder that is empty or missing", o.out)
	}
	v, err := t.directions(everyLatent(t.model.F))
	if err != nil {
		return nil, err
	}
	model := d.Metadata().Model()
	if model == "" {
		model = "unknown-model"
	}
	layer, kind := hookPlace(d.Metadata().Hook())
	w := &dashboards{format: o.format, dir: o.out, pages: eval.Neuronpedia{Hook: d.Metadata().Hook(), Release: o.release, Created: t.madeAt().UTC().Format("2006-01-02T15:04:05.000Z")}}
	w.pages.Dashboards = eval.Dashboards{Model: filepath.Base(model), Layer: layer, Set: kind + "-" + o.release, Dataset: d.Metadata()[activations.KeyDataset], Decoder: v.rows, D: v.d}
	w.source = filepath.Join(o.out, w.pages.Model, w.pages.Source())
	dirs := []string{o.out}
	if w.format == formatNeuronpedia {
		dirs = []string{filepath.Join(w.source, "features"), filepath.Join(w.source, "activations")}
	}
	for _, dir := range dirs {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// everyLatent asks for the directions of all latents.
func everyLatent(f int) *eval.Inspection {
	x := &eval.Inspection{Features: make([]eval.Feature, f)}
	for i := range x.Features {
		x.Features[i].Latent = i
	}
	return x
}

// madeAt is when the run's settings were written: the one time that does not
// change from one export of a run to the next.
func (t *trained) madeAt() time.Time {
	st, err := os.Stat(filepath.Join(t.dir, "config.yaml"))
	if err != nil {
		return time.Unix(0, 0)
	}
	return st.ModTime()
}

// hookPlace is the layer that a TransformerLens hook point lies in, 0 when it
// names none, and Neuronpedia's word for its kind.
func hookPlace(hook string) (layer int, kind string) {
	if m := regexp.MustCompile(`blocks\.(\d+)\.`).FindStringSubmatch(hook); m != nil {
		layer, _ = strconv.Atoi(m[1])
	}
	for _, k := range [][2]string{{"resid", "res"}, {"mlp", "mlp"}, {"attn", "att"}} {
		if strings.Contains(hook, k[0]) {
			return layer, k[1]
		}
	}
	return layer, "act"
}

// emit writes the pages of features.
func (w *dashboards) emit(x *eval.Inspection, features []eval.Feature) error {
	w.pages.Prompts, w.pages.PromptTokens = int(x.Docs), int(x.Longest)
	for part := range slices.Chunk(features, perBatch) {
		write := w.saedashboard
		if w.format == formatNeuronpedia {
			write = w.neuronpedia
		}
		if err := write(part); err != nil {
			return err
		}
		w.batches++
		for i := range part {
			w.written = append(w.written, part[i].Latent)
		}
	}
	return nil
}

func (w *dashboards) saedashboard(features []eval.Feature) error {
	return writeCompact(filepath.Join(w.dir, fmt.Sprintf("batch-%d.json", w.batches)), w.pages.Batch(features))
}

func (w *dashboards) neuronpedia(features []eval.Feature) error {
	name := fmt.Sprintf("batch-%d.jsonl.gz", w.batches)
	var rows, activations []any
	for i := range features {
		row, of := w.pages.Lines(&features[i])
		rows = append(rows, row)
		for k := range of {
			activations = append(activations, of[k])
		}
	}
	if err := writeLines(filepath.Join(w.source, "features", name), rows); err != nil {
		return err
	}
	return writeLines(filepath.Join(w.source, "activations", name), activations)
}

// finish writes what is said of all latents together.
func (w *dashboards) finish(s streams, x *eval.Inspection) error {
	write := w.settings
	if w.format == formatNeuronpedia {
		write = w.heads
	}
	if err := write(x); err != nil {
		return err
	}
	s.note("wrote pages of %d latents in %d files under %s", len(w.written), w.batches, w.dir)
	return nil
}

// settings are the two files beside SAEDashboard's pages. log_sparsity is the
// threshold of its runner; here only latents that never fire are skipped.
func (w *dashboards) settings(x *eval.Inspection) error {
	has := map[int]bool{}
	for _, latent := range w.written {
		has[latent] = true
	}
	skipped := []int{}
	for latent := range x.SAE.Latents {
		if !has[latent] {
			skipped = append(skipped, latent)
		}
	}
	p := &w.pages
	err := writeJSON(filepath.Join(w.dir, "skipped_indexes.json"), map[string]any{
		"model_id": p.Model, "layer": strconv.Itoa(p.Layer), "sae_set": p.Set, "log_sparsity": -6, "skipped_indexes": skipped,
	})
	if err != nil {
		return err
	}
	return writeJSON(filepath.Join(w.dir, "run_settings.json"), map[string]any{
		"sae_set": p.Set, "sae_path": x.SAE.Path, "np_set_name": p.Set, "model_id": p.Model, "layer": p.Layer, "hook_name": p.Hook, "huggingface_dataset_path": p.Dataset,
		"n_prompts_total": p.Prompts, "n_tokens_in_prompt": p.PromptTokens, "n_features_at_a_time": perBatch, "d_sae": x.SAE.Latents, "d_in": x.SAE.D,
	})
}

// heads are Neuronpedia's rows of the release, the model, the set and the
// source.
func (w *dashboards) heads(x *eval.Inspection) error {
	p, none := &w.pages, []string{}
	made := func(row map[string]any) map[string]any {
		row["creatorId"], row["createdAt"] = p.Release, p.Created
		return row
	}
	title := fmt.Sprintf("%s, %d latents, on %s", x.SAE.Variant, x.SAE.Latents, p.Model)
	for name, row := range map[string]map[string]any{
		"release": {"name": p.Release, "description": title, "descriptionShort": title, "creatorName": p.Release, "creatorNameShort": p.Release, "urls": none, "visibility": "PUBLIC", "isNewUi": false, "featured": false, "creatorEmail": nil, "defaultSourceSetName": nil, "defaultSourceId": nil, "defaultUmapSourceIds": none},
		"model": {"id": p.Model, "displayName": p.Model, "displayNameShort": p.Model, "layers": p.Layer + 1, "neuronsPerLayer": 0, "owner": p.Release, "instruct": strings.HasSuffix(p.Model, "-it"),
			"dimension": x.SAE.D, "visibility": "PUBLIC", "inferenceEnabled": false, "updatedAt": p.Created, "tlensId": nil, "defaultSourceSetName": nil, "defaultSourceId": nil, "website": nil},
		"sourceset": {"modelId": p.Model, "name": p.Set, "type": "sae", "description": title, "creatorName": p.Release, "releaseName": p.Release, "urls": none, "visibility": "PUBLIC", "hasDashboards": true,
			"defaultRange": 1, "defaultShowBreaks": true, "showDfa": false, "showCorrelated": false, "showHeadAttribution": false, "showUmap": false, "creatorEmail": nil, "defaultOfModelId": nil},
		"source": {"modelId": p.Model, "id": p.Source(), "setName": p.Set, "hasDashboards": true, "inferenceEnabled": false, "inferenceHosts": none, "visibility": "PUBLIC", "hasUmap": false,
			"hasUmapLogSparsity": false, "hasUmapClusters": false, "num_prompts": p.Prompts, "num_tokens_in_prompt": p.PromptTokens, "dataset": p.Dataset,
			"saelensConfig": nil, "saelensRelease": nil, "saelensSaeId": nil, "hfRepoId": nil, "hfFolderId": nil, "defaultOfModelId": nil, "notes": nil},
	} {
		if err := writeCompact(filepath.Join(w.source, name+".jsonl"), made(row)); err != nil {
			return err
		}
	}
	return nil
}

// writeCompact writes v as JSON on one line.
func writeCompact(path string, v any) error {
	return atomicfile.Write(path, func(w io.Writer) error { return jsonLines(w, []any{v}) })
}

// writeLines writes rows as JSON, one a line, packed with gzip.
func writeLines(path string, rows []any) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		packed := gzip.NewWriter(w)
		if err := jsonLines(packed, rows); err != nil {
			return err
		}
		return packed.Close()
	})
}

func jsonLines(w io.Writer, rows []any) error {
	out := bufio.NewWriterSize(w, 1<<16)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return err
		}
	}
	return out.Flush()
}
