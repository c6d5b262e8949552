package harness

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"slices"
	"strconv"
)

// marshalPlain is json.Marshal without the escaping of <, > and &.
func marshalPlain(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// toJSONValue turns a Go value into what JSON would decode to: a string, a
// float64, a map and so on.
func toJSONValue(v any) (any, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	var out any
	err = json.Unmarshal(data, &out)
	return out, err
}

// trialSeed derives the seed of one trial from the run's.
func trialSeed(seed int64, id string, trial int) int64 {
	return int64(mix(seed, id+"\x00"+strconv.Itoa(trial)) >> 1)
}

// mix hashes a string with a seed to 64 well-mixed bits.
func mix(seed int64, s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	x := h.Sum64() ^ uint64(seed)*0x9e3779b97f4a7c15
	x ^= x >> 30 // the finalizer of SplitMix64
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// hashValue writes a value so that no two different ones look alike: texts byte
// for byte with their lengths, the keys of maps in order.
func hashValue(w io.Writer, v any) {
	switch v := v.(type) {
	case nil:
		fmt.Fprint(w, "n;")
	case string:
		fmt.Fprintf(w, "s%d:%s;", len(v), v)
	case map[string]any:
		fmt.Fprintf(w, "m%d:", len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			hashValue(w, key)
			hashValue(w, v[key])
		}
	case []any:
		fmt.Fprintf(w, "l%d:", len(v))
		for _, item := range v {
			hashValue(w, item)
		}
	case json.Number:
		fmt.Fprintf(w, "v%s;", v)
	default:
		data, err := json.Marshal(v)
		if err != nil { // a Go value that JSON can't carry
			data = fmt.Append(nil, v)
		}
		fmt.Fprintf(w, "v%s;", data)
	}
}
