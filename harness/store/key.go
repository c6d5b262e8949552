package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A key names a row of a run by one integer, the cheapest thing to look up and
// to sort by: 23 bits for the run's number, 28 for the case's position in the
// source and 12 for the trial, 0 being the case itself.
const (
	trialBits = 12
	seqBits   = 28
	maxTrial  = 1<<trialBits - 1
	maxSeq    = 1<<seqBits - 1
	maxRun    = 1<<23 - 1
)

func newKey(run, seq int64, trial int) (int64, error) {
	switch {
	case seq < 0 || seq > maxSeq:
		return 0, fmt.Errorf("position %d is outside 0 to %d", seq, maxSeq)
	case trial < 1 || trial > maxTrial:
		return 0, fmt.Errorf("trial %d is outside 1 to %d", trial, maxTrial)
	}
	return caseKey(run, seq) | int64(trial), nil
}

// caseKey is the key of a case; its trials have the next ones.
func caseKey(run, seq int64) int64 { return run<<(seqBits+trialBits) | seq<<trialBits }

func keySeq(key int64) int64 { return key >> trialBits & maxSeq }

func keyTrial(key int64) int { return int(key & maxTrial) }

// runKeys gives the first key of a run and the first of the next one.
func runKeys(run int64) (from, to int64) { return caseKey(run, 0), caseKey(run+1, 0) }

// checksum is the CRC-32C (Castagnoli, as in iSCSI, RFC 3720) of a row: SQLite
// itself does not notice a flipped bit within a value.
func checksum(key, flags int64, parts ...[]byte) int64 {
	var head [16]byte
	binary.LittleEndian.PutUint64(head[:], uint64(key))
	binary.LittleEndian.PutUint64(head[8:], uint64(flags))
	table := crc32.MakeTable(crc32.Castagnoli) // made once by the package
	sum := crc32.Update(0, table, head[:])
	for _, part := range parts {
		binary.LittleEndian.PutUint64(head[:], uint64(len(part)))
		sum = crc32.Update(sum, table, head[:8])
		sum = crc32.Update(sum, table, part)
	}
	return int64(sum)
}
