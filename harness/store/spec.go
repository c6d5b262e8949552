package store

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// Spec says what a run is made of: enough to see it, and to resume it.
type Spec struct {
	// Suite is the suite's name, Text its file as written, Path where that was.
	Suite string `json:"suite,omitempty"`
	Text  string `json:"text,omitempty"`
	Path  string `json:"path,omitempty"`
	// App is the name of the app under test.
	App string `json:"app,omitempty"`
	// Dataset names the dataset, DatasetDigest is of its bytes ("sha256:...").
	Dataset       string `json:"dataset,omitempty"`
	DatasetDigest string `json:"dataset_digest,omitempty"`
	// Revision is the git commit of the folder of the suite.
	Revision string `json:"revision,omitempty"`
	// Seed is what the run's random choices follow from.
	Seed int64 `json:"seed,omitempty"`
	// Trials is how many there are per case; 0 means 1, 4095 is the most.
	Trials int `json:"trials,omitempty"`
	// Reduce is how the trials of a case become one number; "" is the mean.
	Reduce string `json:"reduce,omitempty"`
	// Digests are of how the app ("app") and each evaluator ("evaluator NAME") are
	// written in the suite.
	Digests map[string]string `json:"digests,omitempty"`
	// Evaluators are the names of the metrics, in order.
	Evaluators []string `json:"evaluators,omitempty"`
	// Gate are the checks of the gate, as the suite has them.
	Gate []string `json:"gate,omitempty"`
	// Options are the flags that change what runs (limit, filter, ...).
	Options map[string]string `json:"options,omitempty"`
	// Version is the program's.
	Version string `json:"version,omitempty"`
	// Publish is where results go to; nil when they stay here.
	Publish *Publish `json:"-"`
}

// Publish is where the results of a run go to.
type Publish struct {
	Platform          string `json:"platform"` // "sgp"
	EvaluationID      string `json:"evaluation_id,omitempty"`
	ApplicationSpecID string `json:"application_spec_id,omitempty"`
	DatasetVersion    string `json:"dataset_version,omitempty"`
}

// The states of a run, in Info.Status. The first is never in the database: it is
// a run that is Running there while no process has its lock.
const (
	Interrupted = "interrupted"
	Running     = "running"
)

// Info is what is known of a run without reading its results.
type Info struct {
	// ID is a ULID: its order is that in which runs were created.
	ID   string
	Spec Spec
	// Status is Running, Interrupted, or what Finish was told: "complete" or
	// "incomplete".
	Status string
	// Reasons say why the run is incomplete.
	Reasons []string
	// Started and Finished are wall-clock times, for display only. Finished is
	// zero until Finish, and again while the run goes on after that.
	Started, Finished time.Time
	// Planned is how many cases there should be: those that were planned so far,
	// and once the run is finished at least as many as Finish was told. Each has
	// Spec.Trials trials.
	Planned int64
	// Completed is how many trials have a whole result, Errored how many of these
	// have an error of the app or of an evaluator. Both count trials, not cases;
	// pending results are in neither.
	Completed, Errored int64
	// Asked are the trials that were under way when the process of an Interrupted
	// run died, as far as that is known: what ended it may be among them.
	Asked []harness.Key
	// Posts counts the results on their way to a platform.
	Posts PostCounts
	// Audit is what the platform was last found to hold; nil when it was not asked
	// since the last result was claimed for posting.
	Audit *harness.Audit
}

// PostCounts is how many results are in each state on the way to a platform. All
// are 0 when the run has no Publish.
type PostCounts struct {
	Pending, Posting, Posted, Rejected int64
}

// encode gives the columns spec and publish.
func (s Spec) encode() (spec string, publish any, err error) {
	data, err := json.Marshal(s)
	if err != nil {
		return "", nil, fmt.Errorf("encode the spec: %w", err)
	}
	publish, err = s.Publish.encode()
	return string(data), publish, err
}

func (p *Publish) encode() (any, error) {
	if p == nil {
		return nil, nil
	}
	data, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("encode where to publish: %w", err)
	}
	return string(data), nil
}
