package runner

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/suite"
)

// serveEnv makes the test binary a server on the address that it holds: GET /die
// ends it.
const serveEnv = "EVALRUN_TEST_SERVER"

func TestMain(m *testing.M) {
	if plan := os.Getenv(simChildEnv); plan != "" {
		if err := simChild(plan); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(retellChildEnv); dir != "" {
		os.Exit(retellChild(dir))
	}
	if addr := os.Getenv(serveEnv); addr != "" {
		http.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
		http.HandleFunc("/die", func(http.ResponseWriter, *http.Request) {
			fmt.Fprintln(os.Stderr, "the model was too large")
			os.Exit(3)
		})
		fmt.Fprintln(os.Stderr, http.ListenAndServe(addr, nil))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m,
		// database/sql keeps one goroutine per open database, and ends it a moment
		// after Close returns.
		goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
	)
}

func openStore(t *testing.T) *store.Store {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "store"))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, st.Close()) })
	return st
}

// twoCases is a suite over two cases; what it is given are further lines of it.
func twoCases(more ...string) string {
	text := `name: two
dataset:
  cases:
    - {id: a, input: one, expected: one}
    - {id: b, input: two, expected: two}
`
	for _, key := range []string{"app: {echo: {}}", "evaluators: [equals]", "retries: 0", "concurrency: 1"} {
		name, _, _ := strings.Cut(key, ":")
		if !strings.Contains("\n"+strings.Join(more, "\n"), "\n"+name+":") {
			text += key + "\n"
		}
	}
	return text + strings.Join(more, "\n") + "\n"
}

// load reads a suite as if it were DIR/suite.yaml. The evaluators are further
// ones that it can name.
func load(t *testing.T, text string, evaluators ...harness.Evaluator) *suite.Suite {
	t.Helper()
	return loadIn(t, t.TempDir(), text, nil, evaluators...)
}

func loadIn(t *testing.T, dir, text string, env map[string]string, evaluators ...harness.Evaluator) *suite.Suite {
	t.Helper()
	registry := evaluator.NewRegistry()
	for _, e := range evaluators {
		require.NoError(t, registry.Add(e))
	}
	s, err := suite.Parse(filepath.Join(dir, "suite.yaml"), []byte(text), suite.Options{
		Evaluators: registry,
		Getenv:     func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	require.NoError(t, err)
	return s
}

// runApp is Run with an app of the test's own in place of the suite's.
func runApp(ctx context.Context, s *suite.Suite, o Options, app harness.App) (Outcome, error) {
	r := newRunner(s, o)
	r.substitute = func(harness.App) harness.App { return app }
	return r.do(ctx)
}

// answers is an app that answers with the input at a cost, and counts.
type answers struct {
	asked []string // not safe for concurrent use: suites of the tests run one by one
	cost  *float64
	fail  map[string]error
	hook  func(id string)
}

func (a *answers) Respond(_ context.Context, in harness.Input) (harness.Output, error) {
	a.asked = append(a.asked, in.ID)
	if a.hook != nil {
		a.hook(in.ID)
	}
	return harness.Output{Value: in.Value, CostUSD: a.cost}, a.fail[in.ID]
}

// freeAddr is an address that nothing listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// infoOf is what the store knows of a run.
func infoOf(t *testing.T, st *store.Store, id string) store.Info {
	t.Helper()
	info, err := st.Info(t.Context(), id)
	require.NoError(t, err)
	return info
}

// storedReport is the report of a stored run by the checks that are kept with it.
func storedReport(t *testing.T, st *store.Store, id string) *harness.Report {
	t.Helper()
	checks, err := Checks(infoOf(t, st, id))
	require.NoError(t, err)
	report, err := Report(t.Context(), st, id, checks, Against{})
	require.NoError(t, err)
	return report
}
