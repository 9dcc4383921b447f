package saetest

import "github.com/saectl/saectl/sae"

// Term is v with one of its terms as the whole loss, without a weight, so that
// the gradient of that term alone can be looked at.
func Term(v sae.Variant, name string) sae.Variant { return oneTerm{v, name} }

type oneTerm struct {
	sae.Variant
	name string
}

func (o oneTerm) Build(b *sae.Builder) sae.Out {
	out := o.Variant.Build(b)
	if b.Train {
		out.Loss = out.Terms[o.name]
	}
	return out
}
