package sgpserver_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contracts are the platform's own descriptions. The first that matches a request
// speaks for it: the two seed documents win over the older, wider one.
var contracts = []struct {
	file  string
	match *regexp.Regexp
	load  func() (validator.Validator, error)
}{
	contract("sgp-batch-create-test-case-results.openapi.yaml", `^POST /v4/evaluations/[^/]+/test-case-results/batch$`),
	contract("sgp-list-test-cases.openapi.yaml", `^GET /v4/evaluation-datasets/[^/]+/test-cases$`),
	contract("sgp-v4-2025-05.openapi.json", ``),
}

func contract(file, match string) (c struct {
	file  string
	match *regexp.Regexp
	load  func() (validator.Validator, error)
}) {
	c.file, c.match = file, regexp.MustCompile(match)
	c.load = sync.OnceValues(func() (validator.Validator, error) {
		data, err := os.ReadFile(filepath.Join("../../../../shared/contract", file))
		if err != nil {
			return nil, err
		}
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
	return c
}

// checkContract validates a response of 200 or 422; the documents declare no
// others. Without the documents it does nothing: TestContractDocuments says so.
func checkContract(t *testing.T, req *http.Request, status int, header http.Header, body []byte) {
	t.Helper()
	if status != http.StatusOK && status != http.StatusUnprocessableEntity || len(body) > 1<<20 {
		return
	}
	for _, c := range contracts {
		if !c.match.MatchString(req.Method + " " + req.URL.Path) {
			continue
		}
		v, err := c.load()
		if os.IsNotExist(err) {
			return
		}
		require.NoError(t, err)
		resp := &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), Request: req}
		ok, problems := v.ValidateHttpResponse(req, resp)
		for _, p := range problems {
			for _, s := range p.SchemaValidationErrors {
				t.Errorf("%s %s: %s: %s at %s", req.Method, req.URL.Path, c.file, s.Reason, s.FieldPath)
			}
		}
		assert.True(t, ok, "%s %s: the answer is not what %s says: %v\n%.2000s", req.Method, req.URL.Path, c.file, problems, body)
		return
	}
}

func TestContractDocuments(t *testing.T) {
	for _, c := range contracts {
		_, err := c.load()
		if os.IsNotExist(err) && os.Getenv("CI") == "" {
			t.Skipf("responses are not checked against the platform's contract: %v", err)
		}
		require.NoError(t, err)
	}
}

// The check itself has to be able to fail.
func TestContractCheckSeesWrongAnswers(t *testing.T) {
	v, err := contracts[0].load()
	if os.IsNotExist(err) {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("no contract to check against: %v", err)
	}
	require.NoError(t, err)
	req, err := http.NewRequest("POST", "https://api.egp.scale.com/v4/evaluations/e/test-case-results/batch", nil)
	require.NoError(t, err)
	for name, body := range map[string]string{
		"not an array":       `{}`,
		"fields are missing": `[{"id": "r"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			ok, _ := v.ValidateHttpResponse(req, &http.Response{
				StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: req,
			})
			assert.False(t, ok)
		})
	}
}
