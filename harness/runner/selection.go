package runner

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// Selection says which cases of the dataset a run takes; the zero value takes
// all. It is kept with the run, so that a resumed run takes the same ones.
type Selection struct {
	// Cases are IDs; empty takes all.
	Cases []string `json:"cases,omitempty"`
	// Filter compares metadata with values, as text: all must be equal. Numbers
	// are written without an exponent. A list in the metadata matches when one of
	// its items does.
	Filter map[string]string `json:"filter,omitempty"`
	// Shard i of n (from 1) takes the cases whose ID falls into it.
	Shard  int `json:"shard,omitempty"`
	Shards int `json:"shards,omitempty"`
	// Sample takes a fraction of the cases, 0 all of them.
	Sample float64 `json:"sample,omitempty"`
	// Limit takes the first cases of those; 0 takes all.
	Limit int64 `json:"limit,omitempty"`
}

// ParseShard reads "i/n".
func ParseShard(s string) (i, n int, err error) {
	a, b, _ := strings.Cut(s, "/")
	i, err1 := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil || i < 1 || n < i {
		return 0, 0, fmt.Errorf("shard %q: expected i/n with 1 ≤ i ≤ n, such as 2/4", s)
	}
	return i, n, nil
}

// filter is the choice as the engine takes it, nil for all.
func (s Selection) filter() func(harness.Case) bool {
	if len(s.Cases) == 0 && len(s.Filter) == 0 && s.Shards < 2 {
		return nil
	}
	return func(c harness.Case) bool {
		if len(s.Cases) > 0 && !slices.Contains(s.Cases, c.ID) {
			return false
		}
		for key, want := range s.Filter {
			if !matches(c.Metadata[key], want) {
				return false
			}
		}
		return s.Shards < 2 || shardOf(c.ID, s.Shards) == s.Shard
	}
}

func matches(v any, want string) bool {
	switch v := v.(type) {
	case nil:
		return false
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return matches(item, want) })
	case float64: // 1000000, not 1e+06
		return strconv.FormatFloat(v, 'f', -1, 64) == want
	}
	return fmt.Sprint(v) == want // a json.Number as it was written
}

func shardOf(id string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32()%uint32(n)) + 1
}

// whole tells whether the selection takes all.
func (s Selection) whole() bool {
	return len(s.Cases) == 0 && len(s.Filter) == 0 && s.Shards == 0 && s.Sample == 0 && s.Limit == 0
}

const selectionOption = "selection"

// options is the selection as the store keeps it; empty when it takes all.
func (s Selection) options() (map[string]string, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	options := map[string]string{}
	if string(data) != "{}" {
		options[selectionOption] = string(data)
	}
	return options, nil
}

func selectionOf(options map[string]string) (Selection, error) {
	var s Selection
	if text := options[selectionOption]; text != "" {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			return s, fmt.Errorf("stored selection %q: %w", text, err)
		}
	}
	return s, nil
}
