package strict

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest gives the known name that a misspelled one most likely means; "" when
// none is near. Case, dashes and underscores do not count. A name is near when
// about a third of its letters, three at most, have to change, or
// when one of the two starts with the other.
func Nearest(name string, known []string) string {
	plain := plainName(name)
	if plain == "" || len(plain) > 100 {
		return ""
	}
	best, bestDistance := "", 1000
	for _, k := range slices.Sorted(slices.Values(known)) {
		pk := plainName(k)
		d := levenshtein.ComputeDistance(plain, pk)
		longest := max(len([]rune(plain)), len([]rune(pk)))
		near := d <= min(max((longest+1)/3, 1), 3) && d < longest
		if !near && min(len(plain), len(pk)) >= 3 && (strings.HasPrefix(plain, pk) || strings.HasPrefix(pk, plain)) {
			near, d = true, d+3 // a prefix is a weaker sign than a slip
		}
		if near && d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best
}

func plainName(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// Meant is "; did you mean …?" for an error about a name, or "" when no known
// name is near.
func Meant(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return "; did you mean " + Quote(near) + "?"
	}
	return ""
}
