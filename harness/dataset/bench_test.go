package dataset_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shortRows writes a file of n short rows.
func shortRows(tb testing.TB, name string, n int) string {
	path := filepath.Join(tb.TempDir(), name)
	f, err := os.Create(path)
	require.NoError(tb, err)
	w := bufio.NewWriter(f)
	if filepath.Ext(name) == ".csv" {
		fmt.Fprintln(w, "id,question,answer")
	}
	for i := range n {
		switch filepath.Ext(name) {
		case ".jsonl":
			fmt.Fprintf(w, "{\"id\":\"case-%d\",\"question\":\"What is %d plus one?\",\"answer\":\"%d\"}\n", i, i, i+1)
		case ".json":
			fmt.Fprintf(w, "%c{\"id\":\"case-%d\",\"question\":\"What is %d plus one?\",\"answer\":\"%d\"}\n", "[,"[min(i, 1)], i, i, i+1)
		default:
			fmt.Fprintf(w, "case-%d,What is %d plus one?,%d\n", i, i, i+1)
		}
	}
	if filepath.Ext(name) == ".json" {
		fmt.Fprintln(w, "]")
	}
	require.NoError(tb, w.Flush())
	require.NoError(tb, f.Close())
	return path
}

func BenchmarkRead(b *testing.B) {
	names := map[string]string{"id": "id", "input": "question", "expected": "answer"}
	tests := []struct {
		name, file string
		mapping    map[string]string
	}{
		{"jsonl default names", "x.jsonl", nil},
		{"jsonl mapped names", "x.jsonl", names},
		{"jsonl plain paths", "x.jsonl", map[string]string{"input": ".question", "expected": ".answer"}},
		{"jsonl one jq expression", "x.jsonl", map[string]string{"expected": ".answer | tonumber"}},
		{"json list", "x.json", nil},
		{"csv", "x.csv", nil},
	}
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			const n = 10_000
			path := shortRows(b, tt.file, n)
			b.ReportAllocs()
			for b.Loop() {
				f, err := dataset.Open(path, dataset.Options{Map: tt.mapping})
				require.NoError(b, err)
				rows := 0
				for cursor := ""; ; {
					p, err := f.Page(b.Context(), cursor)
					require.NoError(b, err)
					rows += len(p.Cases)
					if cursor = p.Next; cursor == "" {
						break
					}
				}
				require.Equal(b, n, rows)
				require.NoError(b, f.Close())
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}

// TestMemoryDoesNotGrow reads many pages and looks at the live heap in between.
func TestMemoryDoesNotGrow(t *testing.T) {
	for _, name := range []string{"x.jsonl", "x.json", "x.csv"} {
		t.Run(name, func(t *testing.T) {
			f, err := dataset.Open(shortRows(t, name, 50_000), dataset.Options{PageSize: 100})
			require.NoError(t, err)
			defer f.Close()
			var least, most uint64
			pages := 0
			for cursor := ""; ; pages++ {
				p, err := f.Page(t.Context(), cursor)
				require.NoError(t, err)
				if pages%100 == 10 {
					runtime.GC()
					var m runtime.MemStats
					runtime.ReadMemStats(&m)
					if least == 0 {
						least = m.HeapAlloc
					}
					most = max(most, m.HeapAlloc)
				}
				if cursor = p.Next; cursor == "" {
					break
				}
			}
			assert.Equal(t, 500, pages)
			assert.Less(t, most, least+1<<20, "live heap grew from %d to %d bytes", least, most)
		})
	}
}
