package suite

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/internal/httpx"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/strict"
)

// retellDoc is a batch test of Retell.
type retellDoc struct {
	ResponseEngine retellEngineDoc `yaml:"response_engine" jsonschema:"required" jsonschema_description:"What is tested, whatever engine the test cases name."`
	TestCases      strict.Node     `yaml:"test_cases" jsonschema:"required" jsonschema_description:"Which test cases are played: a list of IDs, or one of {all: true}, {names: [patterns]} and {file: path}."`
	Batch          *int            `yaml:"batch" jsonschema:"minimum=1,maximum=1000,default=1000" jsonschema_description:"The most test cases in a batch."`
	Poll           *time.Duration  `yaml:"poll" jsonschema:"default=2s" jsonschema_description:"The first pause before it is asked what became of the batches; the next ones are longer, up to 30s."`
	Deadline       *time.Duration  `yaml:"deadline" jsonschema:"default=30m" jsonschema_description:"How long a batch is waited for. Then the run stops, to be resumed later."`
	BaseURL        strict.Node     `yaml:"base_url" jsonschema_description:"A stand-in on this machine, such as http://127.0.0.1:8401, which gets no key. Default: RETELL_BASE_URL, or Retell."`
}

type retellEngineDoc struct {
	Type               string `yaml:"type" jsonschema:"required,enum=retell-llm,enum=conversation-flow" jsonschema_description:"The kind of engine."`
	LLMID              string `yaml:"llm_id" jsonschema_description:"The ID of a retell-llm."`
	ConversationFlowID string `yaml:"conversation_flow_id" jsonschema_description:"The ID of a conversation-flow."`
	Version            *int   `yaml:"version" jsonschema:"minimum=0" jsonschema_description:"Default: the latest."`
}

// retellCasesDoc chooses test cases in other ways than by a list of IDs.
type retellCasesDoc struct {
	All   *bool       `yaml:"all" jsonschema_description:"true: all test cases of the engine."`
	Names []string    `yaml:"names" jsonschema:"minItems=1" jsonschema_description:"Those of the engine with one of these names, in which * is any text."`
	File  strict.Node `yaml:"file" jsonschema_description:"Those of a file that evalrun retell push has sent, relative to the suite."`
}

// Retell is a batch test of Retell: its test cases are the dataset, and its
// response engine is the app.
type Retell struct {
	Engine retell.ResponseEngine
	Cases  retell.Choice
	// File is where Cases.Definitions were read, relative to the suite; "" for
	// nowhere.
	File string
	// Batch is the most test cases in a batch.
	Batch          int
	Poll, Deadline time.Duration

	baseURL string // of a stand-in; "" is whatever the environment says
}

// standInKey is what a stand-in of a suite gets for a key.
const standInKey = "no-key"

// retell reads the section, which stands for dataset, app and one evaluator.
func (l *loader) retell() {
	doc, at := l.doc.Retell, l.root.Get("retell")
	if doc == nil {
		return
	}
	r := &Retell{
		Batch: retell.MaxBatch, baseURL: l.standIn(doc.BaseURL),
		Poll:     l.duration(at.Get("poll"), "poll", doc.Poll, 2*time.Second),
		Deadline: l.duration(at.Get("deadline"), "deadline", doc.Deadline, 30*time.Minute),
	}
	if n := doc.Batch; n != nil {
		if r.Batch = *n; *n < 1 || *n > retell.MaxBatch {
			l.fail(at.Get("batch").Errorf("batch is %d; expected 1 to %d", *n, retell.MaxBatch))
		}
	}
	for _, key := range []string{"timeout", "retries", "rate_limit"} {
		if p := l.root.Get(key); p.Given() {
			e := p.Errorf("%s is for calls of an app, and there are none beside retell", key)
			e.Hint = "retell.deadline says how long a batch is waited for"
			l.fail(e)
		}
	}
	r.Engine = l.retellEngine(at.Get("response_engine"), doc.ResponseEngine)
	l.retellCases(at.Get("test_cases"), doc.TestCases, r)
	l.suite.digests["app"] = engineDigest(r.Engine)
	l.suite.Retell = r
	l.suite.Dataset = Dataset{Retell: r}
	l.suite.Apps = []App{{Name: "retell", Kind: "retell"}}
	if l.doc.Concurrency == nil {
		l.suite.Concurrency = 64 // they only wait
	}
}

func (l *loader) retellEngine(at strict.Node, doc retellEngineDoc) retell.ResponseEngine {
	e := retell.ResponseEngine{Type: doc.Type, LLMID: doc.LLMID, ConversationFlowID: doc.ConversationFlowID, Version: doc.Version}
	switch {
	case e.Type != retell.EngineLLM && e.Type != retell.EngineFlow:
		l.fail(at.Get("type").Errorf("a response engine of type %s can't be tested; there are %s and %s", strict.Quote(e.Type), retell.EngineLLM, retell.EngineFlow))
	case e.Type == retell.EngineLLM && (e.LLMID == "" || e.ConversationFlowID != ""):
		l.fail(at.Errorf("an engine of type %s has an llm_id, and no conversation_flow_id", e.Type))
	case e.Type == retell.EngineFlow && (e.ConversationFlowID == "" || e.LLMID != ""):
		l.fail(at.Errorf("an engine of type %s has a conversation_flow_id, and no llm_id", e.Type))
	case e.Version != nil && *e.Version < 0:
		l.fail(at.Get("version").Errorf("version is %d; expected 0 or more", *e.Version))
	}
	return e
}

// retellCases reads which test cases are played.
func (l *loader) retellCases(at, n strict.Node, r *Retell) {
	switch {
	case n.Kind == yaml.SequenceNode:
		l.retellIDs(n, r)
		return
	case n.Kind != yaml.MappingNode:
		e := at.Errorf("expected a list of IDs, or one of all, names and file")
		e.Hint = "such as [tc_1, tc_2], {all: true}, {names: [\"refund*\"]} or {file: cases.yaml}"
		l.fail(e)
		return
	}
	var doc retellCasesDoc
	if err := n.Decode(&doc); err != nil {
		l.fail(err)
		return
	}
	switch key, ok := l.oneOf(n, "test_cases", "all", "names", "file"); {
	case !ok:
	case key == "all":
		if r.Cases.All = doc.All != nil && *doc.All; !r.Cases.All {
			l.fail(n.Get("all").Errorf("all can only be true"))
		}
	case key == "names":
		if r.Cases.Names = doc.Names; len(doc.Names) == 0 {
			l.fail(n.Get("names").Errorf("there is no name"))
		}
	default:
		l.retellFile(n.Get("file"), r)
	}
}

// retellFile reads the definitions of a file. The engine is that of the suite where
// the file names none.
func (l *loader) retellFile(n strict.Node, r *Retell) {
	if n.Kind != yaml.ScalarNode || !n.Given() {
		l.fail(n.Errorf("expected the path of a file"))
		return
	}
	if err := l.suite.folder.file(n, n.Value); err != nil {
		l.fail(err)
		return
	}
	data, err := os.ReadFile(l.suite.folder.join(n.Value))
	if err != nil {
		l.fail(n.Errorf("%s: %s", strict.Quote(n.Value), cause(err)))
		return
	}
	fallback := r.Engine
	fallback.Version = nil
	definitions, err := retell.ParseDefinitions(n.Value, data, &fallback)
	if err != nil {
		l.fail(err)
		return
	}
	r.File, r.Cases.Definitions = n.Value, &definitions
}

func (l *loader) retellIDs(n strict.Node, r *Retell) {
	if len(n.Items()) == 0 {
		l.fail(n.Errorf("there is no test case"))
	}
	first := map[string]strict.Node{}
	for _, item := range n.Items() {
		if item.Kind != yaml.ScalarNode || !item.Given() || item.Value == "" {
			l.fail(item.Errorf("expected the ID of a test case"))
			continue
		}
		if was, twice := first[item.Value]; twice {
			e := item.Errorf("duplicate test case %s; the first one is at %d:%d", strict.Quote(item.Value), was.Line, was.Column)
			e.Hint = "trials says how often each test case is played"
			l.fail(e)
			continue
		}
		first[item.Value] = item
		r.Cases.IDs = append(r.Cases.IDs, item.Value)
	}
}

// standIn checks the address of a stand-in.
func (l *loader) standIn(n strict.Node) string {
	if !n.Given() {
		return ""
	}
	u, err := url.Parse(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || u.Scheme != "http" && u.Scheme != "https" || !httpx.Loopback(u.Hostname()) {
		e := n.Errorf("expected a URL on this machine, such as http://127.0.0.1:8401")
		e.Hint = "the environment variable RETELL_BASE_URL names any other, to which the key goes"
		l.fail(e)
	}
	return n.Value
}

// RetellClient is a client of Retell for whoever RETELL_API_KEY says, at
// RETELL_BASE_URL or where the suite says.
func (s *Suite) RetellClient() (*retell.Client, error) {
	c := retell.ConfigFromEnv(func(name string) string {
		value, _ := s.getenv(name)
		return value
	})
	if s.Retell != nil && s.Retell.baseURL != "" {
		c.BaseURL, c.APIKey = s.Retell.baseURL, standInKey
	}
	c.HTTPClient, c.Secrets, c.Hosts = s.http, s.Secrets, s.Hosts
	return retell.New(c)
}

// retellApp is the app, with a client of its own.
func (s *Suite) retellApp() (*retell.App, error) {
	client, err := s.RetellClient()
	if err != nil {
		return nil, err
	}
	r := s.Retell
	return &retell.App{Client: client, Engine: r.Engine, Batch: r.Batch, Poll: r.Poll, Deadline: r.Deadline}, nil
}

// String names the test cases in lists.
func (r *Retell) String() string {
	engine := "retell:" + r.Engine.ID()
	switch n := len(r.Cases.IDs); {
	case r.File != "":
		return engine + " " + r.File
	case r.Cases.All:
		return engine + " all test cases"
	case len(r.Cases.Names) > 0:
		return fmt.Sprintf("%s %q", engine, r.Cases.Names)
	case n == 1:
		return engine + " 1 test case"
	default:
		return fmt.Sprintf("%s %d test cases", engine, n)
	}
}
