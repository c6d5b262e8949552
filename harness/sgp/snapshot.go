package sgp

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

const (
	// maxPasses is how often a list that changes is read before it is given up.
	maxPasses = 6
	// maxWhole is the most bytes of test cases that are asked for in one page of
	// maxLimit, going by their mean size so far.
	maxWhole = 8 << 20
	// maxServed is about the most bytes of test cases in a page that is served.
	maxServed = 1 << 20
)

// snapshot is a list of test cases as it was at one instant, one a line in a file
// that nobody else can open.
type snapshot struct {
	file  *os.File
	left  string // what Close removes; "" when the name is gone already
	size  int64  // bytes
	count int64  // cases
}

// lister reads one page of a list.
type lister func(context.Context, ListOptions) (Page[TestCase], error)

// takeSnapshot reads a list that may change meanwhile, in passes, until it is
// certain what it held at one instant:
//
//   - one page held everything, and had room for more: the platform gave it all
//     at once; or
//   - two passes in a row found the same. What both found was there from its first
//     reading to its second, and so at the instant between the passes; and there
//     was nothing else, because total_item_count said so.
//
// The latter supposes that no case leaves and comes back, the same to the letter,
// in that time; both, that the platform does not hide cases and leave them out of
// its count as well. That a count is too small is seen by the page behind the last.
//
// Otherwise it ends with ErrChanged. Passes differ in their page size, so that
// what only looks like a change, an order that is not stable for instance, goes
// away where it can: the whole list is asked for in one page where it is small
// enough.
func takeSnapshot(ctx context.Context, list lister, size int) (_ *snapshot, err error) {
	s, err := newSnapshot()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	var before pass
	var why error
	whole := true // the platform may give everything in one page
	for n := range maxPasses {
		limit := max(1, size-n*max(1, size/10))
		one := n > 0 && whole && before.small()
		if one {
			limit = maxLimit
		}
		p, err := s.read(ctx, list, limit)
		whole = whole && (!one || p.whole)
		switch {
		case err == nil && (p.whole || p.same(before)):
			s.size, s.count = p.bytes, p.total
			return s, nil
		case err == nil && before.ended:
			why = fmt.Errorf("%w: two readings in a row differ", ErrChanged)
		case errors.Is(err, ErrChanged):
			why = err
		case err != nil && one && ctx.Err() == nil:
			why = err // such a page may be too much for the platform
		case err != nil:
			return nil, err
		}
		before = p
	}
	if !errors.Is(why, ErrChanged) {
		return nil, why
	}
	return nil, fmt.Errorf("%w (it was read %d times)", why, maxPasses)
}

// newSnapshot makes an empty file. Where the system lets it, its name is removed
// at once, so that nothing is left even if this process is killed.
func newSnapshot() (*snapshot, error) {
	f, err := os.CreateTemp("", "evalrun-cases-*") // only its owner may read it
	if err != nil {
		return nil, spaceFor(err)
	}
	s := &snapshot{file: f}
	if os.Remove(f.Name()) != nil {
		s.left = f.Name()
	}
	return s, nil
}

// spaceFor says what the file is for that can't be written.
func spaceFor(err error) error {
	return fmt.Errorf("keep the cases in a temporary file: %w (TMPDIR names another folder)", err)
}

// Close removes the file.
func (s *snapshot) Close() error {
	err := s.file.Close()
	if s.left != "" {
		err = errors.Join(err, os.Remove(s.left))
	}
	return err
}

// pass is what one reading of the list found.
type pass struct {
	digest [sha256.Size]byte // of all cases, whatever their order
	total  int64
	seen   int64
	bytes  int64
	whole  bool // it came in one page
	ended  bool // it came to its end, with nothing wrong
}

// same tells whether two passes found the same cases.
func (p pass) same(q pass) bool {
	return p.ended && q.ended && p.total == q.total && p.digest == q.digest
}

// small tells whether the list, going by what was seen of it, fits into one page.
func (p pass) small() bool {
	return p.seen > 0 && p.total < maxLimit && p.bytes/p.seen*p.total <= maxWhole
}

// read makes one pass and writes it to the file, in place of what is there. The
// pass is told also when there is an error, as far as it got.
func (s *snapshot) read(ctx context.Context, list lister, limit int) (p pass, err error) {
	if err := s.file.Truncate(0); err != nil {
		return p, spaceFor(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return p, spaceFor(err)
	}
	w := bufio.NewWriterSize(s.file, 64<<10)
	ids := newIDSet()
	pages := pager{page: 1, limit: limit}
	for done := false; !done; {
		page, err := list(ctx, ListOptions{Page: pages.page, Limit: limit})
		if err != nil {
			return p, err
		}
		got := look(page)
		p.total, p.whole = got.total, pages.page == 1 && !full(page, limit)
		if err := named(page, pages.page); err != nil {
			return p, err
		}
		if pages, done, err = pages.next(got); err == nil && pages.short {
			err = pages.ended()
		}
		if err == nil {
			err = ids.addAll(got.ids)
		}
		if err == nil {
			err = p.add(w, page.Items)
		}
		if err != nil {
			return p, err
		}
	}
	if err := w.Flush(); err != nil {
		return p, spaceFor(err)
	}
	if err := pages.nothingBehind(ctx, list); err != nil {
		return p, err
	}
	p.ended = true
	return p, nil
}

// full tells whether a page has as many items as the platform gives at once: that
// nothing follows is then known by the total alone.
func full(page Page[TestCase], limit int) bool {
	if n := page.ItemsPerPage; n > 0 {
		limit = min(limit, n)
	}
	return len(page.Items) >= limit
}

// add writes cases and takes them into the digest.
func (p *pass) add(w io.Writer, cases []TestCase) error {
	for _, tc := range cases {
		line, err := wire.Marshal(tc)
		if err != nil {
			return fmt.Errorf("case %q: %w", tc.ID, err)
		}
		sum := sha256.Sum256(line)
		subtle.XORBytes(p.digest[:], p.digest[:], sum[:]) // none comes twice, so none is cancelled out
		p.seen++
		p.bytes += int64(len(line)) + 1
		if _, err := w.Write(append(line, '\n')); err != nil {
			return spaceFor(err)
		}
	}
	return nil
}

// nothingBehind asks for the page behind the last one: total_item_count may have
// said too little. That there is no such page is a good answer.
func (p pager) nothingBehind(ctx context.Context, list lister) error {
	page, err := list(ctx, ListOptions{Page: p.page, Limit: p.limit})
	var refused *Error
	if errors.As(err, &refused) && (refused.Status == http.StatusNotFound || refused.Status == http.StatusUnprocessableEntity) {
		return nil
	}
	if err != nil {
		return err
	}
	if n := len(page.Items); n > 0 {
		return fmt.Errorf("%w: it said that there are %d items, and page %d has %d more", ErrChanged, p.total, p.page, n)
	}
	return nil
}

// page gives the cases from an offset of the file on, at most so many, and the
// offset where they end; 0 after the last one.
func (s *snapshot) page(from int64, most int) (cases []TestCase, next int64, err error) {
	if from > 0 { // a cursor: behind a line that is not the last
		var end [1]byte
		if _, err := s.file.ReadAt(end[:], from-1); err != nil || end[0] != '\n' || from >= s.size {
			return nil, 0, fmt.Errorf("no page %d", from)
		}
	}
	r := bufio.NewReader(io.NewSectionReader(s.file, from, s.size-from))
	at := from
	for at < s.size && len(cases) < most && at-from < maxServed {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return nil, 0, fmt.Errorf("read the temporary file of cases: %w", err)
		}
		var tc TestCase
		if err := tc.UnmarshalJSON(line); err != nil {
			return nil, 0, fmt.Errorf("read the temporary file of cases: %w", err)
		}
		cases = append(cases, tc)
		at += int64(len(line))
	}
	if at == s.size {
		at = 0
	}
	return cases, at, nil
}
