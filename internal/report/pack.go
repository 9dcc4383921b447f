package report

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strings"
)

// featuresBlock is a few features as the page's script reads them. Contexts
// are strings with a character a token, numbered by Tokens, the most frequent
// first: that packs into four fifths of what lists of tokens need.
type featuresBlock struct {
	Tokens   []string       `json:"tokens"`
	Pictures []string       `json:"pictures,omitempty"` // PNGs in base64, each once
	Features []featureBlock `json:"features"`
}

type featureBlock struct {
	Latent    int            `json:"latent"`
	Sampled   int            `json:"sampled"`
	Quantiles [][2]number    `json:"quantiles"`
	Range     [2]number      `json:"range"`
	Shares    brief          `json:"shares"`
	Top       []exampleBlock `json:"top"`
	Bins      []binBlock     `json:"bins"`
	Nearest   [][3]number    `json:"nearest"`
	Partners  [][3]number    `json:"partners"`
}

type binBlock struct {
	Low     number       `json:"low"`
	High    number       `json:"high"`
	Example exampleBlock `json:"example"`
}

// exampleBlock is an Example with the places and values of the tokens on which
// the latent fires, the others being zero.
type exampleBlock struct {
	Row    int64  `json:"row"`
	Doc    *int64 `json:"doc"`
	Pos    *int32 `json:"pos"`
	Label  string `json:"label,omitempty"`
	Value  number `json:"value"`
	At     int    `json:"at"`
	Text   string `json:"text"`
	Fires  []int  `json:"fires"`
	Values brief  `json:"values"`

	Picture int `json:"picture,omitempty"` // its place in Pictures, from 1 up
}

func newFeaturesBlock(features []Feature) featuresBlock {
	v := vocabularyOf(features)
	b := featuresBlock{Tokens: v.tokens, Features: make([]featureBlock, len(features))}
	for i := range features {
		b.Features[i] = v.feature(&features[i])
	}
	b.Pictures = v.pictures
	return b
}

// vocabulary gives each token of a block a number.
type vocabulary struct {
	tokens []string
	number map[string]int

	pictures []string
	picture  map[string]int // place of each in pictures, from 1 up
}

// show is the place of a picture, 0 for none.
func (v *vocabulary) show(png []byte) int {
	if png == nil {
		return 0
	}
	at, known := v.picture[string(png)]
	if !known {
		v.pictures = append(v.pictures, base64.StdEncoding.EncodeToString(png))
		at = len(v.pictures)
		v.picture[string(png)] = at
	}
	return at
}

func vocabularyOf(features []Feature) *vocabulary {
	count := map[string]int{}
	for i := range features {
		for _, e := range features[i].examples() {
			for _, t := range e.Tokens {
				count[t]++
			}
		}
	}
	v := &vocabulary{tokens: []string{}, number: make(map[string]int, len(count)), picture: map[string]int{}}
	for t := range count {
		v.tokens = append(v.tokens, t)
	}
	slices.SortFunc(v.tokens, func(a, b string) int { return cmp.Or(cmp.Compare(count[b], count[a]), strings.Compare(a, b)) })
	for i, t := range v.tokens {
		v.number[t] = i
	}
	return v
}

// examples are all that are shown of f.
func (f *Feature) examples() []*Example {
	var list []*Example
	for i := range f.Top {
		list = append(list, &f.Top[i])
	}
	for i := range f.Bins {
		list = append(list, &f.Bins[i].Example)
	}
	return list
}

// The character of token i is firstCharacter + i, past those that only occur
// in pairs.
const (
	firstCharacter = 0x23 // past the quote, which JSON would escape
	firstSurrogate = 0xd800
	surrogates     = 0x800
)

func (v *vocabulary) text(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		c := firstCharacter + v.number[t]
		if c >= firstSurrogate {
			c += surrogates
		}
		b.WriteRune(rune(c))
	}
	return b.String()
}

func (v *vocabulary) feature(f *Feature) featureBlock {
	h := f.Histogram
	b := featureBlock{
		Latent: f.Latent, Sampled: f.Sampled, Quantiles: [][2]number{}, Range: [2]number{number(h.Low), number(h.High)}, Shares: h.Shares,
		Top: []exampleBlock{}, Bins: []binBlock{}, Nearest: links(f.Nearest), Partners: links(f.Partners),
	}
	for _, q := range f.Quantiles {
		b.Quantiles = append(b.Quantiles, [2]number{number(q.Q), number(q.Value)})
	}
	for i := range f.Top {
		b.Top = append(b.Top, v.example(&f.Top[i]))
	}
	for i := range f.Bins {
		bin := &f.Bins[i]
		b.Bins = append(b.Bins, binBlock{number(bin.Low), number(bin.High), v.example(&bin.Example)})
	}
	return b
}

func (v *vocabulary) example(e *Example) exampleBlock {
	b := exampleBlock{
		Row: e.Row, Doc: e.Doc, Pos: e.Pos, Label: e.Label, Value: number(e.Value), At: e.At,
		Text: v.text(e.Tokens), Fires: []int{}, Values: brief{}, Picture: v.show(e.Picture),
	}
	for i, value := range e.Values {
		if value != 0 {
			b.Fires, b.Values = append(b.Fires, i), append(b.Values, float64(value))
		}
	}
	return b
}

func links(list []Link) [][3]number {
	out := [][3]number{}
	for _, l := range list {
		out = append(out, [3]number{number(l.Latent), number(l.Value), number(l.Also)})
	}
	return out
}
