package sgp

import (
	"fmt"
	"hash/maphash"
)

// idSet remembers IDs by 64-bit hashes, seeded anew for each set: 20 to 40 bytes
// an ID, however long it is. It never takes an ID that it has for a new one. A new
// one is taken for one that it has with a probability of n/2^64, which for a
// million IDs adds up to 3 in 100 million.
type idSet struct {
	seed   maphash.Seed
	hashes map[uint64]struct{}
}

func newIDSet() idSet { return idSet{seed: maphash.MakeSeed(), hashes: map[uint64]struct{}{}} }

// add tells whether the ID is new.
func (s idSet) add(id string) bool {
	before := len(s.hashes)
	s.hashes[maphash.String(s.seed, id)] = struct{}{}
	return len(s.hashes) > before
}

// addAll adds IDs that must be new.
func (s idSet) addAll(ids []string) error {
	for _, id := range ids {
		if !s.add(id) {
			return fmt.Errorf("%w: it has %q twice", ErrChanged, id)
		}
	}
	return nil
}
