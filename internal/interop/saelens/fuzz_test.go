package saelens

import (
	"bytes"
	"testing"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/jsonfile"
	"github.com/saectl/saectl/internal/safetensors"
)

// FuzzRead reads any settings and weights. What comes out fits together and is
// no larger than the weights.
func FuzzRead(f *testing.F) {
	for _, c := range []string{
		`{"architecture":"topk","d_in":2,"d_sae":3,"k":1,"rescale_acts_by_decoder_norm":true,"metadata":{"sae_lens_version":"6.54.0"}}`,
		`{"architecture":"gated","d_in":2,"d_sae":3,"normalize_activations":"layer_norm","metadata":{"sae_lens_version":"6.54.0"}}`,
		`{"architecture":"jumprelu_skip_transcoder","d_in":2,"d_out":2,"d_sae":3,"metadata":{"sae_lens_version":"6.54.0"}}`,
		`{"d_in":2,"d_sae":3,"activation_fn_str":"topk","activation_fn_kwargs":{"k":1},"normalize_activations":false,"dtype":"torch.float32"}`,
		`{"architecture":"matching_pursuit","d_in":2,"d_sae":3,"max_iterations":2,"residual_threshold":0,"stop_on_duplicate_support":true,"sae_lens_version":"6.54.0"}`,
	} {
		f.Add([]byte(c), weights(f, "b_enc", "threshold", "W_skip"))
		f.Add([]byte(c), weights(f, "b_gate", "b_mag", "r_mag"))
		f.Add([]byte(c), weights(f))
	}
	f.Fuzz(func(t *testing.T, cfg, weights []byte) {
		o, err := jsonfile.Parse("cfg.json", cfg)
		if err != nil {
			return
		}
		c := settingsOf(o)
		s := c.sae()
		if o.Err() != nil {
			return
		}
		file, err := safetensors.New("weights", bytes.NewReader(weights), int64(len(weights)))
		if err != nil {
			return
		}
		table := foreign.TableOf("weights", file)
		c.take(s, table)
		if table.Done(c.architecture) != nil || s.Check() != nil {
			return
		}
		c.warn(s)
		if 2*s.Numbers() > len(weights) {
			t.Errorf("%d numbers out of %d bytes", s.Numbers(), len(weights))
		}
	})
}

// weights are zeros under the names of a topk SAE and more.
func weights(f *testing.F, more ...string) []byte {
	shapes := map[string][]int{"W_skip": {2, 2}}
	list := []safetensors.Tensor{
		{Name: "W_enc", Shape: []int{2, 3}, Data: make([]float32, 6)}, {Name: "W_dec", Shape: []int{3, 2}, Data: make([]float32, 6)},
		{Name: "b_dec", Shape: []int{2}, Data: make([]float32, 2)},
	}
	for _, name := range more {
		shape := shapes[name]
		if shape == nil {
			shape = []int{3}
		}
		n := 1
		for _, s := range shape {
			n *= s
		}
		list = append(list, safetensors.Tensor{Name: name, Shape: shape, Data: make([]float32, n)})
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, list); err != nil {
		f.Fatal(err)
	}
	return b.Bytes()
}
