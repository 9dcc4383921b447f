package sae

import (
	"gorgonia.org/gorgonia"

	"github.com/saectl/saectl/internal/sparseop"
)

// A Coder is the encoder and the decoder of a variant that keeps some of the
// latents z = W_enc·input + b_enc of a row and decodes them to z·W_dec + b_dec.
// The variant declares the parameters.
type Coder struct {
	Encoder     *Param         // [F,D]
	EncoderBias *Param         // [F], nil for none
	Decoder     *Param         // [F,DOut]
	DecoderBias *Param         // [DOut], nil for none
	Input       *gorgonia.Node // [B,D] what the encoder sees

	b *Builder
}

// Coder returns a coder without parameters.
func (b *Builder) Coder() Coder { return Coder{b: b} }

// Code selects latents by pick, with room for capacity entries to start with,
// and gives their values. after names nodes that must have run before.
func (c *Coder) Code(capacity int, pick sparseop.Picker, after ...*gorgonia.Node) Codes {
	s := c.b.SelectBy(c.Input, c.Encoder.Node(), c.bias(), capacity, pick, after...)
	return c.Values(s)
}

// CodeWith is Code for a picker that reads the nodes more too.
func (c *Coder) CodeWith(capacity int, more []*gorgonia.Node, pick sparseop.WidePicker, after ...*gorgonia.Node) Codes {
	return c.Values(c.b.SelectWith(c.Input, c.Encoder.Node(), c.bias(), more, capacity, pick, after...))
}

// bias is the encoder's, as a constant; nil for none.
func (c *Coder) bias() *gorgonia.Node {
	if c.EncoderBias == nil {
		return nil
	}
	return c.EncoderBias.Node()
}

// Values gives the values z of latents that were selected from Input with the
// encoder's weights.
func (c *Coder) Values(s *sparseop.Support) Codes {
	encoder, bias := c.Encoder.Use(), (*gorgonia.Node)(nil)
	if c.EncoderBias != nil {
		bias = c.EncoderBias.Use()
	}
	return Codes{Support: s, Values: c.b.G.Values(c.Input, encoder, bias, s)}
}

// Decode is Σ z·W_dec + b_dec, [B,DOut].
func (c *Coder) Decode(k Codes) *gorgonia.Node {
	if c.DecoderBias == nil {
		return c.Sum(k)
	}
	return c.b.G.SpMMAdd(k.Values, c.Decoder.Use(), c.DecoderBias.Use(), k.Support)
}

// Sum is Σ z·W_dec, [B,DOut].
func (c *Coder) Sum(k Codes) *gorgonia.Node {
	return c.b.G.SpMM(k.Values, c.Decoder.Use(), k.Support)
}
