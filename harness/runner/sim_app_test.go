package runner

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// draw gives a number in [0,n) that follows from the words.
func draw(n int, words ...any) int {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, words...)
	x := h.Sum64()
	x = (x ^ x>>32) * 0xd6e8feb86659fd93
	return int((x ^ x>>29) % uint64(n))
}

// question is the input of a case, by its number. Its length differs.
func question(n int) string {
	return fmt.Sprintf("case %d %s", n, strings.Repeat("word ", draw(60, "length", n)))
}

// calls is the app's ledger over all starts of a scenario.
type calls struct {
	mu       sync.Mutex
	n        int
	given    map[harness.Key]map[string]bool // the answers
	stored   map[harness.Key]string          // what Write had kept when it returned
	repeated []harness.Key                   // asked although it was stored
	changed  []harness.Key                   // stored with another answer than before
	hung     chan struct{}                   // closed in the end: calls that hang come back
}

func newCalls() *calls {
	return &calls{given: map[harness.Key]map[string]bool{}, stored: map[harness.Key]string{}, hung: make(chan struct{})}
}

// ask notes one call and gives a text of its own for it.
func (c *calls) ask(key harness.Key, input string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if _, there := c.stored[key]; there {
		c.repeated = append(c.repeated, key)
	}
	text := fmt.Sprintf("%s: answer %d", strings.TrimSpace(input), c.n)
	if c.given[key] == nil {
		c.given[key] = map[string]bool{}
	}
	c.given[key][text] = true
	return text
}

// keep notes what is stored.
func (c *calls) keep(batch []harness.Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range batch {
		text := storedText(r)
		if before, there := c.stored[r.Key()]; there && before != text {
			c.changed = append(c.changed, r.Key())
		}
		c.stored[r.Key()] = text
	}
}

// storedText is the answer of a result, or the kind of its error.
func storedText(r harness.Result) string {
	if r.Error != nil {
		return "error: " + string(r.Error.Kind)
	}
	return r.Output.Text()
}

// simApp is the app of one start. What it does with a trial follows from the
// seed, the question and the trial, so that every start would come to the same.
type simApp struct {
	seed   int64
	calls  *calls
	killer *killer
	tried  sync.Map // harness.Key: called before in this start
}

func (a *simApp) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	if !a.killer.pass("before the call of the app") {
		return harness.Output{}, errKilled
	}
	key := harness.Key{Case: in.ID, Trial: in.Trial}
	text := a.calls.ask(key, in.Text())
	out, err := a.answer(ctx, in, key, text)
	if !a.killer.pass("after the call of the app") {
		return harness.Output{}, errKilled
	}
	return out, err
}

func (a *simApp) answer(ctx context.Context, in harness.Input, key harness.Key, text string) (harness.Output, error) {
	words := []any{a.seed, in.Text(), in.Trial}
	pause := time.Duration(draw(2000, append(words, "pause")...)) * time.Millisecond
	_, again := a.tried.LoadOrStore(key, true)
	switch draw(25, append(words, "fate")...) {
	case 0:
		return harness.Output{}, errors.New("this one never works")
	case 1:
		panic("this one panics")
	case 2:
		<-a.calls.hung // whatever the context says
		return harness.Output{Value: text}, nil
	case 3:
		pause = time.Hour // but it listens
	case 4, 5, 6:
		if !again {
			return harness.Output{}, errors.New("try again")
		}
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return harness.Output{Value: text}, nil
	case <-ctx.Done():
		return harness.Output{}, ctx.Err()
	case <-a.killer.dead:
		return harness.Output{}, errKilled
	}
}

// simEvaluators are right, which is quick and sure, and judge, which takes its
// time with some answers (up to 400 times pace), gives no score for others, and
// sometimes no number.
func simEvaluators(seed int64, pace time.Duration) []harness.Evaluator {
	right := evaluator.Func("right", func(_ context.Context, t harness.Trial) (harness.Score, error) {
		text := harness.Input{Value: t.Case.Input}.Text()
		return harness.PassIf(draw(3, seed, text, t.Number, "right") > 0, "it is not right"), nil
	})
	judge := evaluator.Func("judge", func(ctx context.Context, t harness.Trial) (harness.Score, error) {
		text := harness.Input{Value: t.Case.Input}.Text()
		n := draw(1000, seed, text, t.Number, "judge")
		switch {
		case n < 30:
			return harness.Score{}, errors.New("the judge has no opinion")
		case n < 60:
			return harness.Score{Value: math.NaN()}, nil
		case n < 400:
			timer := time.NewTimer(time.Duration(n) * pace)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-ctx.Done():
				return harness.Score{}, ctx.Err()
			}
		}
		return harness.Score{Value: float64(n) / 1000}, nil
	})
	return []harness.Evaluator{right, judge}
}
