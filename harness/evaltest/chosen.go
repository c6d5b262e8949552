package evaltest

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/evalrun/evalrun/harness"
)

// chosen is the Source of the cases that go test has chosen. It grows while their
// subtests begin.
type chosen struct {
	grown chan struct{} // holds one while there may be a page more

	mu     sync.Mutex
	cases  []harness.Case
	closed bool
}

// pageSize is how many cases the engine plans at once.
const pageSize = 500

func newChosen(most int) *chosen {
	return &chosen{grown: make(chan struct{}, 1), cases: make([]harness.Case, 0, most)}
}

func (s *chosen) add(c harness.Case) {
	s.mu.Lock()
	s.cases = append(s.cases, c)
	whole := len(s.cases)%pageSize == 0
	s.mu.Unlock()
	if whole {
		s.tell()
	}
}

// close says that there are no more.
func (s *chosen) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.tell()
}

func (s *chosen) tell() {
	select {
	case s.grown <- struct{}{}:
	default:
	}
}

func (s *chosen) n() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.cases)
}

// Page waits until there is a whole page, or the last one.
func (s *chosen) Page(ctx context.Context, cursor string) (harness.Page, error) {
	start := 0
	if cursor != "" {
		var err error
		if start, err = strconv.Atoi(cursor); err != nil || start < 0 {
			return harness.Page{}, fmt.Errorf("cases: no page %q", cursor)
		}
	}
	for {
		s.mu.Lock()
		end := min(start+pageSize, len(s.cases))
		page := harness.Page{Cases: s.cases[start:end:end]}
		last := s.closed && end == len(s.cases)
		s.mu.Unlock()
		switch {
		case last:
			return page, nil
		case len(page.Cases) == pageSize:
			page.Next = strconv.Itoa(end)
			return page, nil
		}
		select {
		case <-s.grown:
		case <-ctx.Done():
			return harness.Page{}, ctx.Err()
		}
	}
}
