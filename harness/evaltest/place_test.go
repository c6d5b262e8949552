package evaltest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNameOfTheRootPackage(t *testing.T) {
	for text, want := range map[string]string{
		"module example.com/shop\n":               "shop.TestBot",
		"// of us\nmodule \"shop\" // short\n":    "shop.TestBot",
		"module example.com/shop/v2\n\ngo 1.26\n": "shop.TestBot",
		"module v2\n": "v2.TestBot",
		"go 1.26\n":   "checkout.TestBot",
	} {
		dir := filepath.Join(t.TempDir(), "checkout")
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte(text), 0o644))
		assert.Equal(t, want, place{dir: dir, root: dir}.name("TestBot"), text)
	}
	assert.Equal(t, "bot.TestBot", place{dir: filepath.Join("x", "bot")}.name("TestBot"))
}
