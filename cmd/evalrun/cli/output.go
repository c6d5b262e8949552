package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// outputFlags say where reports go.
type outputFlags struct {
	outputs []string
	json    bool
	formats []string // that there are
}

func (f *outputFlags) add(fl *pflag.FlagSet, formats []string) {
	f.formats = formats
	fl.StringArrayVarP(&f.outputs, "output", "o", nil,
		"write a report: FORMAT, FORMAT:PATH or a PATH whose ending tells (repeatable); formats: "+strings.Join(f.formats, ", "))
	fl.BoolVar(&f.json, "json", false, "the same as -o json")
}

// output is one report to write.
type output struct {
	format string
	path   string       // "" for standard output
	suite  *suite.Suite // whose report it is, in whose folder path is; nil when a flag asks for it
}

// place is the file that the output goes to, however it was written.
func (o output) place() string {
	path := o.path
	if o.suite != nil && !filepath.IsAbs(path) {
		path = filepath.Join(o.suite.Dir, path)
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return path
}

// parse reads FORMAT, FORMAT:PATH and PATH.
func (f outputFlags) parse() ([]output, error) {
	var out []output
	given := f.outputs
	if f.json && !slices.Contains(given, "json") {
		given = append(slices.Clone(given), "json")
	}
	for _, text := range given {
		o, err := f.output(text)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, apart(out, map[string]bool{})
}

// output reads one of them. What stands before a colon is a misspelled format when
// it looks like one, else the beginning of a path.
func (f outputFlags) output(text string) (output, error) {
	format, path, _ := strings.Cut(text, ":")
	if slices.Contains(f.formats, format) {
		return output{format: format, path: path}, nil
	}
	meant := strict.Meant(format, f.formats)
	if byEnding, ok := reporter.FormatOf(text); ok && slices.Contains(f.formats, byEnding) && (path == "" || meant == "") {
		return output{format: byEnding, path: text}, nil
	}
	return output{}, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("output %q: no format of that name or ending%s", text, meant),
		Hint: "formats: " + strings.Join(f.formats, ", ") + "; for example -o markdown:out/report.md"}
}

// apart makes sure that no two outputs go to the same place; those that are taken
// already are added to.
func apart(outputs []output, taken map[string]bool) error {
	stdout := ""
	for _, o := range outputs {
		if o.path == "" {
			if stdout != "" {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("two reports would go to standard output: %s and %s", stdout, o.format),
					Hint: "give one of them a file: -o " + o.format + ":PATH"}
			}
			stdout = o.format
			continue
		}
		place := o.place()
		if taken[place] {
			return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("two reports would go to %s", shownPath(place)),
				Hint: "{suite} and {app} in a path are replaced by their names"}
		}
		taken[place] = true
	}
	return nil
}

// plan gives each job its outputs: those of the flags and of its suite. No two
// may go to the same place, or to that of a file that is read.
func (f outputFlags) plan(jobs []job) ([][]output, error) {
	flags, err := f.parse()
	if err != nil {
		return nil, err
	}
	plan := make([][]output, len(jobs))
	taken := map[string]bool{}
	var read []input
	for _, j := range jobs {
		read = append(read, inputs(j.suite)...)
	}
	for i, j := range jobs {
		all := slices.Clone(flags)
		stdout := slices.ContainsFunc(flags, toStdout)
		for _, r := range j.suite.Reports {
			switch {
			case r.Path != "":
				all = append(all, output{format: r.Format, path: r.Path, suite: j.suite})
			case !stdout: // else the flags say what goes to standard output
				all = append(all, output{format: r.Format})
			}
		}
		if !slices.ContainsFunc(all, toStdout) {
			all = append(all, output{format: "table"})
		}
		for k := range all {
			all[k].path = expand(all[k].path, j)
			if all[k].path == "" && len(jobs) > 1 && (all[k].format == "junit" || all[k].format == "html") {
				return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s reports of %d runs would go to standard output", all[k].format, len(jobs)),
					Hint: "give each a file: -o '" + all[k].format + ":out/{suite}-{app}'"}
			}
		}
		if err := errors.Join(apart(all, taken), spare(all, read)); err != nil {
			return nil, err
		}
		plan[i] = all
	}
	return plan, nil
}

func toStdout(o output) bool { return o.path == "" }

// expand puts the names of suite and app into a path.
func expand(path string, j job) string {
	return strings.NewReplacer("{suite}", fileName(j.suite.Name), "{app}", fileName(j.app)).Replace(path)
}

func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, s)
}
