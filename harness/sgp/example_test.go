package sgp_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// A run over the cases of a published version, whose results go to an evaluation
// that is made for it.
func Example() {
	ctx := context.Background()
	client, err := sgp.New(sgp.ConfigFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	evaluation, err := sgp.StartEvaluation(ctx, client, sgp.RunEvaluation{RunID: "run-1", Name: "nightly", Application: "support bot"})
	if err != nil {
		log.Fatal(err)
	}
	report, err := harness.Run(ctx, harness.Config{
		Source: &sgp.Source{Client: client, DatasetID: "ds_1", Version: 3},
		App: harness.TextApp(func(_ context.Context, question string) (string, error) {
			return "an answer to " + question, nil
		}),
		Sinks: []harness.Sink{sgp.NewSink(sgp.Publisher{
			Client: client, RunID: "run-1", EvaluationID: evaluation.ID,
			ApplicationSpecID: evaluation.ApplicationSpecID, DatasetVersion: "3",
		})},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Trials.Completed)
}

// Cases of a file, or of any other source, become a dataset on the platform.
func ExamplePush() {
	client, err := sgp.New(sgp.ConfigFromEnv(os.Getenv))
	if err != nil {
		log.Fatal(err)
	}
	pushed, err := sgp.Push(context.Background(), client, harness.Cases{
		{ID: "refund", Input: "Can I get a refund?", Expected: "Within 30 days."},
	}, sgp.PushConfig{Name: "support questions"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pushed.DatasetID, pushed.Version)
}

// ToTestCase keeps what the platform has no field for beside the rest.
func ExampleToTestCase() {
	c := harness.Case{ID: "sum", Input: "1+1", Expected: 2}
	request := sgp.ToTestCase(c)
	fmt.Println(request.TestCaseData.ExpectedOutput, request.TestCaseMetadata)

	back := sgp.FromTestCase(sgp.TestCase{ID: "tc_1", TestCaseData: request.TestCaseData, TestCaseMetadata: request.TestCaseMetadata})
	fmt.Println(back.ID, back.Expected, back.Extra)
	// Output:
	// 2 map[_evalrun:map[expected:2 id:sum]]
	// tc_1 2 map[_evalrun:map[id:sum]]
}
