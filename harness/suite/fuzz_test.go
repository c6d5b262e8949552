package suite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

// FuzzParse: whatever a suite file holds, there is a suite or an error with a
// place, and no panic.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := suite.Parse("testdata/good/fuzz.yaml", data, options())
		if err == nil {
			require.NotEmpty(t, s.Name)
			require.NotEmpty(t, s.Apps)
			require.NotEmpty(t, s.Metrics)
			return
		}
		require.Contains(t, err.Error(), "testdata/good/fuzz.yaml:")
		require.NotContains(t, err.Error(), key)
		for _, line := range strings.Split(err.Error(), "\n") {
			require.False(t, strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }), "%q", line)
		}
	})
}
