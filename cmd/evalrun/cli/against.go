package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/runner"
)

// againstFlags say what a run is compared with, and how strictly.
type againstFlags struct {
	baseline       string
	allowUnlike    bool
	onNew, removed string
	inconclusive   string
}

func (f *againstFlags) add(fl *pflag.FlagSet) {
	policies := strings.Join(gate.Policies(), ", ")
	fl.StringVar(&f.baseline, "baseline", "", "compare with this one: a NAME, a RUN or a FILE (default: what the gate names)")
	fl.BoolVar(&f.allowUnlike, "allow-unlike", false, "compare although the evaluators have changed")
	fl.StringVar(&f.onNew, "on-new-tasks", "warn", "cases that the baseline does not have: "+policies)
	fl.StringVar(&f.removed, "on-removed-tasks", "warn", "cases that only the baseline has: "+policies)
	fl.StringVar(&f.inconclusive, "inconclusive", "", "pass or fail: take an inconclusive gate for that")
}

// of checks the flags.
func (f *againstFlags) of() (runner.Against, error) {
	for _, p := range []struct{ flag, value string }{{"--on-new-tasks", f.onNew}, {"--on-removed-tasks", f.removed}} {
		if !slices.Contains(gate.Policies(), p.value) {
			return runner.Against{}, fmt.Errorf("%s %q: there are %s", p.flag, p.value, strings.Join(gate.Policies(), ", "))
		}
	}
	if !slices.Contains([]string{"", "pass", "fail"}, f.inconclusive) {
		return runner.Against{}, fmt.Errorf("--inconclusive %q: there are pass and fail", f.inconclusive)
	}
	return runner.Against{
		Baseline: f.baseline, AllowUnlike: f.allowUnlike, OnNew: gate.Policy(f.onNew), OnRemoved: gate.Policy(f.removed),
	}, nil
}

// code is the exit code, when an inconclusive gate is taken for something else.
func (f *againstFlags) code(code int) int {
	if code == runner.CodeInconclusive {
		switch f.inconclusive {
		case "pass":
			return runner.CodePass
		case "fail":
			return runner.CodeFail
		}
	}
	return code
}
