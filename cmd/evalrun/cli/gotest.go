package cli

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
)

// goTest is the test that made a stored run, as package evaltest says in a tag; "" of
// other runs.
func goTest(info store.Info) string { return runner.Tags(info.Spec)["go test"] }

// inGo tells a run whose app is Go code.
func inGo(info store.Info) bool { return goTest(info) != "" || info.Spec.Text == "" }

// againInGo is the command that makes such a run again.
func againInGo(info store.Info) string {
	test := goTest(info)
	if test == "" {
		return "the program that made it"
	}
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return "go test -run " + shown(strings.Join(parts, "/"))
}

// withoutFile refuses what needs the suite of a run that no file has.
func withoutFile(info store.Info) error {
	return &runner.Error{Code: runner.CodeUsage,
		Err:  fmt.Errorf("run %s has no suite file: its suite, %s, is Go code", info.ID, strict.Quote(info.Spec.Suite)),
		Hint: againInGo(info) + " runs it again"}
}

// losesScores refuses to score a run by a file that lacks evaluators which its test
// adds in Go.
func losesScores(info store.Info, s *suite.Suite) error {
	if goTest(info) == "" {
		return nil
	}
	lost := slices.DeleteFunc(slices.Clone(info.Spec.Evaluators), func(name string) bool { return slices.Contains(s.Metrics, name) })
	if len(lost) == 0 {
		return nil
	}
	return &runner.Error{Code: runner.CodeUsage,
		Err:  fmt.Errorf("run %s has scores of %s, which is not in %s but in Go: they would be lost", info.ID, strict.Quote(lost[0]), shownPath(s.Path)),
		Hint: againInGo(info) + " runs it again; --suite gives it the evaluators of a file all the same"}
}
