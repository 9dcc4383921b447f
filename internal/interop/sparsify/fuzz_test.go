package sparsify

import (
	"testing"

	"github.com/saectl/saectl/internal/interop/jsonfile"
)

// FuzzSettings reads any cfg.json. What comes out has sizes that fit together.
func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"activation": "groupmax", "expansion_factor": 3, "normalize_decoder": true, "num_latents": 0, "k": 6, "multi_topk": false, "skip_connection": false, "transcode": false, "d_in": 16}`))
	f.Add([]byte(`{"num_latents": 9, "k": 2, "d_in": 4}`))
	f.Add([]byte(`{"expansion_factor": 1099511627776, "k": 2, "d_in": 4096}`))
	f.Fuzz(func(t *testing.T, cfg []byte) {
		o, err := jsonfile.Parse("cfg.json", cfg)
		if err != nil {
			return
		}
		c := settings(o)
		if o.Err() != nil {
			return
		}
		if s := c.sae(); s.F < 1 || s.D < 1 || s.K < 1 || s.K > float64(s.F) {
			t.Errorf("%s gives %+v", cfg, s)
		}
	})
}
