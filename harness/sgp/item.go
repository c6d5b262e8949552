package sgp

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
)

// RunKey names a result of a run. It travels inside test_case_evaluation_data,
// as "_evalrun", so that what is on the platform can be told apart.
type RunKey struct {
	Run   string `json:"run"`
	Case  string `json:"case"`
	Trial int    `json:"trial"`
	// SHA is of the item without this key: the first 16 hexadecimal digits of the
	// SHA-256 of its JSON. It differs when the same trial is posted with other
	// scores.
	SHA string `json:"sha"`
}

// RunKey is the key that the data holds; false when there is none.
func (d TestCaseEvaluationData) RunKey() (RunKey, bool) {
	return parseRunKey(d.Unknown[keptKey])
}

func parseRunKey(raw json.RawMessage) (RunKey, bool) {
	var k RunKey
	return k, json.Unmarshal(raw, &k) == nil && k.Run != "" && k.Case != ""
}

// item is one result on its way.
type item struct {
	key  harness.Key
	run  RunKey
	data json.RawMessage // its TestCaseResultRequest
}

// item makes the request for one result.
//
// The answer is generation_output: text as it is, a map as a map where the case
// has one too (the dataset is Flexible then), anything else as JSON text. Chunks
// are its generation_extra_info. A score becomes the value of its question, as a
// number; one that is an error is left out. A trial without an answer has the
// output "" and its error as text in generation_extra_info, and no result.
func (p *Publisher) item(r harness.Result) (item, error) {
	req := TestCaseResultRequest{
		ApplicationSpecID:           p.ApplicationSpecID,
		EvaluationDatasetVersionNum: p.DatasetVersion,
		TestCaseID:                  r.Case.ID,
		TestCaseEvaluationData:      evaluationData(r),
		AccountID:                   p.Client.account,
	}
	if r.Error == nil {
		req.Result = p.values(r.Scores)
	}
	it := item{key: r.Key(), run: RunKey{Run: p.RunID, Case: r.Case.ID, Trial: r.Trial}} // the key counts after an error too
	body, err := wire.Marshal(req)
	if err != nil {
		return it, fmt.Errorf("encode the result of case %q, trial %d: %w", r.Case.ID, r.Trial, err)
	}
	sum := sha256.Sum256(body)
	it.run.SHA = hex.EncodeToString(sum[:8])
	key, err := wire.Marshal(it.run)
	if err != nil {
		return it, err
	}
	req.TestCaseEvaluationData.Unknown = Unknown{keptKey: key}
	it.data, err = wire.Marshal(req)
	return it, err
}

func evaluationData(r harness.Result) TestCaseEvaluationData {
	switch {
	case r.Error != nil:
		return TestCaseEvaluationData{
			GenerationOutput:    "",
			GenerationExtraInfo: StringInfo(string(r.Error.Kind) + ": " + r.Error.Message),
		}
	case r.Output == nil:
		return TestCaseEvaluationData{GenerationOutput: ""}
	}
	schema := TestCaseData{Input: plain(r.Case.Input), ExpectedOutput: plain(r.Case.Expected)}.schema()
	d := TestCaseEvaluationData{GenerationOutput: textOrMap(r.Output.Value, schema)}
	if len(r.Output.Chunks) > 0 {
		chunks := make([]Chunk, len(r.Output.Chunks))
		for i, c := range r.Output.Chunks {
			chunks[i] = Chunk{Text: c.Text, Metadata: c.Metadata}
		}
		d.GenerationExtraInfo = ChunksInfo(chunks...)
	}
	return d
}

// values are the scores by question; nil when there is none.
func (p *Publisher) values(scores []harness.Score) map[string]any {
	var values map[string]any
	for _, s := range scores {
		if s.Error != nil || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
			continue
		}
		name := s.Name
		if question, ok := p.Questions[name]; ok {
			name = question
		}
		if values == nil {
			values = map[string]any{}
		}
		values[name] = s.Value
	}
	return values
}
