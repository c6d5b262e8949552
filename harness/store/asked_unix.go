//go:build unix

package store

import (
	"encoding/binary"
	"os"
	"runtime/debug"
	"syscall"
)

// places is the file in memory: setting one costs no call of the system, and the
// system keeps what is set when the process dies.
type places struct{ mem []byte }

func (p *places) open(path string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	// Written, not only made longer: what is set must not need a block of a full disk.
	if _, err := f.Write(make([]byte, maxPlaces*8)); err != nil {
		return
	}
	if mem, err := syscall.Mmap(int(f.Fd()), 0, maxPlaces*8, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED); err == nil {
		p.mem = mem
	}
}

func (p *places) set(place int, key int64) {
	if p.mem == nil {
		return
	}
	// The disk may be gone, or the file cut by someone: a fault, which must not end
	// the run.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() { _ = recover() }()
	binary.LittleEndian.PutUint64(p.mem[place*8:], uint64(key))
}

// close tells whether there was a file.
func (p *places) close() bool {
	if p.mem == nil {
		return false
	}
	err := syscall.Munmap(p.mem)
	p.mem = nil
	return err == nil
}
