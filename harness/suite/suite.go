package suite

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// Options say how a suite is read. The zero value is the strictest.
type Options struct {
	// Evaluators are those that the suite can name; nil means the built-in ones.
	Evaluators *evaluator.Registry
	// Targets are the kinds of app that the suite can name; nil means the built-in
	// ones.
	Targets *target.Registry
	// GoApp and GoSource tell that Use will give the suite its app and its cases: the
	// file need then not name any.
	GoApp, GoSource bool
	// AllowPath lets the suite's paths leave its folder.
	AllowPath bool
	// Getenv looks up an environment variable; nil means os.LookupEnv.
	Getenv func(string) (string, bool)
	// Formats are the report formats that there are; nil lets any name through.
	Formats []string
	// HTTPClient carries the requests to Scale GP; nil: one of its own.
	HTTPClient *http.Client
}

// Suite is a suite file that was found to be right: everything in it was
// checked and built once, and nothing was called.
type Suite struct {
	Name, Description string
	// Path is where the suite was read, as it was given; Dir its folder, absolute.
	Path, Dir string
	// Text is the file as it is, with environment variables by their names.
	Text []byte

	Dataset Dataset
	// Retell is set when a batch test of Retell is the dataset and the app.
	Retell *Retell
	// Apps are the app, or the named apps in the order of the file.
	Apps []App
	// Start is the server to start for the run; nil when there is none.
	Start *Start
	// Metrics are the names of the evaluators' metrics, in the order of the file.
	Metrics []string

	// Trials per case, from 1.
	Trials int
	// Reduce makes one number of the trials of a case.
	Reduce reduce.Reducer
	// Concurrency is how many trials run at once, from 1.
	Concurrency int
	// Retries of a failed call, from 0.
	Retries int
	// Timeout of one answer, above 0.
	Timeout time.Duration
	// MaxRetryElapsed is how long an app or a platform may refuse every call (status
	// 429, 503 or 529), and the longest pause that it may ask for, before the run
	// stops. Above 0.
	MaxRetryElapsed time.Duration
	// RateLimit is how many calls may be made per minute; 0 means any number.
	RateLimit float64
	// Sample is the fraction of the cases to run, in (0,1].
	Sample float64
	Seed   int64

	// Publish is where results go besides the local store; nil for nowhere.
	Publish *Publish
	Gate    []gate.Check
	Reports []Report

	// Hosts, when set, is whom the clients of platforms share their pace with.
	Hosts *pace.Hosts

	// Secrets are the values that came from environment variables, and the key of
	// Scale GP. They must not appear in anything that is shown or kept.
	Secrets []string

	values     harness.Config // see Use
	digests    map[string]string
	folder     folder
	evaluators []strict.Node
	registry   *evaluator.Registry
	targets    *target.Registry
	getenv     func(string) (string, bool)
	http       *http.Client
}

// Load reads a suite file and checks all of it. Errors are *strict.Error or
// strict.Errors, with the place of each in the file.
func Load(path string, o Options) (*Suite, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data, o)
}

// Parse is Load for a file that was read already. The path is its name in
// errors, and its folder is where the suite's paths start.
func Parse(path string, data []byte, o Options) (*Suite, error) {
	root, err := strict.Parse(path, data)
	if err != nil {
		return nil, err
	}
	if !root.Given() {
		return nil, &strict.Error{File: path, Message: "the file is empty", Hint: "evalrun init writes a suite to start from"}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("suite %s: find its folder: %w", path, err)
	}
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	if o.Evaluators == nil {
		o.Evaluators = evaluator.NewRegistry()
	}
	l := loader{options: o, root: root, suite: &Suite{
		Path: path, Dir: dir, Text: data, folder: folder{dir, o.AllowPath}, registry: o.Evaluators, targets: o.Targets, getenv: o.Getenv, http: o.HTTPClient,
	}}
	if err := l.load(); err != nil {
		return nil, scrub(err, l.suite.Secrets)
	}
	return l.suite, nil
}

// read gives the bytes of a suite file, one more than there may be at most.
func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		e := &strict.Error{File: path, Message: "can't be read: " + cause(err)}
		if errors.Is(err, fs.ErrNotExist) {
			e.Message = "no such file" + folder{filepath.Dir(path), true}.meant(filepath.Base(path))
		}
		return nil, e
	}
	if info.IsDir() {
		e := &strict.Error{File: path, Message: "is a folder; expected a suite file"}
		if found, _ := filepath.Glob(filepath.Join(path, "*.y*ml")); len(found) > 0 {
			e.Hint = "suites in it may be: " + strings.Join(found[:min(len(found), 5)], " ")
		}
		return nil, e
	}
	if !info.Mode().IsRegular() {
		return nil, &strict.Error{File: path, Message: "is no regular file"}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &strict.Error{File: path, Message: "can't be read: " + cause(err)}
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strict.MaxSize+1))
	if err != nil {
		return nil, &strict.Error{File: path, Message: "can't be read: " + cause(err)}
	}
	if len(data) > strict.MaxSize {
		_, err := strict.Parse(path, data) // says how much there may be
		return nil, err
	}
	return data, nil
}

// cause is an error of the file system without the path, which stands elsewhere.
func cause(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
