package interop

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteNPY writes a matrix [rows,columns], row after row, as NumPy's format
// 1.0: little-endian float32 in C order, the numbers starting at a multiple of
// 64 bytes.
func WriteNPY(w io.Writer, rows, columns int, values []float32) error {
	if len(values) != rows*columns {
		return fmt.Errorf("npy: %d values do not make [%d,%d]", len(values), rows, columns)
	}
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, columns)
	const fixed = 10 // magic, version and length of the header
	header += strings.Repeat(" ", 63-(fixed+len(header))%64) + "\n"
	out := bufio.NewWriterSize(w, 1<<16)
	out.WriteString("\x93NUMPY\x01\x00")
	buf := binary.LittleEndian.AppendUint16(nil, uint16(len(header)))
	out.Write(buf)
	out.WriteString(header)
	for _, v := range values {
		buf = binary.LittleEndian.AppendUint32(buf[:0], math.Float32bits(v))
		out.Write(buf)
	}
	return out.Flush()
}
