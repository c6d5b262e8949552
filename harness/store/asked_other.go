//go:build !unix

package store

import (
	"encoding/binary"
	"os"
)

// places is the file.
type places struct{ file *os.File }

func (p *places) open(path string) {
	p.file, _ = os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
}

func (p *places) set(place int, key int64) {
	if p.file != nil {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(key))
		_, _ = p.file.WriteAt(b[:], int64(place)*8)
	}
}

// close tells whether there was a file.
func (p *places) close() bool {
	if p.file == nil {
		return false
	}
	err := p.file.Close()
	p.file = nil
	return err == nil
}
