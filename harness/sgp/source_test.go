package sgp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// read takes all cases of a source, asking for every page twice: a cursor has to
// give the same page again.
func read(t *testing.T, s harness.Source) (ids []string, err error) {
	t.Helper()
	for cursor, pages := "", 0; ; pages++ {
		require.Less(t, pages, 1000, "the pages do not end")
		page, err := s.Page(t.Context(), cursor)
		if err != nil {
			return ids, err
		}
		for _, c := range page.Cases {
			ids = append(ids, c.ID)
		}
		if cursor = page.Next; cursor == "" {
			return ids, nil
		}
	}
}

func numbered(n int) []sgp.TestCase {
	out := make([]sgp.TestCase, n)
	for i := range out {
		out[i] = testCase("tc_" + strconv.Itoa(i+1))
	}
	return out
}

func idsOf(cases []sgp.TestCase) []string {
	var out []string
	for _, c := range cases {
		out = append(out, c.ID)
	}
	return out
}

func TestSource(t *testing.T) {
	for _, n := range []int{0, 1, 9, 10, 11, 25, 30} {
		for _, version := range []int{0, 3} {
			p := newPlatform(t)
			p.cases, p.frozen[3] = numbered(n), numbered(n)
			s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", Version: version, PageSize: 10}
			ids, err := read(t, s)
			require.NoError(t, err)
			assert.Equal(t, idsOf(p.cases), ids)
			pages := max((n+9)/10, 1)
			if version > 0 {
				assert.Contains(t, p.requests[0], "/test-cases/history/3?")
				assert.Len(t, p.requests, pages, "%d cases", n)
				continue
			}
			if n >= 10 {
				pages += 2 // the second time in one page
			}
			assert.Len(t, p.requests, pages+1, "%d cases, and each time the page behind the last", n)
			require.NoError(t, s.Close())
		}
	}
}

func TestSourcePage(t *testing.T) {
	p := newPlatform(t)
	p.cases = numbered(25)
	p.frozen[1] = p.cases
	for _, version := range []int{0, 1} {
		s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", Version: version, PageSize: 10}
		first, err := s.Page(t.Context(), "")
		require.NoError(t, err)
		assert.EqualValues(t, 25, first.Total)
		assert.Equal(t, "sgp:ds_1/tc_1", first.Cases[0].Origin)
		second, err := s.Page(t.Context(), first.Next)
		require.NoError(t, err)
		again, err := s.Page(t.Context(), first.Next)
		require.NoError(t, err)
		assert.Equal(t, second, again)
		assert.Equal(t, "tc_11", second.Cases[0].ID)
		for _, cursor := range []string{"x", "page=0&limit=1&total=1&seen=1&short=false", "page=2", "%", "-1", "0", "1", "1000000"} {
			_, err := s.Page(t.Context(), cursor)
			assert.ErrorContains(t, err, "no page")
		}
		require.NoError(t, s.Close())
		assert.NoError(t, s.Close())
	}
	for _, bad := range []*sgp.Source{{}, {Client: p.client()}, {Client: p.client(), DatasetID: "d", PageSize: 10001}, {Client: p.client(), DatasetID: "d", Version: -1}} {
		_, err := bad.Page(t.Context(), "")
		assert.Error(t, err)
	}
}

// A page as a badly behaved platform may give it.
type odd struct {
	ids     []string
	total   any
	perPage int
}

func ids(from, to int) []string {
	var out []string
	for i := from; i < to; i++ {
		out = append(out, "tc_"+strconv.Itoa(i))
	}
	return out
}

func TestOddPages(t *testing.T) {
	for name, tt := range map[string]struct {
		page func(n int) odd
		want []string
		err  string // of a published version, after the cases in want
		live bool   // the live dataset is read all the same
	}{
		"an empty page before the end": {
			page: func(n int) odd {
				return at(n, odd{ids: ids(0, 10)}, odd{}, odd{ids: ids(10, 20)}, odd{ids: ids(20, 25)}).of(25)
			},
			want: ids(0, 25), live: true,
		},
		"empty where the end should be": {
			page: func(n int) odd { return at(n, odd{ids: ids(0, 10)}, odd{}, odd{ids: ids(10, 15)}).of(15) },
			want: ids(0, 15), live: true,
		},
		"fewer than announced": {
			page: func(n int) odd { return at(n, odd{ids: ids(0, 10)}, odd{}, odd{ids: ids(10, 15)}).of(25) },
			want: ids(0, 15), err: "it gave 15 items, and says that there are 25",
		},
		"a short page":             {page: func(n int) odd { return at(n, odd{ids: ids(0, 7)}, odd{ids: ids(7, 12)}).of(12) }, want: ids(0, 12), live: true},
		"nothing but empty pages":  {page: func(int) odd { return odd{}.of(50) }, err: "it gave 0 items"},
		"the same page for ever":   {page: func(int) odd { return odd{ids: ids(0, 10)}.of(1000) }, want: ids(0, 10), err: "page 2 is the same as the page before"},
		"the total grows":          {page: func(n int) odd { return odd{ids: ids(n*10, n*10+10)}.of(100 + n) }, want: ids(10, 20), err: "it had 101 items and has 102 now"},
		"the total shrinks":        {page: func(n int) odd { return odd{ids: ids(n*10, n*10+10)}.of(100 - n) }, want: ids(10, 20), err: "it had 99 items and has 98 now"},
		"more than announced":      {page: func(n int) odd { return odd{ids: ids(n*10, n*10+10)}.of(15) }, want: ids(10, 20), err: "it gave 20 items"},
		"total 0 with items":       {page: func(int) odd { return odd{ids: ids(0, 3)}.of(0) }, err: "says that there are 0"},
		"a smaller limit in force": {page: func(n int) odd { return odd{ids: ids(n*4-4, min(n*4, 11)), perPage: 4}.of(11) }, want: ids(0, 11), live: true},
		"items_per_page is rubbish": {
			page: func(n int) odd { return odd{ids: ids(n*10-10, min(n*10, 25)), perPage: -7}.of(25) }, want: ids(0, 25), live: true,
		},
		"an item without id":  {page: func(int) odd { return odd{ids: []string{"a", ""}}.of(2) }, err: "item 1 has no id"},
		"a total that is not": {page: func(int) odd { return odd{total: "lots"} }, err: "can't be read"},
	} {
		t.Run(name, func(t *testing.T) {
			emptyTemp(t)
			p := newPlatform(t)
			p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
				n, _ := strconv.Atoi(r.URL.Query().Get("page"))
				return respond(r, 200, tt.page(n).json()), nil
			}
			got, err := read(t, &sgp.Source{Client: p.client(), DatasetID: "ds_1", Version: 3, PageSize: 10})
			assert.Equal(t, tt.want, got)
			if tt.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.err)
				assert.ErrorContains(t, err, "ds_1")
			}

			s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
			got, err = read(t, s)
			if tt.live {
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
			} else {
				require.Error(t, err)
				assert.Empty(t, got, "nothing of a dataset that can't be read whole")
			}
			require.NoError(t, s.Close())
			assert.Less(t, len(p.requests), 1000)
		})
	}
}

// at is the page of this number; those behind the last one are empty.
func at(n int, pages ...odd) odd {
	if n > len(pages) {
		return odd{}
	}
	return pages[n-1]
}

func (o odd) of(total int) odd {
	o.total = total
	return o
}

func (o odd) json() string {
	items := []map[string]any{}
	for _, id := range o.ids {
		items = append(items, map[string]any{"id": id, "test_case_data": map[string]any{"input": "x"}})
	}
	data, _ := json.Marshal(map[string]any{"items": items, "total_item_count": o.total, "items_per_page": o.perPage, "current_page": 1})
	return string(data)
}

func TestSourceTrouble(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		err    error
		want   string
		calls  int
	}{
		"down":          {err: errors.New("connection refused"), want: "after 3 attempts: api.egp.scale.com: connection refused", calls: 3},
		"401":           {status: 401, body: `{"detail": "bad key"}`, want: "401 Unauthorized: bad key", calls: 1},
		"403":           {status: 403, body: `{}`, want: "403 Forbidden", calls: 1},
		"404":           {status: 404, body: `{"detail": "no dataset"}`, want: "404 Not Found: no dataset", calls: 1},
		"429":           {status: 429, body: `{}`, want: "429 Too Many Requests after 3 attempts", calls: 3},
		"500":           {status: 500, body: `oops`, want: "500 Internal Server Error after 3 attempts: oops", calls: 3},
		"HTML":          {status: 200, body: `<html>\x1b[31m`, want: "can't be read", calls: 1},
		"truncated":     {status: 200, body: `{"items": [{"id": "a"`, want: "can't be read", calls: 1},
		"error in 200":  {status: 200, body: `{"error": "quota"}`, want: "not a page", calls: 1},
		"not an object": {status: 200, body: `[]`, want: "can't be read", calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
				if tt.err != nil {
					return nil, tt.err
				}
				return respond(r, tt.status, tt.body), nil
			}
			_, err := read(t, &sgp.Source{Client: p.client(), DatasetID: "ds_1"})
			require.ErrorContains(t, err, "sgp: list test cases of ds_1")
			require.ErrorContains(t, err, tt.want)
			assert.Len(t, p.requests, tt.calls)
		})
	}
}

func TestPullAndOriginalIDs(t *testing.T) {
	p := newPlatform(t)
	c := p.client()
	var cases harness.Cases
	for i := range 7 {
		cases = append(cases, harness.Case{ID: fmt.Sprintf("mine-%d", i), Input: "q", Expected: float64(i), Metadata: map[string]any{"i": float64(i)}})
	}
	cases[3].Extra, cases[4].Extra, cases[5].Extra = []any{"a"}, map[string]any{"k": "v"}, map[string]any{}
	_, err := sgp.Push(t.Context(), c, cases, sgp.PushConfig{Name: "n"})
	require.NoError(t, err)
	var pulled harness.Cases
	for tc, err := range sgp.Pull(t.Context(), &sgp.Source{Client: c, DatasetID: "ds_1", Version: 1, PageSize: 3, OriginalIDs: true}) {
		require.NoError(t, err)
		tc.Origin = ""
		pulled = append(pulled, tc)
	}
	assert.Equal(t, cases, pulled)

	n := 0
	live := &sgp.Source{Client: c, DatasetID: "ds_1"}
	for tc, err := range sgp.Pull(t.Context(), live) {
		require.NoError(t, err)
		assert.Equal(t, fmt.Sprintf("tc_%d", n+1), tc.ID)
		if n++; n == 2 {
			break
		}
	}

	require.NoError(t, live.Close())

	p.cases = append(numbered(3), numbered(1)...)
	p.frozen[2] = p.cases
	for version, want := range map[int]string{0: `it has "tc_1" twice`, 2: `case "tc_1" comes twice`} {
		var last error
		for _, err := range sgp.Pull(t.Context(), &sgp.Source{Client: c, DatasetID: "ds_1", Version: version}) {
			last = err
		}
		require.ErrorContains(t, last, want)
	}
}

func TestAllResultsStopsEarly(t *testing.T) {
	p := newPlatform(t)
	p.take(make([]sgp.TestCaseResultRequest, 2500))
	n := 0
	for _, err := range p.client().AllResults(t.Context(), "ev_1") {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 2500, n)
	assert.Len(t, p.requests, 3)
	for range p.client().AllResults(t.Context(), "ev_1") {
		break
	}
	assert.Len(t, p.requests, 4)

	p.fault = func(*http.Request, []byte, func() *http.Response) (*http.Response, error) { return nil, io.EOF }
	for _, err := range p.client().AllResults(t.Context(), "ev_1") {
		require.ErrorIs(t, err, io.EOF)
	}
}
