package cli

import (
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/harness/strict"
)

// foreign is a hint about a stored run with evaluators that this command does not
// have: a command with evaluators of its own has made it. It is "" when all are
// known.
func (a *app) foreign(info store.Info) string {
	root, err := strict.Parse(info.Spec.Path, []byte(info.Spec.Text))
	if err != nil {
		return "" // a broken file names nothing
	}
	listed := root.Get("evaluators")
	if !listed.Given() {
		return ""
	}
	var known, strange []string
	for _, d := range a.Evaluators.Definitions() {
		known = append(append(known, d.Name), d.Aliases...)
	}
	for _, n := range listed.Content {
		name := n.Value
		if len(n.Content) > 0 {
			name = n.Content[0].Value
		}
		if !slices.Contains(known, name) {
			strange = append(strange, strict.Quote(name))
		}
	}
	if len(strange) == 0 {
		return ""
	}
	return "the run was made by a command that has the evaluator " + strings.Join(strange, ", ") + "; use that command for it"
}
