package harness

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"hash/maphash"
)

// maxEmptyPages in a row are taken for a source that has no end.
const maxEmptyPages = 1000

// fetch asks the source for page after page and runs one page ahead.
func (e *engine) fetch(ctx context.Context, pages chan<- Page) error {
	defer close(pages)
	cursor, empty := "", 0
	var last uint64
	seen, look := "", 1 // a cursor of before, and when to take the next one (Brent)
	for n := 1; ; n++ {
		var p Page
		err := guarded("source", func() (err error) {
			p, err = e.Source.Page(ctx, cursor)
			return err
		})
		if err != nil {
			return fmt.Errorf("source: page %d: %w", n, err)
		}
		if len(p.Cases) == 0 {
			if empty++; empty > maxEmptyPages {
				return fmt.Errorf("source: page %d: %d empty pages in a row", n, empty)
			}
		} else {
			empty = 0
			d := pageDigest(p)
			if d == last {
				return fmt.Errorf("source: page %d holds the same %d cases as the page before it; a source must move on", n, len(p.Cases))
			}
			last = d
		}
		select {
		case pages <- p:
		case <-ctx.Done():
			return nil
		}
		if p.Next == "" {
			e.fetchedAll = true
			return nil
		}
		if p.Next == cursor || p.Next == seen {
			return fmt.Errorf("source: page %d names an earlier page (%q) as the next one", n, p.Next)
		}
		if n == look {
			seen, look = p.Next, 2*look
		}
		cursor = p.Next
	}
}

// plan chooses the cases, tells the journal, and hands out the trials that are
// still to run.
func (e *engine) plan(ctx context.Context, pages <-chan Page, tasks *taskQueue) error {
	defer tasks.close()
	for p := range pages {
		if ctx.Err() != nil {
			return nil // fetch has ended too, or will at its next step
		}
		e.announce(p.Total)
		chosen, err := e.choose(p)
		if err != nil {
			return err
		}
		var there Planned
		if e.Journal != nil && len(chosen) > 0 {
			if there, err = e.Journal.Plan(ctx, chosen); err != nil {
				return fmt.Errorf("plan: %w", err)
			}
		}
		if ok, err := e.hand(ctx, chosen, there, tasks); !ok || err != nil {
			return err
		}
		if e.enough() {
			e.plannedAll = true
			e.askedAll(ctx)
			return nil
		}
	}
	e.plannedAll = e.fetchedAll
	e.askedAll(ctx)
	return nil
}

// askedAll waits until Demand asks for nothing more.
func (e *engine) askedAll(ctx context.Context) {
	if e.Demand != nil {
		e.Demand.wait(ctx)
	}
}

// hand gives out the trials of the chosen cases; false when ctx has ended.
func (e *engine) hand(ctx context.Context, chosen []Case, there Planned, tasks *taskQueue) (bool, error) {
	finished := make(map[Key]bool, len(there.Finished))
	for _, k := range there.Finished {
		finished[k] = true
	}
	answered := make(map[Key]Result, len(there.Answered))
	for _, r := range there.Answered {
		answered[r.Key()] = r
	}
	if err := e.tellAhead(ctx, chosen, finished, answered); err != nil {
		return false, err
	}
	for _, c := range chosen {
		e.planned++
		for n := 1; n <= e.Trials; n++ {
			e.Progress.Planned.Add(1)
			key := Key{c.ID, n}
			if finished[key] {
				e.finished++
				e.Progress.Done.Add(1)
				continue
			}
			t := &trial{r: Result{Case: c, Trial: n}}
			if r, ok := answered[key]; ok {
				t.r = r
				t.r.Case, t.r.Pending, t.r.Scores = c, false, nil
			}
			if !e.offer(ctx, t, tasks) {
				return false, nil
			}
			e.handed++
		}
	}
	return true, nil
}

// offer hands out a trial, to Demand when that is given; false when ctx has ended.
func (e *engine) offer(ctx context.Context, t *trial, tasks *taskQueue) bool {
	if e.Demand != nil {
		return ctx.Err() == nil && e.Demand.offer(t)
	}
	return tasks.put(ctx, t)
}

// tellAhead tells the app of the trials that it will be asked.
func (e *engine) tellAhead(ctx context.Context, chosen []Case, finished map[Key]bool, answered map[Key]Result) error {
	if e.Ahead == nil {
		return nil
	}
	var inputs []Input
	for _, c := range chosen {
		for n := 1; n <= e.Trials; n++ {
			key := Key{c.ID, n}
			if _, ok := answered[key]; !ok && !finished[key] {
				inputs = append(inputs, c.forApp(n, e.Seed))
			}
		}
	}
	if len(inputs) == 0 {
		return nil
	}
	return guarded("app", func() error { return e.Ahead(ctx, inputs) })
}

// choose applies Filter, Sample and Limit, and numbers the cases.
func (e *engine) choose(p Page) ([]Case, error) {
	chosen := make([]Case, 0, len(p.Cases))
	seen := make(map[string]bool, len(p.Cases))
	for _, c := range p.Cases {
		if c.ID == "" {
			return nil, fmt.Errorf("source: %s: a case without an ID", origin(c, e.seq))
		}
		if seen[c.ID] || !e.fresh(c.ID) {
			return nil, fmt.Errorf("source: %s: the case ID %q is used twice", origin(c, e.seq), c.ID)
		}
		seen[c.ID] = true
		c.Seq = e.seq
		e.seq++
		if e.Filter != nil && !e.Filter(c) {
			continue
		}
		if e.Sample > 0 && float64(mix(e.Seed, "sample\x00"+c.ID)>>11)/(1<<53) >= e.Sample {
			continue
		}
		if e.Limit > 0 && e.planned+int64(len(chosen)) >= e.Limit {
			break
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// fresh tells whether no earlier page had the ID. A Journal knows; without one,
// seeded 64-bit hashes of the IDs are kept: 20 to 40 bytes a case, and a chance of
// n²/2^65 (for a million cases 3 in 100 million) that a run of n cases ends for
// two IDs that only have the same hash.
func (e *engine) fresh(id string) bool {
	if e.Journal != nil {
		return true
	}
	if e.ids == nil {
		e.ids, e.idSeed = map[uint64]struct{}{}, maphash.MakeSeed()
	}
	before := len(e.ids)
	e.ids[maphash.String(e.idSeed, id)] = struct{}{}
	return len(e.ids) > before
}

// announce tells the progress how many trials there will be, when that is known.
func (e *engine) announce(total int64) {
	if total <= 0 || e.Filter != nil || e.Sample > 0 {
		return
	}
	if e.Limit > 0 {
		total = min(total, e.Limit)
	}
	e.Progress.Total.Store(total * int64(e.Trials))
}

func origin(c Case, seq int64) string {
	if c.Origin != "" {
		return c.Origin
	}
	return fmt.Sprintf("case %d", seq+1)
}

func pageDigest(p Page) uint64 {
	h := fnv.New64a()
	for _, c := range p.Cases {
		_, _ = h.Write([]byte(c.ID))
		_, _ = h.Write([]byte{0})
	}
	return h.Sum64()
}

// stopped tells whether an error is only the echo of a cancelled context.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
}
