package compare

import (
	"context"
	"iter"
)

// List is a side in memory.
type List struct {
	what  About
	cases []Case
	byID  map[string]int
}

var _ Side = (*List)(nil)

// NewList makes a side of cases, whose IDs are unique.
func NewList(what About, cases []Case) *List {
	l := &List{what: what, cases: cases, byID: make(map[string]int, len(cases))}
	for i, c := range cases {
		l.byID[c.ID] = i
	}
	return l
}

// About says what the run is made of.
func (l *List) About() About { return l.what }

// Cases ranges over the cases.
func (l *List) Cases(context.Context) iter.Seq2[Case, error] {
	return func(yield func(Case, error) bool) {
		for _, c := range l.cases {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Case finds one by ID.
func (l *List) Case(_ context.Context, id string) (Case, bool, error) {
	i, ok := l.byID[id]
	if !ok {
		return Case{}, false, nil
	}
	return l.cases[i], true, nil
}
