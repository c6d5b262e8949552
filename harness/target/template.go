package target

import (
	"errors"
	"fmt"
	"strings"
	"text/template"
	"text/template/parse"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
	"github.com/evalrun/evalrun/harness/strict"
)

// maxRendered is the most text that one template may give, in bytes.
const maxRendered = 64 << 20

// scope is what templates see. It is made for one rendering.
type scope struct {
	ID       string
	Input    any
	History  any
	Metadata map[string]any
	Trial    int
	Seed     int64

	kept any
}

// Keep takes the value of a template that is one action. It is called by
// templates, and not part of what users are promised.
func (s *scope) Keep(v any) string {
	s.kept = v
	return ""
}

func scopeOf(in harness.Input) *scope {
	metadata := in.Metadata
	if metadata == nil {
		metadata = map[string]any{} // a missing key of it is then an error like any
	}
	return &scope{ID: in.ID, Input: in.Value, History: in.History, Metadata: metadata, Trial: in.Trial, Seed: in.Seed}
}

// field gives a field by its name, which checkPipe has seen.
func (s *scope) field(name string) any {
	switch name {
	case "ID":
		return s.ID
	case "Input":
		return s.Input
	case "History":
		return s.History
	case "Metadata":
		return s.Metadata
	case "Trial":
		return s.Trial
	}
	return s.Seed
}

// tree is a JSON value with templates for texts.
type tree struct {
	literal any                // when all else is nil
	text    *template.Template // gives text
	value   *template.Template // gives any value, by Keep
	field   string             // gives a field of the case; what value does, without its cost
	list    []*tree
	keys    []string // of an object, in order, for the values in list
	object  bool
}

// newTree compiles a value of a suite.
func newTree(n strict.Node) (*tree, error) {
	switch {
	case n.Node == nil:
		return &tree{}, nil
	case n.Kind == yaml.MappingNode:
		t := &tree{object: true, list: []*tree{}}
		for _, p := range n.Pairs() {
			below, err := newTree(p.Value)
			if err != nil {
				return nil, err
			}
			t.keys, t.list = append(t.keys, p.Key.Value), append(t.list, below)
		}
		return t, nil
	case n.Kind == yaml.SequenceNode:
		t := &tree{list: []*tree{}}
		for _, item := range n.Items() {
			below, err := newTree(item)
			if err != nil {
				return nil, err
			}
			t.list = append(t.list, below)
		}
		return t, nil
	}
	t := &tree{}
	if err := n.Decode(&t.literal); err != nil {
		return nil, err
	}
	if text, ok := t.literal.(string); ok && strings.Contains(text, "{{") {
		compiled, err := newTemplate(text)
		if err != nil {
			return nil, n.Errorf("%s", err)
		}
		return compiled, nil
	}
	return t, nil
}

// newTemplate compiles one text.
func newTemplate(text string) (*tree, error) {
	compile := func(text string) (*template.Template, error) {
		return template.New("template").Option("missingkey=error").Funcs(functions()).Parse(text)
	}
	t, err := compile(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: template:1: "))
	}
	for _, part := range t.Templates() {
		if err := prepare(part.Root, part == t); err != nil {
			return nil, err
		}
	}
	if t.Tree == nil {
		return &tree{literal: ""}, nil
	}
	if action, ok := single(t.Root); ok {
		// The pipeline without the conversion to text that prepare appended.
		pipe := action.Pipe.Copy().(*parse.PipeNode)
		pipe.Cmds = pipe.Cmds[:len(pipe.Cmds)-1]
		if len(pipe.Cmds) == 1 && len(pipe.Cmds[0].Args) == 1 {
			if f, ok := pipe.Cmds[0].Args[0].(*parse.FieldNode); ok && len(f.Ident) == 1 {
				return &tree{field: f.Ident[0]}, nil
			}
		}
		value, err := compile("{{ $.Keep (" + pipe.String() + ") }}")
		return &tree{value: value}, err
	}
	return &tree{text: t}, nil
}

// single gives the action of a template that is nothing else.
func single(root *parse.ListNode) (*parse.ActionNode, bool) {
	if len(root.Nodes) != 1 {
		return nil, false
	}
	a, ok := root.Nodes[0].(*parse.ActionNode)
	return a, ok && len(a.Pipe.Decl) == 0
}

func functions() template.FuncMap {
	return template.FuncMap{"json": asJSON, "text": asText}
}

// asText is a value within a text: text as it is, null as nothing, and anything
// else as JSON; text/template alone would write numbers and maps as Go does.
func asText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	}
	return asJSON(v)
}

func asJSON(v any) (string, error) {
	data, err := wire.Marshal(v)
	return string(data), err
}

// render gives the value for one input.
func (t *tree) render(s *scope) (any, error) {
	switch {
	case t.object:
		m := make(map[string]any, len(t.keys))
		for i, key := range t.keys {
			v, err := t.list[i].render(s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			m[key] = v
		}
		return m, nil
	case t.list != nil:
		l := make([]any, len(t.list))
		for i := range t.list {
			var err error
			if l[i], err = t.list[i].render(s); err != nil {
				return nil, err
			}
		}
		return l, nil
	case t.field != "":
		return s.field(t.field), nil
	case t.value != nil:
		s.kept = nil
		err := execute(t.value, s, &limited{})
		return s.kept, err
	case t.text != nil:
		var b limited
		err := execute(t.text, s, &b)
		return b.String(), err
	}
	return t.literal, nil
}

// execute runs a template; its error names the place and what is missing.
func execute(t *template.Template, s *scope, b *limited) error {
	err := t.Execute(b, s)
	if err == nil {
		return nil
	}
	var failed template.ExecError
	text := err.Error()
	if errors.As(err, &failed) {
		text = failed.Err.Error()
	}
	if _, after, ok := strings.Cut(text, "executing \"template\" "); ok {
		text = after
	}
	return fmt.Errorf("template %s", strings.NewReplacer("$.Keep (", "", "*target.scope", "the case").Replace(text))
}

// limited is a buffer that takes up to maxRendered bytes.
type limited struct{ strings.Builder }

// Write fails when there would be too much.
func (b *limited) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("the text is longer than %d MiB", maxRendered>>20)
	}
	return b.Builder.Write(p)
}

// prepare has each action's value converted by asText, and refuses fields of the
// case that templates don't see. Root says whether the dot is the case.
func prepare(n parse.Node, root bool) error {
	switch n := n.(type) {
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, below := range n.Nodes {
			if err := prepare(below, root); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		if err := checkPipe(n.Pipe, root); err != nil {
			return err
		}
		if len(n.Pipe.Decl) == 0 {
			convert := parse.NewIdentifier("text").SetPos(n.Pos).SetTree(nil)
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos, Args: []parse.Node{convert}})
		}
	case *parse.IfNode:
		return prepareBranch(&n.BranchNode, root, root)
	case *parse.RangeNode:
		return prepareBranch(&n.BranchNode, root, false)
	case *parse.WithNode:
		return prepareBranch(&n.BranchNode, root, false)
	case *parse.TemplateNode:
		return checkPipe(n.Pipe, root)
	}
	return nil
}

func prepareBranch(n *parse.BranchNode, root, inside bool) error {
	return errors.Join(checkPipe(n.Pipe, root), prepare(n.List, inside), prepare(n.ElseList, root))
}

// checkPipe looks for fields that a case does not have.
func checkPipe(p *parse.PipeNode, root bool) error {
	if p == nil {
		return nil
	}
	for _, c := range p.Cmds {
		for _, arg := range c.Args {
			field := ""
			switch arg := arg.(type) {
			case *parse.PipeNode:
				if err := checkPipe(arg, root); err != nil {
					return err
				}
			case *parse.FieldNode:
				if root {
					field = arg.Ident[0]
				}
			case *parse.VariableNode:
				if arg.Ident[0] == "$" && len(arg.Ident) > 1 {
					field = arg.Ident[1]
				}
			}
			switch field {
			case "", "ID", "Input", "History", "Metadata", "Trial", "Seed":
			default:
				return fmt.Errorf("a template has no .%s; it has .Input, .ID, .History, .Metadata, .Trial and .Seed", field)
			}
		}
	}
	return nil
}
