package cli

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a starter suite that runs as it is",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			files := suite.Starter()
			for _, name := range slices.Sorted(maps.Keys(files)) {
				if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
					return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s is there already", filepath.Join(dir, name)),
						Hint: "nothing was written; evalrun init DIR writes into another folder"}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					return err
				}
				if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
					return err
				}
				a.say("wrote %s", path)
			}
			a.say("try: evalrun run %s", filepath.Join(dir, "suite.yaml"))
			return nil
		},
	}
}

func (a *app) validateCommand() *cobra.Command {
	var data bool
	cmd := &cobra.Command{
		Use:   "validate SUITE.yaml...",
		Short: "Check suites without running anything",
		Long: `Validate checks all of a suite, and of its dataset the first case. --data reads
the whole dataset, and shows the first broken rows and repeated IDs.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var errs []error
			for _, path := range args {
				s, err := a.valid(path)
				if err != nil {
					a.fail(err)
					errs = append(errs, err)
					continue
				}
				counted := ""
				if data {
					cases, err := s.CheckDataset(cmd.Context())
					if err != nil {
						a.fail(fmt.Errorf("%s: dataset: %w", path, err))
						errs = append(errs, err)
						continue
					}
					counted = ", " + reporter.Plural(cases, "case", "cases")
				}
				if !a.quiet {
					fmt.Fprintf(a.stdout, "%s: ok: %s, %s%s\n", path, reporter.Plural(len(s.Metrics), "evaluator", "evaluators"),
						reporter.Plural(len(s.Gate), "check", "checks"), counted)
				}
			}
			for _, err := range errs {
				a.code = runner.Worst(a.code, codeOf(cmd.Context(), err))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&data, "data", false, "read the whole dataset, too")
	return cmd
}

// valid loads a suite and plans its reports.
func (a *app) valid(path string) (*suite.Suite, error) {
	s, err := a.load(path)
	if err != nil {
		return nil, err
	}
	var jobs []job
	for _, app := range s.Apps {
		jobs = append(jobs, job{suite: s, app: app.Name, path: path})
	}
	if _, err := (outputFlags{}).plan(jobs); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of suite files, for editors",
		Example: "  evalrun schema > evalrun.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			data, err := suite.Schema(a.suiteOptions())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s\n", data)
			return err
		},
	}
}
