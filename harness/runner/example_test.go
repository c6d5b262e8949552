package runner_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// A suite is run as the command runs it: its results are stored, and its gate
// decides.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "evalrun-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	st, err := store.Open(filepath.Join(dir, ".evalrun"))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()
	s, err := suite.Parse(filepath.Join(dir, "suite.yaml"), []byte(`
name: greetings
dataset:
  cases:
    - {id: hello, input: hello, expected: hello}
    - {id: bye, input: bye, expected: good bye}
app: {echo: {}}
evaluators: [equals]
gate: [equals.pass_rate >= 0.9]
`), suite.Options{})
	if err != nil {
		log.Fatal(err)
	}

	outcome, err := runner.Run(context.Background(), s, runner.Options{Store: st})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(outcome.Report.Cases.Completed, "cases:", outcome.Report.Verdict)
	fmt.Println("exit code", outcome.Code())

	// What is stored can be looked at later on.
	for result, err := range runner.Results(context.Background(), st, outcome.RunID) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(result.Case.ID, result.Scores[0].Value)
	}
	// Output:
	// 2 cases: fail
	// exit code 1
	// hello 1
	// bye 0
}
