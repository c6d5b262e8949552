package sgpserver

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/evalrun/evalrun/harness/store"
)

// Config says what to serve, and to whom.
type Config struct {
	// Store keeps everything. It must be there, and stay open while requests run.
	Store *store.Store
	// APIKey is the key that requests must bring as x-api-key; "" asks for none.
	APIKey string
	// AccountID owns the entities whose request names no account, neither in the
	// body nor as x-selected-account-id; "local" when empty.
	AccountID string
	// Hosts are further values of the Host header to answer to, with a port or
	// for any port. localhost, loopback addresses and the address that a
	// connection came in on are always allowed.
	Hosts []string
	// MaxBody is how many bytes a request's body may have; 64 MiB when 0.
	MaxBody int64
	// Now tells the time for created_at and the like; time.Now when nil.
	Now func() time.Time
}

// server answers the requests. It has no state beside the store.
type server struct {
	Config
	db *store.Platform
}

// New gives the handler. It may be called from many goroutines at once. Time
// limits are up to the http.Server that it runs in; Serve has one.
func New(c Config) http.Handler {
	c.AccountID = cmp.Or(c.AccountID, "local")
	c.MaxBody = cmp.Or(c.MaxBody, defaultMaxBody)
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &server{Config: c, db: c.Store.Platform()}
	return s.guard(s.mux())
}

// handler answers one request, or returns the error to answer with.
type handler func(w http.ResponseWriter, r *http.Request) error

type route struct {
	method, path string
	handle       handler
}

func (s *server) routes() []route {
	const (
		datasets    = "/v4/evaluation-datasets"
		dataset     = datasets + "/{dataset}"
		versions    = dataset + "/evaluation-dataset-versions"
		cases       = dataset + "/test-cases"
		specs       = "/v4/application-specs"
		evaluations = "/v4/evaluations"
		results     = evaluations + "/{evaluation}/test-case-results"
	)
	return []route{
		{"POST", datasets, s.createDataset},
		{"GET", datasets, s.listDatasets},
		{"GET", dataset, s.getDataset},
		{"POST", dataset + "/publish", s.publishLatest},
		{"POST", versions, s.createVersion},
		{"GET", versions, s.listVersions},
		{"GET", versions + "/{version}", s.getVersion},
		{"POST", versions + "/{version}/publish", s.publishVersion},
		{"POST", cases, s.createCase},
		{"POST", cases + "/batch", s.createCases},
		{"GET", cases, s.listCases},
		{"GET", cases + "/{case}", s.getCase},
		{"GET", cases + "/history/{num}", s.listVersionCases},
		{"POST", specs, s.createSpec},
		{"GET", specs, s.listSpecs},
		{"GET", specs + "/{spec}", s.getSpec},
		{"POST", evaluations, s.createEvaluation},
		{"GET", evaluations, s.listEvaluations},
		{"GET", evaluations + "/{evaluation}", s.getEvaluation},
		{"POST", results, s.createResult},
		{"POST", results + "/batch", s.createResults},
		{"GET", results, s.listResults},
		{"GET", results + "/{result}", s.getResult},
		{"PATCH", results + "/{result}", s.patchResult},
	}
}

// mux finds the handler of a request, and answers 404 and 405 in JSON.
func (s *server) mux() http.Handler {
	mux := http.NewServeMux()
	paths := map[string]map[string]handler{}
	for _, route := range s.routes() {
		if paths[route.path] == nil {
			paths[route.path] = map[string]handler{}
		}
		paths[route.path][route.method] = route.handle
		if route.method == http.MethodGet {
			paths[route.path][http.MethodHead] = route.handle
		}
	}
	for path, methods := range paths {
		allow := strings.Join(slices.Sorted(maps.Keys(methods)), ", ")
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			handle, ok := methods[r.Method]
			if !ok {
				w.Header().Set("Allow", allow)
				refuse(w, http.StatusMethodNotAllowed, "Method Not Allowed")
				return
			}
			if err := handle(w, r); err != nil {
				fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "Not Found")
	})
	return mux
}

// owner is who is said to have created everything: there are no users here.
const owner = "local"

// created sets what every entity has, and returns its ID and account. Fields of
// these names that the client sent are replaced.
func (s *server) created(r *http.Request, o object) (id, account string) {
	id, now := ulid.Make().String(), stamp(s.Now())
	account = s.account(r, o)
	o.set("id", id)
	o.set("created_at", now)
	o.set("updated_at", now)
	o.set("account_id", account)
	o.set("created_by_user_id", owner)
	o.set("created_by_identity_type", "user")
	o.drop("archived_at")
	return id, account
}

// account is the account of a new entity: the body's, the header's, or ours.
func (s *server) account(r *http.Request, o object) string {
	var named string
	if o.has("account_id") {
		named, _ = unquote(o["account_id"])
	}
	return cmp.Or(named, r.Header.Get("x-selected-account-id"), s.AccountID)
}
