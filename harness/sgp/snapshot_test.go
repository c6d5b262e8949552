package sgp_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// emptyTemp makes a folder for temporary files and sees that nothing is left in it.
func emptyTemp(t *testing.T) string {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Setenv("TMP", dir) // Windows
	t.Cleanup(func() {
		left, err := os.ReadDir(dir)
		assert.NoError(t, err)
		assert.Empty(t, left)
	})
	return dir
}

// all reads all cases of a source.
func all(t *testing.T, s harness.Source) (cases []harness.Case) {
	for cursor := ""; ; {
		page, err := s.Page(t.Context(), cursor)
		require.NoError(t, err)
		cases = append(cases, page.Cases...)
		if cursor = page.Next; cursor == "" {
			return cases
		}
	}
}

// The way over the file changes no case.
func TestLiveCasesAreAsPublishedOnes(t *testing.T) {
	emptyTemp(t)
	p := newPlatform(t)
	odd := []string{
		`{"input": "line\nbreak \u2028 \ud800 \u0000 <b>&", "expected_output": ""}`,
		`{"input": {"n": 12345678901234567890, "f": 1.0, "big": 1e400, "none": null}, "expected_output": {"a": [1, "x", {}]}}`,
		`{"input": 7, "expected_output": [1], "artifact_ids_filter": []}`,
		`{"input": "x", "expected_extra_info": {"schema_type": "CHUNKS", "chunks": [{"text": "t", "metadata": {}, "new": 1}]}, "what": {"b": 1, "a": [2]}}`,
		`{"input": "` + strings.Repeat("long ", 300_000) + `"}`,
	}
	p.fault = func(r *http.Request, _ []byte, _ func() *http.Response) (*http.Response, error) {
		items := ""
		for i, data := range odd {
			if i > 0 {
				items += ","
			}
			items += `{"id": "tc_` + string(rune('a'+i)) + `", "chat_history": {"messages": []}, "test_case_metadata": {"k": 1e2, "_evalrun": {"id": "mine"}}, "test_case_data": ` + data + `}`
		}
		if r.URL.Query().Get("page") != "1" {
			items = ""
		}
		return respond(r, 200, `{"items": [`+items+`], "total_item_count": 5}`), nil
	}
	for _, original := range []bool{false, true} {
		live := &sgp.Source{Client: p.client(), DatasetID: "ds_1", OriginalIDs: original}
		want := all(t, &sgp.Source{Client: p.client(), DatasetID: "ds_1", Version: 1, OriginalIDs: original})
		assert.Equal(t, want, all(t, live))
		assert.Len(t, want, len(odd))
		require.NoError(t, live.Close())
	}
}

// A run of hours sees one state: the one when it began.
func TestChangesAfterTheStartAreNotSeen(t *testing.T) {
	emptyTemp(t)
	p := newPlatform(t)
	p.cases = numbered(25)
	before := idsOf(p.cases)
	s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
	first, err := s.Page(t.Context(), "")
	require.NoError(t, err)
	p.cases = numbered(3)
	second, err := s.Page(t.Context(), first.Next)
	require.NoError(t, err)
	assert.Equal(t, before[10], second.Cases[0].ID)
	again, err := read(t, s)
	require.NoError(t, err)
	assert.Equal(t, before, again)

	require.NoError(t, s.Close())
	anew, err := read(t, s)
	require.NoError(t, err)
	assert.Equal(t, before[:3], anew)
	require.NoError(t, s.Close())
}

// Large cases make small pages.
func TestServedPagesAreBounded(t *testing.T) {
	p := newPlatform(t)
	p.unchecked = true
	p.cases = numbered(50)
	for i := range p.cases {
		p.cases[i].TestCaseData.Input = strings.Repeat("x", 200<<10)
	}
	s := &sgp.Source{Client: p.client(), DatasetID: "ds_1"}
	defer func() { assert.NoError(t, s.Close()) }()
	page, err := s.Page(t.Context(), "")
	require.NoError(t, err)
	assert.Less(t, len(page.Cases), 10)
	assert.EqualValues(t, 50, page.Total)
	assert.Len(t, all(t, s), 50)
}

// A platform that can't give the whole list in one page is asked for less.
func TestAPageThatIsTooMuch(t *testing.T) {
	emptyTemp(t)
	p := newPlatform(t)
	p.cases = numbered(25)
	p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
		if r.URL.Query().Get("limit") == "10000" {
			return respond(r, 504, "no"), nil
		}
		return serve(), nil
	}
	s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
	got, err := read(t, s)
	require.NoError(t, err)
	assert.Equal(t, idsOf(p.cases), got)
	require.NoError(t, s.Close())
	once := 0
	for _, r := range p.requests {
		if strings.Contains(r, "limit=10000") {
			once++
		}
	}
	assert.Equal(t, 3, once, "one call and its retries")
}

// Some platforms have no page behind the last one.
func TestNoPageBehindTheLast(t *testing.T) {
	for _, status := range []int{404, 422} {
		p := newPlatform(t)
		p.cases = numbered(25)
		p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			page, _ := strconv.Atoi(r.URL.Query().Get("page"))
			limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
			if (page-1)*limit >= 25 {
				return respond(r, status, `{"detail": "no such page"}`), nil
			}
			return serve(), nil
		}
		s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
		got, err := read(t, s)
		require.NoError(t, err)
		assert.Equal(t, idsOf(p.cases), got)
		require.NoError(t, s.Close())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestAPageThatNeverEnds(t *testing.T) {
	emptyTemp(t)
	begin := `{"total_item_count": 3, "items": [{"id": "`
	client, err := sgp.New(sgp.Config{APIKey: key, MaxBody: 1 << 20, MaxRetries: -1, HTTPClient: &http.Client{
		Transport: transport(func(r *http.Request) (*http.Response, error) {
			resp := respond(r, 200, "")
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(begin), endless{}))
			return resp, nil
		}),
	}})
	require.NoError(t, err)
	for _, version := range []int{0, 1} {
		_, err = read(t, &sgp.Source{Client: client, DatasetID: "ds_1", Version: version})
		require.ErrorContains(t, err, "sgp: list test cases of ds_1")
		var e *sgp.Error
		require.ErrorAs(t, err, &e)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Reading stops where the context ends, and leaves nothing.
func TestReadingALiveDatasetIsCutOff(t *testing.T) {
	for stop := 1; stop <= 5; stop++ {
		emptyTemp(t)
		p := newPlatform(t)
		p.cases = numbered(25)
		ctx, cancel := context.WithCancel(t.Context())
		p.fault = func(_ *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
			if len(p.requests) == stop {
				cancel()
				return nil, ctx.Err()
			}
			return serve(), nil
		}
		s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
		_, err := s.Page(ctx, "")
		require.ErrorIs(t, err, context.Canceled, "request %d", stop)
		assert.Len(t, p.requests, stop)

		p.fault = nil
		got, err := read(t, s)
		require.NoError(t, err, "the same cursor may be asked again")
		assert.Len(t, got, 25)
		require.NoError(t, s.Close())
	}
}

func TestNoPlaceForTheCases(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	t.Setenv("TMP", os.Getenv("TMPDIR"))
	p := newPlatform(t)
	_, err := read(t, &sgp.Source{Client: p.client(), DatasetID: "ds_1"})
	require.ErrorContains(t, err, "sgp: test cases of ds_1: keep the cases in a temporary file: ")
	assert.ErrorContains(t, err, "TMPDIR names another folder")
	assert.NotErrorIs(t, err, sgp.ErrChanged)
	assert.Empty(t, p.requests)
}

// What only looks like a change, because the order is not stable, is told from
// one where the platform gives everything at once, and nowhere else.
func TestAnOrderThatIsNotStable(t *testing.T) {
	for _, most := range []int{0, 10} {
		w := newShifting(1, 40)
		w.order, w.cap = "unstable", most
		g := w.served(t, 10)
		assert.False(t, g.wrong)
		assert.Equal(t, most > 0, g.changed)
	}
}

// Each change is seen, whatever it is, when it happens between the two readings.
func TestChangesBetweenTwoReadings(t *testing.T) {
	for name, change := range map[string]func(*platform){
		"replaced": func(p *platform) { p.cases[3] = testCase("new") },
		"edited":   func(p *platform) { p.cases[3].TestCaseData.ExpectedOutput = "another answer" },
		"metadata": func(p *platform) { p.cases[3].TestCaseMetadata = map[string]any{"k": "v"} },
		"unnamed":  func(p *platform) { p.cases[3].Unknown = sgp.Unknown{"new_field": json.RawMessage("1")} },
		"added":    func(p *platform) { p.cases = append(p.cases, testCase("new")) },
		"archived": func(p *platform) { p.cases = p.cases[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlatform(t)
			p.unchecked = true
			p.cases = numbered(25)
			p.fault = func(r *http.Request, _ []byte, serve func() *http.Response) (*http.Response, error) {
				if r.URL.Query().Get("limit") == "10000" {
					return respond(r, 400, "no"), nil
				}
				if r.URL.Query().Get("page") == "1" && len(p.requests) > 1 && change != nil {
					change(p)
					change = nil
				}
				return serve(), nil
			}
			s := &sgp.Source{Client: p.client(), DatasetID: "ds_1", PageSize: 10}
			got, err := read(t, s)
			require.NoError(t, err)
			assert.Equal(t, idsOf(p.cases), got)
			assert.Greater(t, len(p.requests), 2*4, "it was read again")
			require.NoError(t, s.Close())
		})
	}
}
