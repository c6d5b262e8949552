package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// outputFlags say where reports go.
type outputFlags struct {
	outputs []string
	json    bool
}

func (f *outputFlags) add(fl *pflag.FlagSet) {
	fl.StringArrayVarP(&f.outputs, "output", "o", nil,
		"write a report: FORMAT, FORMAT:PATH or a PATH whose ending tells (repeatable); formats: "+strings.Join(reporter.Formats(), ", "))
	fl.BoolVar(&f.json, "json", false, "the same as -o json")
}

// output is one report to write.
type output struct {
	format string
	path   string                                    // "" for standard output
	create func(path string) (io.WriteCloser, error) // nil: atomically, where path says
}

// parse reads FORMAT, FORMAT:PATH and PATH.
func (f outputFlags) parse() ([]output, error) {
	var out []output
	given := f.outputs
	if f.json {
		given = append(slices.Clone(given), "json")
	}
	for _, text := range given {
		format, path, _ := strings.Cut(text, ":")
		if !slices.Contains(reporter.Formats(), format) {
			var ok bool
			path = text
			if format, ok = reporter.FormatOf(text); !ok {
				return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("output %q: no format of that name or ending", text),
					Hint: "formats: " + strings.Join(reporter.Formats(), ", ") + "; for example -o junit:out/report.xml"}
			}
		}
		out = append(out, output{format: format, path: path})
	}
	return out, nil
}

// plan gives each job its outputs: those of the flags and of its suite. No two
// may go to the same place.
func (f outputFlags) plan(jobs []job) ([][]output, error) {
	flags, err := f.parse()
	if err != nil {
		return nil, err
	}
	plan := make([][]output, len(jobs))
	taken := map[string]bool{}
	for i, j := range jobs {
		stdout := slices.ContainsFunc(flags, func(o output) bool { return o.path == "" })
		all := slices.Clone(flags)
		for _, r := range j.suite.Reports {
			if r.Path == "" && stdout {
				continue // the flags say what goes to standard output
			}
			o := output{format: r.Format, path: r.Path}
			if r.Path != "" {
				o.create = createIn(j.suite)
			}
			all = append(all, o)
		}
		if !slices.ContainsFunc(all, func(o output) bool { return o.path == "" }) {
			all = append(all, output{format: "table"})
		}
		for k := range all {
			all[k].path = expand(all[k].path, j)
			place := all[k].path
			if place != "" && all[k].create != nil {
				place = filepath.Join(j.suite.Dir, place)
			}
			if place != "" && taken[place] {
				return nil, &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("two reports would go to %s", place),
					Hint: "{suite} and {app} in a path are replaced by their names"}
			}
			taken[place] = true
		}
		plan[i] = all
	}
	return plan, nil
}

func createIn(s *suite.Suite) func(string) (io.WriteCloser, error) {
	return func(path string) (io.WriteCloser, error) { return s.Create(path) }
}

// expand puts the names of suite and app into a path.
func expand(path string, j job) string {
	if j.suite == nil {
		return path
	}
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

// reportSource is what reports are written of.
type reportSource struct {
	ctx    context.Context
	store  *store.Store
	report *harness.Report
	id     string
}

// data is what a format needs of the results: the table reads only those that it
// shows.
func (s reportSource) data(format string) reporter.Data {
	q := store.Query{}
	if format == "table" || format == "markdown" {
		q.OnlyErrored, q.OnlyFailed = true, true
	}
	if format == "json" {
		return reporter.Data{Report: s.report}
	}
	return reporter.Data{Report: s.report, Results: s.store.Results(s.ctx, s.id, q)}
}

// write writes all outputs; one that fails does not keep back the others.
func (a *app) write(s reportSource, outputs []output, j job) error {
	var errs []error
	carriesData := slices.ContainsFunc(outputs, func(o output) bool { return o.path == "" && o.format != "table" })
	for _, o := range outputs {
		if o.path == "" && o.format == "table" && a.quiet {
			continue
		}
		if err := a.writeOne(s, o); err != nil {
			errs = append(errs, fmt.Errorf("report %s: %w", strings.TrimSuffix(o.format+":"+o.path, ":"), err))
		}
	}
	if a.quiet {
		a.sayVerdict(s.report)
	}
	if carriesData && !a.quiet {
		errs = append(errs, a.render(s, "table", a.stderr))
	}
	return errors.Join(errs...)
}

// sayVerdict says in one line what went wrong, and nothing when all is well.
func (a *app) sayVerdict(r *harness.Report) {
	if runner.Code(r) == runner.CodePass {
		return
	}
	line := fmt.Sprintf("evalrun: %s: %s", reporter.Terminal(r.Suite), r.Verdict)
	for _, c := range r.Gate {
		if c.Verdict != harness.Pass {
			line += fmt.Sprintf("; %s: %s", c.Check, c.Reason)
		}
	}
	for _, reason := range r.Reasons {
		line += "; " + reason
	}
	if p := r.Publish; p != nil && (p.Pending > 0 || p.Rejected > 0 || p.Error != "") {
		line += fmt.Sprintf("; %d results pending, %d rejected", p.Pending, p.Rejected)
		if p.Error != "" {
			line += ": " + p.Error
		}
	}
	a.say("%s", line)
}

func (a *app) writeOne(s reportSource, o output) error {
	if o.path == "" {
		return a.render(s, o.format, a.stdout)
	}
	create := o.create
	if create == nil {
		create = createAtomic
	}
	f, err := create(o.path)
	if err != nil {
		return err
	}
	err = a.render(s, o.format, f)
	if err != nil {
		if d, ok := f.(interface{ Discard() error }); ok {
			return errors.Join(err, d.Discard())
		}
	}
	return errors.Join(err, f.Close())
}

// render writes one report to w.
func (a *app) render(s reportSource, format string, w io.Writer) error {
	r, err := reporter.New(format)
	if err != nil {
		return err
	}
	if format == "table" {
		t, _ := a.terminal(w)
		table := reporter.Table{Width: t.width, Color: t.color}
		if a.verbose {
			table.Failures = 1 << 30
		}
		r = table
	}
	b := bufio.NewWriterSize(w, 64<<10)
	if err := r.Write(b, s.data(format)); err != nil {
		return err
	}
	return b.Flush()
}

// atomicFile appears under its name only when it is whole and on disk.
type atomicFile struct {
	*os.File
	path string
}

func createAtomic(path string) (io.WriteCloser, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, err
	}
	return &atomicFile{f, path}, nil
}

// Discard gives the file up.
func (f *atomicFile) Discard() error {
	return errors.Join(f.File.Close(), os.Remove(f.Name()))
}

// Close puts the file in its place.
func (f *atomicFile) Close() error {
	err := errors.Join(f.Chmod(0o644), f.Sync(), f.File.Close())
	if err == nil {
		err = os.Rename(f.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
