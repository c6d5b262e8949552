package suite

import (
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/internal/redact"
	"github.com/evalrun/evalrun/harness/strict"
)

// environment puts the values of environment variables in the places where a
// suite names them, and remembers them as secrets.
type environment struct {
	getenv  func(string) (string, bool)
	secrets []string
	errs    []error
}

const reference = "${env:"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// suite goes through a whole suite file. The name and the description say what
// the suite is, and inline cases are data: nothing is put into them.
func (e *environment) suite(root strict.Node) {
	for _, p := range root.Pairs() {
		e.key(p.Key)
		switch p.Key.Value {
		case "description":
		case "name":
			if strings.Contains(p.Value.Value, reference) {
				e.errs = append(e.errs, p.Value.Errorf("%sNAME} has no meaning in the suite's name", reference))
			}
		case "dataset":
			for _, d := range p.Value.Pairs() {
				e.key(d.Key)
				if d.Key.Value != "cases" {
					e.values(d.Value)
				}
			}
		default:
			e.values(p.Value)
		}
	}
}

func (e *environment) key(k strict.Node) {
	if strings.Contains(k.Value, reference) {
		e.errs = append(e.errs, k.Errorf("%sNAME} has no meaning in a key", reference))
	}
}

// values goes through the values below a node, keys left out.
func (e *environment) values(n strict.Node) {
	for _, p := range n.Pairs() {
		e.key(p.Key)
		e.values(p.Value)
	}
	for _, item := range n.Items() {
		e.values(item)
	}
	if n.Node == nil || n.Kind != yaml.ScalarNode {
		return
	}
	if literalKey.MatchString(n.Value) {
		e.errs = append(e.errs, n.Errorf("%s", literalKeyProblem))
	}
	if !strings.Contains(n.Value, reference) {
		return
	}
	text, secret, err := e.expand(n.Value)
	switch {
	case err != "":
		e.errs = append(e.errs, n.Errorf("%s", err))
	case secret:
		n.Replace(text)
	default:
		n.Value = text
	}
}

// expand replaces each ${env:NAME} once; what comes in is not looked at again.
// $${env:NAME} stands for the text ${env:NAME}.
func (e *environment) expand(s string) (out string, secret bool, problem string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, reference)
		b.WriteString(before)
		if !found {
			return b.String(), secret, ""
		}
		name, after, closed := strings.Cut(rest, "}")
		if plain, escaped := strings.CutSuffix(b.String(), "$"); escaped {
			b.Reset()
			b.WriteString(plain + reference)
			s = rest
			continue
		}
		if !closed || !variableName.MatchString(name) {
			return "", false, "expected " + reference + "NAME} with the name of an environment variable; " +
				"$" + reference + "…} stands for the text itself"
		}
		value, set := e.getenv(name)
		switch {
		case !set:
			return "", false, "environment variable " + name + " is not set"
		case value == "":
			return "", false, "environment variable " + name + " is empty"
		}
		secret = true
		if !slices.Contains(e.secrets, value) {
			e.secrets = append(e.secrets, value)
		}
		b.WriteString(value)
		s = after
	}
}

// scrub takes the secrets out of what an error says. Other packages may have
// quoted, escaped or shortened them.
func scrub(err error, secrets []string) error {
	if err == nil || len(secrets) == 0 {
		return err
	}
	var out []error
	hide := redact.New(secrets...)
	for _, e := range strict.Flatten(err) {
		c := *e
		c.Message, c.Hint = hide.Text(c.Message), hide.Text(c.Hint)
		out = append(out, &c)
	}
	return strict.Join(out...)
}
