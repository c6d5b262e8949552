package cli

import (
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/strict"
)

// foreign is a hint about a stored run with evaluators, kinds of app or report
// formats that this command does not have: a command with its own has made it. It
// is "" when all are known.
func (a *app) foreign(info store.Info) string {
	root, err := strict.Parse(info.Spec.Path, []byte(info.Spec.Text))
	if err != nil {
		return "" // a broken file names nothing
	}
	var evaluators []string
	for _, d := range a.Evaluators.Definitions() {
		evaluators = append(append(evaluators, d.Name), d.Aliases...)
	}
	apps := []strict.Node{root.Get("app")}
	for _, p := range root.Get("apps").Pairs() {
		apps = append(apps, p.Value)
	}
	var has []string
	for _, named := range []struct {
		what  string
		nodes []strict.Node
		known []string
	}{
		{"the evaluator", root.Get("evaluators").Items(), evaluators},
		{"the kind of app", apps, a.Targets.Names()},
		{"the report format", root.Get("reports").Items(), a.Reporters.Formats()},
	} {
		if strange := strangers(named.nodes, named.known); len(strange) > 0 {
			has = append(has, named.what+" "+strings.Join(strange, ", "))
		}
	}
	if len(has) == 0 {
		return ""
	}
	return "the run was made by a command that has " + strings.Join(has, " and ") + "; use that command for it"
}

// strangers are the names that are not known, quoted. Each node is a name, or a map
// of one name to its options.
func strangers(nodes []strict.Node, known []string) []string {
	var strange []string
	for _, n := range nodes {
		if !n.Given() {
			continue
		}
		name := n.Value
		if len(n.Content) > 0 {
			name = n.Content[0].Value
		}
		if !slices.Contains(known, name) {
			strange = append(strange, strict.Quote(name))
		}
	}
	return strange
}
