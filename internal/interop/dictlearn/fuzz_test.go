package dictlearn

import (
	"bytes"
	"testing"

	"github.com/saectl/saectl/internal/interop/foreign"
	"github.com/saectl/saectl/internal/interop/jsonfile"
	"github.com/saectl/saectl/internal/interop/torchfile"
)

// FuzzRead reads any settings and weights. What comes out fits together and is
// no larger than the weights.
func FuzzRead(f *testing.F) {
	zeros := func(n int) []float32 { return make([]float32, n) }
	for name, c := range classes() {
		s := &foreign.SAE{
			D: 2, F: 3, DOut: 2, K: 1, Rule: c.rule, Groups: []int{1, 2},
			Tensors: foreign.Tensors{Encoder: zeros(6), EncoderBias: zeros(3), Decoder: zeros(6), DecoderBias: zeros(2), Threshold: zeros(1), GateBias: zeros(3), MagnitudeBias: zeros(3), MagnitudeLog: zeros(3)},
		}
		var file bytes.Buffer
		if err := torchfile.Write(&file, "ae", entriesOf(s, name)); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(`{"dict_class":"`+name+`","activation_dim":2,"dict_size":3,"k":1}`), file.Bytes())
	}
	f.Fuzz(func(t *testing.T, cfg, weights []byte) {
		o, err := jsonfile.Parse("config.json", cfg)
		if err != nil {
			return
		}
		s, c := settings(o)
		if o.Err() != nil {
			return
		}
		file, err := torchfile.New("ae.pt", bytes.NewReader(weights), int64(len(weights)))
		if err != nil {
			return
		}
		if fill(s, c, table("ae.pt", file), file) != nil || s.Check() != nil {
			return
		}
		if s.Numbers() > 16*len(weights) { // views may share a storage
			t.Errorf("%d numbers out of %d bytes", s.Numbers(), len(weights))
		}
	})
}
