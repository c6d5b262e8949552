package sgp_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"
)

const contractDir = "../../../shared/contract"

// contracts are the platform's OpenAPI documents: the newer ones of single
// endpoints first, since they win where they disagree with the wider one.
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
	newer := map[string]any{} // schemas of the documents of single endpoints
	for _, name := range []string{
		"sgp-batch-create-test-case-results.openapi.yaml", "sgp-list-test-cases.openapi.yaml", "sgp-v4-2025-05.openapi.json",
	} {
		v, err := loadContract(filepath.Join(contractDir, name), newer)
		if err != nil {
			return &contracts{missing: err}
		}
		c.documents = append(c.documents, contract{name: name, Validator: v})
	}
	return c
})

// loadContract reads a document. Its schemas are added to the newer ones, and
// replaced where those have the same.
func loadContract(path string, newer map[string]any) (validator.Validator, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(data, &tree); err != nil { // JSON is YAML
		return nil, err
	}
	schemas := tree["components"].(map[string]any)["schemas"].(map[string]any)
	maps.Copy(schemas, newer)
	maps.Copy(newer, schemas)
	if data, err = json.Marshal(tree); err != nil {
		return nil, err
	}
	document, err := libopenapi.NewDocument(data)
	if err != nil {
		return nil, err
	}
	v, errs := validator.NewValidator(document)
	return v, errors.Join(errs...)
}

// check fails the test where a request does not follow its contract.
func (c *contracts) check(t *testing.T, r *http.Request, body []byte) {
	t.Helper()
	for _, err := range c.complaints(r, body) {
		t.Errorf("%s %s: %v\n%s", r.Method, r.URL, err, body)
	}
}

// complaints validates a request against the first document that has its path.
func (c *contracts) complaints(r *http.Request, body []byte) []error {
	if c.missing != nil {
		return nil // TestContract says so
	}
	for _, doc := range c.documents {
		ok, errs := doc.ValidateHttpRequestSync(again(r, body))
		if ok {
			return nil
		}
		if len(errs) > 0 && (errs[0].IsPathMissingError() || errs[0].IsOperationMissingError()) {
			continue
		}
		var out []error
		for _, err := range errs {
			out = append(out, fmt.Errorf("%s: %w", doc.name, err))
		}
		return out
	}
	return []error{errors.New("in no contract")}
}

func again(r *http.Request, body []byte) *http.Request {
	copied := r.Clone(r.Context())
	copied.Body = http.NoBody
	if body != nil {
		copied.Body = io.NopCloser(bytes.NewReader(body))
	}
	return copied
}

// The documents are there; every other test has its requests checked by them.
func TestContract(t *testing.T) {
	c := loadContracts()
	if c.missing != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("the platform's OpenAPI documents are missing: %v", c.missing)
		}
		t.Skipf("the platform's OpenAPI documents are not there, requests are not checked: %v", c.missing)
	}
	require.Len(t, c.documents, 3)

	for name, bad := range map[string]*http.Request{
		"unknown path":   httptest.NewRequest("GET", "https://api.egp.scale.com/v4/nothing", nil),
		"limit too high": httptest.NewRequest("GET", "https://api.egp.scale.com/v4/evaluation-datasets/ds_1/test-cases?limit=10001", nil),
		"no array":       batchRequest(`{"items": []}`),
		"missing field":  batchRequest(`[{"application_spec_id": "a", "test_case_id": "t", "test_case_evaluation_data": {}}]`),
		"version number": batchRequest(`[{"application_spec_id": "a", "evaluation_dataset_version_num": 1, "test_case_id": "t", "test_case_evaluation_data": {}}]`),
		"null result":    batchRequest(`[{"application_spec_id": "a", "evaluation_dataset_version_num": "1", "test_case_id": "t", "test_case_evaluation_data": {}, "result": {"q": null}}]`),
	} {
		var body []byte
		if bad.Body != nil && bad.Method == "POST" {
			body, _ = io.ReadAll(bad.Body)
		}
		assert.NotEmpty(t, c.complaints(bad, body), name)
	}
}

func batchRequest(body string) *http.Request {
	r := httptest.NewRequest("POST", "https://api.egp.scale.com/v4/evaluations/ev_1/test-case-results/batch", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("x-api-key", key)
	return r
}
