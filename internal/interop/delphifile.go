package interop

import (
	"encoding/binary"
	"encoding/json"
	"io"
)

// file writes one range as safetensors.
func (w *DelphiWriter) file(out io.Writer, r *delphiRange) error {
	type tensor struct {
		Dtype   string   `json:"dtype"`
		Shape   []int64  `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	header, end := map[string]tensor{}, int64(0)
	add := func(name, dtype string, width int64, shape ...int64) {
		n := width
		for _, s := range shape {
			n *= s
		}
		header[name] = tensor{dtype, shape, [2]int64{end, end + n}}
		end += n
	}
	unsigned := map[bool]string{false: "U16", true: "U32"}
	width := map[bool]int64{false: 2, true: 4}
	add("locations", unsigned[w.wide], width[w.wide], r.n, 3)
	add("activations", "F16", 2, r.n)
	if w.tokens != nil {
		wide := len(w.tokens) == 4*w.docs.prompts*w.docs.positions
		add("tokens", unsigned[wide], width[wide], int64(w.docs.prompts), int64(w.docs.positions))
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	if _, err := out.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)); err != nil {
		return err
	}
	for _, p := range r.parts {
		if err := p.copyTo(out); err != nil {
			return err
		}
	}
	_, err = out.Write(w.tokens)
	return err
}

func (p spill) copyTo(out io.Writer) error {
	if err := p.w.Flush(); err != nil {
		return err
	}
	if _, err := p.f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(out, p.f)
	return err
}
