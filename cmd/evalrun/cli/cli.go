package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/reporter"
)

// Config says what the command works with. The zero value is the evalrun
// command as it is shipped, on this process's arguments, files and environment.
type Config struct {
	// Evaluators are those that suites can name; nil means the built-in ones.
	Evaluators *evaluator.Registry
	// Args are the arguments after the program's name; nil means os.Args[1:].
	Args []string
	// Stdout and Stderr default to the process's.
	Stdout, Stderr io.Writer
	// Getenv looks up environment variables; default os.LookupEnv.
	Getenv func(string) (string, bool)
}

// Main runs the command as it is shipped and returns its exit code.
func Main() int { return Run(context.Background(), Config{}) }

// Run runs the command and returns its exit code. It handles SIGINT and SIGTERM
// while it runs.
func Run(ctx context.Context, c Config) (code int) {
	a := newApp(c)
	defer func() {
		if v := recover(); v != nil {
			a.say("%s", "evalrun: bug: "+fmt.Sprint(v)+"\n"+string(debug.Stack()))
			a.say("%s", "What was stored is kept. Please report this with the lines above.")
			code = runner.CodeBug
		}
	}()
	root := a.root()
	root.SetArgs(c.args())
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	ctx, stop := a.watchSignals(ctx)
	defer stop()
	if err := root.ExecuteContext(ctx); err != nil {
		a.fail(err)
		return runner.Worst(a.code, runner.CodeOf(err))
	}
	return a.code
}

func (c Config) args() []string {
	if c.Args != nil {
		return c.Args
	}
	return os.Args[1:]
}

// app is the command while it runs.
type app struct {
	Config
	stdout, stderr io.Writer
	abort          chan struct{} // closed at the second signal
	code           int           // the worst of what the runs came to

	storeDir  string
	allowPath bool
	quiet     bool
	verbose   bool
	noColor   bool
}

func newApp(c Config) *app {
	a := &app{Config: c, stdout: c.Stdout, stderr: c.Stderr, abort: make(chan struct{})}
	if a.stdout == nil {
		a.stdout = os.Stdout
	}
	if a.stderr == nil {
		a.stderr = os.Stderr
	}
	if a.Getenv == nil {
		a.Getenv = os.LookupEnv
	}
	if a.Evaluators == nil {
		a.Evaluators = evaluator.NewRegistry()
	}
	return a
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "evalrun",
		Short: "Run evals of LLM apps and gate on what they show",
		Long: `evalrun runs test cases through an LLM app, scores the answers, keeps every
result in a local store, and turns the report into a verdict and an exit code.

Exit codes: 0 passed, 1 gate failed, 2 usage or configuration, 3 inconclusive,
4 incomplete (can be resumed), 5 not all posted, 70 a bug, 130 and 143 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.storeDir, "store", ".evalrun", "folder of the local store")
	f.BoolVar(&a.allowPath, "allow-path", false, "let the paths of a suite leave its folder")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no table")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show every wrong answer and every error")
	f.BoolVar(&a.noColor, "no-color", false, "no colours")
	root.AddCommand(a.runCommand(), a.scoreCommand(), a.gateCommand(), a.listCommand(), a.showCommand(), a.reportCommand(),
		a.datasetCommand(), a.serveCommand(), a.initCommand(), a.validateCommand(), a.schemaCommand(), a.versionCommand())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: cmd.CommandPath() + " --help shows the flags"}
	})
	return root
}

// say writes a line for the user; every part of the format's arguments that came
// from outside has to be safe or goes through here as a whole.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(a.stderr, reporter.TerminalBlock(fmt.Sprintf(format, args...)))
}

// fail shows an error: each on a line of its own, then what to do.
func (a *app) fail(err error) {
	var hints []string
	var many strict.Errors
	var one *strict.Error
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			hints = append(hints, e.Hint)
		}
	case errors.As(err, &one):
		hints = append(hints, one.Hint)
	}
	var e *runner.Error
	if errors.As(err, &e) {
		hints = append(hints, e.Hint)
	}
	a.say("evalrun: %s", strings.TrimSpace(err.Error()))
	shown := map[string]bool{"": true}
	for _, h := range hints {
		if !shown[h] {
			shown[h] = true
			a.say("hint: %s", h)
		}
	}
}

// open opens the store. Commands that only read do not create one.
func (a *app) open(create bool) (*store.Store, error) {
	if !create {
		if _, err := os.Stat(a.storeDir); errors.Is(err, os.ErrNotExist) {
			return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("there is no store in %s", a.storeDir),
				Hint: "evalrun run makes one; --store names another folder"}
		}
	}
	st, err := store.Open(a.storeDir)
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err}
	}
	return st, nil
}
