package sgpserver

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The limits of a list, as the platform documents them.
const (
	defaultLimit = 100
	maxLimit     = 10_000
)

// query checks the parameters of a request's address.
type query struct {
	checker
	values map[string][]string
}

func newQuery(r *http.Request) *query { return &query{values: r.URL.Query()} }

// last gives the parameter as it was given last, as the platform's framework does.
func (q *query) last(name string) (string, bool) {
	v := q.values[name]
	if len(v) == 0 {
		return "", false
	}
	return v[len(v)-1], true
}

// paging is which part of a list is asked for.
type paging struct{ page, limit int64 }

// from is the position of the first item of the page, from 0.
func (p paging) from() int64 { return (p.page - 1) * p.limit }

// paging reads page, from 1, and limit, 1 to 10000 and 100 when absent.
func (q *query) paging() paging {
	// The bound of page keeps from() within an int64.
	return paging{page: q.integer("page", 1, 1<<48, 1), limit: q.integer("limit", 1, maxLimit, defaultLimit)}
}

// integer reads a whole number between two bounds.
func (q *query) integer(name string, least, most, absent int64) int64 {
	text, ok := q.last(name)
	if !ok {
		return absent
	}
	loc := []any{"query", name}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	switch {
	case err != nil:
		q.add(loc, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", quote(text), nil)
	case n < least:
		q.add(loc, "greater_than_equal", "Input should be greater than or equal to "+strconv.FormatInt(least, 10), quote(text), map[string]any{"ge": least})
	case n > most:
		q.add(loc, "less_than_equal", "Input should be less than or equal to "+strconv.FormatInt(most, 10), quote(text), map[string]any{"le": most})
	default:
		return n
	}
	return absent
}

// boolean checks a parameter that is true or false. None of those that lists take
// changes what this server answers.
func (q *query) boolean(name string) {
	text, ok := q.last(name)
	if !ok {
		return
	}
	switch strings.ToLower(text) {
	case "true", "false", "1", "0", "on", "off", "yes", "no", "t", "f", "y", "n":
	default:
		q.add([]any{"query", name}, "bool_parsing", "Input should be a valid boolean, unable to interpret input", quote(text), nil)
	}
}

// options reads a list of names out of a fixed set, comma-joined, repeated or both.
func (q *query) options(name string, known ...string) map[string]bool {
	chosen := map[string]bool{}
	for i, v := range strings.Split(strings.Join(q.values[name], ","), ",") {
		switch {
		case v == "":
		case slices.Contains(known, v):
			chosen[v] = true
		default:
			expected := choices(known)
			q.add([]any{"query", name, i}, "enum", "Input should be "+expected, quote(v), map[string]any{"expected": expected})
		}
	}
	return chosen
}

// number reads a whole number, from 1, that is part of the path.
func (c *checker) number(name, text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		c.add([]any{"path", name}, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", quote(text), nil)
	}
	return n
}
