package cli

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/suite"
)

// latest names the newest run.
const latest = "latest"

// resumed is the run to resume: an ID, latest, or "" for a new run.
func (f *runFlags) resumed() string {
	if f.resume == "" || f.resume == latest {
		return cmp.Or(f.retry, f.resume)
	}
	return f.resume
}

// runID is what the ID of a run looks like, or the beginning of one.
var runID = regexp.MustCompile(`^(?i:[0-9A-HJKMNP-TV-Z]{4,26}|last)$`)

// suites are the suite files among the arguments. After --resume or
// --retry-errors a run's ID may stand among them.
func (f *runFlags) suites(args []string) ([]string, error) {
	var paths []string
	for _, arg := range args {
		if _, err := os.Stat(arg); err != nil && f.resumed() == latest && (arg == latest || runID.MatchString(arg)) {
			f.resume = arg
			continue
		}
		paths = append(paths, arg)
	}
	ids := f.resume != "" && f.resume != latest && f.retry != "" && f.retry != latest
	switch {
	case ids && !strings.EqualFold(f.resume, f.retry):
		return nil, fmt.Errorf("%s: --resume %s and --retry-errors %s name two runs", f.command(), f.resume, f.retry)
	case len(paths) == 0 && f.resumed() == "":
		return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s: no suite given", f.command()),
			Hint: "evalrun " + f.command() + " SUITE.yaml; evalrun init writes one to start from"}
	case len(paths) > 1 && f.resumed() != "":
		return nil, fmt.Errorf("%s: --resume goes on with one run; found %d suites", f.command(), len(paths))
	}
	return paths, nil
}

// check refuses values that can't be meant before anything is opened.
func (f *runFlags) check(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	for _, c := range []struct {
		flag string
		bad  bool
		want string
	}{
		{"concurrency", f.concurrency < 1 || f.concurrency > 10000, "1 to 10000"},
		{"jobs", f.concurrency < 1 || f.concurrency > 10000, "1 to 10000"},
		{"trials", f.trials < 1 || f.trials > 4095, "1 to 4095"},
		{"retries", f.retries < 0 || f.retries > 100, "0 to 100"},
		{"timeout", f.timeout <= 0, "a duration above 0, such as 30s"},
		{"limit", f.selection.Limit < 1, "at least 1"},
		{"sample", !(f.selection.Sample > 0 && f.selection.Sample <= 1), "above 0 and at most 1"},
		{"max-cost", !(f.maxCost > 0), "more than 0"},
	} {
		if changed(c.flag) && c.bad {
			return fmt.Errorf("--%s %s: expected %s", c.flag, cmd.Flags().Lookup(c.flag).Value, c.want)
		}
	}
	for _, flag := range []string{"case", "trials", "limit", "filter", "seed", "sample", "shard"} {
		if f.resumed() != "" && changed(flag) {
			return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("--%s: a resumed run keeps its own selection", flag),
				Hint: "leave the flag out, or start a new run without --resume"}
		}
	}
	f.selection.Filter = f.filter
	if f.shard != "" {
		var err error
		if f.selection.Shard, f.selection.Shards, err = runner.ParseShard(f.shard); err != nil {
			return err
		}
	}
	return nil
}

// override puts flags in the place of what the suite says.
func (f *runFlags) override(cmd *cobra.Command, s *suite.Suite) {
	changed := cmd.Flags().Changed
	if changed("concurrency") || changed("jobs") {
		s.Concurrency = f.concurrency
	}
	if changed("trials") {
		s.Trials = f.trials
	}
	if changed("retries") {
		s.Retries = f.retries
	}
	if changed("timeout") {
		s.Timeout = f.timeout
	}
	if changed("seed") {
		s.Seed = f.seed
	}
}
