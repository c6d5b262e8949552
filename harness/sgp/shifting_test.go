package sgp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp"
)

// shifting is a platform whose dataset changes while it is listed, by a script
// that follows from its seed: a transport, with the history of what it held.
type shifting struct {
	rand *rand.Rand

	rate     float64  // mutations for each request
	kinds    []string // which mutations
	order    string   // oldest, newest, unstable
	cap      int      // the most items in a page, whatever is asked for; 0: as asked
	lie      int      // added to each total
	fault    string   // "", or what is wrong with some pages
	faulty   float64  // how often it is
	late     bool     // the total is counted before the items are read
	rows     []row    // oldest first
	archived []row
	made     int

	states   map[string]bool // every state since the first request
	requests []int           // the pages asked for
	last     []sgp.TestCase  // given
}

type row struct {
	at      int // place among all
	id      string
	content int
}

func newShifting(seed uint64, n int) *shifting {
	w := &shifting{rand: rand.New(rand.NewPCG(seed, 7)), order: "oldest", kinds: []string{"insert", "archive"}}
	for range n {
		w.insert(len(w.rows))
	}
	w.states = map[string]bool{}
	return w
}

func (w *shifting) insert(i int) {
	w.made++
	at := w.made * 1000
	if i < len(w.rows) {
		at = w.rows[i].at - 1 - w.rand.IntN(5)
	}
	w.rows = slices.Insert(w.rows, i, row{at: at, id: "tc_" + strconv.Itoa(w.made)})
}

func (w *shifting) archive(i int) {
	w.archived = append(w.archived, w.rows[i])
	w.rows = slices.Delete(w.rows, i, i+1)
}

// mutate changes the dataset, once or more.
func (w *shifting) mutate() {
	for w.rand.Float64() < w.rate {
		n := len(w.rows)
		switch kind := w.kinds[w.rand.IntN(len(w.kinds))]; {
		case kind == "insert":
			w.insert(n)
		case kind == "insert anywhere":
			w.insert(w.rand.IntN(n + 1))
		case n == 0:
		case kind == "archive":
			w.archive(w.rand.IntN(n))
		case kind == "replace": // an archive and an insert cancel each other out
			w.archive(w.rand.IntN(n))
			w.insert(len(w.rows))
		case kind == "edit":
			w.rows[w.rand.IntN(n)].content++
		case kind == "reorder":
			r := w.rows[w.rand.IntN(n)]
			w.rows = slices.DeleteFunc(w.rows, func(o row) bool { return o.id == r.id })
			w.rows = slices.Insert(w.rows, w.rand.IntN(n), r)
		case kind == "restore" && len(w.archived) > 0: // as it was, to where it was
			i := w.rand.IntN(len(w.archived))
			r := w.archived[i]
			w.archived = slices.Delete(w.archived, i, i+1)
			to, _ := slices.BinarySearchFunc(w.rows, r, func(a, b row) int { return a.at - b.at })
			w.rows = slices.Insert(w.rows, to, r)
		}
		w.note()
	}
}

// note keeps the state that the dataset is in.
func (w *shifting) note() {
	cases := make([]string, len(w.rows))
	for i, r := range w.rows {
		cases[i] = r.id + "=" + r.text()
	}
	w.states[state(cases)] = true
}

func state(cases []string) string {
	cases = slices.Clone(cases)
	slices.Sort(cases)
	return strings.Join(cases, "\n")
}

func (r row) text() string { return fmt.Sprintf("question %d of %s", r.content, r.id) }

// listed are the rows in the order of the list.
func (w *shifting) listed() []row {
	rows := slices.Clone(w.rows)
	switch w.order {
	case "newest":
		slices.Reverse(rows)
	case "unstable": // ties in what it is ordered by, as after an import in bulk
		w.rand.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	}
	return rows
}

func (w *shifting) RoundTrip(r *http.Request) (*http.Response, error) {
	number, _ := strconv.Atoi(r.URL.Query().Get("page"))
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	w.note()
	w.requests = append(w.requests, number)
	w.mutate()
	total := len(w.rows) + w.lie
	if w.late {
		w.mutate()
	}
	if w.cap > 0 {
		limit = min(limit, w.cap)
	}
	rows := w.listed()
	from := min((number-1)*limit, len(rows))
	rows = rows[from:min(from+limit, len(rows))]
	items := make([]sgp.TestCase, len(rows))
	for i, row := range rows {
		items[i] = sgp.TestCase{ID: row.id, EvaluationDatasetID: "ds_1", CreatedAt: created, AccountID: "acc", CreatedByUserID: "u",
			TestCaseData: sgp.TestCaseData{Input: row.text()}}
	}
	if w.rand.Float64() < w.faulty {
		switch w.fault {
		case "short page":
			items = items[:w.rand.IntN(len(items)+1)]
		case "empty page":
			items = nil
		case "same page":
			if w.last != nil {
				items = w.last
			}
		case "total":
			total += w.rand.IntN(5) - 2
		case "growing total":
			w.lie++
		case "huge total":
			total, items = 1e12, nil
		}
	}
	w.last = items
	data, err := json.Marshal(sgp.Page[sgp.TestCase]{Items: items, TotalItemCount: int64(total), CurrentPage: 1, ItemsPerPage: limit})
	if err != nil {
		return nil, err
	}
	w.mutate()
	return respond(r, 200, string(data)), nil
}

func (w *shifting) client(t *testing.T) *sgp.Client {
	c, err := sgp.New(sgp.Config{
		APIKey: key, AccountID: "acc", HTTPClient: &http.Client{Transport: w},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	require.NoError(t, err)
	return c
}

// got is what a way of reading came to.
type got struct{ wrong, changed bool }

// judge compares cases that were given without an error with what the platform
// held.
func (w *shifting) judge(cases []string) got { return got{wrong: !w.states[state(cases)]} }

// served reads the live dataset as a run does.
func (w *shifting) served(t *testing.T, limit int) got {
	s := &sgp.Source{Client: w.client(t), DatasetID: "ds_1", PageSize: limit}
	defer func() { assert.NoError(t, s.Close()) }()
	var cases []string
	for cursor := ""; ; {
		page, err := s.Page(t.Context(), cursor)
		if errors.Is(err, sgp.ErrChanged) {
			require.Empty(t, cases, "nothing is given before everything is known")
			return got{changed: true}
		}
		require.NoError(t, err)
		for _, c := range page.Cases {
			cases = append(cases, fmt.Sprintf("%s=%s", c.ID, c.Input))
		}
		if cursor = page.Next; cursor == "" {
			require.EqualValues(t, len(cases), page.Total)
			return w.judge(cases)
		}
	}
}

// naive reads it as most programs do: page after page, to where the first total
// says that the end is.
func (w *shifting) naive(t *testing.T, limit int) got {
	c := w.client(t)
	var cases []string
	for n := 1; ; n++ {
		page, err := c.ListTestCases(t.Context(), "ds_1", sgp.ListOptions{Page: n, Limit: limit})
		require.NoError(t, err)
		for _, tc := range page.Items {
			cases = append(cases, fmt.Sprintf("%s=%s", tc.ID, tc.TestCaseData.Input))
		}
		if len(page.Items) == 0 || int64(n*limit) >= page.TotalItemCount {
			return w.judge(cases)
		}
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// scripts is how many there are: EVALRUN_SCRIPTS, or so many.
func scripts(t *testing.T, usual int) int {
	v := os.Getenv("EVALRUN_SCRIPTS")
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err, "EVALRUN_SCRIPTS")
	return n
}

// script is a platform of some kind, and the page size to read it with. What lies
// about the total does not hide cases at the same time, or count at another time:
// two lies that fit each other can't be told from the truth by anyone.
func script(seed uint64) (w *shifting, limit int) {
	draw := rand.New(rand.NewPCG(seed, 3))
	pick := func(from ...string) string { return from[draw.IntN(len(from))] }
	w = newShifting(seed, draw.IntN(60))
	limit = 1 + draw.IntN(12)
	w.rate = []float64{0, 0.02, 0.1, 0.3}[draw.IntN(4)]
	w.order = pick("oldest", "newest", "unstable")
	w.cap = []int{0, 0, 5, 9}[draw.IntN(4)]
	for _, kind := range []string{"insert", "insert anywhere", "archive", "replace", "edit", "reorder", "restore"} {
		if draw.IntN(2) == 0 {
			w.kinds = append(w.kinds, kind)
		}
	}
	switch draw.IntN(5) {
	case 0:
		w.lie = draw.IntN(11) - 5
	case 1, 2:
		w.fault = pick("short page", "empty page", "same page", "total", "growing total", "huge total")
		w.faulty = []float64{0.05, 0.3, 1}[draw.IntN(3)]
	default:
		w.late = draw.IntN(2) == 0
	}
	return w, limit
}

// Whatever happens to a live dataset while it is read: what is served is what it
// held at one instant since, each case once; or the error says that it changed.
// EVALRUN_SCRIPTS=10000 runs as many scripts.
func TestShiftingPages(t *testing.T) {
	n := scripts(t, 500)
	served, changed, naive := 0, 0, 0
	for seed := range uint64(n) {
		w, limit := script(seed)
		switch g := w.served(t, limit); {
		case g.wrong:
			t.Errorf("seed %d: cases that were never there together, without an error: %+v", seed, w)
		case g.changed:
			changed++
		default:
			served++
		}
		passes, longest, length := 0, 0, 0
		for _, page := range w.requests {
			if length++; page == 1 {
				passes, length = passes+1, 1
			}
			longest = max(longest, length)
		}
		assert.LessOrEqual(t, passes, 6, "seed %d", seed)
		assert.LessOrEqual(t, longest, 60+2*len(w.states)+102, "seed %d: requests in one pass", seed)

		w, limit = script(seed)
		w.faulty = 0 // it might read for ever
		naive += one(w.naive(t, limit).wrong)
	}
	t.Logf("%d scripts: %d served as it was, %d said that it changed, %d silently wrong; page after page: %d wrong",
		n, served, changed, n-served-changed, naive)
	assert.Positive(t, served)
	assert.Positive(t, changed)
	assert.Positive(t, naive, "the scripts do nothing")
}

// The figures for 1000 cases in pages of 100 with 0.3 mutations for each request,
// against reading page after page.
func TestShiftingFigures(t *testing.T) {
	n := scripts(t, 2)
	for _, order := range []string{"oldest", "newest", "unstable"} {
		for _, most := range []int{0, 100} {
			wrong, changed, naive, requests := 0, 0, 0, 0
			for seed := range uint64(n) {
				build := func() *shifting {
					w := newShifting(seed, 1000)
					w.rate, w.order, w.cap = 0.3, order, most
					return w
				}
				w := build()
				g := w.served(t, 100)
				requests += len(w.requests)
				wrong += one(g.wrong)
				changed += one(g.changed)
				naive += one(build().naive(t, 100).wrong)
			}
			t.Logf("%-8s first, at most %3d in a page: %d of %d silently wrong, %d said that it changed, %.1f requests; page after page: %d wrong",
				order, most, wrong, n, changed, float64(requests)/float64(n), naive)
			assert.Zero(t, wrong)
			assert.Positive(t, naive)
		}
	}
}
