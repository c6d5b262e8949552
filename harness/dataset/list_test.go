package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Line breaks before the place that was read are let go of, also in what is
// skipped: memory does not grow with it.
func TestSkippedLinesAreForgotten(t *testing.T) {
	const n = 200_000
	path := filepath.Join(t.TempDir(), "a.json")
	tests := []struct{ name, skipped string }{
		{"items", `"skipped": [` + strings.Repeat("1,\n", n) + `1]`},
		{"keys", strings.Repeat("\"k\": 1,\n", n) + `"k": 2`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte("{"+tt.skipped+",\n\"rows\": [{\"input\": \"x\"}]}"), 0o600))
			f, err := Open(path, Options{Items: ".rows"})
			require.NoError(t, err)
			defer f.Close()
			assert.Less(t, cap(f.rows.(*list).lines.breaks), n/10)
			page, err := f.Page(t.Context(), "")
			require.NoError(t, err)
			require.Len(t, page.Cases, 1)
			assert.True(t, strings.HasSuffix(page.Cases[0].Origin, ":200002"), page.Cases[0].Origin)
		})
	}
}
