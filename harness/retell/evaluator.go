package retell

import (
	"context"
	"errors"

	"github.com/evalrun/evalrun/harness"
)

// Metric is the name of the Evaluator's metric.
const Metric = "retell"

// The keys of the answer of an App, which is a JSON object, and of its metadata.
const (
	keyResult      = "result" // StatusPass or StatusFail
	keyExplanation = "explanation"
	keyTranscript  = "transcript"
	keyBatch       = "test_case_batch_job_id"
	keyRun         = "test_case_job_id"
	keyDefinition  = "definition"
)

// Evaluator scores the answers of an App by what Retell judged: 1 for a pass, 0
// for a fail, with the explanation as the reason.
type Evaluator struct{}

var _ harness.Evaluator = Evaluator{}

// Name is Metric.
func (Evaluator) Name() string { return Metric }

// Evaluate gives one score.
func (Evaluator) Evaluate(_ context.Context, t harness.Trial) ([]harness.Score, error) {
	answer, _ := t.Output.Value.(map[string]any)
	explanation, _ := answer[keyExplanation].(string)
	pass := answer[keyResult] == StatusPass
	if !pass && answer[keyResult] != StatusFail {
		return nil, errors.New("the answer is no test run of Retell: it has no result")
	}
	if explanation == "" && !pass {
		explanation = "Retell gives no explanation"
	}
	score := harness.PassIf(pass, "")
	score.Reason = explanation
	return []harness.Score{score}, nil
}
