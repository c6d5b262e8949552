package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

// polite is an evaluator of our own.
func polite(_ context.Context, t harness.Trial) (harness.Score, error) {
	return harness.PassIf(strings.Contains(t.Output.Text(), "please"), `does not say "please"`), nil
}

// host is an app in this process; its greeting is an option in the suite.
type hostOptions struct {
	Greeting string `yaml:"greeting" json:"greeting" jsonschema_description:"What the host says first."`
}

func newHost(n strict.Node, _ target.Env) (harness.App, error) {
	o := hostOptions{Greeting: "welcome"}
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	return harness.TextApp(func(_ context.Context, guest string) (string, error) {
		return o.Greeting + ", " + guest, nil
	}), nil
}

// line is a report format of one line.
func line(w io.Writer, d reporter.Data) error {
	_, err := fmt.Fprintf(w, "%s: %s of %d cases\n", d.Report.Suite, d.Report.Verdict, d.Report.Cases.Planned)
	return err
}

// An evalrun with an evaluator, a kind of app and a report format of your own:
// suites name them as they name the built-in ones, and all commands know them. In
// a program of your own Args stays empty, and the exit code goes to os.Exit.
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
    - {id: a, input: "Ada"}
    - {id: b, input: "Grace, please sit down"}
app: {host: {greeting: good evening}}
evaluators: [polite]
gate: [polite.pass_rate >= 0.9]
reports: [line]
`), 0o600)
	if err != nil {
		log.Fatal(err)
	}

	config := cli.Config{
		Evaluators: evaluator.NewRegistry(), Targets: target.NewRegistry(), Reporters: reporter.NewRegistry(),
		Args: []string{"run", path, "--quiet", "--store", filepath.Join(dir, ".evalrun")},
	}
	err = errors.Join(
		config.Evaluators.Add(evaluator.Func("polite", polite)),
		config.Targets.Define(target.Kind{Name: "host", Doc: "Greets the guest.", Options: hostOptions{}, New: newHost}),
		config.Reporters.Add("line", reporter.Func(line)),
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("exit code", cli.Run(context.Background(), config))
	// Output:
	// manners: fail of 2 cases
	// exit code 1
}
