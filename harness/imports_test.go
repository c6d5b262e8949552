package harness_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const modulePath = "github.com/evalrun/evalrun"

// arrows says which packages of this module each package may import; one that is
// not listed may import none. Tests are free.
func arrows() map[string][]string {
	var (
		hosts    = "harness/internal/pace" // for whoever calls a host, or lets others share its pace
		leaves   = []string{"harness/strict", "harness/process", "harness/stat", "harness/reduce"}
		domain   = append([]string{"harness"}, leaves...)
		platform = append([]string{"harness/internal/httpx", "harness/internal/wire", hosts}, domain...)
		jq       = append([]string{"harness/internal/jsonx"}, domain...)
		secrets  = "harness/internal/redact" // for whoever shows or keeps what others said
		suite    = append([]string{secrets, "harness/compare", "harness/dataset", "harness/target", "harness/gate", "harness/sgp", "harness/retell", "harness/internal/httpx", hosts, "evaluator"}, domain...)
		runner   = append([]string{"harness/suite", "harness/store", "harness/baseline", "harness/plan", "harness/flaky", "reporter"}, suite...)
		command  = append([]string{"harness/runner", "harness/sgp/sgpserver", "harness/retell", "harness/retell/retellserver"}, runner...)
	)
	return map[string][]string{
		"harness":                 nil,
		"harness/strict":          nil,
		"harness/process":         nil,
		"harness/stat":            nil,
		"harness/internal/redact": nil,
		"harness/internal/pace":   nil,
		"harness/internal/httpx":  {secrets, hosts},
		"harness/internal/jsonx":  nil,
		"harness/internal/wire":   nil,
		"harness/dataset":         jq,
		"harness/target":          append([]string{secrets, hosts, "harness/internal/httpx", "harness/internal/wire"}, jq...),
		"harness/gate":            append([]string{"harness/compare"}, domain...),
		"harness/store":           domain,
		"harness/sgp":             platform,
		"harness/retell":          platform,
		"evaluator":               domain,
		"reporter":                append([]string{"harness/compare"}, domain...),
		"harness/suite":           suite,
		"harness/runner":          runner,
		"harness/evaltest":        append([]string{"harness/runner", "harness/internal/jsonx", "harness/internal/wire"}, runner...),
		"cmd/evalrun/cli":         command,
		"cmd/evalrun":             append([]string{"cmd/evalrun/cli"}, command...),
		"examples":                append([]string{"cmd/evalrun/cli"}, command...),
		"harness/reduce":          {"harness/stat"},
		"harness/baseline":        append([]string{"harness/compare"}, domain...),
		"harness/compare":         domain,
		"harness/flaky":           append([]string{"harness/compare"}, domain...),
		"harness/plan":            append([]string{"harness/compare"}, domain...),

		// Servers that stand in for platforms.
		"harness/internal/localhttp":  nil,
		"harness/sgp/sgpserver":       append([]string{"harness/sgp", "harness/store", "harness/internal/localhttp"}, platform...),
		"harness/retell/retellserver": append([]string{"harness/retell", "harness/internal/localhttp"}, platform...),
	}
}

// TestImportsPointOneWay fails on every arrow between packages that arrows does
// not draw, and keeps the domain and the leaves free of other modules.
func TestImportsPointOneWay(t *testing.T) {
	allowed := arrows()
	seen := 0
	for _, f := range goFiles(t) {
		pkg := path.Dir(f)
		for _, imported := range importsOf(t, f) {
			ours, inside := strings.CutPrefix(imported, modulePath+"/")
			switch {
			case inside:
				seen++
				assert.True(t, mayImport(allowed, pkg, ours), "%s: package %s must not import %s", f, pkg, ours)
			case pkg == "harness":
				assert.True(t, standard(imported) || imported == "golang.org/x/sync/errgroup",
					"%s: harness needs the standard library and errgroup only, not %s", f, imported)
			case pkg == "harness/stat" || pkg == "harness/gate" || pkg == "harness/process":
				assert.True(t, standard(imported) || strings.HasPrefix(imported, "golang.org/x/"), "%s: package %s has no use for %s", f, pkg, imported)
			}
		}
	}
	assert.Positive(t, seen, "no import of this module was seen: is the path of the module still %s?", modulePath)
}

func TestTheArrowsHaveNoCircle(t *testing.T) {
	allowed := arrows()
	for from, tos := range allowed {
		for _, to := range tos {
			assert.NotContains(t, allowed[to], from, "%s and %s may import each other", from, to)
		}
	}
}

func mayImport(allowed map[string][]string, from, to string) bool {
	for _, folder := range []string{"examples", "cmd/evalrun/cli", "evaluator", "reporter"} {
		if within(from, folder) && within(to, folder) {
			return true // a folder's own parts
		}
		if within(from, folder) {
			from = folder
		}
	}
	return slices.Contains(allowed[from], to)
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

// standard tells the standard library by the first part of its import paths,
// which has no dot.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

// goFiles lists the Go files of the module that are not tests, with paths from
// its root.
func goFiles(t *testing.T) []string {
	var files []string
	err := filepath.WalkDir("..", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && p != ".." && (name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			rel, err := filepath.Rel("..", p)
			if err != nil {
				return err
			}
			files = append(files, filepath.ToSlash(rel))
		}
		return nil
	})
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func importsOf(t *testing.T, file string) []string {
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", filepath.FromSlash(file)), nil, parser.ImportsOnly)
	require.NoError(t, err)
	var out []string
	for _, i := range f.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}
