package sgp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/evalrun/evalrun/harness"
)

// Source reads the test cases of a dataset.
//
// A published Version can't change while it is read: its pages are given on as
// they come.
//
// The live dataset can change, so the first call of Page reads all of it into a
// temporary file, which only its owner can open, until it is certain what it held
// at one instant; pages are then served from that file, however long the run
// takes. A list that fits into one page is read once, any other at least twice. A
// dataset that does not hold still for that is the error ErrChanged, before any
// case was given. Memory is that of a page, and 20 to 40 bytes a case while it is
// read: 40 MB for a million; the file has the size of the cases as JSON. Close
// removes it.
type Source struct {
	Client    *Client
	DatasetID string
	// Version is the number of a published version; 0: the dataset as it is now.
	Version int
	// PageSize is how many cases are asked for at a time, at most 10000. Default
	// 1000. A live dataset that is read again is asked for in one page where that
	// is small (fewer than 10000 cases in 8 MiB).
	PageSize int
	// OriginalIDs gives cases the IDs that they had before Push uploaded them,
	// where they are known, as for a copy of the dataset in a file. Results of such
	// cases can't be posted: the platform knows them by its own IDs, which are used
	// otherwise.
	OriginalIDs bool

	live *snapshot // nil until it is taken
}

var (
	_ harness.Source = (*Source)(nil)
	_ io.Closer      = (*Source)(nil)
)

// Page reads one page. A case's ID is the platform's. It may be called by one
// goroutine at a time.
func (s *Source) Page(ctx context.Context, cursor string) (harness.Page, error) {
	if s.Client == nil || s.DatasetID == "" || s.Version < 0 || s.PageSize < 0 || s.PageSize > maxLimit {
		return harness.Page{}, errors.New("sgp: source: wants a client, a dataset ID, and a page size of at most 10000")
	}
	size := s.PageSize
	if size == 0 {
		size = 1000
	}
	page := s.published
	if s.Version == 0 {
		page = s.still
	}
	out, err := page(ctx, cursor, size)
	if err != nil {
		return harness.Page{}, s.failed(err)
	}
	return out, nil
}

// Close removes the temporary file of a live dataset. Another Page would read the
// dataset anew.
func (s *Source) Close() error {
	if s.live == nil {
		return nil
	}
	err := s.live.Close()
	s.live = nil
	return err
}

// published gives a page of a published version.
func (s *Source) published(ctx context.Context, cursor string, size int) (out harness.Page, err error) {
	p, err := parsePager(cursor, size)
	switch {
	case err != nil:
		return out, err
	case p.short:
		return out, p.ended()
	}
	page, err := s.Client.ListVersionTestCases(ctx, s.DatasetID, s.Version, ListOptions{Page: p.page, Limit: p.limit})
	if err != nil {
		return out, err
	}
	next, done, err := p.next(look(page))
	if err == nil {
		err = named(page, p.page)
	}
	if err != nil {
		return out, err
	}
	out = harness.Page{Total: page.TotalItemCount, Cases: s.cases(page.Items)}
	if !done {
		out.Next = next.cursor()
	}
	return out, nil
}

// still gives a page of the live dataset as it was when it was read.
func (s *Source) still(ctx context.Context, cursor string, size int) (out harness.Page, err error) {
	from := int64(0)
	if cursor != "" {
		if from, err = strconv.ParseInt(cursor, 10, 64); err != nil || from < 1 {
			return out, fmt.Errorf("no page %q", cursor)
		}
	}
	if s.live == nil {
		s.live, err = takeSnapshot(ctx, func(ctx context.Context, o ListOptions) (Page[TestCase], error) {
			return s.Client.ListTestCases(ctx, s.DatasetID, o)
		}, size)
		if err != nil {
			return out, err
		}
	}
	cases, next, err := s.live.page(from, size)
	if err != nil {
		return out, err
	}
	out = harness.Page{Total: s.live.count, Cases: s.cases(cases)}
	if next > 0 {
		out.Next = strconv.FormatInt(next, 10)
	}
	return out, ctx.Err()
}

func (s *Source) cases(from []TestCase) []harness.Case {
	out := make([]harness.Case, len(from))
	for i, tc := range from {
		c := FromTestCase(tc)
		if s.OriginalIDs {
			var id string
			if c, id = fromTestCase(tc); id != "" {
				c.ID = id
			}
		}
		c.Origin = "sgp:" + s.DatasetID + "/" + tc.ID
		out[i] = c
	}
	return out
}

// named refuses a page with a case that has no ID.
func named(page Page[TestCase], number int) error {
	for i, tc := range page.Items {
		if tc.ID == "" {
			return fmt.Errorf("page %d: item %d has no id", number, i)
		}
	}
	return nil
}

// failed adds to an error which dataset it is about, and what can be done.
func (s *Source) failed(err error) error {
	hint := ""
	var call *Error
	switch {
	case errors.As(err, &call): // says so itself
		return err
	case s.Version == 0 && errors.Is(err, ErrChanged):
		hint = "; the dataset is being edited: publish a version and name it, it can't change, or run again later"
	}
	return fmt.Errorf("sgp: test cases of %s: %w%s", s.DatasetID, err, hint)
}

// Pull reads all cases of a source and refuses IDs that repeat. After an error
// there are no more cases. The caller closes the source.
func Pull(ctx context.Context, s *Source) iter.Seq2[harness.Case, error] {
	return func(yield func(harness.Case, error) bool) {
		ids := newIDSet()
		for cursor := ""; ; {
			page, err := s.Page(ctx, cursor)
			if err != nil {
				yield(harness.Case{}, err)
				return
			}
			for _, c := range page.Cases {
				if !ids.add(c.ID) {
					yield(harness.Case{}, fmt.Errorf("sgp: pull %s: case %q comes twice", s.DatasetID, c.ID))
					return
				}
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
