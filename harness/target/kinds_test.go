package target_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/target"
)

// TestEveryOptionIsDocumented in the package comment, under its kind.
func TestEveryOptionIsDocumented(t *testing.T) {
	data, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	_, text, _ := strings.Cut(string(data), "# Kinds and options")
	text, _, _ = strings.Cut(text, "# Templates")
	starts := regexp.MustCompile(`(?m)^//$\n// ([a-z]+) `).FindAllStringSubmatchIndex(text, -1)
	sections := map[string]string{}
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		sections[text[at[2]:at[3]]] = text[at[0]:end]
	}
	for _, k := range target.NewRegistry().Kinds() {
		require.Contains(t, sections, k.Name)
		options := reflect.TypeOf(k.Options)
		var names []string
		for i := range options.NumField() {
			names = append(names, options.Field(i).Tag.Get("yaml"))
		}
		var documented []string
		for _, m := range regexp.MustCompile(`(?m)^//\t([a-z_]+) `).FindAllStringSubmatch(sections[k.Name], -1) {
			documented = append(documented, m[1])
		}
		assert.Equal(t, names, documented, k.Name)
	}
}
