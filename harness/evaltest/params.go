package evaltest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/suite"
)

// Params say what is evaluated and what has to hold. Suite, or a Config with a
// Source, an App and Evaluators, is needed; the zero value of the rest is a good
// default.
type Params struct {
	// Config has the cases, the app under test and the evaluators, as for
	// harness.Run. Concurrency is a limit below that of -parallel; Reduce, Journal,
	// Progress and Demand stay empty. With Suite, its Source and App take the place
	// of what the file says, which need not name any then, and its Evaluators come
	// beside the file's.
	Config harness.Config
	// Suite is the path of a YAML suite, as the evalrun command runs it, relative to
	// the folder of the test. What it says of reports is the command's.
	Suite string
	// Options say how the Suite is read: which evaluators and kinds of app it can
	// name beside the built-in ones, say.
	Options suite.Options
	// Name is the eval's in the store and in reports. Default: the Suite's, or the
	// test's with its package: internal/bot.TestRefunds.
	Name string
	// Reduce makes one number of the trials of a case; the zero value is the mean.
	// A Suite has its own.
	Reduce reduce.Reducer

	// Gate are the checks that the whole run has to pass, as in suites:
	// "equals.pass_rate >= 0.9", "latency.p95 <= 2s", "no_regression". They come
	// after the Suite's. See package gate.
	Gate []string
	// Baseline is a file to compare with, "testdata/baseline.json" say. The run must
	// not be shown to be worse, case by case, by the statistics of no_regression.
	// go test -evalrun.update, or EVALRUN_UPDATE=1, writes it.
	Baseline string
	// Strict makes each case fail by itself: when any score says no, when the app
	// gives no answer, when an evaluator gives no score. Without Gate and Baseline
	// every case is strict: nothing else would notice.
	Strict bool

	// Live: the app costs money or needs the network. It is asked only with
	// EVAL_LIVE=1 and without -short; otherwise the answers in Recording are
	// replayed. See the package's comment.
	Live bool
	// Recording is the file of recorded answers; default testdata/evals/NAME.jsonl
	// with the name of the test.
	Recording string
	// Settings are what the app is made of, such as its model and its prompt: any
	// value that encoding/json takes. Recordings and baselines of others are told
	// apart from those of the same.
	Settings any
	// MaxCost stops the run when its answers have cost so many US dollars. 0: no
	// limit. Replayed answers cost nothing.
	MaxCost float64
	// Secrets are cut out of everything that is kept or shown, beside the values of
	// environment variables whose names end in KEY, TOKEN, SECRET or PASSWORD, and of
	// those that the Suite names.
	Secrets []string
	// AllowInconclusive skips the gate where it would fail only because there is not
	// enough evidence to decide.
	AllowInconclusive bool
}

// eval is one call of Run.
type eval struct {
	Params
	t      testing.TB
	parent *testing.T // of the subtests: t, unless that is a benchmark
	test   string     // the test's name; TestX#01 for its second call of Run, and so on
	place  place
	suite  *suite.Suite
	mode   mode
	// redact takes the secrets out of what is shown.
	redact *runner.Redactor
	// strict tells whether each case fails by itself.
	strict bool
	// quarantined are IDs of cases that fail nothing.
	quarantined map[string]bool
	outputs     []output
	// noBaseline is why there is no baseline though Params name one, and versus what
	// the run is compared with.
	noBaseline error
	versus     runner.Against
}

// load makes the suite of the Params and checks everything that can be checked
// before anything is asked.
func load(t *testing.T, p Params, file string) (*eval, error) {
	t.Helper()
	e := &eval{Params: p, t: t, parent: t, test: callName(t)}
	var err error
	if e.place, err = here(file); err != nil {
		return nil, err
	}
	if e.mode, err = e.chooseMode(); err != nil {
		return nil, err
	}
	if err := e.prepare(); err != nil {
		return nil, err
	}
	e.strict = e.Strict || e.Baseline == "" && len(e.suite.Gate) == 0
	if e.strict { // so that reports have the verdict of the test
		if err := e.suite.AddChecks("must_pass: {all: true}"); err != nil {
			return nil, err
		}
	}
	e.quarantined = gate.Quarantined(e.suite.Gate, time.Now())
	e.noBaseline = e.needsBaseline()
	e.versus = e.against()
	e.outputs, err = e.readOutputs()
	return e, err
}

// prepare makes the suite, when it is known where the answers come from.
func (e *eval) prepare() error {
	var err error
	if e.suite, err = e.makeSuite(); err != nil {
		return err
	}
	if len(e.suite.Apps) > 1 {
		return fmt.Errorf("%s has %d apps; a test runs one: name it in a suite of its own, or give Config.App", e.Suite, len(e.suite.Apps))
	}
	if e.mode == replaying {
		e.suite.Start = nil
	}
	digest, err := settingsDigest(e.Params.Settings)
	if err != nil {
		return err
	}
	e.suite.Settings(digest)
	e.suite.Secrets = append(e.suite.Secrets, e.secrets()...)
	e.redact = runner.NewRedactor(e.suite.Secrets...)
	return e.suite.AddChecks(e.Gate...)
}

func (e *eval) makeSuite() (*suite.Suite, error) {
	if e.Suite != "" {
		o := e.Options
		if getenv := e.getenv(); getenv != nil {
			o.Getenv = getenv
		}
		o.GoApp, o.GoSource = e.Config.App != nil, e.Config.Source != nil
		s, err := suite.Load(e.Suite, o)
		if err != nil {
			return nil, err
		}
		if e.Reduce != (reduce.Reducer{}) {
			return nil, errors.New("a Suite has a Reduce of its own")
		}
		if e.Name != "" {
			s.Name = e.Name
		}
		return s, s.Use(e.Config)
	}
	name := e.Name
	if name == "" {
		name = e.place.name(e.test)
	}
	c := e.Config
	if c.Concurrency == 0 {
		c.Concurrency = parallel()
	}
	s, err := suite.Of(name, e.place.file, c)
	if err != nil {
		return nil, err
	}
	if e.Reduce != (reduce.Reducer{}) {
		if s.Reduce, err = reduce.New(e.Reduce.Name, e.Reduce.K, s.Trials); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// calls has the tests that are under way, and how often each has called Run.
var calls sync.Map

// callName is the name of a test, with a number from its second call of Run on, as
// subtests of the same name have.
func callName(t *testing.T) string {
	counter, again := calls.LoadOrStore(t, new(atomic.Int64))
	if !again {
		t.Cleanup(func() { calls.Delete(t) })
	}
	if n := counter.(*atomic.Int64).Add(1); n > 1 {
		return fmt.Sprintf("%s#%02d", t.Name(), n-1)
	}
	return t.Name()
}

// Suite runs a YAML suite as a test: Run with nothing but its path.
func Suite(t *testing.T, path string) *harness.Report {
	t.Helper()
	return start(t, Params{Suite: path})
}

// Run asks the app each case, scores the answers and judges the run. Each case is
// the parallel subtest case/ID, with a subtest for each trial below it when there
// are several; the subtest gate has the verdict. A case that is not chosen by -run
// costs nothing. Where there is a case "a" and a case "a/b", the subtest of the latter
// is case/a%2Fb, so that -run can choose either alone. A test that calls Run again
// has a number in the names of its further evals and recordings: TestX#01.
//
// The report is nil when nothing was run.
func Run(t *testing.T, p Params) *harness.Report {
	t.Helper()
	return start(t, p)
}

func start(t *testing.T, p Params) *harness.Report {
	t.Helper()
	e, err := load(t, p, testFile())
	if err != nil {
		t.Fatalf("evaltest: %s", message(err))
	}
	ctx, stop := untilDeadline(t)
	defer stop()
	return e.run(ctx)
}
