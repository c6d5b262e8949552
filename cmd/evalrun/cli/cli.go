package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

// Config says what the command works with. The zero value is the evalrun
// command as it is shipped, on this process's arguments, files and environment.
type Config struct {
	// Evaluators are those that suites can name; nil means the built-in ones.
	Evaluators *evaluator.Registry
	// Targets are the kinds of app that suites can name; nil means the built-in ones.
	Targets *target.Registry
	// Reporters write the formats that suites and -o can name; nil means the
	// built-in ones.
	Reporters *reporter.Registry
	// Args are the arguments after the program's name; nil means os.Args[1:].
	Args []string
	// Stdout and Stderr default to the process's.
	Stdout, Stderr io.Writer
	// Getenv looks up environment variables; default os.LookupEnv.
	Getenv func(string) (string, bool)
}

// Main runs the command as it is shipped and returns its exit code.
func Main() int { return Run(context.Background(), Config{}) }

// run runs the command in this process.
func run(ctx context.Context, c Config) (code int) {
	a := newApp(c)
	defer func() {
		if v := recover(); v != nil {
			a.bug(fmt.Sprint(v), string(debug.Stack()))
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
		if readerGone(err) {
			return runner.Worst(a.code, codePipe) // as with show | head -1: no trouble
		}
		a.fail(err)
		return runner.Worst(a.code, codeOf(ctx, err))
	}
	return a.code
}

// codeOf is the exit code of an error. After a signal it is the signal's: what
// failed did so because it was cut off. Only a bug stays one.
func codeOf(ctx context.Context, err error) int {
	code := runner.CodeOf(err)
	if signalled, ok := signalCode(ctx); ok && code != runner.CodeBug {
		return signalled
	}
	return code
}

// own tells a command with code of the program's own in it.
func (c Config) own() bool { return c.Evaluators != nil || c.Targets != nil || c.Reporters != nil }

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
	console        console       // stderr, shared with the progress
	abort          chan struct{} // closed at the second signal
	running        atomic.Bool   // trials are
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
	a.console.w = a.stderr
	return a
}

// defaultStore is the folder of the store, below the current one.
const defaultStore = ".evalrun"

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "evalrun",
		Short: "Run evals of LLM apps and gate on what they show",
		Long: `evalrun runs test cases through an LLM app, scores the answers, keeps every
result in a local store, and turns the report into a verdict and an exit code.

Exit codes: 0 passed, 1 gate failed, 2 usage or configuration, 3 inconclusive,
4 incomplete (can be resumed), 5 not all posted once, 70 a bug, 130 and 143 interrupted.`,
		SilenceErrors: true, SilenceUsage: true,
		Args: subcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	f := root.PersistentFlags()
	f.StringVar(&a.storeDir, "store", defaultStore, "folder of the local store")
	f.BoolVar(&a.allowPath, "allow-path", false, "let the paths of a suite leave its folder")
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no table")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "show every wrong answer and every error")
	f.BoolVar(&a.noColor, "no-color", false, "no colours")
	root.AddCommand(a.runCommand(&runFlags{}), a.scoreCommand(), a.publishCommand(), a.gateCommand(), a.compareCommand(), a.baselineCommand(),
		a.planCommand(), a.selftestCommand(), a.flakyCommand(),
		a.listCommand(), a.showCommand(), a.reportCommand(),
		a.datasetCommand(), a.retellCommand(), a.serveCommand(), a.initCommand(), a.validateCommand(), a.schemaCommand(), a.versionCommand())
	root.SetFlagErrorFunc(flagError)
	return root
}

// open opens the store. Commands that only read do not create one.
func (a *app) open(create bool) (*store.Store, error) {
	if !create && !a.hasStore() {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("there is no store in %s", a.storeDir),
			Hint: "evalrun run makes one; --store names another folder"}
	}
	st, err := store.Open(a.storeDir)
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err}
	}
	return st, nil
}

func (a *app) hasStore() bool {
	_, err := os.Stat(a.storeDir)
	return !errors.Is(err, os.ErrNotExist)
}
