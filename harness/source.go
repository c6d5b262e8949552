package harness

import (
	"context"
	"fmt"
	"strconv"
)

// Source yields the test cases page by page.
//
// Page is called by one goroutine at a time, with "" first and then with the
// Next of the page before. It keeps no state that an answer depends on: the
// same cursor may be asked again (after an error, on resume) and gives the same
// page. It should return soon after ctx ends: Run waits for it. An error ends the
// run as incomplete, after the cases of the pages before it were run.
type Source interface {
	Page(ctx context.Context, cursor string) (Page, error)
}

// Page is one page of test cases.
type Page struct {
	Cases []Case
	// Next is the cursor of the next page; "" after the last one. A page may be
	// empty and still have a next one.
	Next string
	// Total is how many cases there are in all; 0 when not known.
	Total int64
}

// Cases is a Source over cases in memory, in pages of 100.
type Cases []Case

// Page gives the cases from the position that the cursor names.
func (cs Cases) Page(_ context.Context, cursor string) (Page, error) {
	const size = 100
	start := 0
	if cursor != "" {
		var err error
		if start, err = strconv.Atoi(cursor); err != nil || start < 0 || start > len(cs) {
			return Page{}, fmt.Errorf("cases: no page %q", cursor)
		}
	}
	end := min(start+size, len(cs))
	p := Page{Cases: cs[start:end], Total: int64(len(cs))}
	if end < len(cs) {
		p.Next = strconv.Itoa(end)
	}
	return p, nil
}
