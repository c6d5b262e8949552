package strict

import (
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// checker walks a document once: it resolves aliases and refuses what a plain
// reader would misread.
type checker struct {
	file      string
	aliased   int
	expanding map[*yaml.Node]bool // anchors whose copy is being walked
	errs      []error
}

// tags are the YAML types that there are for us; a timestamp stays text.
var tags = []string{"", "!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!seq", "!!map", "!!timestamp"}

// check returns an error that ends the walk; others are collected.
func (c *checker) check(n *yaml.Node, depth int) error {
	at := Node{Node: n, File: c.file}
	if depth > MaxDepth {
		return at.Errorf("lists and maps stand in each other more than %d deep", MaxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return c.expand(n, depth)
	}
	if tag := n.ShortTag(); !slices.Contains(tags, tag) {
		if tag != "!!merge" {
			c.errs = append(c.errs, at.Errorf("tag %s is not supported", Quote(tag)))
		}
	}
	n.Anchor = ""
	if n.Kind == yaml.MappingNode {
		c.keys(n)
	}
	for _, child := range n.Content {
		if err := c.check(child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// expand puts a copy of what an alias stands for in the place of the alias.
func (c *checker) expand(n *yaml.Node, depth int) error {
	at, target := Node{Node: n, File: c.file}, n.Alias
	if c.expanding[target] {
		return at.Errorf("alias *%s stands within the value that it repeats", n.Value)
	}
	if c.aliased += size(target, MaxAliased); c.aliased > MaxAliased {
		return at.Errorf("aliases repeat more than %d keys, values and items", MaxAliased)
	}
	c.expanding[target] = true
	defer delete(c.expanding, target)
	*n = *clone(target)
	return c.check(n, depth)
}

// keys checks the keys of one map.
func (c *checker) keys(n *yaml.Node) {
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		at := Node{Node: key, File: c.file}
		switch {
		case key.Kind == yaml.AliasNode:
			c.errs = append(c.errs, at.Errorf("an alias can't be a key"))
		case key.Kind != yaml.ScalarNode:
			c.errs = append(c.errs, at.Errorf("expected text as a key, found %s", describe(key)))
		case key.ShortTag() == "!!merge":
			e := at.Errorf("merge keys (<<) are not supported")
			e.Hint = "an alias can stand for a whole value: key: *name"
			c.errs = append(c.errs, e)
		case key.Value == "" && isNull(key):
			c.errs = append(c.errs, at.Errorf("a key is missing here"))
		case first[key.Value] != nil:
			was := first[key.Value]
			c.errs = append(c.errs, at.Errorf("duplicate key %s; the first one is at %d:%d", Quote(key.Value), was.Line, was.Column))
		default:
			first[key.Value] = key
		}
	}
}

// size counts the nodes of a tree, aliases as one, up to about the limit.
func size(n *yaml.Node, limit int) int {
	total := 1
	for _, c := range n.Content {
		if total > limit {
			break
		}
		total += size(c, limit-total)
	}
	return total
}

func clone(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = clone(child)
	}
	return &c
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe says in a few words what a node is.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.SequenceNode:
		return "a list"
	case yaml.MappingNode:
		return "a map"
	case yaml.ScalarNode:
		if n.Style&hidden != 0 {
			return "a value that is not shown"
		}
		tag := n.ShortTag()
		switch {
		case tag == "!!null":
			return "nothing"
		case n.Style == 0 && (tag == "!!int" || tag == "!!float" || tag == "!!bool"):
			return shorten(n.Value)
		}
		return Quote(n.Value)
	}
	return "something else"
}

// Quote shows text of a document in one short, printable piece: in quotes,
// escaped, cut after 60 characters.
func Quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

// Words shows a text as the list of its words, which may be what was meant:
// "[python3, bot.py]". Where that takes a shell to tell, it is an example.
func Words(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 || strings.ContainsAny(s, "\"'`\\$|&;<>(){}[]*?#,:") {
		return "[program, argument, …]"
	}
	return "[" + shorten(strings.Join(words, ", ")) + "]"
}

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most])) + "…"
	}
	return s
}
