package sgp_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
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

// A platform that takes a refused batch in part and gives no run keys back: what
// is there may be the batch's, so nothing of it is sent again.
func TestRefusedInPartWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlatform(t)
		p.unchecked, p.mute = true, true
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "POST" {
				if resp := p.refuse(r, body, []int{7}, true, "no"); resp != nil {
					return resp, nil
				}
			}
			return serve(), nil
		}
		o := newOutbox(many(10)...)
		for range 2 {
			require.ErrorIs(t, p.publisher(o).Run(t.Context(), nil), sgp.ErrUnknownFate)
			assert.Len(t, p.results, 7+2)
			assert.Len(t, o.in(harness.PostPosting), 7, "they may be there or not")
			assert.Equal(t, []harness.Key{{Case: "tc_7", Trial: 1}}, o.in(harness.PostRejected))
			audit(t, p, o)
		}
	})
}

// Items that are refused alone, none of them named, when they are all that a batch
// has: whether they are to blame is seen by what the platform takes besides.
func TestRefusedWithoutABetterOne(t *testing.T) {
	bad := func(ids ...int) func(p *platform) {
		return func(p *platform) {
			p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
				if r.Method == "POST" {
					if resp := p.refuse(r, body, ids, false, "no"); resp != nil {
						return resp, nil
					}
				}
				return serve(), nil
			}
		}
	}
	for name, tt := range map[string]struct {
		results, batch int
		bad            []int
		rejected       int
	}{
		"two in one batch, others follow":  {6, 2, []int{0, 1}, 2},
		"two in one batch, others before":  {6, 2, []int{4, 5}, 2},
		"two in one batch, between others": {6, 2, []int{2, 3}, 2},
		"one that is all of the last":      {3, 2, []int{2}, 1},
		"nine batches of one":              {20, 1, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, 9},
		"one and nothing else":             {1, 2, []int{0}, 0},
		"two and nothing else":             {2, 2, []int{0, 1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			bad(tt.bad...)(p)
			o := newOutbox(many(tt.results)...)
			pub := p.publisher(o)
			pub.BatchItems, pub.InFlight = tt.batch, 1
			err := pub.Run(t.Context(), nil)
			if tt.rejected == 0 {
				require.ErrorContains(t, err, "alike, so nothing is rejected: no")
				assert.Len(t, o.in(harness.PostPending), tt.results)
				return
			}
			require.NoError(t, err)
			assert.Len(t, o.in(harness.PostRejected), tt.rejected)
			assert.Len(t, o.in(harness.PostPosted), tt.results-tt.rejected)
			audit(t, p, o)
		})
	}
	t.Run("the evaluation is archived meanwhile", func(t *testing.T) {
		p := newPlatform(t)
		p.fault = during(5, 1<<30, status(400, `{"detail": "archived"}`))
		o := newOutbox(many(200)...)
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = 10, 1
		require.ErrorContains(t, pub.Run(t.Context(), nil), "refuses each of 20 results alike, so nothing is rejected: archived")
		assert.Equal(t, map[harness.PostState]int{harness.PostPosted: 40, harness.PostPending: 160}, o.counts())
		p.fault = nil
		require.NoError(t, pub.Run(t.Context(), nil))
		clean(t, p, o, 200)
	})
	t.Run("all that an earlier posting left", func(t *testing.T) {
		p := newPlatform(t)
		o := newOutbox(many(3)...)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		o.add(answered("tc_9", 1, "x"))
		bad(9)(p)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		assert.Equal(t, []harness.Key{{Case: "tc_9", Trial: 1}}, o.in(harness.PostRejected))
	})
}

// A platform with a limit on the bytes of a request: each good item is posted,
// each too large one is rejected.
func TestRefusedByBytes(t *testing.T) {
	for n := range 13 {
		p := newPlatform(t)
		p.unchecked = true
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "POST" && len(body) > 2000 {
				return respond(r, 413, "<html>too large</html>"), nil
			}
			return serve(), nil
		}
		results := many(13)
		results[n] = answered("tc_"+strconv.Itoa(n), 1, strings.Repeat("x", 3000))
		o := newOutbox(results...)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		assert.Equal(t, []harness.Key{{Case: "tc_" + strconv.Itoa(n), Trial: 1}}, o.in(harness.PostRejected))
		assert.Len(t, o.in(harness.PostPosted), 12)
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
		"the body":                  {422, one(`"body"`), 4, 7},
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

// A single item of which the platform says that the whole body is wrong is set
// aside like any other: it holds up nothing.
func TestOneItemWithABadBody(t *testing.T) {
	for n := range 7 {
		p := newPlatform(t)
		p.unchecked = true
		bad := "tc_" + strconv.Itoa(n)
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "POST" && strings.Contains(string(body), `"`+bad+`"`) {
				return respond(r, 422, `{"detail": [{"loc": ["body"], "msg": "nested too deep", "type": "recursion"}]}`), nil
			}
			return serve(), nil
		}
		o := newOutbox(many(7)...)
		require.NoError(t, p.publisher(o).Run(t.Context(), nil))
		assert.Equal(t, []harness.Key{{Case: bad, Trial: 1}}, o.in(harness.PostRejected))
		assert.Len(t, o.in(harness.PostPosted), 6)
		audit(t, p, o)
	}
}

// The place in a body that could not be read as JSON is no item.
func TestBodyThatArrivesDamaged(t *testing.T) {
	p := newPlatform(t)
	p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
		if r.Method == "POST" {
			return respond(r, 422, `{"detail": [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}, "ctx": {"error": "Expecting value"}}]}`), nil
		}
		return serve(), nil
	}
	o := newOutbox(many(20)...)
	require.ErrorContains(t, p.publisher(o).Run(t.Context(), nil), "nothing is rejected")
	assert.Len(t, o.in(harness.PostPending), 20)
}
