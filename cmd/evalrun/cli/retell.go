package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) retellCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retell",
		Short: "Batch tests of voice agents on Retell, and the files of their test cases",
		Long: `Retell plays test cases against a voice agent and judges each call. A suite with
the section retell has Retell do that; push and pull keep the test cases in a
file. RETELL_API_KEY is the key, and RETELL_BASE_URL names another address, such
as that of evalrun serve --retell.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args: subcommand,
	}
	cmd.AddCommand(a.retellRunCommand(), a.retellPushCommand(), a.retellPullCommand())
	return cmd
}

// retellRunCommand is evalrun run, beside the other commands for Retell.
func (a *app) retellRunCommand() *cobra.Command {
	cmd := a.runCommand(&runFlags{retell: true})
	cmd.Short = "Run suites that have the section retell: the same as evalrun run"
	cmd.Long = `Run has Retell play the test cases of each suite and judge the calls, keeps the
results, writes the reports and judges the suite's gate. It is evalrun run for
suites that have the section retell; evalrun retell push sends their test cases.

--resume goes on with the newest run of the suite, or with the run whose ID
follows; --retry-errors does so too and runs the errored trials again.`
	cmd.Example = "  evalrun retell run voice.yaml --trials 3\n  evalrun retell run voice.yaml --resume"
	return cmd
}

// engineFlags name the response engine of test cases.
type engineFlags struct{ llm, flow string }

func (f *engineFlags) add(fl *pflag.FlagSet, which string) {
	fl.StringVar(&f.llm, "llm-id", "", "the Retell LLM "+which)
	fl.StringVar(&f.flow, "conversation-flow-id", "", "the conversation flow "+which)
}

// engine is what the flags name; nil for nothing.
func (f engineFlags) engine() (*retell.ResponseEngine, error) {
	switch {
	case f.llm != "" && f.flow != "":
		return nil, &runner.Error{Code: runner.CodeUsage, Err: errors.New("--llm-id and --conversation-flow-id: expected one of them")}
	case f.llm != "":
		return &retell.ResponseEngine{Type: retell.EngineLLM, LLMID: f.llm}, nil
	case f.flow != "":
		return &retell.ResponseEngine{Type: retell.EngineFlow, ConversationFlowID: f.flow}, nil
	}
	return nil, nil
}

func (a *app) retellPullCommand() *cobra.Command {
	var f engineFlags
	var path string
	cmd := &cobra.Command{
		Use:   "pull",
		Short: "Write the test case definitions of a response engine to a YAML file",
		Example: `  evalrun retell pull --llm-id llm_1 -o cases.yaml
  evalrun retell pull --conversation-flow-id flow_1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.retellPull(cmd, f, path) },
	}
	f.add(cmd.Flags(), "whose test cases to write")
	cmd.Flags().StringVarP(&path, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

func (a *app) retellPull(cmd *cobra.Command, f engineFlags, path string) error {
	engine, err := f.engine()
	if err == nil && engine == nil {
		err = &runner.Error{Code: runner.CodeUsage, Err: errors.New("expected --llm-id ID or --conversation-flow-id ID")}
	}
	if err != nil {
		return err
	}
	if dir := filepath.Dir(path); path != "" && !present(dir) {
		return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("--output %s: there is no folder %s", path, dir)}
	}
	client, err := a.retell()
	if err != nil {
		return err
	}
	defer client.Close()
	definitions, lost, err := client.Pull(cmd.Context(), *engine)
	if err != nil {
		return retellTrouble(err, "nothing was written")
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && len(definitions.Cases) == 0 {
		return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s %s has no test case: %s is left as it is", engine.Type, engine.ID(), path),
			Hint: "is the ID right, and of this account?"}
	}
	data, err := definitions.Format()
	if err != nil {
		return err
	}
	for _, what := range lost {
		a.say("warning: a file can't hold %s; it is left out", what)
	}
	if len(definitions.Cases) > 0 {
		if _, err := retell.ParseDefinitions(cmp.Or(path, "<stdout>"), data, nil); err != nil {
			a.say("warning: push does not take these test cases as they are:\n%s", err)
		}
	}
	if path == "" {
		_, err = a.stdout.Write(data)
		return err
	}
	file, err := create(path)
	if err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return errors.Join(err, file.Discard())
	}
	if err := file.Close(); err != nil {
		return err
	}
	if !a.quiet {
		a.say("%s in %s", reporter.Plural(len(definitions.Cases), "test case", "test cases"), path)
	}
	return nil
}

func (a *app) retell() (*retell.Client, error) {
	client, err := retell.New(retell.ConfigFromEnv(func(name string) string {
		value, _ := a.Getenv(name)
		return value
	}))
	if err != nil {
		hint := "set RETELL_API_KEY, and RETELL_BASE_URL for another server than Retell's own"
		if errors.Is(err, retell.ErrBaseURL) {
			hint = "an address is written like http://127.0.0.1:8401"
		}
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err, Hint: hint}
	}
	return client, nil
}

// retellTrouble gives an error of the platform its exit code: 2 when asking again
// would be refused again, else 4.
func retellTrouble(err error, what string) error {
	if errors.Is(err, retell.ErrSameName) || refused(err) {
		return err
	}
	return &runner.Error{Code: runner.CodeIncomplete, Err: err, Hint: what}
}

// refused tells whether the platform would say the same again.
func refused(err error) bool {
	var e *retell.Error
	return errors.As(err, &e) && e.Status >= 400 && e.Status < 500 && e.Status != 408 && e.Status != 429
}
