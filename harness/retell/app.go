package retell

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// App is a response engine as the app under test. Ahead starts batches of the
// trials to come, one trial of a test case in each, and Respond waits for the
// test run of its trial. Whatever is needed to go on with the batches in another
// process is kept with the run (Session.Keep) before a batch is started and as soon
// as its ID is known: none is started twice.
//
// An answer is a JSON object with result (pass or fail), explanation and
// transcript; its metadata has the definition as it was played and the IDs. A run
// that ended as an error is an error of the trial. So is one that is missing from a
// batch that is complete, or that is there twice, and each pass of a batch that
// counts fewer of them than it lists. What ends the run is a [StopError].
type App struct {
	Client *Client
	// Engine is what is tested.
	Engine ResponseEngine
	// Batch is the most test cases in a batch, default MaxBatch.
	Batch int
	// Poll is the first pause between two looks at the batches, default 2s. Each is
	// half as long again as the one before, up to 30s.
	Poll time.Duration
	// Deadline is how long a batch is waited for, from its start or from when a run
	// was resumed, by a clock that no change of the time moves. Default 30m.
	Deadline time.Duration

	session Session
	records []*record

	mu       sync.Mutex
	jobs     []*job               // that are waited for
	byTrial  map[harness.Key]*job // where each trial is played, by the definition's ID
	fatal    error                // why nothing more comes
	pause    time.Duration        // until the next look
	polling  bool                 // there is a goroutine that does
	stop     context.CancelFunc   // of that goroutine; nil before the first one
	group    sync.WaitGroup
	warnings []string
}

var _ harness.App = (*App)(nil)

// Session is what an App has to know of the run that it answers in.
type Session struct {
	// Kept is what an earlier process of the run has kept, by name.
	Kept map[string]string
	// Keep keeps a value with the run, and returns when it is on disk.
	Keep func(ctx context.Context, name, value string) error
	// RetryErrors plays trials once more whose batch is complete without a result
	// for them; else they are errors again.
	RetryErrors bool
	// Waiting, when given, is told what is waited for.
	Waiting func(harness.Waiting)
}

// StopError is trouble that ends a run, which can be resumed: it is not about
// the trial that it came to.
type StopError struct{ Err error }

func (e *StopError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StopError) Unwrap() error { return e.Err }

// Begin tells the App in which run it answers. It has to be called once, first.
func (a *App) Begin(s Session) error {
	a.session, a.byTrial = s, map[harness.Key]*job{}
	a.Batch, a.Poll, a.Deadline = orDefault(a.Batch, MaxBatch), orDefault(a.Poll, 2*time.Second), orDefault(a.Deadline, 30*time.Minute)
	var err error
	a.records, err = readRecords(s.Kept)
	for _, r := range a.records {
		if r.Intent.Request.ResponseEngine.Name() != a.Engine.Name() {
			return fmt.Errorf("retell: the run began with %s, and not with %s", r.Intent.Request.ResponseEngine.Name(), a.Engine.Name())
		}
	}
	if a.Engine.Version == nil {
		a.warn("the engine has no version: each batch tests the latest at its time, and one whose start was cut off may not be found again")
	}
	return err
}

// Ahead starts batches for the trials that are in none yet.
func (a *App) Ahead(ctx context.Context, trials []harness.Input) error {
	trials = slices.Clone(trials)
	for i, t := range trials {
		if trials[i].ID = definitionID(t); trials[i].ID == "" {
			return fmt.Errorf("retell: case %q is of no test case definition: its metadata has no %s", t.ID, keyDefinitionID)
		}
	}
	rest, err := a.takeUp(ctx, trials)
	if err != nil {
		return err
	}
	byNumber := map[int][]string{}
	numbers := []int{}
	for _, t := range rest {
		if byNumber[t.Trial] == nil {
			numbers = append(numbers, t.Trial)
		}
		byNumber[t.Trial] = append(byNumber[t.Trial], t.ID)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		for ids := range slices.Chunk(byNumber[n], a.Batch) {
			r, err := a.start(ctx, n, ids)
			if err != nil {
				return err
			}
			a.watch(r, ids)
		}
	}
	return nil
}

// Respond waits for the test run of a trial.
func (a *App) Respond(ctx context.Context, in harness.Input) (harness.Output, error) {
	id := definitionID(in)
	key := harness.Key{Case: id, Trial: in.Trial}
	a.mu.Lock()
	j, fatal := a.byTrial[key], a.fatal
	a.mu.Unlock()
	if j == nil {
		if fatal == nil {
			fatal = errors.New("retell: no batch was started for this trial")
		}
		return harness.Output{}, &StopError{fatal}
	}
	select {
	case <-j.done:
	case <-ctx.Done():
		return harness.Output{}, context.Cause(ctx)
	}
	o, ok := j.outcomes[id]
	if !ok {
		return harness.Output{}, &StopError{j.gaveUp}
	}
	if o.err != nil {
		return harness.Output{}, &harness.Error{Kind: harness.KindApp, Permanent: true, Message: o.err.Error(), Err: o.err}
	}
	if prompt := o.run.Definition.UserPrompt; prompt != in.Text() {
		a.warn(fmt.Sprintf("test case %s was played with another user_prompt than it had when the run began", in.ID))
	}
	return answer(o.run, j.record.Job)
}

// warn keeps a warning.
func (a *App) warn(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.warnings, text) {
		a.warnings = append(a.warnings, text)
	}
}

// Warnings are what the platform said that does not fit together.
func (a *App) Warnings() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.warnings)
}

// Close ends the waiting. Batches go on: nothing can stop them.
func (a *App) Close() error {
	a.mu.Lock()
	stop := a.stop
	a.mu.Unlock()
	if stop != nil {
		stop()
	}
	a.group.Wait()
	return a.Client.Close()
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Name says which engine it is, for people: its type, ID and version.
func (e ResponseEngine) Name() string {
	version := "without a version"
	if e.Version != nil {
		version = fmt.Sprintf("version %d", *e.Version)
	}
	return e.Type + " " + e.ID() + " " + version
}
