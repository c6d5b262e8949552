package main

import (
	"hash/fnv"
	"io"
	"math"
	"strconv"
)

// faults are what can be made wrong on purpose, so that an eval has something to
// find.
type faults struct {
	// whole: a division drops what is behind the point, as in 7 / 2 = 3.
	whole bool
	// slips is the share of the questions that get an answer off by one; the seed
	// picks them, as if the app were a little random.
	slips float64
	seed  string
}

// faultsOf reads them from the environment.
func faultsOf(getenv func(string) string) (faults, error) {
	f := faults{whole: getenv("ARITHMETIC_BUG") == "whole", seed: getenv("ARITHMETIC_SEED")}
	if s := getenv("ARITHMETIC_SLIPS"); s != "" {
		var err error
		f.slips, err = strconv.ParseFloat(s, 64)
		return f, err
	}
	return f, nil
}

// divide is the division.
func (f faults) divide(a, b float64) float64 {
	if f.whole {
		return math.Trunc(a / b)
	}
	return a / b
}

// slip is the answer to a question, or the wrong one.
func (f faults) slip(question string, value float64) float64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, f.seed+"\x00"+question)
	x := h.Sum64() // whose high bits hardly depend on the last letters
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd // the finalizer of MurmurHash3
	x ^= x >> 33
	if float64(x)/math.Pow(2, 64) < f.slips {
		return value + 1
	}
	return value
}
