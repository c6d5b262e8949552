package sgp_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// configTrouble complains about a field that all items share.
func configTrouble(n int) string {
	var e sgp.HTTPValidationError
	for i := range n {
		e.Detail = append(e.Detail, sgp.ValidationError{
			Loc: []any{"body", i, "evaluation_dataset_version_num"}, Msg: "version 3 is not published", Type: "value_error",
		})
	}
	data, _ := json.Marshal(e)
	return string(data)
}

// A platform that refuses certain items, in each of the ways that it may.
func TestRefusedItems(t *testing.T) {
	bad := func(ids ...string) map[string]bool {
		m := map[string]bool{}
		for _, id := range ids {
			m[id] = true
		}
		return m
	}
	var allOf20 []string
	for i := range 20 {
		allOf20 = append(allOf20, "tc_"+strconv.Itoa(i))
	}
	for name, tt := range map[string]struct {
		bad    map[string]bool
		status int
		named  bool // the complaint names the items
		parted bool // the good items before the bad one are taken all the same
		posts  int  // at most
	}{
		"422, named":              {bad: bad("tc_7"), status: 422, named: true, posts: 2},
		"422, several named":      {bad: bad("tc_0", "tc_7", "tc_19"), status: 422, named: true, posts: 2},
		"422, all named":          {bad: bad(allOf20...), status: 422, named: true, posts: 1},
		"422, not named":          {bad: bad("tc_7"), status: 422, posts: 2*5 + 1},
		"400":                     {bad: bad("tc_19"), status: 400, posts: 2*5 + 1},
		"413":                     {bad: bad("tc_0"), status: 413, posts: 2*5 + 1},
		"422, named, in part":     {bad: bad("tc_7"), status: 422, named: true, parted: true, posts: 2},
		"400, in part":            {bad: bad("tc_7", "tc_12"), status: 400, parted: true, posts: 2 * (2*5 + 1)},
		"400, the first, in part": {bad: bad("tc_0", "tc_7"), status: 400, parted: true, posts: 2 * (2*5 + 1)},
		"422, one item only bad":  {bad: bad("tc_19"), status: 422, parted: true, posts: 2*5 + 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method != "POST" {
					return serve(), nil
				}
				var reqs []sgp.TestCaseResultRequest
				assert.NoError(t, json.Unmarshal(body, &reqs))
				var complaint sgp.HTTPValidationError
				for i, req := range reqs {
					if tt.bad[req.TestCaseID] {
						complaint.Detail = append(complaint.Detail, sgp.ValidationError{Loc: []any{"body", i, "test_case_id"}, Msg: "bad \x1b[31m" + key, Type: "t"})
						if tt.parted && len(complaint.Detail) == 1 {
							p.take(reqs[:i])
						}
					}
				}
				if len(complaint.Detail) == 0 {
					return serve(), nil
				}
				if !tt.named {
					return respond(r, tt.status, `{"detail": "bad \u001b[31m`+key+`"}`), nil
				}
				data, _ := json.Marshal(complaint)
				return respond(r, tt.status, string(data)), nil
			}
			o := newOutbox(many(20)...)
			require.NoError(t, p.publisher(o).Run(t.Context(), nil))
			assert.Len(t, o.in(harness.PostRejected), len(tt.bad))
			assert.Len(t, o.in(harness.PostPosted), 20-len(tt.bad))
			for _, k := range o.in(harness.PostRejected) {
				assert.True(t, tt.bad[k.Case])
				message := o.state[k].Message
				assert.Contains(t, message, "bad \uFFFD[31m[redacted]")
			}
			assert.LessOrEqual(t, p.posts(), tt.posts)
			audit(t, p, o)
		})
	}
}

// Every item of a batch, one at a time, as the only bad one.
func TestEachItemAlone(t *testing.T) {
	for n := range 13 {
		p := newPlatform(t)
		p.unchecked = true
		bad := "tc_" + strconv.Itoa(n)
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "POST" && strings.Contains(string(body), `"`+bad+`"`) {
				return respond(r, 400, `{}`), nil
			}
			return serve(), nil
		}
		o := newOutbox(many(13)...)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		assert.Equal(t, []harness.Key{{Case: bad, Trial: 1}}, o.in(harness.PostRejected))
		assert.LessOrEqual(t, p.posts(), 2*4+1)
		audit(t, p, o)
	}
}

func TestReconcile(t *testing.T) {
	start := func(t *testing.T) (*platform, *outbox, *sgp.Publisher) {
		p := newPlatform(t)
		o := newOutbox(many(6)...)
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 3, 1
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			_ = serve().Body.Close()
			return nil, io.ErrUnexpectedEOF
		}
		require.Error(t, pub.Run(t.Context(), nil))
		require.Equal(t, map[harness.PostState]int{harness.PostPosting: 3, harness.PostPending: 3}, o.counts())
		p.fault = nil
		return p, o, pub
	}
	t.Run("a part was taken", func(t *testing.T) {
		p, o, pub := start(t)
		p.results = slices.Delete(p.results, 1, 2)
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.Len(t, o.in(harness.PostPosted), 6)
		audit(t, p, o)
	})
	t.Run("results of other runs do not count", func(t *testing.T) {
		p, o, pub := start(t)
		for i := range p.results {
			p.results[i].TestCaseEvaluationData.Unknown["_evalrun"] = json.RawMessage(`{"run": "OTHER", "case": "` + p.results[i].TestCaseID + `", "trial": 1}`)
		}
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.Len(t, o.in(harness.PostPosted), 6)
		assert.Len(t, p.results, 9)
	})
	t.Run("results without a key leave the doubt", func(t *testing.T) {
		p, o, pub := start(t)
		p.results[1].TestCaseEvaluationData.Unknown = nil
		before := p.posts()
		err := pub.Run(t.Context(), nil)
		require.ErrorIs(t, err, sgp.ErrUnknownFate)
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 2, harness.PostPosting: 1, harness.PostPending: 3}, o.counts())
		assert.Equal(t, before, p.posts())
	})
	t.Run("duplicates are told", func(t *testing.T) {
		p, o, pub := start(t)
		p.results = append(p.results, p.results[0])
		p.results[3].ID = "r_again"
		err := pub.Run(t.Context(), nil)
		require.ErrorIs(t, err, sgp.ErrDuplicates)
		require.ErrorContains(t, err, "evaluation ev_1: 1 results are on the platform more than once")
		assert.Len(t, o.in(harness.PostPosted), 6)
	})
	t.Run("the list changes under our eyes", func(t *testing.T) {
		p, o, pub := start(t)
		more := make([]sgp.TestCaseResultRequest, 1500)
		for i := range more {
			more[i].TestCaseID = "elsewhere"
		}
		p.take(more)
		lists := 0
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "GET" {
				if lists++; lists == 2 {
					p.take(more[:1])
				}
			}
			return serve(), nil
		}
		require.NoError(t, pub.Run(t.Context(), nil))
		assert.Equal(t, 4, lists)
		assert.Len(t, o.in(harness.PostPosted), 6)
	})
	t.Run("results change places between two pages", func(t *testing.T) {
		for _, times := range []int{1, 100} {
			p, o, pub := start(t)
			more := make([]sgp.TestCaseResultRequest, 1500)
			for i := range more {
				more[i].TestCaseID = "elsewhere"
			}
			p.take(more)
			swap := func(i, j int) { p.results[i], p.results[j] = p.results[j], p.results[i] }
			swap(0, 1200) // ours is on page 2
			swaps, before := 0, p.posts()
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method != "GET" {
					return serve(), nil
				}
				second := r.URL.Query().Get("page") == "2"
				if second && swaps < times {
					swaps++
					swap(5, 1200)
					defer swap(5, 1200)
				}
				return serve(), nil
			}
			err := pub.Run(t.Context(), nil)
			if times == 1 {
				require.NoError(t, err)
				assert.Len(t, o.in(harness.PostPosted), 6)
				assert.True(t, len(p.results) == 1506)
				continue
			}
			require.ErrorIs(t, err, sgp.ErrChanged)
			assert.Equal(t, before, p.posts())
			assert.Equal(t, map[harness.PostState]int{harness.PostPosting: 3, harness.PostPending: 3}, o.counts())
		}
	})
	t.Run("it can't be looked up", func(t *testing.T) {
		p, o, pub := start(t)
		p.fault = func(*http.Request, []byte, func() *http.Response) (*http.Response, error) { return nil, io.EOF }
		require.ErrorContains(t, pub.Run(t.Context(), nil), "look up what became of 3 results")
		assert.Equal(t, map[harness.PostState]int{harness.PostPosting: 3, harness.PostPending: 3}, o.counts())
	})
}

// A platform that takes a refused batch in part and gives no run keys back: what
// is there may be the batch's, so nothing of it is sent again.
func TestRefusedInPartWithoutKeys(t *testing.T) {
	p := newPlatform(t)
	p.unchecked, p.mute = true, true
	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		if r.Method == "POST" {
			if resp := p.refuse(r, body, []int{7}, true); resp != nil {
				return resp, nil
			}
		}
		return serve(), nil
	}
	o := newOutbox(many(10)...)
	for range 2 {
		require.ErrorIs(t, p.publisher(o).Run(t.Context(), nil), sgp.ErrUnknownFate)
		assert.Equal(t, 1, p.posts())
		assert.Len(t, p.results, 7)
		audit(t, p, o)
	}
}

// A configuration that is wrong costs no result: whatever the platform says of
// it, posting stops and goes on when it is put right.
func TestConfigurationRejectsNothing(t *testing.T) {
	one := func(loc string) string {
		return `{"detail": [{"loc": [` + loc + `], "msg": "not this one", "type": "value_error"}]}`
	}
	for name, tt := range map[string]struct {
		status  int
		body    string
		results int
		posts   int
	}{
		"version, one result":       {422, one(`"body", 0, "evaluation_dataset_version_num"`), 1, 1},
		"version, the first named":  {422, one(`"body", 0, "evaluation_dataset_version_num"`), 5, 1},
		"application, one result":   {422, one(`"body", 0, "application_spec_id"`), 1, 1},
		"account, one result":       {422, one(`"body", 0, "account_id"`), 1, 1},
		"path":                      {422, one(`"path", "evaluation_id"`), 5, 1},
		"header":                    {422, one(`"header", "x-selected-account-id"`), 5, 1},
		"header, one result":        {422, one(`"header", "x-selected-account-id"`), 1, 1},
		"query":                     {422, one(`"query", "draft"`), 5, 1},
		"a field of the body":       {422, one(`"body", "items"`), 5, 1},
		"the body, one result":      {422, one(`"body"`), 1, 1},
		"the body":                  {422, one(`"body"`), 4, 3},
		"archived":                  {400, `{"detail": "not this one"}`, 8, 15},
		"archived, and an odd size": {400, `{"detail": "not this one"}`, 7, 13},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "POST" {
					return respond(r, tt.status, tt.body), nil
				}
				return serve(), nil
			}
			o := newOutbox(many(tt.results)...)
			pub := p.publisher(o)
			require.ErrorContains(t, pub.Run(t.Context(), nil), "not this one")
			assert.Equal(t, map[harness.PostState]int{harness.PostPending: tt.results}, o.counts())
			assert.Equal(t, tt.posts, p.posts())
			p.fault = nil
			require.NoError(t, pub.Run(t.Context(), nil))
			assert.Equal(t, map[harness.PostState]int{harness.PostPosted: tt.results}, o.counts())
			audit(t, p, o)
		})
	}
}

// A batch whose body is too long is sent in parts.
func TestBodyTooLong(t *testing.T) {
	p := newPlatform(t)
	p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
		var items []json.RawMessage
		if r.Method == "POST" && json.Unmarshal(body, &items) == nil && len(items) > 3 {
			return respond(r, 422, `{"detail": [{"loc": ["body"], "msg": "List should have at most 3 items", "type": "too_long"}]}`), nil
		}
		return serve(), nil
	}
	o := newOutbox(many(20)...)
	require.NoError(t, p.publisher(o).Run(t.Context(), nil))
	assert.Len(t, o.in(harness.PostPosted), 20)
	audit(t, p, o)
}
