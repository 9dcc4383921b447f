// Package gemmascope reads the params.npz of Gemma Scope: JumpReLU autoencoders
// and transcoders as arrays W_enc [D,F], b_enc, W_dec [F,DOut], b_dec and
// threshold, without a file of settings.
package gemmascope

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/saectl/saectl/internal/interop/convert"
	"github.com/saectl/saectl/internal/interop/foreign"
)

// weightsFile is the file in a folder of Gemma Scope.
const weightsFile = "params.npz"

// Is reports whether path is such a file, or a folder with one.
func Is(path string) bool {
	if strings.HasSuffix(path, ".npz") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, weightsFile))
	return err == nil
}

// Read reads the SAE in a file or folder. The decoder bias is not taken off rows,
// and a latent is active above its threshold, as the tutorial of Gemma Scope has
// it.
func Read(path string) (*foreign.SAE, error) {
	if !strings.HasSuffix(path, ".npz") {
		path = filepath.Join(path, weightsFile)
	}
	z, err := convert.OpenNpz(path)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	t := &foreign.Table{File: path, Names: z.Names(), Info: z.Info, Load: z.Float32}
	s := &foreign.SAE{
		Format: "gemma-scope", Architecture: "jumprelu", Rule: foreign.JumpReLU, OutputBias: true,
		Normalize: foreign.NormNone, Scale: 1, Dtype: "float32",
	}
	_, encoder, _ := z.Info(name(t, "W_enc"))
	_, decoder, _ := z.Info(name(t, "W_dec"))
	if len(encoder) == 2 && len(decoder) == 2 {
		s.D, s.F, s.DOut = encoder[0], encoder[1], decoder[1]
	}
	s.Encoder = foreign.Transpose(t.Take(name(t, "W_enc"), s.D, s.F), s.D, s.F)
	s.Decoder = t.Take(name(t, "W_dec"), s.F, s.DOut)
	s.EncoderBias, s.DecoderBias, s.Threshold = t.Take("b_enc", s.F), t.Take("b_dec", s.DOut), t.Take("threshold", s.F)
	if t.Has("scaling_factor") {
		for _, v := range t.Take("scaling_factor", s.F) {
			if v != 1 {
				t.Fail("scaling_factor is not 1: factors on latents are not read; fold them into W_dec first")
			}
		}
	}
	if err := t.Done("Gemma Scope"); err != nil {
		return nil, err
	}
	s.Transcoder = s.D != s.DOut || strings.Contains(path, "transcoder")
	warn(s, path)
	return s, nil
}

// name is that of an array, which some releases write in small letters.
func name(t *foreign.Table, name string) string {
	if small := strings.ToLower(name); !t.Has(name) && t.Has(small) {
		return small
	}
	return name
}

func warn(s *foreign.SAE, path string) {
	if s.Transcoder && s.D == s.DOut {
		s.Warn("read as a transcoder, for its path says so; the file itself does not")
	}
	if !s.Transcoder {
		s.Warn("read as an autoencoder of one hook point; the file does not say whether it is a transcoder")
	}
	if strings.Contains(path, "embedding") {
		s.Warn("autoencoders of embeddings were trained on rows times sqrt(d); the rows of the dump must be scaled so")
	}
}
