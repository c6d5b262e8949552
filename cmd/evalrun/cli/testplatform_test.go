package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// faulty stands before a platform and does to batches of results what its file
// says; nothing while that is empty:
//
//	drop         takes them and cuts the connection before the answer
//	lose         notes them in the file lost and cuts the connection; the next ones
//	             are taken
//	late         likewise, and takes the lost ones too once the next one came
//	hang         notes them in the file hanging and never answers
//	reject TEXT  refuses each item with the text in it, by its number
//	503          that status, or another
type faulty struct {
	forward http.Handler
	file    string

	mu   sync.Mutex
	lost []*http.Request // of late
}

// proxy serves it.
func proxy(addr, upstream, file string) {
	to, err := url.Parse(upstream)
	if err != nil {
		os.Exit(2)
	}
	f := &faulty{forward: httputil.NewSingleHostReverseProxy(to), file: file}
	handle := func(w http.ResponseWriter, r *http.Request) {
		r.Host = to.Host
		f.ServeHTTP(w, r)
	}
	if err := http.ListenAndServe(addr, http.HandlerFunc(handle)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := os.ReadFile(f.file)
	fault, arg, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if !strings.HasSuffix(r.URL.Path, "/test-case-results/batch") {
		f.forward.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch fault {
	case "":
		f.forward.ServeHTTP(w, r)
		f.catchUp()
	case "drop":
		f.forward.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	case "lose", "late":
		_ = os.WriteFile(f.file, nil, 0o644)
		appendLine("lost", r.URL.Path)
		if fault == "late" {
			again := r.Clone(context.Background())
			again.Body = io.NopCloser(bytes.NewReader(body))
			f.mu.Lock()
			f.lost = append(f.lost, again)
			f.mu.Unlock()
		}
		panic(http.ErrAbortHandler)
	case "hang":
		appendLine("hanging", r.URL.Path)
		<-r.Context().Done()
	case "reject":
		f.reject(w, r, body, arg)
	default:
		var status int
		_, _ = fmt.Sscan(fault, &status)
		http.Error(w, `{"detail": "as the test wants"}`, status)
	}
}

// catchUp takes what came late.
func (f *faulty) catchUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.lost {
		f.forward.ServeHTTP(httptest.NewRecorder(), r)
	}
	f.lost = nil
}

func (f *faulty) reject(w http.ResponseWriter, r *http.Request, body []byte, text string) {
	var items []json.RawMessage
	_ = json.Unmarshal(body, &items)
	detail := []any{}
	for i, item := range items {
		if strings.Contains(string(item), text) {
			detail = append(detail, map[string]any{"type": "value_error", "msg": "not \x1b[31mwelcome\x1b[0m here",
				"loc": []any{"body", i, "test_case_evaluation_data"}})
		}
	}
	if len(detail) == 0 {
		f.forward.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(map[string]any{"detail": detail})
}

// platform lists test cases as the dataset's ID asks: with an error status, with
// an empty page before the end, with the same page for ever, with HTML; moving
// gives other cases each time, file those whose IDs are in the file cases.txt.
func platform(addr string) {
	var calls atomic.Int64
	handle := func(w http.ResponseWriter, r *http.Request) {
		if file, err := os.ReadFile("hang"); err == nil { // say which request it is, and nothing else
			_, _ = io.Copy(io.Discard, r.Body)
			appendLine(strings.TrimSpace(string(file)), r.Method+" "+r.URL.Path)
			<-r.Context().Done()
			return
		}
		dataset := strings.Split(r.URL.Path, "/")[3]
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		var status int
		if n, _ := fmt.Sscan(dataset, &status); n == 1 {
			http.Error(w, `{"detail": "as the test wants"}`, status)
			return
		}
		items := []any{}
		item := func(id string) {
			items = append(items, map[string]any{"id": id, "evaluation_dataset_id": dataset, "schema_type": "GENERATION",
				"test_case_data": map[string]any{"input": id, "expected_output": id}})
		}
		total := 2*limit + 1
		switch {
		case dataset == "html":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Please sign in</html>")
			return
		case dataset == "hole" && page == 2:
		case dataset == "hole" && page <= 3:
			item(fmt.Sprint("case-", page))
		case dataset == "same":
			item("a")
			item("b")
		case dataset == "moving":
			for n := range 2 {
				item(fmt.Sprint("case-", calls.Add(1), n))
			}
			total = 3
			items = items[:max(0, min(2, 5-2*page))]
		case dataset == "file":
			ids, _ := os.ReadFile("cases.txt")
			for _, id := range strings.Fields(string(ids)) {
				item(id)
			}
			if total = len(items); page > 1 {
				items = []any{}
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "total_item_count": total, "current_page": page, "items_per_page": limit})
	}
	if err := http.ListenAndServe(addr, http.HandlerFunc(handle)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
