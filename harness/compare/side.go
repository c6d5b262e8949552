package compare

import (
	"context"
	"iter"

	"github.com/evalrun/evalrun/harness"
)

// Side is one of the two runs: a stored one, or a baseline file.
type Side interface {
	// About says what the run is made of.
	About() About
	// Cases ranges over its cases in the order of its dataset.
	Cases(ctx context.Context) iter.Seq2[Case, error]
	// Case finds one by ID; ok is false when there is none.
	Case(ctx context.Context, id string) (c Case, ok bool, err error)
}

// About is what a run is made of. Two runs with other digests measure different
// things.
type About struct {
	// Name is what the user called it: a run's ID, a baseline's name or a file.
	Name string
	// Run is the run's ID.
	Run string
	// Suite and App name the suite and the app.
	Suite, App string
	// Incomplete: the run did not end, so that cases or trials are missing.
	Incomplete bool
	// Trials per case.
	Trials int
	// Reduce is how the trials of a case become one number, such as mean.
	Reduce string
	// Metrics are the names of the metrics.
	Metrics []string
	// Digests are of what the scores depend on: "dataset", "evaluator NAME", and of
	// what is expected to differ: "app". One that is missing is not known.
	Digests map[string]string
}

// Case is what a run found out about one case.
type Case struct {
	ID string
	// Hash is of its content (harness.Case.Hash).
	Hash string
	// Cluster names what it shares with other cases; "" for nothing.
	Cluster string
	// Metadata is the case's, for slices.
	Metadata map[string]any
	// Trials are in order; fewer than planned when the run is not complete.
	Trials []Trial
}

// Trial is one trial of a case.
type Trial struct {
	// Error is of the app: there was no answer.
	Error harness.ErrorKind
	// Scores by metric; one whose Missing is set could not be scored.
	Scores map[string]Score
	// LatencyMS is the time to the answer in milliseconds; 0 without one.
	LatencyMS float64
	// CostUSD is the answer's price; nil when unknown.
	CostUSD *float64
}

// Score is one metric's score of a trial.
type Score struct {
	Value float64
	// Pass is the verdict; nil when the metric gives none.
	Pass    *bool
	Missing bool
}

// FromResults makes a case of its results, in the order of the trials.
func FromResults(results []harness.Result) Case {
	if len(results) == 0 {
		return Case{}
	}
	first := results[0].Case
	c := Case{ID: first.ID, Hash: first.Hash(), Cluster: first.Cluster, Metadata: first.Metadata}
	for _, r := range results {
		c.Trials = append(c.Trials, fromResult(r))
	}
	return c
}

func fromResult(r harness.Result) Trial {
	t := Trial{Scores: map[string]Score{}}
	if r.Error != nil {
		t.Error = r.Error.Kind
		return t
	}
	t.LatencyMS = float64(r.Latency) / 1e6
	if r.Output != nil {
		t.CostUSD = r.Output.CostUSD
	}
	for _, s := range r.Scores {
		t.Scores[s.Name] = Score{Value: s.Value, Pass: s.Pass, Missing: s.Error != nil}
	}
	return t
}
