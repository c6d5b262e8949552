package retellserver

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/evalrun/evalrun/harness/internal/localhttp"
	"github.com/evalrun/evalrun/harness/retell"
)

// Config says what to simulate, and for whom. Its zero value is a fast server
// without definitions that asks for no key.
type Config struct {
	// APIKey is the key that requests must bring as a bearer token; "" asks for
	// none.
	APIKey string
	// Hosts are further values of the Host header to answer to, with a port or
	// for any port. localhost, loopback addresses and the address that a
	// connection came in on are always allowed.
	Hosts []string

	// Definitions are there from the start. Those without an ID get one.
	Definitions []retell.TestCaseDefinition
	// Seed chooses the verdicts, durations and conversations: with the same seed
	// the same requests get the same ones.
	Seed uint64
	// Odds are those of each run of a definition against an engine. Nil takes the
	// dynamic variables of the definition (see the package), else DefaultOdds.
	Odds func(d retell.TestCaseDefinition, engine retell.ResponseEngine) Odds
	// Speed is how many simulated seconds pass in a second of Now; 1000 when 0, so
	// that a run takes 20 to 60 ms. With 1 it takes 20 to 60 s.
	Speed float64
	// Concurrency is how many runs of all batches go on at once, while others are
	// pending; 20 when 0.
	Concurrency int
	// Now tells the time; time.Now when nil. What a run has come to follows from it
	// whenever somebody asks: nothing goes on in between.
	Now func() time.Time

	// Faults are what goes wrong on purpose.
	Faults Faults
}

// Server is the handler. Its methods may be called from many goroutines at once.
// It has no goroutine of its own and need not be closed.
type Server struct {
	Config
	handler http.Handler

	mu          sync.Mutex
	definitions list[*retell.TestCaseDefinition] // what they point at does not change: updates replace it
	batches     list[*batch]
	runs        map[string]*run
	sim         *simulator
	asked       map[string]int // requests by Op
}

// New gives a server. It panics when a definition of the Config has odds that
// can't be read.
func New(c Config) *Server {
	c.Speed = cmp.Or(c.Speed, 1000)
	c.Concurrency = cmp.Or(c.Concurrency, 20)
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{Config: c, runs: map[string]*run{}, asked: map[string]int{}, sim: newSimulator(c)}
	for _, d := range c.Definitions {
		if err := checkOdds(d.DynamicVariables); err != nil {
			panic("retellserver: definition " + d.Name + ": " + err.Error())
		}
		s.seed(d)
	}
	s.handler = localhttp.Guard(c.Hosts, refuse, s.mux())
	return s
}

// ServeHTTP answers one request. Its Date is that of Now, as are the times in the
// answer: clients compare them.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", s.Now().UTC().Format(http.TimeFormat))
	s.handler.ServeHTTP(w, r)
}

// handler carries out one request and gives its answer: a status and a value to
// encode, nil for none. Errors are answers too.
type handler func(r Request, body []byte) (int, any, error)

type route struct {
	method, path string
	handle       handler
}

// routes are the endpoints. The deprecated lists have the paths of the others
// without /v2.
func (s *Server) routes() []route {
	return []route{
		{"POST", "/create-test-case-definition", s.createDefinition},
		{"GET", "/get-test-case-definition/{id}", s.getDefinition},
		{"PUT", "/update-test-case-definition/{id}", s.updateDefinition},
		{"DELETE", "/delete-test-case-definition/{id}", s.deleteDefinition},
		{"GET", "/v2/list-test-case-definitions", s.listDefinitions},
		{"GET", "/list-test-case-definitions", s.listDefinitions},
		{"POST", "/create-batch-test", s.createBatch},
		{"GET", "/get-batch-test/{id}", s.getBatch},
		{"GET", "/v2/list-batch-tests", s.listBatches},
		{"GET", "/list-batch-tests", s.listBatches},
		{"GET", "/get-test-run/{id}", s.getRun},
		{"GET", "/v2/list-test-runs/{id}", s.listRuns},
		{"GET", "/list-test-runs/{id}", s.listRuns},
	}
}

// mux finds the handler of a request, and answers 404 and 405 in JSON.
func (s *Server) mux() http.Handler {
	mux := http.NewServeMux()
	paths := map[string]map[string]handler{}
	for _, route := range s.routes() {
		if paths[route.path] == nil {
			paths[route.path] = map[string]handler{}
		}
		paths[route.path][route.method] = route.handle
	}
	for path, methods := range paths {
		op, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v2"), "/"), "/")
		allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			handle, ok := methods[r.Method]
			if !ok {
				w.Header().Set("Allow", allow)
				refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
				return
			}
			s.serve(w, r, op, handle)
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, messageOf(http.StatusNotFound))
	})
	return mux
}

// millis is the time as the platform tells it.
func millis(t time.Time) int64 { return t.UnixMilli() }
