package harness

import (
	"crypto/sha256"
	"encoding/hex"
)

// Case is one test case: what is asked and what is expected.
type Case struct {
	// ID names the case within its dataset. It is stable from run to run, and
	// unique: a dataset that repeats one is refused.
	ID string `json:"id"`
	// Input is what the app is asked: a string, or a JSON object
	// (map[string]any) when the app takes several fields.
	Input any `json:"input"`
	// Expected is the reference answer, any JSON value; nil when there is none.
	Expected any `json:"expected,omitempty"`
	// Extra is further reference material, such as the chunks that a retrieval
	// should find (Scale calls it expected_extra_info).
	Extra any `json:"extra,omitempty"`
	// History is the conversation before Input, as the dataset has it.
	History any `json:"history,omitempty"`
	// Metadata is free. The app sees it; put nothing there that gives the
	// answer away.
	Metadata map[string]any `json:"metadata,omitempty"`
	// Cluster names the context that this case shares with others (one document,
	// one conversation); cases of a cluster are not independent.
	Cluster string `json:"cluster,omitempty"`

	// Seq is the position in the source, from 0. The engine sets it.
	Seq int64 `json:"-"`
	// Origin says where the case was read ("data.jsonl:17"), for messages.
	Origin string `json:"-"`
}

// Hash is a digest of what the case asks and expects (Input, Expected, Extra and
// History): 16 hexadecimal digits of a SHA-256. Two runs compare a case only when
// it is the same; its metadata may have changed.
func (c Case) Hash() string {
	h := sha256.New()
	for _, part := range []any{c.Input, c.Expected, c.Extra, c.History} {
		hashValue(h, part)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// forApp is the part of the case that the app may see.
func (c Case) forApp(trial int, seed int64) Input {
	return Input{
		ID: c.ID, Value: c.Input, History: c.History, Metadata: c.Metadata,
		Trial: trial, Seed: trialSeed(seed, c.ID, trial),
	}
}
