package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/gif"  // formats that pictures may have
	_ "image/jpeg" // as above
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/saectl/saectl/eval"
	"github.com/saectl/saectl/internal/report"
)

// Bounds on pictures: sides of what is shown, and of what is read.
const (
	thumbnailSide = 96
	pictureMost   = 1 << 26 // pixels
)

// pictures are thumbnails of the documents of a dump, made when they are
// asked for. A nil one has none.
type pictures struct {
	dir   string
	files map[int64]string
	made  map[int64][]byte
	bad   error // the first that could not be read
}

// openPictures lists the pictures in a folder by the number that is their
// name, without ending; "" is nil.
func openPictures(dir string) (*pictures, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("--images: %w", err)
	}
	p := &pictures{dir: dir, files: map[int64]string{}, made: map[int64][]byte{}}
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		switch strings.ToLower(ext) {
		case ".png", ".jpg", ".jpeg", ".gif":
		default:
			continue
		}
		if n, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), ext), 10, 64); err == nil {
			p.files[n] = e.Name()
		}
	}
	if len(p.files) == 0 {
		return nil, fmt.Errorf("--images: %s holds no picture named by the number of its document, such as 17.png or 000017.jpg", dir)
	}
	return p, nil
}

// err is the first problem with a picture.
func (p *pictures) err() error {
	if p == nil {
		return nil
	}
	return p.bad
}

// example is e with its picture.
func (p *pictures) example(e *eval.Example) report.Example {
	out := report.Example{Row: e.Row, Doc: e.Doc, Pos: e.Pos, Label: e.Label, Value: e.Value, Tokens: e.Tokens, Values: e.Values, At: e.At}
	if p == nil {
		return out
	}
	n := e.Row
	if e.Doc != nil {
		n = *e.Doc
	}
	name, ok := p.files[n]
	if !ok {
		return out
	}
	if _, made := p.made[n]; !made {
		small, err := thumbnail(filepath.Join(p.dir, name))
		if err != nil && p.bad == nil {
			p.bad = fmt.Errorf("--images: %s: %w", filepath.Join(p.dir, name), err)
		}
		p.made[n] = small
	}
	out.Picture = p.made[n]
	return out
}

// thumbnail reads a picture and makes a PNG of at most thumbnailSide on a
// side; a small picture stays as it is.
func thumbnail(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	about, _, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if about.Width < 1 || about.Height < 1 || about.Width > pictureMost/about.Height {
		return nil, fmt.Errorf("the picture has %d x %d pixels; make it smaller", about.Width, about.Height)
	}
	full, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = png.Encode(&out, shrink(full, thumbnailSide))
	return out.Bytes(), err
}

// shrink averages the pixels of m that fall on each of the result, whose
// longer side is at most side.
func shrink(m image.Image, side int) image.Image {
	from := m.Bounds()
	longer := max(from.Dx(), from.Dy())
	if longer <= side {
		return m
	}
	w, h := max(1, from.Dx()*side/longer), max(1, from.Dy()*side/longer)
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			part := image.Rect(x*from.Dx()/w, y*from.Dy()/h, max((x+1)*from.Dx()/w, x*from.Dx()/w+1), max((y+1)*from.Dy()/h, y*from.Dy()/h+1))
			out.Set(x, y, average(m, part.Add(from.Min)))
		}
	}
	return out
}

func average(m image.Image, part image.Rectangle) color.Color {
	var sum [4]uint64
	n := uint64(part.Dx() * part.Dy())
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			r, g, b, a := m.At(x, y).RGBA()
			for i, v := range []uint32{r, g, b, a} {
				sum[i] += uint64(v)
			}
		}
	}
	return color.RGBA64{uint16(sum[0] / n), uint16(sum[1] / n), uint16(sum[2] / n), uint16(sum[3] / n)}
}
