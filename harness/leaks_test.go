package harness_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPackagesThatStartGoroutinesLookForLeaks wants goleak in the tests of each
// package of the module that starts a goroutine itself.
func TestPackagesThatStartGoroutinesLookForLeaks(t *testing.T) {
	starts := map[string]string{}
	for _, f := range goFiles(t) {
		if at := goroutine(t, f); at != "" {
			starts[path.Dir(f)] = at
		}
	}
	assert.Contains(t, starts, "harness", "the engine starts some")
	for pkg, at := range starts {
		assert.True(t, usesGoleak(t, pkg), "%s starts a goroutine, and no test of package %s calls goleak", at, pkg)
	}
}

// goroutine gives the place of a go statement, or of a call of a method Go or a
// function AfterFunc; "" when a file has none.
func goroutine(t *testing.T, file string) string {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, filepath.Join("..", filepath.FromSlash(file)), nil, 0)
	require.NoError(t, err)
	at := ""
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			at = fset.Position(n.Pos()).String()
		case *ast.SelectorExpr:
			if n.Sel.Name == "Go" || n.Sel.Name == "AfterFunc" {
				at = fset.Position(n.Pos()).String()
			}
		}
		return at == ""
	})
	return at
}

func usesGoleak(t *testing.T, pkg string) bool {
	tests, err := filepath.Glob(filepath.Join("..", filepath.FromSlash(pkg), "*_test.go"))
	require.NoError(t, err)
	return slices.ContainsFunc(tests, func(name string) bool {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		return strings.Contains(string(data), "goleak.Verify") || strings.Contains(string(data), "goleak.Find")
	})
}
