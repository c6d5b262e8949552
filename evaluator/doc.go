// Package evaluator scores answers: a [Registry] resolves the names that suites
// use to evaluators, built in or your own, and [Func] and [Assert] make one of a
// Go function.
//
//	package main
//
//	import (
//		"context"
//		"fmt"
//		"log"
//
//		"github.com/stretchr/testify/assert"
//
//		"github.com/evalrun/evalrun/evaluator"
//		"github.com/evalrun/evalrun/harness"
//	)
//
//	func main() {
//		polite := evaluator.Assert("polite", func(a *assert.Assertions, t harness.Trial) {
//			a.Contains(t.Output.Text(), "please")
//		})
//		refund, err := evaluator.NewRegistry().BuildText(`icontains: {value: refund, name: says-refund}`, evaluator.Env{})
//		if err != nil {
//			log.Fatal(err)
//		}
//		for _, e := range []harness.Evaluator{polite, refund} {
//			scores, err := e.Evaluate(context.Background(), harness.Trial{Output: harness.Output{Value: "Refund me!"}})
//			if err != nil {
//				log.Fatal(err)
//			}
//			fmt.Println(e.Name(), *scores[0].Pass, scores[0].Reason)
//		}
//	}
//
// They are the Evaluators of harness.Run and evaltest.Run. Registry.Add makes those of
// your own known to suites.
//
// In a suite an evaluator is a name, a name with a bare value, or a name with a
// map of options. The option "name" gives the metric another name:
//
//	evaluators:
//	  - equals
//	  - contains: refund
//	  - levenshtein: {threshold: 0.8, name: close}
//
// # Rules
//
// What is expected is the case's expected value unless the suite gives one. With
// neither, with an empty list or text where everything would match, and whenever
// something else keeps an evaluator from judging, there is an error and no score:
// nothing passes because there was nothing to check, the not- forms included. A
// wrong answer is a low score. A score that fails says what was found and what
// was expected, in at most 1000 bytes.
//
// Values are between 0 and 1, but for expr, exec and what weighted makes of
// those. An evaluator with a threshold passes when its value reaches it; one
// that grades (levenshtein, NumericDiff, json-diff, list-contains, weighted,
// expr) has no verdict without one.
//
// # Names
//
// A name that comes from another tool keeps its meaning; [Definition.Doc] of each
// tells where something differs.
//
//	name                   alias          from           passes when, or value
//	equals, not-           ExactMatch     promptfoo      the output is what is expected, as text or as JSON
//	contains, not-                        promptfoo      the text is in the output
//	icontains, not-                       promptfoo      the same, upper or lower case
//	contains-any, not-                    promptfoo      one of several texts is in it
//	contains-all, not-                    promptfoo      all of several texts are in it
//	icontains-any, not-                   promptfoo      one of several, upper or lower case
//	icontains-all, not-                   promptfoo      all of several, upper or lower case
//	starts-with, not-                     promptfoo      the output begins with the text
//	ends-with, not-                       promptfoo      the output ends with the text
//	regex, not-                           promptfoo      the expression (RE2) matches somewhere
//	levenshtein            Levenshtein    autoevals      value: similarity by edit distance
//	numeric                                              the last number is the expected one
//	NumericDiff                           autoevals      value: relative nearness of two numbers
//	is-json                               promptfoo      the output is JSON, and conforms to a schema
//	ValidJSON                             autoevals      the output is a JSON object or array
//	contains-json                         promptfoo      JSON is in the output, and conforms to a schema
//	json-schema                                          the output conforms to a schema, also the case's
//	json-diff              JSONDiff       autoevals      value: how alike two JSON values are
//	list-contains          ListContains   autoevals      value: how well the items of two lists match
//	latency                               promptfoo      the answer took at most so long
//	cost                                  promptfoo      the answer cost at most so much
//	expr                                                 an expression is true; value: it is a number
//	exec                                                 a program says so
//	all, any                                             all or one of several evaluators pass
//	weighted                                             value: weighted mean of several evaluators
//	exact                                 Inspect        the same words
//	includes                              Inspect        the text is in the output, any case
//	match                                 Inspect        the output ends with the text, any case
//	pattern                               Inspect        the group of an expression is what is expected
//	string_check                          OpenAI         by operation: eq, ne, like, ilike
//	string.equals                         GitHub Models  the trimmed output is the text
//	string.contains                       GitHub Models  the text is in the output, any case
//	string.startsWith                     GitHub Models  the trimmed output begins with the text, any case
//	string.endsWith                       GitHub Models  the trimmed output ends with the text, any case
package evaluator
