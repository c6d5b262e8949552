package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Config says what to run. Source, App and at least one Evaluator are needed;
// the zero value of everything else is a good default.
type Config struct {
	Source     Source
	App        App
	Evaluators []Evaluator

	// Journal makes the run resumable; nil keeps nothing, but for a hash of each
	// case ID (20 to 40 bytes a case), by which an ID that comes again on a later
	// page is noticed. Every other sink gets a result only after the journal has it.
	Journal Journal
	// Sinks get the results in batches, each at its own pace.
	Sinks []Sink
	// Batch sizes the batches that the sinks get.
	Batch Batch

	// Trials is how often each case is asked, default 1.
	Trials int
	// Concurrency is how many trials the app answers at once, default 16; as many
	// again may be scored meanwhile.
	Concurrency int
	// Timeout bounds each call of the app, the whole answer included. Default one
	// minute. A call that is cut off is not made again. Pauses between retries do
	// not count.
	Timeout time.Duration
	// ScoreTimeout bounds each call of an evaluator. Default five minutes.
	ScoreTimeout time.Duration
	// Retry is for calls of the app that fail.
	Retry Retry
	// Pacer is asked before each call of the app, retries included; nil lets all
	// through. Limited makes one of a rate limiter.
	Pacer Pacer
	// Ahead, when given, is told of trials before any of them begins, a page of the
	// source at a time: what the App will be asked. It is for apps that start many
	// at once. Its error ends the run.
	Ahead func(ctx context.Context, trials []Input) error
	// Demand, when given, says when each trial begins; nil lets the engine decide.
	Demand *Demand
	// Grace is how long running trials may go on after ctx has ended, default
	// 10s. What finishes by then is kept.
	Grace time.Duration
	// Abort, when closed, ends the grace period at once.
	Abort <-chan struct{}

	// Filter chooses cases; nil takes all.
	Filter func(Case) bool
	// Sample takes this fraction of the cases, in (0,1]; 0 takes all. The choice
	// follows from Seed and the case's ID: the same cases each time.
	Sample float64
	// Limit takes the first cases that Filter and Sample let through; 0 takes all.
	Limit int64
	// Reduce makes one number of the scores of a case's trials, for the report; nil
	// is their mean. Package reduce has others.
	Reduce func(scores []float64) float64
	// Seed is for whatever is random: the sample, the seeds that apps get, the
	// spread of retries.
	Seed int64

	// Progress, when given, is kept up to date.
	Progress *Progress
}

// Batch says when a batch is full: when any of the three is reached.
type Batch struct {
	// Items is the most results in a batch, default 100.
	Items int
	// Bytes is about how large a batch may get, default 1 MiB. A result that is
	// larger by itself is a batch of its own.
	Bytes int
	// Wait is the longest that a result waits for others, default 1s.
	Wait time.Duration
}

func (c Config) withDefaults() (Config, error) {
	var errs []error
	if c.Source == nil {
		errs = append(errs, errors.New("no Source"))
	}
	if c.App == nil {
		errs = append(errs, errors.New("no App"))
	}
	if len(c.Evaluators) == 0 || slices.Contains(c.Evaluators, nil) {
		errs = append(errs, errors.New("no Evaluators, or a nil one"))
	}
	if c.Sample < 0 || c.Sample > 1 {
		errs = append(errs, fmt.Errorf("a Sample of %v, need 0 to 1", c.Sample))
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"Trials", int64(c.Trials)}, {"Concurrency", int64(c.Concurrency)}, {"Timeout", int64(c.Timeout)},
		{"ScoreTimeout", int64(c.ScoreTimeout)},
		{"Grace", int64(c.Grace)}, {"Limit", c.Limit}, {"Retry.Max", int64(c.Retry.Max)},
		{"Batch.Items", int64(c.Batch.Items)}, {"Batch.Bytes", int64(c.Batch.Bytes)},
	} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("%s is negative", f.name))
		}
	}
	names := map[string]bool{}
	for _, name := range c.evaluatorNames() {
		if names[name] {
			errs = append(errs, fmt.Errorf("two Evaluators are called %q", name))
		}
		names[name] = true
	}
	if err := errors.Join(errs...); err != nil {
		return c, fmt.Errorf("harness: config: %w", err)
	}
	c.Trials = defaultTo(c.Trials, 1)
	c.Concurrency = defaultTo(c.Concurrency, 16)
	c.Timeout = defaultTo(c.Timeout, time.Minute)
	c.ScoreTimeout = defaultTo(c.ScoreTimeout, 5*time.Minute)
	c.Grace = defaultTo(c.Grace, 10*time.Second)
	c.Retry.Wait = defaultTo(c.Retry.Wait, 500*time.Millisecond)
	c.Retry.MaxWait = defaultTo(c.Retry.MaxWait, 8*time.Second)
	c.Retry.RetryAfterCap = defaultTo(c.Retry.RetryAfterCap, time.Minute)
	c.Batch.Items = defaultTo(c.Batch.Items, 100)
	c.Batch.Bytes = defaultTo(c.Batch.Bytes, 1<<20)
	c.Batch.Wait = defaultTo(c.Batch.Wait, time.Second)
	if c.Progress == nil {
		c.Progress = &Progress{}
	}
	return c, nil
}

func defaultTo[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

func (c Config) evaluatorNames() []string {
	var names []string
	for _, e := range c.Evaluators {
		if e != nil {
			names = append(names, e.Name())
		}
	}
	return names
}
