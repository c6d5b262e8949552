// Command tools is an evalrun with an evaluator of its own: called, which compares the
// tools that an agent has called, and their arguments, with those that a case expects.
//
//	go run ./examples/tools run examples/tools/suite.yaml
package main

import (
	"context"
	"log"
	"os"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
)

func main() {
	r := evaluator.NewRegistry()
	if err := r.Add(evaluator.Func("called", called)); err != nil {
		log.Fatal(err)
	}
	os.Exit(cli.Run(context.Background(), cli.Config{Evaluators: r}))
}
