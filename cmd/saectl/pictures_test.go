package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/saectl/saectl/eval"
)

// picture writes a PNG whose left half is black and whose right half is white.
func picture(t *testing.T, path string, w, h int) {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := w / 2; x < w; x++ {
			m.SetGray(x, y, color.Gray{Y: 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestPicturesOfRows(t *testing.T) {
	dir := t.TempDir()
	picture(t, filepath.Join(dir, "0017.png"), 400, 100)
	picture(t, filepath.Join(dir, "3.png"), 8, 8)
	picture(t, filepath.Join(dir, "other.png"), 8, 8)
	p, err := openPictures(dir)
	if err != nil {
		t.Fatal(err)
	}
	doc := int64(17)
	big, small, none := p.example(&eval.Example{Row: 3, Doc: &doc}), p.example(&eval.Example{Row: 3}), p.example(&eval.Example{Row: 4})
	for i, x := range []struct {
		png  []byte
		w, h int
	}{{big.Picture, 96, 24}, {small.Picture, 8, 8}} {
		m, err := png.Decode(bytes.NewReader(x.png))
		if err != nil {
			t.Fatal(err)
		}
		if b := m.Bounds(); b.Dx() != x.w || b.Dy() != x.h {
			t.Errorf("picture %d has %v", i, b)
		}
		left, _, _, _ := m.At(0, 0).RGBA()
		right, _, _, _ := m.At(x.w-1, x.h-1).RGBA()
		if left != 0 || right != 0xffff {
			t.Errorf("picture %d goes from %x to %x", i, left, right)
		}
	}
	if none.Picture != nil || p.err() != nil {
		t.Errorf("a row without a picture has %d bytes, %v", len(none.Picture), p.err())
	}
	if err := os.WriteFile(filepath.Join(dir, "5.png"), []byte("no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p, err = openPictures(dir); err != nil {
		t.Fatal(err)
	}
	if p.example(&eval.Example{Row: 5}); p.err() == nil || !strings.Contains(p.err().Error(), "5.png") {
		t.Errorf("a damaged picture: %v", p.err())
	}
}

func TestInspectWithPictures(t *testing.T) {
	grouped(t)
	if _, e := want(t, 2, "inspect-features", "--sae", "run", "--images", "pictures"); !strings.Contains(e, "--html") {
		t.Errorf("pictures without a page: %s", e)
	}
	if err := os.Mkdir("pictures", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, e := want(t, 1, "inspect-features", "--sae", "run", "--images", "pictures", "--html", "p.html"); !strings.Contains(e, "no picture") {
		t.Errorf("an empty folder: %s", e)
	}
	want(t, 0, "inspect-features", "--sae", "run", "--html", "plain.html")
	for doc := range 150 {
		picture(t, fmt.Sprintf("pictures/%d.png", doc), 8+doc, 8)
	}
	want(t, 0, "inspect-features", "--sae", "run", "--images", "pictures", "--html", "p.html")
	if with, without := len(read(t, "p.html")), len(read(t, "plain.html")); with < without+1000 {
		t.Errorf("the page has %d bytes with pictures and %d without", with, without)
	}
}
