package evaluator

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func BenchmarkEvaluators(b *testing.B) {
	answer := strings.Repeat("The answer is 41, or so. ", 20) + "#### 42"
	for _, entry := range []string{"equals", "icontains", "regex: '#### \\d+$'", "levenshtein", "numeric", "contains-json", "json-diff", "expr: text endsWith expected"} {
		b.Run(entry, func(b *testing.B) {
			e, err := NewRegistry().BuildText(entry, Env{})
			require.NoError(b, err)
			t := harness.Trial{Case: harness.Case{Expected: "42"}, Output: harness.Output{Value: answer}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Evaluate(context.Background(), t); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
