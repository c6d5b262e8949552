package sgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/httpx"
)

// A listing is read in pages of about pageBytes, to be found out by a first page
// of firstLimit results. A page that holds all is one moment of the platform.
const (
	firstLimit = 20
	pageBytes  = 4 << 20
)

// maxReadings is how many times a listing that does not add up is read.
const maxReadings = 5

// listing reads all results of an evaluation while others may add to them. No
// result ever leaves the list, archived ones included: so what any pass has shown
// is there, and when all passes together have shown as many results as there are,
// nothing else is.
type listing struct {
	client     *Client
	evaluation string

	limit int
	seed  maphash.Seed
	seen  []uint64 // hashes of the IDs that were seen: 8 bytes a result
}

// listedResult is as much of a result as it takes to recognise it.
type listedResult struct {
	ID     string
	CaseID string
	key    RunKey
	keyed  bool
	size   int // in bytes, as JSON
}

// UnmarshalJSON reads the ID, the test case and the run key.
func (l *listedResult) UnmarshalJSON(data []byte) error {
	var r struct {
		ID         string          `json:"id"`
		TestCaseID string          `json:"test_case_id"`
		Data       json.RawMessage `json:"test_case_evaluation_data"`
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	if r.ID == "" {
		return errNoID
	}
	*l = listedResult{ID: r.ID, CaseID: r.TestCaseID, size: len(data)}
	var fields map[string]json.RawMessage
	if json.Unmarshal(r.Data, &fields) == nil {
		l.key, l.keyed = parseRunKey(fields[keptKey])
	}
	return nil
}

// read calls visit with pages until all was seen; with some of it again, since a
// listing that changed meanwhile is read once more. ErrChanged: it did not come to
// rest.
func (l *listing) read(ctx context.Context, visit func([]listedResult) error) error {
	l.seed = maphash.MakeSeed()
	var total int64
	for range maxReadings {
		var err error
		if total, err = l.pass(ctx, visit); err != nil {
			return err
		}
		slices.Sort(l.seen)
		if l.seen = slices.Compact(l.seen); int64(len(l.seen)) == total {
			return nil
		}
	}
	return fmt.Errorf("%w: in %d passes it gave %d results, and says that there are %d", ErrChanged, maxReadings, len(l.seen), total)
}

// pass goes through the pages once and gives the last total.
func (l *listing) pass(ctx context.Context, visit func([]listedResult) error) (total int64, err error) {
	most := int64(0) // a list that grows for ever is given up
	for n := 1; ; n++ {
		p, err := l.page(ctx, n)
		switch {
		case errors.Is(err, httpx.ErrTooLarge) && l.pageLimit() > 1:
			l.limit = max(1, l.pageLimit()/10)
			n = 0
			continue
		case err != nil:
			return 0, err
		}
		total = p.TotalItemCount
		if err := visit(p.Items); err != nil {
			return 0, err
		}
		l.see(p.Items)
		count := int64(len(p.Items))
		if n == 1 {
			most = 2*total/int64(l.pageLimit()) + 10
			switch {
			case count >= total:
				return total, nil
			case l.limit == 0: // the first page told how large they are
				l.limit = fitting(p.Items)
				n = 0
				continue
			case count > 0 && count < int64(l.limit): // it gives no more at a time
				l.limit = int(count)
			}
		}
		if int64(n)*int64(l.limit) >= total || int64(n) >= most {
			return total, nil
		}
	}
}

func (l *listing) page(ctx context.Context, n int) (Page[listedResult], error) {
	return list[listedResult](ctx, l.client, "list results of evaluation "+l.evaluation,
		ListOptions{Page: n, Limit: l.pageLimit(), IncludeArchived: true}, "evaluations", l.evaluation, "test-case-results")
}

func (l *listing) pageLimit() int {
	if l.limit == 0 {
		return firstLimit
	}
	return l.limit
}

// fitting is how many results of the size of these make a page.
func fitting(results []listedResult) int {
	if len(results) == 0 {
		return firstLimit
	}
	size := 0
	for _, r := range results {
		size += r.size
	}
	return min(max(pageBytes*len(results)/size, 1), maxLimit)
}

// see notes the IDs.
func (l *listing) see(results []listedResult) {
	for _, r := range results {
		l.seen = append(l.seen, maphash.String(l.seed, r.ID))
	}
}

// found is what the platform has of some results of this run.
type found struct {
	ids map[harness.Key]string
	// keyless are the test cases that have a result without a run key: made by
	// others, or given back without it.
	keyless map[string]bool
}

// find looks for results of this run on the platform. What is found is there even
// after an error; without one, what is not found was not there.
func (r *posting) find(ctx context.Context, wanted []harness.Key) (found, error) {
	want := make(map[harness.Key]bool, len(wanted))
	cases := make(map[string]bool, len(wanted))
	for _, k := range wanted {
		want[k], cases[k.Case] = true, true
	}
	f := found{ids: map[harness.Key]string{}, keyless: map[string]bool{}}
	err := r.readList(ctx, func(results []listedResult) error {
		for _, res := range results {
			k := harness.Key{Case: res.key.Case, Trial: res.key.Trial}
			switch {
			case !res.keyed && cases[res.CaseID]:
				f.keyless[res.CaseID] = true
			case res.keyed && res.key.Run == r.RunID && want[k] && f.ids[k] == "":
				f.ids[k] = res.ID
			}
		}
		return nil
	})
	return f, err
}

// readList reads the evaluation's results, while no batch is on its way.
func (r *posting) readList(ctx context.Context, visit func([]listedResult) error) error {
	if err := r.sends.Acquire(ctx, r.inFlight); err != nil {
		return context.Cause(ctx)
	}
	defer r.sends.Release(r.inFlight)
	l := listing{client: r.Client, evaluation: r.EvaluationID}
	return l.read(ctx, visit)
}
