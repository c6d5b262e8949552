package cli_test

import (
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
	"sync/atomic"
)

// proxy forwards to a platform. While the file says "drop", batches of results
// are taken and the connection is cut before the answer; while it says "hang",
// they are noted in the file hanging and never answered; while it holds a number,
// they get that status.
func proxy(addr, upstream, file string) {
	to, err := url.Parse(upstream)
	if err != nil {
		os.Exit(2)
	}
	forward := httputil.NewSingleHostReverseProxy(to)
	handle := func(w http.ResponseWriter, r *http.Request) {
		r.Host = to.Host
		fault, _ := os.ReadFile(file)
		if !strings.HasSuffix(r.URL.Path, "/test-case-results/batch") || len(fault) == 0 {
			forward.ServeHTTP(w, r)
			return
		}
		if strings.TrimSpace(string(fault)) == "drop" {
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		if strings.TrimSpace(string(fault)) == "hang" {
			_, _ = io.Copy(io.Discard, r.Body)
			appendLine("hanging", r.URL.Path)
			<-r.Context().Done()
			return
		}
		var status int
		_, _ = fmt.Sscan(string(fault), &status)
		http.Error(w, `{"detail": "as the test wants"}`, status)
	}
	if err := http.ListenAndServe(addr, http.HandlerFunc(handle)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
