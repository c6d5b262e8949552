package reporter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	east "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

func TestMarkdownHostile(t *testing.T) {
	want, _ := markdownShape(t, write(t, Markdown{}, hostileData("x")))
	forHostile(t, Markdown{}, func(t *testing.T, s, out string) {
		checkTerminal(t, out)
		shape, prose := markdownShape(t, out)
		if strings.TrimSpace(s) != "" { // the same blocks, rows and spans, whatever the data is
			assert.Equal(t, want, shape)
		}
		for _, kind := range []string{"Link", "AutoLink", "Image", "RawHTML", "HTMLBlock", "Emphasis", "Strikethrough", "Blockquote"} {
			assert.NotContains(t, shape, kind)
		}
		assert.NotContains(t, prose, "@", "mentions would notify people")
		assert.NotContains(t, prose, "#")
	})
}

// markdownShape counts the nodes of each kind, but for pieces of text, and gives
// the text that is not code.
func markdownShape(t *testing.T, out string) (shape map[string]int, prose string) {
	t.Helper()
	md := goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote, extension.DefinitionList))
	shape = map[string]int{}
	source := []byte(out)
	err := ast.Walk(md.Parser().Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			prose += string(n.Segment.Value(source))
			return ast.WalkContinue, nil
		case *ast.String:
			prose += string(n.Value)
			return ast.WalkContinue, nil
		case *east.TableRow:
			shape[fmt.Sprintf("row of %d", n.ChildCount())]++
		}
		shape[n.Kind().String()]++
		if n.Kind() == ast.KindCodeSpan {
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	require.NoError(t, err)
	return shape, prose
}

func TestMarkdownCells(t *testing.T) {
	for s, want := range map[string]string{
		"": "(empty)", "  ": "(empty)", "a": "`a`", "a\nb": "`a\\nb`", "<b>@x #1": "`<b>@x #1`",
		"a|b": "`a\\|b`", `a\|b`: "`a\\\\x7cb`", "`": "`` ` ``", "a`b": "``a`b``", "a``b": "```a``b```",
	} {
		assert.Equal(t, want, cell(s), "%q", s)
	}
}
