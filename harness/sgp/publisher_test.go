package sgp_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

func TestPublish(t *testing.T) {
	p := newPlatform(t)
	o := newOutbox(many(250)...)
	o.add(answered("tc_0", 2, "again"))
	require.NoError(t, p.publisher(o).Run(t.Context(), nil))
	assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 251}, o.counts())
	assert.Equal(t, 3, p.posts())
	assert.Len(t, p.requests, 5, "nothing was in doubt: only the audit reads, a page to see how large results are, and all")
	assert.Equal(t, "GET /v4/evaluations/ev_1/test-case-results?include_archived=true&limit=10000&page=1", p.requests[4])
	clean(t, p, o, 251)
}

// What a result becomes.
func TestItems(t *testing.T) {
	pass := true
	results := []harness.Result{
		{
			Case: harness.Case{ID: "tc_1", Input: "q"}, Trial: 1,
			Output: &harness.Output{Value: "<b>", Chunks: []harness.Chunk{{Text: "c", Metadata: map[string]any{"page": 1.0}}}},
			Scores: []harness.Score{
				{Name: "equals", Value: 1, Pass: &pass}, {Name: "similar", Value: 0.25},
				{Name: "judge", Error: &harness.Error{Kind: harness.KindEvaluator, Message: "unparsable"}},
			},
		},
		{Case: harness.Case{ID: "tc_2", Input: "q"}, Trial: 2, Error: &harness.Error{Kind: harness.KindTimeout, Message: "no answer in 30s"}},
		{Case: harness.Case{ID: "tc_3", Input: map[string]any{"a": 1.0}}, Trial: 1, Output: &harness.Output{Value: map[string]any{"b": 2.0}}},
		{Case: harness.Case{ID: "tc_4", Input: "text"}, Trial: 1, Output: &harness.Output{Value: map[string]any{"b": 2.0}}},
		{Case: harness.Case{ID: "tc_5", Input: "text"}, Trial: 1, Output: &harness.Output{}},
	}
	p := newPlatform(t)
	var sent []map[string]any
	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		if r.Method == "POST" {
			assert.NoError(t, json.Unmarshal(body, &sent))
		}
		return serve(), nil
	}
	pub := p.publisher(newOutbox(results...))
	pub.Questions = map[string]string{"similar": "q_17"}
	require.NoError(t, pub.Run(t.Context(), nil))

	keys := []map[string]any{}
	for _, item := range sent {
		data := item["test_case_evaluation_data"].(map[string]any)
		keys = append(keys, data["_evalrun"].(map[string]any))
		delete(data, "_evalrun")
	}
	base := func(id string, data map[string]any, result any) map[string]any {
		m := map[string]any{
			"application_spec_id": "as_1", "evaluation_dataset_version_num": "3", "test_case_id": id, "account_id": "acc",
			"test_case_evaluation_data": data,
		}
		if result != nil {
			m["result"] = result
		}
		return m
	}
	assert.Equal(t, []map[string]any{
		base("tc_1", map[string]any{
			"generation_output": "<b>",
			"generation_extra_info": map[string]any{
				"schema_type": "CHUNKS", "chunks": []any{map[string]any{"text": "c", "metadata": map[string]any{"page": 1.0}}},
			},
		}, map[string]any{"equals": 1.0, "q_17": 0.25}),
		base("tc_2", map[string]any{
			"generation_output": "", "generation_extra_info": map[string]any{"schema_type": "STRING", "info": "timeout: no answer in 30s"},
		}, nil),
		base("tc_3", map[string]any{"generation_output": map[string]any{"b": 2.0}}, nil),
		base("tc_4", map[string]any{"generation_output": `{"b":2}`}, nil),
		base("tc_5", map[string]any{"generation_output": ""}, nil),
	}, sent)
	assert.Equal(t, "RUN", keys[1]["run"])
	assert.Equal(t, "tc_2", keys[1]["case"])
	assert.Equal(t, 2.0, keys[1]["trial"])
	assert.Len(t, keys[1]["sha"], 16)
	assert.NotEqual(t, keys[0]["sha"], keys[1]["sha"])
}

func TestPublisherConfiguration(t *testing.T) {
	p := newPlatform(t)
	for name, spoil := range map[string]func(*sgp.Publisher){
		"client":    func(p *sgp.Publisher) { p.Client = nil },
		"outbox":    func(p *sgp.Publisher) { p.Outbox = nil },
		"run":       func(p *sgp.Publisher) { p.RunID = "" },
		"ev":        func(p *sgp.Publisher) { p.EvaluationID = "" },
		"spec":      func(p *sgp.Publisher) { p.ApplicationSpecID = "" },
		"version":   func(p *sgp.Publisher) { p.DatasetVersion = "" },
		"questions": func(p *sgp.Publisher) { p.Questions = map[string]string{"a": "q", "b": "q"} },
	} {
		o := newOutbox(many(1)...)
		pub := p.publisher(o)
		spoil(pub)
		assert.Error(t, pub.Run(t.Context(), nil), name)
		assert.Len(t, o.in(harness.PostPending), 1)
	}
	assert.Empty(t, p.requests)
}

func TestBatchesByBytes(t *testing.T) {
	p := newPlatform(t)
	var sizes, counts []int
	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		if r.Method == "POST" {
			var items []json.RawMessage
			assert.NoError(t, json.Unmarshal(body, &items))
			sizes, counts = append(sizes, len(body)), append(counts, len(items))
		}
		return serve(), nil
	}
	o := newOutbox(many(20)...)
	o.add(answered("tc_big", 1, strings.Repeat("x", 5000)))
	o.add(answered("tc_last", 1, "y"))
	pub := p.publisher(o)
	pub.BatchBytes, pub.InFlight = 1000, 1
	require.NoError(t, pub.Run(t.Context(), nil))
	audit(t, p, o)
	for i, size := range sizes {
		assert.True(t, size <= 1000 || counts[i] == 1, "%d items, %d bytes", counts[i], size)
	}
	assert.Greater(t, slices.Max(counts), 1)
	assert.Greater(t, slices.Max(sizes), 5000)
}

// Large results are not claimed by the hundred: no more are taken than for two
// batches, and those that came with them.
func TestClaimsByBytes(t *testing.T) {
	p := newPlatform(t)
	p.unchecked = true
	const large = 100 << 10
	o := newOutbox()
	for i := range 100 {
		o.add(answered("tc_"+strconv.Itoa(i), 1, strings.Repeat("x", large)))
	}
	most := 0
	p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
		most = max(most, len(o.in(harness.PostPosting)))
		return serve(), nil
	}
	pub := p.publisher(o)
	pub.BatchBytes, pub.InFlight = 5*large, 1
	require.NoError(t, pub.Run(t.Context(), nil))
	assert.LessOrEqual(t, most, 30)
	assert.Len(t, o.in(harness.PostPosted), 100)
	audit(t, p, o)
}

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		var now, most atomic.Int32
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return serve(), nil
		}
		o := newOutbox(many(100)...)
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 10, 3
		start := time.Now()
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.EqualValues(t, 3, most.Load())
		assert.Equal(t, 6*time.Second, time.Since(start), "10 batches, 3 at a time, and an audit of two pages")
		audit(t, p, o)
	})
}

// Results that come one by one go in batches that fill while it lingers.
func TestMoreNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		o := newOutbox()
		more := make(chan struct{}, 1)
		done := make(chan error)
		go func() { done <- p.publisher(o).Run(t.Context(), more) }()
		for _, r := range many(100) {
			o.add(r)
			select {
			case more <- struct{}{}:
			default:
			}
			time.Sleep(100 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 100}, o.counts())
		assert.LessOrEqual(t, p.posts(), 25)
		assert.Greater(t, p.posts(), 10)
		o.add(answered("tc_last", 1, "z"))
		close(more)
		require.NoError(t, <-done)
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 101}, o.counts())
		audit(t, p, o)
	})
}

// What the platform certainly did not take stops posting at once and stays
// pending, and the next run finishes the work.
func TestStopsThenResumes(t *testing.T) {
	for name, tt := range map[string]struct {
		fault fault
		sent  int // attempts of that batch
		says  string
	}{
		"down":                {fails(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), 3, "connection refused"},
		"401":                 {status(401, `{"detail": "`+key+` expired"}`), 1, "SGP_API_KEY"},
		"402":                 {status(402, `{}`), 1, "the account has to be paid for"},
		"403":                 {status(403, `{}`), 1, "SGP_ACCOUNT_ID"},
		"404":                 {status(404, `{"detail": "no evaluation"}`), 1, "no evaluation"},
		"409":                 {status(409, `{}`), 1, "409"},
		"429":                 {status(429, `{}`), 3, "429 Too Many Requests after 3 attempts"},
		"422 about the whole": {status(422, configTrouble(10)), 1, "version 3 is not published"},
		"307":                 {status(307, ``), 1, "not followed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			n := 0
			p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "POST" {
					if n++; n > 2 { // two batches go well
						return tt.fault(r, serve)
					}
				}
				return serve(), nil
			}
			o := newOutbox(many(50)...)
			pub := p.publisher(o)
			pub.BatchItems, pub.InFlight = 10, 1
			err := pub.Run(t.Context(), nil)
			require.ErrorContains(t, err, tt.says)
			require.ErrorContains(t, err, "publish to evaluation ev_1")
			assert.NotContains(t, err.Error(), key)
			assert.Equal(t, 2+tt.sent, n, "nothing is posted after it")
			assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 20, harness.PostPending: 30}, o.counts())
			assert.False(t, sgp.Ambiguous(err))
			assert.Empty(t, o.audits, "not before all is posted")

			p.fault = nil
			require.NoError(t, pub.Run(t.Context(), nil))
			clean(t, p, o, 50)
		})
	}
}

// A response may come in another order, and without the run keys.
func TestResponseInAnyOrder(t *testing.T) {
	for _, keep := range []bool{true, false} {
		p := newPlatform(t)
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			resp := serve()
			if r.Method == "GET" {
				return resp, nil
			}
			var out []sgp.TestCaseResult
			assert.NoError(t, json.NewDecoder(resp.Body).Decode(&out))
			slices.Reverse(out)
			for i := range out {
				if !keep {
					out[i].TestCaseEvaluationData.Unknown = nil
				}
			}
			data, _ := json.Marshal(out)
			return respond(r, 200, string(data)), nil
		}
		results := many(5)
		results = append(results, answered("tc_0", 2, "x"), answered("tc_0", 3, "y"))
		o := newOutbox(results...)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		if keep {
			audit(t, p, o)
		}
		assert.Len(t, o.in(harness.PostPosted), 7)
	}
}

// After a cancel nothing more is sent; what is under way may end.
func TestCancelLetsBatchesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			select {
			case <-time.After(5 * time.Second):
				return serve(), nil
			case <-r.Context().Done():
				return nil, r.Context().Err()
			}
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("interrupted"))
		defer cancel()
		o := newOutbox(many(50)...)
		pub := p.publisher(o)
		pub.BatchItems = 10
		require.ErrorContains(t, pub.Run(ctx, nil), "interrupted")
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 20, harness.PostPending: 30}, o.counts())
		audit(t, p, o)

		ctx, cancel = context.WithTimeoutCause(t.Context(), time.Second, errors.New("interrupted"))
		defer cancel()
		pub.Grace = time.Second
		require.ErrorContains(t, pub.Run(ctx, nil), "interrupted")
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 20, harness.PostPosting: 20, harness.PostPending: 10}, o.counts())
		audit(t, p, o)
	})
}

func TestSettleFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		o := newOutbox(many(30)...)
		o.err = errors.New("disk full")
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 10, 1
		require.ErrorContains(t, pub.Run(t.Context(), nil), "disk full")
		o.err = nil
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.Len(t, o.in(harness.PostPosted), 30)
		audit(t, p, o)
	})
}

func TestResultThatJSONCannotCarry(t *testing.T) {
	p := newPlatform(t)
	o := newOutbox(many(2)...)
	o.add(harness.Result{Case: harness.Case{ID: "odd", Input: "q"}, Trial: 1, Output: &harness.Output{Value: "x", Chunks: []harness.Chunk{{Metadata: map[string]any{"f": func() {}}}}}})
	require.NoError(t, p.publisher(o).Run(t.Context(), nil))
	assert.Equal(t, []harness.Key{{Case: "odd", Trial: 1}}, o.in(harness.PostRejected))
	assert.Len(t, o.in(harness.PostPosted), 2)
}

func TestSink(t *testing.T) {
	p := newPlatform(t)
	sink := sgp.NewSink(*p.publisher(nil))
	require.NoError(t, sink.Write(t.Context(), many(5)))
	require.NoError(t, sink.Write(t.Context(), many(8)), "the first five are known")
	assert.Len(t, p.results, 8)

	audit, err := sink.Audit(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(8), audit.Found)

	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		if strings.Contains(string(body), `"bad"`) {
			return respond(r, 400, `{"detail": "no"}`), nil
		}
		return serve(), nil
	}
	require.ErrorContains(t, sink.Write(t.Context(), []harness.Result{answered("bad", 1, "x"), answered("good", 1, "x")}),
		`1 results were rejected, the first of case "bad": no`)
	assert.Len(t, p.results, 9)

	p.results = append(p.results, p.results[3])
	p.results[9].ID = "r_again"
	audit, err = sink.Audit(t.Context())
	require.ErrorIs(t, err, sgp.ErrAudit)
	require.ErrorContains(t, err, "9 results are there, 0 are lost, 1 are there once more")
	assert.Equal(t, int64(1), audit.Duplicated)
	p.results[0].ID = "r_other"
	p.results[0].TestCaseEvaluationData.Unknown = nil
	audit, err = sink.Audit(t.Context())
	require.ErrorIs(t, err, sgp.ErrAudit)
	assert.Equal(t, int64(1), audit.Lost)
}

// After a crash of the platform a sink goes on with what is left.
func TestSinkInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked = true
		sink := sgp.NewSink(*p.publisher(nil))
		p.fault = once(1, after(fails(io.EOF)))
		require.NoError(t, sink.Write(t.Context(), []harness.Result{answered("late", 1, "x")}))
		assert.Len(t, p.results, 1)
		ctx, cancel := context.WithCancel(t.Context())
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			cancel()
			return nil, io.EOF
		}
		require.ErrorIs(t, sink.Write(ctx, []harness.Result{answered("lost", 1, "x")}), context.Canceled)
		p.fault = nil
		require.NoError(t, sink.Write(t.Context(), nil))
		assert.Len(t, p.results, 2)
	})
}
