// Command evalrun runs evals of LLM apps: see package cli, or evalrun --help.
package main

import (
	"os"
	"runtime/debug"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
)

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300) // the heap is a few megabytes: collect less often
	}
	os.Exit(cli.Main())
}
