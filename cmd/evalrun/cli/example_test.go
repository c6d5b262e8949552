package cli_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
)

// polite is an evaluator of our own.
func polite(_ context.Context, t harness.Trial) (harness.Score, error) {
	return harness.PassIf(strings.Contains(t.Output.Text(), "please"), `does not say "please"`), nil
}

// An evalrun with an evaluator of your own: suites name it as they name the
// built-in ones, and all commands know it. In a program of your own Args stays
// empty, and the exit code goes to os.Exit.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "evalrun-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "suite.yaml")
	err = os.WriteFile(path, []byte(`
name: manners
dataset:
  cases:
    - {id: a, input: "come in, please"}
    - {id: b, input: "come in"}
app: {echo: {}}
evaluators: [polite]
gate: [polite.pass_rate >= 0.9]
`), 0o600)
	if err != nil {
		log.Fatal(err)
	}

	registry := evaluator.NewRegistry()
	if err := registry.Add(evaluator.Func("polite", polite)); err != nil {
		log.Fatal(err)
	}
	code := cli.Run(context.Background(), cli.Config{
		Evaluators: registry,
		Args:       []string{"run", path, "--quiet", "--store", filepath.Join(dir, ".evalrun")},
	})
	fmt.Println("exit code", code)
	// Output:
	// exit code 1
}
