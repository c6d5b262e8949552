package sgp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

func someCases(n int) harness.Cases {
	out := make(harness.Cases, n)
	for i := range out {
		out[i] = harness.Case{ID: fmt.Sprint("c", i), Input: fmt.Sprint("question ", i), Expected: "answer"}
	}
	return out
}

func TestPush(t *testing.T) {
	p := newPlatform(t)
	var progress []int64
	pushed, err := sgp.Push(t.Context(), p.client(), someCases(250), sgp.PushConfig{
		Name: "d", ChunkItems: 100, Progress: func(n int64) { progress = append(progress, n) },
	})
	require.NoError(t, err)
	assert.Equal(t, sgp.Pushed{DatasetID: "ds_1", Version: 1, Cases: 250}, pushed)
	assert.Equal(t, []int64{100, 200, 250}, progress)
	require.Len(t, p.frozen[1], 250)
	assert.Equal(t, "question 249", p.frozen[1][249].TestCaseData.Input)
	assert.Equal(t, sgp.Generation, p.datasets[0].SchemaType)
}

func TestPushSchema(t *testing.T) {
	mixed := harness.Cases{{ID: "a", Input: map[string]any{"q": "x"}, Expected: map[string]any{"a": "y"}}, {ID: "b", Input: "text", Expected: "z"}}
	for name, tt := range map[string]struct {
		cases  harness.Cases
		config sgp.PushConfig
		input  any
		schema string
	}{
		"flexible by its cases": {mixed, sgp.PushConfig{Name: "d"}, map[string]any{"q": "x"}, sgp.Flexible},
		"generation by request": {mixed, sgp.PushConfig{Name: "d", SchemaType: sgp.Generation}, `{"q":"x"}`, sgp.Generation},
		"an existing dataset's": {mixed, sgp.PushConfig{DatasetID: "ds_7", Draft: true}, map[string]any{"q": "x"}, ""},
		"flexible by request":   {someCases(1), sgp.PushConfig{Name: "d", SchemaType: sgp.Flexible}, "question 0", sgp.Flexible},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			pushed, err := sgp.Push(t.Context(), p.client(), tt.cases, tt.config)
			require.NoError(t, err)
			assert.Equal(t, tt.input, p.cases[0].TestCaseData.Input)
			assert.Equal(t, tt.cases[0].Input, sgp.FromTestCase(p.cases[0]).Input, "it comes back as it was")
			if tt.schema == "" {
				assert.Empty(t, p.datasets)
				assert.Empty(t, p.versions)
				assert.Zero(t, pushed.Version)
			} else {
				assert.Equal(t, tt.schema, p.datasets[0].SchemaType)
			}
		})
	}
}

func TestPushByBytes(t *testing.T) {
	p := newPlatform(t)
	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		var items []json.RawMessage
		if json.Unmarshal(body, &items) == nil {
			assert.True(t, len(body) <= 1010 || len(items) == 1)
		}
		return serve(), nil
	}
	cases := someCases(30)
	cases[7].Input = strings.Repeat("x", 3000)
	pushed, err := sgp.Push(t.Context(), p.client(), cases, sgp.PushConfig{Name: "d", ChunkBytes: 1000})
	require.NoError(t, err)
	assert.EqualValues(t, 30, pushed.Cases)
}

func TestPushTrouble(t *testing.T) {
	t.Run("no cases", func(t *testing.T) {
		p := newPlatform(t)
		_, err := sgp.Push(t.Context(), p.client(), harness.Cases{}, sgp.PushConfig{Name: "d"})
		require.ErrorContains(t, err, "no cases")
		assert.Empty(t, p.requests)
	})
	t.Run("nowhere to", func(t *testing.T) {
		_, err := sgp.Push(t.Context(), newPlatform(t).client(), someCases(1), sgp.PushConfig{})
		require.ErrorContains(t, err, "dataset ID")
	})
	t.Run("the source breaks", func(t *testing.T) {
		_, err := sgp.Push(t.Context(), newPlatform(t).client(), broken{}, sgp.PushConfig{Name: "d"})
		require.ErrorIs(t, err, errBroken)
	})
	t.Run("a batch in doubt is sent once", func(t *testing.T) {
		p := newPlatform(t)
		posts := 0
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			resp := serve()
			if strings.HasSuffix(r.URL.Path, "/batch") {
				if posts++; posts == 2 {
					return nil, io.ErrUnexpectedEOF
				}
			}
			return resp, nil
		}
		pushed, err := sgp.Push(t.Context(), p.client(), someCases(30), sgp.PushConfig{Name: "d", ChunkItems: 10})
		require.ErrorContains(t, err, "10 cases were uploaded to dataset ds_1: whether 10 more cases were uploaded to dataset ds_1 is not known: ")
		assert.True(t, sgp.Ambiguous(err))
		assert.EqualValues(t, 10, pushed.Cases)
		assert.Equal(t, 2, posts)
		assert.Empty(t, p.versions, "it is not published")
	})
	for step, says := range map[string]string{
		"POST /v4/evaluation-datasets":                                 `push: whether dataset "d" was created is not known: `,
		"POST /v4/evaluation-datasets/ds_1/test-cases/batch":           "push: whether 3 more cases were uploaded to dataset ds_1 is not known: ",
		"POST /v4/evaluation-datasets/ds_1/publish":                    "push: 3 cases were uploaded to dataset ds_1: whether it was published is not known: ",
		"GET /v4/evaluation-datasets/ds_1/evaluation-dataset-versions": "push: 3 cases were uploaded to dataset ds_1: it was published, but the version is not known: ",
	} {
		t.Run("in doubt: "+step, func(t *testing.T) {
			p := newPlatform(t)
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				resp := serve()
				if r.Method+" "+r.URL.Path == step {
					return nil, io.ErrUnexpectedEOF
				}
				return resp, nil
			}
			_, err := sgp.Push(t.Context(), p.client(), someCases(3), sgp.PushConfig{Name: "d"})
			require.ErrorContains(t, err, says)
		})
	}
	t.Run("422", func(t *testing.T) {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				return respond(r, 422, `{"detail": [{"loc": ["body", 2, "test_case_data", "input"], "msg": "too long", "type": "x"}]}`), nil
			}
			return serve(), nil
		}
		_, err := sgp.Push(t.Context(), p.client(), someCases(3), sgp.PushConfig{Name: "d"})
		require.ErrorContains(t, err, "body.2.test_case_data.input: too long")
	})
	t.Run("publishing does not succeed", func(t *testing.T) {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/publish") {
				return respond(r, 200, `{"success": false, "autogenerated_draft_test_cases": []}`), nil
			}
			return serve(), nil
		}
		pushed, err := sgp.Push(t.Context(), p.client(), someCases(3), sgp.PushConfig{Name: "d"})
		require.ErrorContains(t, err, "did not succeed")
		assert.EqualValues(t, 3, pushed.Cases)
	})
	t.Run("no version is listed", func(t *testing.T) {
		p := newPlatform(t)
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/publish") {
				return respond(r, 200, `{"success": true}`), nil
			}
			return serve(), nil
		}
		_, err := sgp.Push(t.Context(), p.client(), someCases(3), sgp.PushConfig{Name: "d"})
		require.ErrorContains(t, err, "no published version is listed")
	})
}

var errBroken = errors.New("row 7 is not JSON")

type broken struct{}

func (broken) Page(context.Context, string) (harness.Page, error) { return harness.Page{}, errBroken }
