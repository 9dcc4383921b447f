package eval

import "github.com/saectl/saectl/internal/kernel"

// decoding measures what codes decode to in the units the encoder works in,
// f·W_dec + b_dec, which is summed once for all that ask for it.
type decoding struct {
	s      Subject
	angles *residualAngles
	quasi  *quasiOrthogonality // nil for an autoencoder of one latent
	rows   [][3][]float32      // [workers] a reconstruction, what it leaves, and room for dots
}

// newDecoding returns nil where the decoder does not predict rows.
func newDecoding(s Subject, points int) *decoding {
	w := s.Weight("decoder.weight")
	if s.Transcoder || len(w) != s.F*s.D {
		return nil
	}
	var lengths []float64
	for i := range s.F {
		lengths = append(lengths, norm(w[i*s.D:(i+1)*s.D]))
	}
	m := &decoding{s: s, angles: &residualAngles{w: w, lengths: lengths}}
	if s.F > 1 {
		m.quasi = newQuasiOrthogonality(s, lengths, points)
	}
	return m
}

func (m *decoding) Add(s *Sample) {
	for len(m.rows) < s.pool.Threads() {
		m.rows = append(m.rows, [3][]float32{make([]float32, s.D), make([]float32, s.D)})
	}
	if n := s.N; len(m.angles.of) < n {
		m.angles.of = make([]float64, n)
		if m.quasi != nil {
			m.quasi.of = make([]norms, n)
		}
	}
	s.pool.Run((s.N+rowChunk-1)/rowChunk, kernel.TaskFunc(func(worker, item int) {
		for i := item * rowChunk; i < min(s.N, (item+1)*rowChunk); i++ {
			m.measure(s, i, &m.rows[worker])
		}
	}))
}

// settle adds up what Add measured of rows.
func (m *decoding) settle(s *Sample) {
	m.angles.add(s.N)
	if m.quasi != nil {
		m.quasi.add(s)
	}
}

// measure measures row i of s.
func (m *decoding) measure(s *Sample, i int, scratch *[3][]float32) {
	recon, left := m.decode(s, i, scratch[0]), scratch[1]
	x := s.Scaled[i*s.D : (i+1)*s.D]
	index, values := s.Codes.Row(i)
	kernel.Sub(left, x, recon)
	m.angles.of[i] = m.angles.measure(left, x, index, values, &scratch[2])
	if m.quasi != nil {
		m.quasi.of[i] = m.quasi.measure(x, recon, index, values, s.rowNumber(i))
	}
}

// decode is what the codes of row i decode to, in room where it has to be made.
func (m *decoding) decode(s *Sample, i int, room []float32) []float32 {
	if s.decoded != nil {
		return s.decoded[i*s.D : (i+1)*s.D]
	}
	index, values := s.Codes.Row(i)
	clear(room[copy(room, m.s.Weight("decoder.bias")):])
	ahead := kernel.After(s.Codes.Index, int(s.Codes.RowPtr[i]), int(s.Codes.RowPtr[i+1]))
	kernel.SumRows(room, values, m.s.Weight("decoder.weight"), index, ahead)
	return room
}

func (m *decoding) Report(r *Report) {
	m.angles.Report(r)
	if m.quasi != nil {
		m.quasi.Report(r)
	}
}
