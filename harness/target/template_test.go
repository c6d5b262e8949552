package target

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

func compileTree(t testing.TB, yaml string) (*tree, error) {
	t.Helper()
	n, err := strict.Parse("s.yaml", []byte(yaml))
	require.NoError(t, err)
	return newTree(n)
}

func TestTemplates(t *testing.T) {
	in := harness.Input{
		ID: "a", Value: map[string]any{"q": "say \"hi\" <b>", "n": 1e6, "tags": []any{"x", "y"}, "none": nil, "big": json.Number("12345678901234567890")},
		History: []any{map[string]any{"role": "user"}}, Metadata: map[string]any{"lang": "en"}, Trial: 2, Seed: 7,
	}
	tests := []struct {
		yaml string
		want any
	}{
		{`plain`, "plain"},
		{`7`, 7.0},
		{`true`, true},
		{`null`, nil},
		{`"{{ .Input.q }}"`, `say "hi" <b>`},
		{`"{{.Input.n}}"`, 1e6},
		{`"{{- .Input.n -}}"`, 1e6},
		{`"n={{ .Input.n }}"`, "n=1000000"},
		{`"{{ .Input.big }}"`, json.Number("12345678901234567890")},
		{`"#{{ .Input.big }}"`, "#12345678901234567890"},
		{`"{{ .Input.tags }}"`, []any{"x", "y"}},
		{`"tags: {{ .Input.tags }}"`, `tags: ["x","y"]`},
		{`"{{ index .Input.tags 1 }}"`, "y"},
		{`"{{ .Input.none }}"`, nil},
		{`"[{{ .Input.none }}]"`, "[]"},
		{`"{{ .History }}"`, []any{map[string]any{"role": "user"}}},
		{`"{{ .Input.tags | json }}"`, `["x","y"]`},
		{`"{{ json .Input.q }}"`, `"say \"hi\" <b>"`},
		{`"{{ .Trial }}"`, 2},
		{`"{{ .Seed }}{{ .ID }}"`, "7a"},
		{`"{{ range .Input.tags }}{{ . }}{{ $.ID }};{{ end }}"`, "xa;ya;"},
		{`"{{ with .Input }}{{ .q }}{{ end }}"`, `say "hi" <b>`},
		{`"{{ if eq .Metadata.lang \"en\" }}English{{ else }}other{{ end }}"`, "English"},
		{`"{{ $x := .Input.q }}{{ $x }}"`, `say "hi" <b>`},
		{`"{{ \"{{\" }}"`, "{{"},
		{`"{{/* nothing */}}"`, ""},
		{`{a: "{{ .ID }}", b: [1, "{{ .Input.tags }}", {c: x}], d: {}, e: []}`,
			map[string]any{"a": "a", "b": []any{1.0, []any{"x", "y"}, map[string]any{"c": "x"}}, "d": map[string]any{}, "e": []any{}}},
	}
	for _, tt := range tests {
		t.Run(tt.yaml, func(t *testing.T) {
			c, err := compileTree(t, tt.yaml)
			require.NoError(t, err)
			for range 2 {
				got, err := c.render(scopeOf(in))
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
			}
		})
	}
}

func TestTemplateErrors(t *testing.T) {
	tests := []struct{ yaml, want string }{
		{`"{{ .Input "`, "s.yaml:1:1: unclosed action"},
		{`"{{ .Expected }}"`, "s.yaml:1:1: a template has no .Expected; it has .Input, .ID, .History, .Metadata, .Trial and .Seed"},
		{`"{{ if .Expected }}x{{ end }}"`, "a template has no .Expected"},
		{`"{{ range .Input.x }}{{ $.Case.Expected }}{{ end }}"`, "a template has no .Case"},
		{`"{{ printf \"%s\" (.Keep 1) }}"`, "a template has no .Keep"},
		{`"{{ nope .Input }}"`, `function "nope" not defined`},
		{`[a, "{{ end }}"]`, "s.yaml:1:5: "},
	}
	for _, tt := range tests {
		_, err := compileTree(t, tt.yaml)
		require.ErrorContains(t, err, tt.want, tt.yaml)
	}
	running := []struct{ yaml, want string }{
		{`"{{ .Input.missing }}"`, `map has no entry for key "missing"`},
		{`"x {{ .Input.missing }}"`, `map has no entry for key "missing"`},
		{`"{{ .Metadata.missing }}"`, `map has no entry for key "missing"`},
		{`"{{ .Input.q.deep }}"`, "can't evaluate field deep in type"},
		{`"{{ index .Input.tags 9 }}"`, "out of range"},
		{`"{{ range 100000000 }}0123456789{{ end }}"`, "longer than 64 MiB"},
	}
	in := harness.Input{Value: map[string]any{"q": "x", "tags": []any{}}}
	for _, tt := range running {
		c, err := compileTree(t, tt.yaml)
		require.NoError(t, err, tt.yaml)
		_, err = c.render(scopeOf(in))
		require.ErrorContains(t, err, tt.want, tt.yaml)
		assert.NotContains(t, err.Error(), "Keep")
		assert.NotContains(t, err.Error(), "scope")
	}
}

// FuzzTemplate: text of a case is never taken for a template.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "{{ .ID }}", "{{", "}}", "${env:HOME}", "\x00", "a\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, yaml := range []string{`"{{ .Input }}"`, `"x{{ .Input }}"`} {
			c, err := compileTree(t, yaml)
			require.NoError(t, err)
			got, err := c.render(scopeOf(harness.Input{Value: text}))
			require.NoError(t, err)
			want := text
			if yaml[1] == 'x' {
				want = "x" + text
			}
			require.Equal(t, want, got)
		}
	})
}
