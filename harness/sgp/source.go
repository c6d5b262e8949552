package sgp

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/evalrun/evalrun/harness"
)

// Source reads the test cases of a dataset, page by page.
//
// Name a published Version where there is one: it can't change while it is
// read. The live dataset can: a change of its size, a page that repeats and an
// end that comes too early are errors (ErrChanged), but a case that is archived
// while another is added goes unnoticed.
type Source struct {
	Client    *Client
	DatasetID string
	// Version is the number of a published version; 0: the dataset as it is now.
	Version int
	// PageSize is how many cases are asked for at a time, at most 10000. Default
	// 1000.
	PageSize int
	// OriginalIDs gives cases the IDs that they had before Push uploaded them,
	// where they are known, as for a copy of the dataset in a file. Results of such cases can't be posted: the platform
	// knows them by its own IDs, which are used otherwise.
	OriginalIDs bool
}

var _ harness.Source = Source{}

// Page reads one page. A case's ID is the platform's.
func (s Source) Page(ctx context.Context, cursor string) (harness.Page, error) {
	if s.Client == nil || s.DatasetID == "" || s.Version < 0 || s.PageSize < 0 || s.PageSize > maxLimit {
		return harness.Page{}, errors.New("sgp: source: wants a client, a dataset ID, and a page size of at most 10000")
	}
	size := s.PageSize
	if size == 0 {
		size = 1000
	}
	p, err := parsePager(cursor, size)
	switch {
	case err != nil:
		return harness.Page{}, fmt.Errorf("sgp: test cases of %s: %w", s.DatasetID, err)
	case p.short:
		return harness.Page{}, s.failed(p.ended())
	}
	page, err := s.list(ctx, ListOptions{Page: p.page, Limit: p.limit})
	if err != nil {
		return harness.Page{}, err
	}
	next, done, err := p.next(look(page))
	if err != nil {
		return harness.Page{}, s.failed(err)
	}
	out := harness.Page{Total: page.TotalItemCount, Cases: make([]harness.Case, len(page.Items))}
	for i, tc := range page.Items {
		if tc.ID == "" {
			return harness.Page{}, fmt.Errorf("sgp: test cases of %s: page %d: item %d has no id", s.DatasetID, p.page, i)
		}
		c := FromTestCase(tc)
		if s.OriginalIDs {
			var id string
			if c, id = fromTestCase(tc); id != "" {
				c.ID = id
			}
		}
		c.Origin = "sgp:" + s.DatasetID + "/" + tc.ID
		out.Cases[i] = c
	}
	if !done {
		out.Next = next.cursor()
	}
	return out, nil
}

func (s Source) list(ctx context.Context, o ListOptions) (Page[TestCase], error) {
	if s.Version > 0 {
		return s.Client.ListVersionTestCases(ctx, s.DatasetID, s.Version, o)
	}
	return s.Client.ListTestCases(ctx, s.DatasetID, o)
}

// failed adds to an error of the pager what can be done about it.
func (s Source) failed(err error) error {
	hint := ""
	if s.Version == 0 {
		hint = "; publish a version and name it, it can't change"
	}
	return fmt.Errorf("sgp: test cases of %s: %w%s", s.DatasetID, err, hint)
}

// Pull reads all cases of a source and refuses IDs that repeat. After an error
// there are no more cases.
func Pull(ctx context.Context, s Source) iter.Seq2[harness.Case, error] {
	return func(yield func(harness.Case, error) bool) {
		ids := map[string]bool{}
		for cursor := ""; ; {
			page, err := s.Page(ctx, cursor)
			if err != nil {
				yield(harness.Case{}, err)
				return
			}
			for _, c := range page.Cases {
				if ids[c.ID] {
					yield(harness.Case{}, fmt.Errorf("sgp: pull %s: case %q comes twice", s.DatasetID, c.ID))
					return
				}
				ids[c.ID] = true
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
