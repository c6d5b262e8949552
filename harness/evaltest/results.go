package evaltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
	"github.com/evalrun/evalrun/reporter"
)

// openStore opens the store that the results go to: the folder that EVALRUN_STORE
// names, relative to that of go.mod, or .evalrun beside go.mod, where the evalrun command finds them; with
// EVALRUN_STORE=off, or where nothing can be written, a folder that is gone after
// the test.
func (e *eval) openStore() (*store.Store, error) {
	e.t.Helper()
	dir := os.Getenv(envStore)
	switch {
	case dir == "off" || dir == "" && e.place.root == "":
		return store.Open(e.t.TempDir())
	case dir != "" && !filepath.IsAbs(dir) && e.place.root == "":
		return nil, fmt.Errorf("%s=%s: a relative path begins beside go.mod, and there is none; give an absolute one", envStore, dir)
	case dir != "" && !filepath.IsAbs(dir): // packages are tested each in its folder
		return store.Open(filepath.Join(e.place.root, dir))
	case dir != "":
		return store.Open(dir)
	}
	st, err := store.Open(filepath.Join(e.place.root, ".evalrun"))
	if errors.Is(err, store.ErrNotWritable) {
		e.t.Logf("the results are not kept: %v", err)
		return store.Open(e.t.TempDir())
	}
	return st, err
}

// output is a report to write.
type output struct{ format, path string }

// readOutputs reads EVALRUN_OUTPUT: FORMAT:PATH, or a PATH whose ending tells the
// format, separated by commas. {suite} in a path is the eval's name, {app} its app's.
func (e *eval) readOutputs() ([]output, error) {
	var all []output
	for _, text := range strings.Split(os.Getenv(envOutput), ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		format, path, _ := strings.Cut(text, ":")
		if !slices.Contains(reporter.Formats(), format) {
			path = text
			var ok bool
			prefix, _, prefixed := strings.Cut(text, ":")
			if format, ok = reporter.FormatOf(text); !ok || prefixed && len(prefix) > 1 && !strings.ContainsAny(prefix, `/\.{`) {
				return nil, fmt.Errorf("%s: %q has no format; expected FORMAT:PATH with one of %s", envOutput, text, strings.Join(reporter.Formats(), ", "))
			}
		}
		if path == "" {
			return nil, fmt.Errorf("%s: %q has no path; expected %s:PATH", envOutput, text, format)
		}
		if path == "-" {
			return nil, fmt.Errorf("%s: %q: what a test prints is go test's; give the path of a file", envOutput, text)
		}
		path = strings.NewReplacer("{suite}", fileName(e.suite.Name), "{app}", fileName(e.suite.Apps[0].Name)).Replace(path)
		if unknown := placeholder.FindString(path); unknown != "" {
			return nil, fmt.Errorf("%s: %q: there is no %s; {suite} and {app} are replaced by their names", envOutput, text, unknown)
		}
		all = append(all, output{format, path})
	}
	return all, nil
}

var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

// fileName is a name with nothing in it that leads to another folder.
func fileName(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '-'
		}
		return r
	}, name)
}

// written are the files that this process has written, and for which test: another
// one must not replace them.
var written sync.Map

// ours is the path for a report of this eval: with its name put before the ending
// where another eval of the package has written to the path itself. First tells
// whether none of the test's own has either.
func (e *eval) ours(path string) (own string, first bool, err error) {
	for _, p := range []string{path, besides(path, fileName(e.suite.Name)), besides(path, fileName(e.test))} {
		abs, err := filepath.Abs(p)
		if err != nil {
			return "", false, err
		}
		if owner, taken := written.LoadOrStore(abs, e.test); !taken || owner == e.test {
			return abs, !taken, nil
		}
	}
	return "", false, fmt.Errorf("%s has the report of another eval; put {suite} into the path", path)
}

// besides puts a name before the ending of a path: out.junit.xml, out-NAME.junit.xml.
func besides(path, name string) string {
	base := filepath.Base(path)
	stem, ending := base, ""
	if at := strings.Index(base[1:], "."); at >= 0 {
		stem, ending = base[:at+1], base[at+1:]
	}
	return filepath.Join(filepath.Dir(path), stem+"-"+name+ending)
}

// writeOutputs writes the reports that EVALRUN_OUTPUT asks for.
func (e *eval) writeOutputs(ctx context.Context, st *store.Store, report *harness.Report) error {
	var errs []error
	for _, o := range e.outputs {
		path, first, err := e.ours(o.path)
		if err == nil {
			if err = e.write(ctx, st, report, o.format, path); err != nil && first {
				written.Delete(path)
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s report: %w", envOutput, o.format, err))
		}
	}
	return errors.Join(errs...)
}

func (e *eval) write(ctx context.Context, st *store.Store, report *harness.Report, format, path string) error {
	r, err := reporter.New(format)
	if err != nil {
		return err
	}
	f, err := suite.CreateFile(path)
	if err != nil {
		return err
	}
	if err := r.Write(f, reporter.Data{Report: report, Results: runner.Results(ctx, st, report.RunID)}); err != nil {
		return errors.Join(err, f.Discard())
	}
	return f.Close()
}
