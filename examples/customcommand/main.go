// Command customcommand is an evalrun of one's own: the whole command, with an
// evaluator, a kind of app and a report format that are written in Go.
//
//	go run ./examples/customcommand run examples/customcommand/suite.yaml
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

func main() {
	c := cli.Config{Evaluators: evaluator.NewRegistry(), Targets: target.NewRegistry(), Reporters: reporter.NewRegistry()}
	if err := errors.Join(
		c.Evaluators.Add(evaluator.Func("polite", polite)),
		c.Targets.Define(target.Kind{Name: "desk", Doc: "The help desk, in this process.", Options: deskOptions{}, New: newDesk}),
		c.Reporters.Add("chat", reporter.Func(chat)),
	); err != nil {
		log.Fatal(err)
	}
	os.Exit(cli.Run(context.Background(), c))
}
