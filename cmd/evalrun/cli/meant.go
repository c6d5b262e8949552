package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
)

// subcommand refuses arguments of a command that has commands below it: they are
// none of these.
func subcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := cmd.CommandPath() + " --help shows the commands"
	if strings.HasSuffix(args[0], ".yaml") || strings.HasSuffix(args[0], ".yml") {
		hint = "to run a suite: evalrun run " + shown(args[0])
	}
	return &runner.Error{Code: runner.CodeUsage, Hint: hint,
		Err: fmt.Errorf("unknown command %s for %s%s", strict.Quote(args[0]), cmd.CommandPath(), strict.Meant(args[0], names))}
}

// flagError adds the flag that is meant to an error about one that is not there.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		add := func(f *pflag.Flag) { names = append(names, f.Name) }
		cmd.Flags().VisitAll(add)
		cmd.InheritedFlags().VisitAll(add)
		if near := strict.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, near)
		}
	}
	return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: cmd.CommandPath() + " --help shows the flags"}
}
