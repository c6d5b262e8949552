package sgpserver_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// The project's own client, source and publisher against this server: cases go
// up and are published, come down page by page, are answered, and the results
// that are posted from a store's outbox read back equal to the local ones.
func TestPipelineThroughTheClient(t *testing.T) {
	for _, schema := range []string{sgp.Generation, sgp.Flexible} {
		t.Run(schema, func(t *testing.T) {
			ctx := t.Context()
			a := start(t, sgpserver.Config{APIKey: "k"})
			client, err := sgp.New(sgp.Config{BaseURL: a.url, APIKey: "k", AccountID: "acc"})
			require.NoError(t, err)
			defer func() { require.NoError(t, client.Close()) }()

			var cases harness.Cases
			for i := range 257 {
				c := harness.Case{ID: "row-" + strconv.Itoa(i), Input: fmt.Sprintf("What is %d?", i), Expected: strconv.Itoa(i), Metadata: map[string]any{"n": float64(i)}}
				if schema == sgp.Flexible {
					c.Input = map[string]any{"question": c.Input, "n": float64(i)}
				}
				cases = append(cases, c)
			}
			pushed, err := sgp.Push(ctx, client, cases, sgp.PushConfig{Name: "numbers", SchemaType: schema, ChunkItems: 50})
			require.NoError(t, err)
			assert.Equal(t, int64(257), pushed.Cases)
			assert.Equal(t, 1, pushed.Version)
			_, err = client.BatchCreateTestCases(ctx, pushed.DatasetID, []sgp.TestCaseVersionRequest{{TestCaseData: sgp.TestCaseData{Input: "later"}}})
			require.NoError(t, err)

			spec, err := client.CreateApplicationSpec(ctx, sgp.ApplicationSpecRequest{Name: "bot", AccountID: "acc"})
			require.NoError(t, err)
			evaluation, err := client.CreateEvaluation(ctx, sgp.EvaluationRequest{Name: "run", AccountID: "acc", ApplicationSpecID: spec.ID})
			require.NoError(t, err)

			source := &sgp.Source{Client: client, DatasetID: pushed.DatasetID, Version: 1, PageSize: 40}
			local := runLocally(t, a.store, source, func(run *store.Run) {
				more := make(chan struct{})
				close(more)
				require.NoError(t, (&sgp.Publisher{
					Client: client, Outbox: run, RunID: run.ID(), EvaluationID: evaluation.ID,
					ApplicationSpecID: spec.ID, DatasetVersion: "1", BatchItems: 30,
				}).Run(ctx, more))
				pending, posting, posted, rejected, err := run.PostCounts(ctx)
				require.NoError(t, err)
				assert.Equal(t, []int64{0, 0, 257, 0}, []int64{pending, posting, posted, rejected})
			})
			require.Len(t, local, 257, "the version holds what was there when it was published")

			posted := map[string]sgp.TestCaseResult{}
			for n := 1; n <= 3; n++ {
				page, err := client.ListResults(ctx, evaluation.ID, sgp.ListOptions{Page: n, Limit: 100})
				require.NoError(t, err)
				assert.Equal(t, int64(257), page.TotalItemCount)
				for _, r := range page.Items {
					posted[r.TestCaseID] = r
				}
			}
			for id, want := range local {
				got := posted[id]
				assert.Equal(t, want.Output.Value, got.TestCaseEvaluationData.GenerationOutput)
				assert.Equal(t, "COMPLETED", got.LabelStatus)
				assert.Equal(t, map[string]any{"right": 1.0}, got.Result)
			}
			evaluation, err = client.GetEvaluation(ctx, evaluation.ID)
			require.NoError(t, err)
			assert.Equal(t, "COMPLETED", evaluation.Status)
		})
	}
}

// bot is the app: it knows the answer by the number in the question's metadata.
type bot struct{}

func (bot) Respond(_ context.Context, in harness.Input) (harness.Output, error) {
	return harness.Output{Value: fmt.Sprintf("it is %v", in.Metadata["n"])}, nil
}

// right tells whether the answer is the expected one.
type right struct{}

func (right) Name() string { return "right" }

func (right) Evaluate(_ context.Context, t harness.Trial) ([]harness.Score, error) {
	ok := t.Output.Value == "it is "+t.Case.Expected.(string)
	return []harness.Score{harness.PassIf(ok, "it is not")}, nil
}

// runLocally runs the cases of a source with a run of the store as the journal,
// calls post before the run is closed, and gives the stored results by case.
func runLocally(t *testing.T, db *store.Store, source harness.Source, post func(*store.Run)) map[string]harness.Result {
	t.Helper()
	ctx := t.Context()
	run, err := db.Create(ctx, store.Spec{Suite: "s", Publish: &store.Publish{Platform: "sgp"}})
	require.NoError(t, err)
	_, err = harness.Run(ctx, harness.Config{
		Source: source, App: bot{}, Evaluators: []harness.Evaluator{right{}}, Journal: run, Concurrency: 4,
	})
	require.NoError(t, err)
	post(run)
	require.NoError(t, run.Close())
	results := map[string]harness.Result{}
	for r, err := range db.Results(ctx, run.ID(), store.Query{}) {
		require.NoError(t, err)
		results[r.Case.ID] = r
	}
	return results
}
