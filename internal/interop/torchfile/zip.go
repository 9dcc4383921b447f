package torchfile

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
)

// maxPickle bounds the description of the tensors; that of a model of a
// thousand layers has about a megabyte.
const maxPickle = 64 << 20

// openZip reads the archive that torch.save writes: members NAME/data.pkl and
// NAME/data/KEY, stored as they are.
func openZip(r io.ReaderAt, size int64) (any, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, zipError(err)
	}
	members, root, err := membersOf(z)
	if err != nil {
		return nil, err
	}
	if order, ok := members[root+"/byteorder"]; ok {
		if err := littleEndian(r, order); err != nil {
			return nil, err
		}
	}
	pkl := members[root+"/data.pkl"]
	section, _, err := stored(r, pkl, "data.pkl")
	if err != nil {
		return nil, err
	}
	if section.Size() > maxPickle {
		return nil, fmt.Errorf("data.pkl has %d bytes, %d are read at most", section.Size(), maxPickle)
	}
	m := newMachine(io.NewSectionReader(section, 0, section.Size()), section.Size())
	m.find = func(key string, _ elements) (*storage, error) {
		f, ok := members[root+"/data/"+key]
		if !ok {
			return &storage{key: key, missing: true}, nil
		}
		section, sum, err := stored(r, f, "data/"+key)
		if err != nil {
			return nil, err
		}
		return &storage{key: key, r: section, bytes: section.Size(), sum: &sum}, nil
	}
	object, err := m.run()
	if err == nil {
		err = checksum(section, pkl.CRC32, "data.pkl")
	}
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	return object, nil
}

// membersOf lists the members by name, and the folder that holds data.pkl.
func membersOf(z *zip.Reader) (members map[string]*zip.File, root string, err error) {
	members = map[string]*zip.File{}
	for _, f := range z.File {
		if _, twice := members[f.Name]; twice {
			return nil, "", fmt.Errorf("duplicate member %.100q of the zip archive", f.Name)
		}
		members[f.Name] = f
		folder, ok := strings.CutSuffix(f.Name, "/data.pkl")
		if ok && folder != "" && folder != "." && folder != ".." && !strings.ContainsAny(folder, `/\`) {
			if root != "" {
				return nil, "", fmt.Errorf("two members data.pkl, of %q and %q", root, folder)
			}
			root = folder
		}
	}
	if root == "" {
		return nil, "", fmt.Errorf("no data.pkl under the root of the zip archive; it is not one that torch.save wrote")
	}
	return members, root, nil
}

// stored is where the bytes of a member lie in r.
func stored(r io.ReaderAt, f *zip.File, name string) (*io.SectionReader, uint32, error) {
	if f.Method != zip.Store || f.CompressedSize64 != f.UncompressedSize64 {
		return nil, 0, fmt.Errorf("member %s is compressed; torch.save stores members as they are", name)
	}
	at, err := f.DataOffset()
	if err != nil {
		return nil, 0, fmt.Errorf("member %s: %w", name, zipError(err))
	}
	return io.NewSectionReader(r, at, int64(f.UncompressedSize64)), f.CRC32, nil
}

func littleEndian(r io.ReaderAt, f *zip.File) error {
	section, _, err := stored(r, f, "byteorder")
	if err != nil {
		return err
	}
	var word [8]byte
	n, err := io.ReadFull(section, word[:])
	if err != nil && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("member byteorder: %w", err)
	}
	if !bytes.Equal(bytes.TrimSpace(word[:n]), []byte("little")) {
		return fmt.Errorf("its byte order is %q; only little-endian files are read", word[:n])
	}
	return nil
}

// checksum reads a section to its end and compares its CRC-32.
func checksum(r *io.SectionReader, want uint32, name string) error {
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, io.NewSectionReader(r, 0, r.Size())); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if h.Sum32() != want {
		return fmt.Errorf("%s: checksum error: its CRC-32 is %08x, the archive says %08x; the file is damaged", name, h.Sum32(), want)
	}
	return nil
}
