package suite

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// maxBroken is how many errors of a dataset are listed; the last one says how many
// more there are.
const maxBroken = 10

// CheckDataset reads the whole dataset, of which Load reads the first row only,
// and counts its cases. The error has the first broken rows and repeated IDs, each
// with its place, and says how many more there are; it is one of the context or of
// the platform when reading was not possible. Memory is 24 bytes or so for
// each case.
func (s *Suite) CheckDataset(ctx context.Context) (cases int64, err error) {
	source, err := s.Source(ctx)
	if err != nil {
		return 0, err
	}
	if c, ok := source.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	rows := pages(ctx, source)
	if file, ok := source.(*rooted); ok {
		rows = file.Rows(ctx) // goes on after a broken row
	}
	var broken strict.Errors
	more := 0
	first := map[[16]byte]int64{} // the case that has an ID, by a digest of it
	for c, err := range rows {
		if ctx.Err() != nil {
			return cases, ctx.Err()
		}
		if err == nil {
			cases++
			sum := sha256.Sum256([]byte(c.ID))
			id := [16]byte(sum[:])
			if n, twice := first[id]; twice {
				err = fmt.Errorf("%s: duplicate case ID %s; the first one is case %d", c.Origin, strict.Quote(c.ID), n)
			} else {
				first[id] = cases
			}
		}
		switch {
		case err == nil:
		case len(broken) == maxBroken:
			more++
		default:
			broken = append(broken, &strict.Error{Message: err.Error()})
		}
	}
	if more > 0 {
		broken[maxBroken-1] = &strict.Error{Message: fmt.Sprintf("and %d more", more+1)}
	}
	if len(broken) == 0 {
		return cases, nil
	}
	return cases, scrub(broken, s.Secrets)
}

// pages are the cases of a source, up to the first error.
func pages(ctx context.Context, source harness.Source) iter.Seq2[harness.Case, error] {
	return func(yield func(harness.Case, error) bool) {
		for cursor := ""; ; {
			page, err := source.Page(ctx, cursor)
			if err != nil {
				yield(harness.Case{}, err)
				return
			}
			for _, c := range page.Cases {
				if !yield(c, nil) {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}
