// Command evalrun runs evals of LLM apps: see package cli, or evalrun --help.
package main

import (
	"os"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
)

func main() {
	collectBySize()
	os.Exit(cli.Main())
}
