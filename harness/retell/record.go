package retell

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness"
)

// record is a batch as it is kept with the run: before it is started without Job,
// and then once more with it.
type record struct {
	Trial  int    `json:"trial"`
	Intent Intent `json:"intent"`
	// Job is the batch's ID; "" while it is not known whether there is one.
	Job string `json:"job,omitempty"`
	// Void says why there certainly is none.
	Void string `json:"void,omitempty"`

	number int // in the order of their beginnings, from 1
}

const recordPrefix = "retell.batch."

func readRecords(kept map[string]string) ([]*record, error) {
	var records []*record
	for name, value := range kept {
		number, ok := strings.CutPrefix(name, recordPrefix)
		if !ok {
			continue
		}
		r := &record{}
		n, err := strconv.Atoi(number)
		if err == nil {
			err = json.Unmarshal([]byte(value), r)
		}
		if err != nil {
			return nil, fmt.Errorf("retell: what the run has kept as %s can't be read: %w", name, err)
		}
		r.number = n
		records = append(records, r)
	}
	slices.SortFunc(records, func(a, b *record) int { return a.number - b.number })
	return records, nil
}

func (a *App) keep(ctx context.Context, r *record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return a.session.Keep(ctx, recordPrefix+strconv.Itoa(r.number), string(data))
}

// known are the batches of which it is known that this run started them.
func (a *App) known() []string {
	var ids []string
	for _, r := range a.records {
		if r.Job != "" {
			ids = append(ids, r.Job)
		}
	}
	return ids
}

// start starts a batch, once. What is not certain about it is kept.
func (a *App) start(ctx context.Context, trial int, ids []string) (*record, error) {
	intent, err := a.Client.Intend(ctx, CreateBatchTestRequest{DefinitionIDs: ids, ResponseEngine: a.Engine})
	if err != nil {
		return nil, err
	}
	r := &record{Trial: trial, Intent: intent, number: 1}
	if n := len(a.records); n > 0 {
		r.number = a.records[n-1].number + 1
	}
	if err := a.keep(ctx, r); err != nil {
		return nil, err
	}
	a.records = append(a.records, r)
	b, err := a.Client.Start(ctx, intent, a.known()...)
	switch {
	case err == nil:
		r.Job = b.ID
	case Ambiguous(err) || ctx.Err() != nil:
		return nil, fmt.Errorf("%w; nothing more is started: look at the platform, and --resume looks again", err)
	default:
		r.Void = err.Error()
	}
	return r, errors.Join(err, a.keep(context.WithoutCancel(ctx), r))
}

// takeUp goes on with the batches of an earlier process, as far as they have these
// trials, and gives the trials that are in none.
func (a *App) takeUp(ctx context.Context, trials []harness.Input) ([]harness.Input, error) {
	wanted := map[harness.Key]bool{}
	for _, t := range trials {
		wanted[harness.Key{Case: t.ID, Trial: t.Trial}] = true
	}
	for _, r := range slices.Backward(a.records) { // the newest one counts
		var ids []string
		for _, id := range r.Intent.Request.DefinitionIDs {
			if wanted[harness.Key{Case: id, Trial: r.Trial}] {
				ids = append(ids, id)
			}
		}
		if len(ids) == 0 || r.Void != "" {
			continue
		}
		if r.Job == "" {
			if err := a.adopt(ctx, r); err != nil {
				return nil, err
			}
			if r.Void != "" {
				continue
			}
		}
		if a.session.RetryErrors {
			var err error
			if ids, err = a.withResult(ctx, r, ids); err != nil {
				return nil, err
			}
		}
		for _, id := range ids {
			delete(wanted, harness.Key{Case: id, Trial: r.Trial})
		}
		if len(ids) > 0 {
			a.watch(r, ids)
		}
	}
	return slices.DeleteFunc(slices.Clone(trials), func(t harness.Input) bool {
		return !wanted[harness.Key{Case: t.ID, Trial: t.Trial}]
	}), nil
}

// adopt finds out what became of a batch that an earlier process was about to start.
func (a *App) adopt(ctx context.Context, r *record) error {
	b, err := a.Client.Adopt(ctx, r.Intent, a.known()...)
	var doubt *DoubtError
	switch {
	case err == nil:
		r.Job = b.ID
	case errors.As(err, &doubt) && doubt.Lost():
		r.Void = "it never came about"
	case errors.As(err, &doubt):
		next := fmt.Sprintf("%s after it was sent one that is not there is started anew", Margin)
		if a.Engine.Version == nil {
			next = "a new run does not ask for it"
		}
		return fmt.Errorf("%w; nothing is started while that is open: --resume looks again, and %s", err, next)
	default:
		return err
	}
	return a.keep(ctx, r)
}

// withResult are those of the test cases that have a result in a batch, or may still
// get one. One that the platform does not have any more has none.
func (a *App) withResult(ctx context.Context, r *record, ids []string) ([]string, error) {
	b, err := a.Client.GetBatchTest(ctx, r.Job)
	if err == nil && !b.Finished() {
		return ids, nil
	}
	var runs []TestRun
	if err == nil {
		runs, err = whole(a.Client.AllTestRuns(ctx, r.Job))
	}
	switch {
	case gone(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	l := examine(r, b, runs)
	return slices.DeleteFunc(ids, func(id string) bool {
		o, ok := l.outcomes[id]
		return ok && o.err != nil
	}), nil
}
