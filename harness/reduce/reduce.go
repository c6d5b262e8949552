// Package reduce makes one number of the scores that the trials of a case got.
// Reports and comparisons reduce first, case by case, and then take the mean over
// the cases.
//
//	mean          their mean; the default
//	median        the middle one, or the mean of the two in the middle
//	mode          the one that is there most often; of several, the lowest
//	max           the highest: right at least once
//	at_least_k    1 when k or more trials pass, else 0
//	pass_at_k     the chance that one of k trials passes, estimated from all of them
//	pass_k        the chance that all of k trials pass (pass^k), likewise
//
// A trial passes with a score of 1. The names are those of Inspect and of the
// papers that [stat.PassAtK] and [stat.PassHatK] name.
package reduce

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness/stat"
)

// Reducer is one of them. The zero value is the mean.
type Reducer struct {
	// Name is as in the list above; "" is mean.
	Name string
	// K is for those that end in k.
	K int
}

// Names are those that there are.
func Names() []string {
	return []string{"mean", "median", "mode", "max", "at_least_k", "pass_at_k", "pass_k"}
}

// wantsK tells whether a reducer needs K.
func wantsK(name string) bool { return name == "at_least_k" || name == "pass_at_k" || name == "pass_k" }

// New checks a name, and k against the number of trials per case. k is 0 for those
// that take none.
func New(name string, k, trials int) (Reducer, error) {
	switch {
	case !slices.Contains(Names(), name):
		return Reducer{}, fmt.Errorf("no reducer %q; there are %s", name, strings.Join(Names(), ", "))
	case !wantsK(name) && k != 0:
		return Reducer{}, fmt.Errorf("%s takes no k", name)
	case wantsK(name) && k < 1:
		return Reducer{}, fmt.Errorf("%s needs a k: {%s: 3}", name, name)
	case wantsK(name) && k > trials:
		return Reducer{}, fmt.Errorf("%s with k %d needs as many trials, and there are %d", name, k, trials)
	}
	return Reducer{Name: name, K: k}, nil
}

// Parse reads what String writes.
func Parse(text string) (Reducer, error) {
	name, rest, found := strings.Cut(text, ":")
	k := 0
	if found {
		var err error
		if k, err = strconv.Atoi(rest); err != nil {
			return Reducer{}, fmt.Errorf("reducer %q: k is not a number", text)
		}
	}
	if name == "" {
		name = "mean"
	}
	return New(name, k, math.MaxInt)
}

// String is the name, and k after a colon where there is one: pass_at_k:3.
func (r Reducer) String() string {
	switch {
	case r.Name == "":
		return "mean"
	case wantsK(r.Name):
		return r.Name + ":" + strconv.Itoa(r.K)
	}
	return r.Name
}

// IsMean tells whether it is the mean, which reports take anyway.
func (r Reducer) IsMean() bool { return r.Name == "" || r.Name == "mean" }

// Reduce gives the number; NaN without a score, or with fewer than k where the
// chance of k trials is asked for.
func (r Reducer) Reduce(scores []float64) float64 {
	n := len(scores)
	if n == 0 {
		return math.NaN()
	}
	switch r.Name {
	case "median":
		sorted := slices.Sorted(slices.Values(scores))
		return (sorted[(n-1)/2] + sorted[n/2]) / 2
	case "mode":
		return mode(scores)
	case "max":
		return slices.Max(scores)
	case "at_least_k":
		if passes(scores) >= int64(r.K) {
			return 1
		}
		return 0
	case "pass_at_k":
		return stat.PassAtK(int64(n), passes(scores), int64(r.K))
	case "pass_k":
		return stat.PassHatK(int64(n), passes(scores), int64(r.K))
	}
	var sum float64
	for _, s := range scores {
		sum += s
	}
	return sum / float64(n)
}

func passes(scores []float64) (n int64) {
	for _, s := range scores {
		if s >= 1 {
			n++
		}
	}
	return n
}

func mode(scores []float64) float64 {
	sorted := slices.Sorted(slices.Values(scores))
	best, most := sorted[0], 0
	for start := 0; start < len(sorted); {
		end := start
		for end < len(sorted) && sorted[end] == sorted[start] {
			end++
		}
		if end-start > most {
			best, most = sorted[start], end-start
		}
		start = end
	}
	return best
}
