package retell_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	problems "github.com/pb33f/libopenapi-validator/errors"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/internal/shared"
)

// contracts are the platform's OpenAPI documents. What two of them describe has to
// follow both.
type contracts struct {
	documents []contract
	missing   error
}

type contract struct {
	name string
	validator.Validator
}

var loadContracts = sync.OnceValue(func() *contracts {
	c := &contracts{}
	for _, name := range []string{"retell-create-batch-test.openapi.yaml", "retell-tests-2026.openapi.yaml"} {
		v, err := loadContract(filepath.Join("../../../shared/contract", name))
		if err != nil {
			return &contracts{missing: err}
		}
		c.documents = append(c.documents, contract{name: name, Validator: v})
	}
	return c
})

func loadContract(path string) (validator.Validator, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// Runs have been pending since June 2026, after the document was written.
	text := strings.Replace(string(data), "- in_progress\n          - pass\n", "- in_progress\n          - pending\n          - pass\n", 1)
	document, err := libopenapi.NewDocument([]byte(text))
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	return v, errors.Join(errs...)
}

// check fails the test where a request does not follow each contract that has its
// path.
func (c *contracts) check(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	for _, err := range c.complaints(r, body) {
		t.Errorf("%s %s: %v\n%s", r.Method, r.URL, err, body)
	}
}

func (c *contracts) complaints(r *http.Request, body []byte) []error {
	return c.each(func(v validator.Validator) (bool, []*problems.ValidationError) {
		return v.ValidateHttpRequestSync(again(r, body))
	})
}

// checkAnswer does the same for an answer.
func (c *contracts) checkAnswer(t *testing.T, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	for _, err := range c.answerComplaints(r, w) {
		t.Errorf("answer to %s %s: %v\n%s", r.Method, r.URL, err, w.Body)
	}
}

func (c *contracts) answerComplaints(r *http.Request, w *httptest.ResponseRecorder) []error {
	return c.each(func(v validator.Validator) (bool, []*problems.ValidationError) {
		return v.ValidateHttpResponse(r, w.Result())
	})
}

func (c *contracts) each(validate func(validator.Validator) (bool, []*problems.ValidationError)) []error {
	if c.missing != nil {
		return nil // TestContract says so
	}
	var out []error
	known := false
	for _, doc := range c.documents {
		ok, errs := validate(doc.Validator)
		if len(errs) > 0 && (errs[0].IsPathMissingError() || errs[0].IsOperationMissingError()) {
			continue
		}
		known = true
		if ok {
			continue
		}
		for _, err := range errs {
			out = append(out, fmt.Errorf("%s: %w", doc.name, err))
		}
	}
	if !known {
		return []error{errors.New("in no contract")}
	}
	return out
}

// The documents are there; every other test has its requests checked by them.
func TestContract(t *testing.T) {
	shared.Files(t, "contract/retell-*.yaml")
	c := loadContracts()
	require.NoError(t, c.missing)
	require.Len(t, c.documents, 2)

	const base = "https://api.retellai.com"
	for name, bad := range map[string]struct{ method, path, body string }{
		"unknown path":       {"GET", "/v2/nothing", ""},
		"limit too high":     {"GET", "/v2/list-test-runs/b?limit=1001", ""},
		"type missing":       {"GET", "/v2/list-batch-tests?llm_id=l", ""},
		"type unknown":       {"GET", "/v2/list-batch-tests?type=custom-llm", ""},
		"version a text":     {"GET", "/v2/list-batch-tests?type=retell-llm&version=new", ""},
		"no test case":       {"POST", "/create-batch-test", `{"test_case_definition_ids": [], "response_engine": {"type": "retell-llm", "llm_id": "l"}}`},
		"no engine":          {"POST", "/create-batch-test", `{"test_case_definition_ids": ["a"]}`},
		"custom-llm":         {"POST", "/create-batch-test", `{"test_case_definition_ids": ["a"], "response_engine": {"type": "custom-llm", "llm_websocket_url": "wss://x"}}`},
		"definition no name": {"POST", "/create-test-case-definition", `{"user_prompt": "p", "metrics": [], "response_engine": {"type": "retell-llm", "llm_id": "l"}}`},
		"output too long":    {"PUT", "/update-test-case-definition/t", `{"tool_mocks": [{"tool_name": "t", "input_match_rule": {"type": "any"}, "output": "` + strings.Repeat("x", 15001) + `"}]}`},
	} {
		r := httptest.NewRequest(bad.method, base+bad.path, nil)
		r.Header.Set("Authorization", "Bearer k")
		r.Header.Set("Content-Type", "application/json")
		assert.NotEmpty(t, c.complaints(r, []byte(bad.body)), name)
	}
	for name, bad := range map[string]struct {
		method, path string
		status       int
		body         string
	}{
		"no batch":       {"POST", "/create-batch-test", 201, `{}`},
		"a status":       {"GET", "/get-batch-test/b", 200, strings.Replace(batch, "-1", "1", 1)},
		"items no list":  {"GET", "/v2/list-test-runs/b", 200, `{"items": {}}`},
		"unknown answer": {"GET", "/get-test-run/r", 200, `[]`},
	} {
		w := httptest.NewRecorder()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(bad.status)
		_, _ = w.WriteString(bad.body)
		r := httptest.NewRequest(bad.method, base+bad.path, nil)
		assert.NotEmpty(t, c.answerComplaints(r, w), name)
	}
}
