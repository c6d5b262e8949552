package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
)

// input is a file that is read for a run and that no report may replace.
type input struct {
	path, what string
}

// inputs are the files of a suite: itself, its dataset, and those that are there
// among the words of its app, server and evaluators, such as a script that a
// command starts.
func inputs(s *suite.Suite) []input {
	all := []input{{s.Path, "the suite"}}
	if s.Dataset.File != "" {
		all = append(all, input{within(s.Dir, s.Dataset.File), "the dataset of " + s.Path})
	}
	if s.Retell != nil && s.Retell.File != "" {
		all = append(all, input{within(s.Dir, s.Retell.File), "the test cases of " + s.Path})
	}
	root, err := strict.Parse(s.Path, s.Text)
	if err != nil {
		return all // it was read before; what isn't YAML any more names nothing
	}
	for _, p := range root.Pairs() {
		switch p.Key.Value {
		case "app", "apps", "start", "evaluators":
			for _, word := range words(p.Value.Node, nil) {
				all = append(all, input{within(s.Dir, word), p.Key.Value + " of " + s.Path})
			}
		}
	}
	return all
}

// longestPath is how long a word may be that is looked up as a file.
const longestPath = 1024

// words are the texts below a node, whole and cut at spaces.
func words(n *yaml.Node, into []string) []string {
	if n.Kind == yaml.ScalarNode && n.Value != "" && len(n.Value) <= longestPath {
		into = append(into, n.Value)
		if parts := strings.Fields(n.Value); len(parts) > 1 {
			into = append(into, parts...)
		}
	}
	for _, child := range n.Content {
		into = words(child, into)
	}
	return into
}

// within is a path that is relative to a folder.
func within(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, filepath.FromSlash(path))
}

// spare refuses outputs that would replace an input.
func spare(outputs []output, inputs []input) error {
	for _, o := range outputs {
		if o.path == "" {
			continue
		}
		there, err := os.Stat(o.place())
		if err != nil || !there.Mode().IsRegular() {
			continue
		}
		for _, in := range inputs {
			if info, err := os.Stat(in.path); err == nil && os.SameFile(there, info) {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("report %s:%s would replace a file that is read (%s)", o.format, o.path, in.what),
					Hint: "give the report a path of its own"}
			}
		}
	}
	return nil
}
