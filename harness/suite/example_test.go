package suite_test

import (
	"fmt"

	"github.com/evalrun/evalrun/harness/suite"
)

func ExampleParse() {
	s, err := suite.Parse("support.yaml", []byte(`
name: support
dataset:
  cases:
    - {id: greeting, input: hello, expected: hello}
app: echo
evaluators: [equals]
gate: [equals.pass_rate >= 90%]
`), suite.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Name, "asks", s.Dataset, "of", s.Apps[0].Name, "and measures", s.Metrics)
	// Output: support asks 1 inline case of echo and measures [equals]
}

func ExampleParse_errors() {
	_, err := suite.Parse("support.yaml", []byte(`
name: support
dataset: {cases: [{input: hello}]}
app: echo
evaluatrs: [equals]
trials: many
`), suite.Options{})
	fmt.Println(err)
	// Output:
	// support.yaml:5:1: unknown key "evaluatrs"; did you mean "evaluators"?
	// support.yaml:6:9: expected a whole number, found "many"
}
