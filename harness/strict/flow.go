package strict

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// IsScalar tells whether the node is a single value: a text, a number, a boolean.
func (n Node) IsScalar() bool { return n.Node != nil && n.Kind == yaml.ScalarNode }

// Flow is the node as YAML in one line, which Parse reads as the same again. The
// outermost map has no braces: "no_regression: {baseline: main}".
func (n Node) Flow() string {
	if n.Node == nil || n.Kind == 0 {
		return ""
	}
	if n.IsScalar() {
		return strings.TrimSpace(n.Value)
	}
	pairs := n.Pairs()
	if len(pairs) == 0 {
		return inline(n.Node)
	}
	parts := make([]string, len(pairs))
	for i, p := range pairs {
		parts[i] = inline(p.Key.Node) + ": " + inline(p.Value.Node)
	}
	if len(parts) > 1 {
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return parts[0]
}

// inline writes a node without comments and line breaks.
func inline(n *yaml.Node) string {
	data, err := yaml.Marshal(flat(n))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

func flat(n *yaml.Node) *yaml.Node {
	c := *n
	c.HeadComment, c.LineComment, c.FootComment = "", "", ""
	if c.Style&hidden != 0 { // see Replace: as if it stood there without quotes
		c.Style &^= hidden
		plain := yaml.Node{Kind: yaml.ScalarNode, Value: c.Value}
		switch tag := plain.ShortTag(); tag {
		case "!!int", "!!float", "!!bool":
			c.Tag = tag
		}
	}
	c.Style &^= yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Kind != yaml.ScalarNode:
		c.Style = yaml.FlowStyle
	case strings.ContainsAny(n.Value, "\r\n\u0085\u2028\u2029"):
		c.Style = yaml.DoubleQuotedStyle
	}
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = flat(child)
	}
	return &c
}
