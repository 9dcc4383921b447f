package interop

import (
	"bytes"
	"encoding/json"
	"math"

	"github.com/saectl/saectl/internal/interop/foreign"
)

// difference names what differs between two SAEs, "" for nothing.
func difference(a, b *foreign.SAE) string {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err != nil || err2 != nil || !bytes.Equal(x, y) {
		return "the description " + string(x) + " / " + string(y)
	}
	for _, t := range []struct {
		name string
		a, b []float32
	}{
		{"encoder", a.Encoder, b.Encoder}, {"encoder bias", a.EncoderBias, b.EncoderBias}, {"decoder", a.Decoder, b.Decoder},
		{"decoder bias", a.DecoderBias, b.DecoderBias}, {"threshold", a.Threshold, b.Threshold}, {"gate bias", a.GateBias, b.GateBias},
		{"magnitude bias", a.MagnitudeBias, b.MagnitudeBias}, {"magnitude log", a.MagnitudeLog, b.MagnitudeLog}, {"skip", a.Skip, b.Skip},
	} {
		if len(t.a) != len(t.b) {
			return t.name
		}
		for i, v := range t.a {
			if math.Float32bits(v) != math.Float32bits(t.b[i]) {
				return t.name
			}
		}
	}
	return ""
}
