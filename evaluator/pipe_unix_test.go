//go:build unix

package evaluator

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A pipe that nobody writes to would keep the suite from loading for ever.
func TestSchemaFileIsNoPipe(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.json"), 0o600))
	_, err := NewRegistry().BuildText("json-schema: {file: pipe.json}", Env{Dir: dir})
	assert.ErrorContains(t, err, "schema file: pipe.json is not a regular file")
}
