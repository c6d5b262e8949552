package compare

import (
	"context"
	"fmt"
	"iter"
)

// Pairing counts the cases of both sides.
type Pairing struct {
	// Paired have the same ID and content in both; Changed the same ID only. Added
	// are in the new run alone, Removed in the base alone.
	Paired, Changed, Added, Removed int64
	// ChangedIDs, AddedIDs and RemovedIDs are the first of them, few.
	ChangedIDs, AddedIDs, RemovedIDs []string
}

// someIDs is how many IDs of unpaired cases are kept.
const someIDs = 20

func keepID(ids *[]string, id string) {
	if len(*ids) < someIDs {
		*ids = append(*ids, id)
	}
}

// Pair calls each for every pair of cases, in the order of the new run. Where both
// runs have the same order, as those of one dataset do, it reads each side once;
// cases out of step are looked up.
func Pair(ctx context.Context, base, now Side, each func(base, now Case)) (Pairing, error) {
	p := &pairer{ctx: ctx, base: base, now: now, each: each}
	next, stop := iter.Pull2(base.Cases(ctx))
	defer stop()
	p.next = next
	if err := p.advance(); err != nil {
		return p.count, err
	}
	for c, err := range now.Cases(ctx) {
		if err != nil {
			return p.count, fmt.Errorf("read %s: %w", now.About().Name, err)
		}
		if err := p.place(c); err != nil {
			return p.count, err
		}
	}
	for p.there { // what is left of the base
		if _, err := p.gone(); err != nil {
			return p.count, err
		}
		if err := p.advance(); err != nil {
			return p.count, err
		}
	}
	return p.count, nil
}

type pairer struct {
	ctx       context.Context
	base, now Side
	each      func(base, now Case)
	count     Pairing

	next  func() (Case, error, bool)
	head  Case // of the base, not yet in a pair
	there bool
}

// advance moves the head of the base.
func (p *pairer) advance() error {
	c, err, ok := p.next()
	if ok && err != nil {
		return fmt.Errorf("read %s: %w", p.base.About().Name, err)
	}
	p.head, p.there = c, ok
	return nil
}

// place finds the base's case for one of the new run.
func (p *pairer) place(c Case) error {
	if p.there && p.head.ID == c.ID {
		p.pair(p.head, c)
		return p.advance()
	}
	other, ok, err := p.base.Case(p.ctx, c.ID)
	if err != nil {
		return fmt.Errorf("read %s: case %q: %w", p.base.About().Name, c.ID, err)
	}
	if !ok {
		p.count.Added++
		keepID(&p.count.AddedIDs, c.ID)
		return nil
	}
	p.pair(other, c)
	for p.there && p.head.ID != c.ID { // cases that are gone put the sides out of step
		gone, err := p.gone()
		if err != nil {
			return err
		}
		if err := p.advance(); err != nil {
			return err
		}
		if !gone {
			return nil // another order
		}
	}
	if p.there {
		return p.advance()
	}
	return nil
}

// gone counts the head of the base if the new run does not have it. If it has, it
// is paired when its turn comes there.
func (p *pairer) gone() (bool, error) {
	_, ok, err := p.now.Case(p.ctx, p.head.ID)
	if err != nil {
		return false, fmt.Errorf("read %s: case %q: %w", p.now.About().Name, p.head.ID, err)
	}
	if ok {
		return false, nil
	}
	p.count.Removed++
	keepID(&p.count.RemovedIDs, p.head.ID)
	return true, nil
}

func (p *pairer) pair(base, now Case) {
	if base.Hash != now.Hash {
		p.count.Changed++
		keepID(&p.count.ChangedIDs, now.ID)
		return
	}
	p.count.Paired++
	p.each(base, now)
}
