package customevaluator

import (
	"fmt"
	"regexp"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
)

var number = regexp.MustCompile(`\d+`)

// grounded holds an answer to its case, with the assertions of any Go test: those
// that fail make the score 0 and are its reason. Here an answer has what is
// expected, and no number that neither the question nor the expected answer has.
func grounded(a *assert.Assertions, t harness.Trial) {
	answer := t.Output.Text()
	a.Contains(answer, t.Case.Expected)
	known := number.FindAllString(fmt.Sprint(t.Case.Input, " ", t.Case.Expected), -1)
	for _, n := range number.FindAllString(answer, -1) {
		a.Contains(known, n, "a number from nowhere")
	}
}
