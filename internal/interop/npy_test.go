package interop

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"
)

func TestWriteNPY(t *testing.T) {
	var b bytes.Buffer
	if err := WriteNPY(&b, 2, 3, []float32{1, -2, 3, 4, 5, 0.5}); err != nil {
		t.Fatal(err)
	}
	raw := b.Bytes()
	n := int(binary.LittleEndian.Uint16(raw[8:]))
	header := string(raw[10 : 10+n])
	if string(raw[:8]) != "\x93NUMPY\x01\x00" || (10+n)%64 != 0 || !strings.HasSuffix(header, "\n") {
		t.Errorf("the file begins with %q and its numbers at byte %d", raw[:8], 10+n)
	}
	if !strings.Contains(header, "'shape': (2, 3)") || !strings.Contains(header, "'<f4'") {
		t.Errorf("the header is %q", header)
	}
	numbers := raw[10+n:]
	if len(numbers) != 24 || math.Float32frombits(binary.LittleEndian.Uint32(numbers[4:])) != -2 {
		t.Errorf("%d bytes of numbers: %v", len(numbers), numbers)
	}
	if err := WriteNPY(&b, 2, 3, make([]float32, 5)); err == nil {
		t.Error("five values make [2,3]")
	}
}
