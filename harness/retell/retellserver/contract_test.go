package retellserver_test

import (
	"bytes"
	"io"
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
)

const (
	seedContract = "retell-create-batch-test.openapi.yaml" // one endpoint
	wideContract = "retell-tests-2026.openapi.yaml"        // all of them
)

// contracts are the platform's own descriptions. What a document has is held
// against it: create-batch-test against both.
var contracts = map[string]func() (validator.Validator, error){
	seedContract: contract(seedContract),
	wideContract: contract(wideContract),
}

func contract(file string) func() (validator.Validator, error) {
	return sync.OnceValues(func() (validator.Validator, error) {
		data, err := os.ReadFile(filepath.Join("../../../../shared/contract", file))
		if err != nil {
			return nil, err
		}
		// The documents are older than runs that wait, which the official client has
		// had since June 2026.
		data = bytes.Replace(data, []byte("          - in_progress\n          - pass\n"), []byte("          - pending\n          - in_progress\n          - pass\n"), 1)
		doc, err := libopenapi.NewDocument(data)
		if err != nil {
			return nil, err
		}
		v, errs := validator.NewValidator(doc)
		if len(errs) > 0 {
			return nil, errs[0]
		}
		return v, nil
	})
}

// exchange is a request and its answer, with their bodies.
type exchange struct {
	req    *http.Request
	body   []byte
	status int
	header http.Header
	answer []byte
}

func (e exchange) request() *http.Request {
	r := e.req.Clone(e.req.Context())
	r.Body = io.NopCloser(bytes.NewReader(e.body))
	return r
}

// complaints are what the documents have against a request and its answer. A
// request that was refused as wrong may be so.
func (e exchange) complaints() (out []string, checked int, err error) {
	for file, load := range contracts {
		if file == seedContract && e.req.URL.Path != "/create-batch-test" {
			continue
		}
		v, err := load()
		if err != nil {
			return nil, 0, err
		}
		checked++
		if e.status < 300 || e.status == 402 || e.status == 429 || e.status >= 500 {
			_, problems := v.ValidateHttpRequestSync(e.request())
			for _, p := range problems {
				out = append(out, file+": request: "+p.Error())
			}
		}
		_, problems := v.ValidateHttpResponse(e.request(), &http.Response{
			StatusCode: e.status, Header: e.header, Body: io.NopCloser(bytes.NewReader(e.answer)), Request: e.req,
		})
		for _, p := range problems {
			out = append(out, file+": answer: "+p.Error())
			for _, s := range p.SchemaValidationErrors {
				out = append(out, "    "+s.Reason+" at "+s.FieldPath)
			}
		}
	}
	return out, checked, nil
}

// check fails the test where an exchange does not follow the documents. Without
// them it does nothing: TestContractDocuments says so.
func (e exchange) check(t *testing.T) {
	t.Helper()
	if e.status == http.StatusMethodNotAllowed || e.status == http.StatusForbidden || e.status == http.StatusRequestEntityTooLarge {
		return // of any server, declared by none
	}
	out, _, err := e.complaints()
	if os.IsNotExist(err) {
		return
	}
	require.NoError(t, err)
	assert.Empty(t, out, "%s %s: %d %.2000s", e.req.Method, e.req.URL, e.status, e.answer)
}

func TestContractDocuments(t *testing.T) {
	for _, load := range contracts {
		_, err := load()
		if os.IsNotExist(err) && os.Getenv("CI") == "" {
			t.Skipf("requests and answers are not checked against the platform's contract: %v", err)
		}
		require.NoError(t, err)
	}
}

// The check itself has to be able to fail.
func TestContractCheckSeesWhatIsWrong(t *testing.T) {
	if _, err := contracts[wideContract](); os.IsNotExist(err) && os.Getenv("CI") == "" {
		t.Skipf("no contract to check against: %v", err)
	}
	const (
		batch     = `{"test_case_definition_ids":["a"],"response_engine":{"type":"retell-llm","llm_id":"l"}}`
		job       = `{"test_case_batch_job_id":"b","status":"complete","response_engine":{"type":"retell-llm","llm_id":"l"},"pass_count":1,"fail_count":0,"error_count":0,"total_count":1,"creation_timestamp":1,"user_modified_timestamp":1}`
		create    = "POST /create-batch-test"
		list      = "GET /v2/list-batch-tests?type=retell-llm&llm_id=l"
		testRun   = "GET /get-test-run/r"
		unauthed  = `{"status":"error","message":"no"}`
		engineBad = `{"test_case_definition_ids":["a"],"response_engine":{"type":"custom-llm","llm_websocket_url":"l"}}`
	)
	for name, test := range map[string]struct {
		request, body string
		status        int
		answer        string
		good          int // documents that check it; 0: it is wrong
	}{
		"a batch":                 {create, batch, 201, job, 2},
		"a refusal":               {create, batch, 401, unauthed, 2},
		"a list":                  {list, "", 200, `{"items":[` + job + `],"has_more":false}`, 1},
		"an undeclared status":    {create, batch, 200, job, 0},
		"422":                     {create, batch, 422, unauthed, 0},
		"a missing count":         {create, batch, 201, strings.Replace(job, `"error_count":0,`, "", 1), 0},
		"an unknown batch status": {create, batch, 201, strings.Replace(job, "complete", "done", 1), 0},
		"no IDs":                  {create, strings.Replace(batch, `"a"`, "", 1), 201, job, 0},
		"an engine of one's own":  {create, engineBad, 201, job, 0},
		"a list without a type":   {"GET /v2/list-batch-tests", "", 200, `{"items":[],"has_more":false}`, 0},
		"a run without anything":  {testRun, "", 200, `{}`, 0},
		"an error of another form": {
			testRun, "", 404, `{"status":404}`, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(test.request, " ")
			req := httptest.NewRequest(method, "https://api.retellai.com"+target, nil)
			req.Header.Set("Authorization", "Bearer key")
			if test.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			e := exchange{req, []byte(test.body), test.status, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, []byte(test.answer)}
			out, checked, err := e.complaints()
			require.NoError(t, err)
			if test.good > 0 {
				assert.Empty(t, out)
				assert.Equal(t, test.good, checked)
			} else {
				assert.NotEmpty(t, out)
			}
		})
	}
}
