package runner

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/plan"
	"github.com/evalrun/evalrun/harness/store"
)

// History is what the stored runs of a suite and app say for planning another.
type History struct {
	// Runs are those that were looked at, the newest first; none when there is no
	// complete one. Several are taken together when each case was asked once only.
	Runs []store.Info
	plan.Known
	// Usage is what a trial took.
	Usage
}

// Usage is what one trial takes on average; nil where no answer says.
type Usage struct {
	Tokens, CostUSD *float64
	Latency         *time.Duration
}

// togetherAtMost is how many runs are taken together.
const togetherAtMost = 10

// PastRuns are the complete runs of a suite and app, the newest first; "" is any
// app.
func PastRuns(ctx context.Context, st *store.Store, suite, app string) ([]store.Info, error) {
	all, err := st.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var out []store.Info
	for _, info := range all {
		if info.Spec.Suite == suite && (app == "" || info.Spec.App == app) && info.Status == string(harness.Complete) {
			out = append(out, info)
		}
	}
	return out, nil
}

// Partial tells a run of chosen cases (--case, --filter, --limit and the like).
func Partial(info store.Info) bool { return info.Spec.Options[selectionOption] != "" }

// HistoryOf looks at the newest complete run of a suite and app, of all its cases
// unless there are only runs of some. When that has one trial per case, earlier ones
// with the same settings are taken as further trials.
func HistoryOf(ctx context.Context, st *store.Store, suite, app string) (History, error) {
	past, err := PastRuns(ctx, st, suite, app)
	if err != nil || len(past) == 0 {
		return History{}, err
	}
	if slices.ContainsFunc(past, func(info store.Info) bool { return !Partial(info) }) {
		past = slices.DeleteFunc(past, Partial)
	}
	newest := past[0]
	h := History{Runs: past[:1]}
	if newest.Spec.Trials <= 1 {
		h.Runs = nil
		for _, info := range past {
			if len(h.Runs) < togetherAtMost && maps.Equal(info.Spec.Digests, newest.Spec.Digests) && info.Spec.Trials <= 1 {
				h.Runs = append(h.Runs, info)
			}
		}
	}
	var sides []compare.Side
	for _, info := range h.Runs {
		sides = append(sides, NewSide(st, info))
	}
	if h.Known, err = plan.Measure(ctx, sides...); err != nil {
		return h, err
	}
	report, err := fold(ctx, st, newest)
	if err != nil {
		return h, err
	}
	h.Usage = usageOf(report)
	return h, nil
}

func usageOf(r *harness.Report) (u Usage) {
	if n := r.Tokens.Counted; n > 0 {
		tokens := float64(r.Tokens.Input+r.Tokens.Output) / float64(n)
		u.Tokens = &tokens
	}
	if n := r.Latency.N - r.CostUnknown; r.CostUSD != nil && n > 0 {
		cost := *r.CostUSD / float64(n)
		u.CostUSD = &cost
	}
	if r.Latency.N > 0 {
		u.Latency = &r.Latency.Mean
	}
	return u
}

// Take is what so many trials take, so many of them at once and so many calls a
// minute; 0 of these is any number. Retries, pauses that a server asks for and the
// time for scoring are not in it.
func (u Usage) Take(calls int64, concurrency int, perMinute float64) Usage {
	var out Usage
	if u.Tokens != nil {
		v := *u.Tokens * float64(calls)
		out.Tokens = &v
	}
	if u.CostUSD != nil {
		v := *u.CostUSD * float64(calls)
		out.CostUSD = &v
	}
	if u.Latency != nil {
		rounds := max(float64(calls)/float64(max(concurrency, 1)), 1)
		v := float64(*u.Latency) * rounds
		if perMinute > 0 {
			v = max(v, float64(calls)/perMinute*float64(time.Minute))
		}
		d := time.Duration(min(v, float64(1<<62)))
		out.Latency = &d
	}
	return out
}
