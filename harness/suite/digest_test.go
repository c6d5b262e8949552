package suite_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

func digests(t *testing.T, evaluator string) map[string]string {
	t.Helper()
	s, err := suite.Parse("s.yaml", []byte("name: s\ndataset: {cases: [{id: a, input: b, expected: c}]}\napp: echo\nevaluators:\n  - "+evaluator+"\n"), options())
	require.NoError(t, err, evaluator)
	return s.Digests("")
}

func TestDigests(t *testing.T) {
	same := digests(t, "contains: {value: refund, name: m, ignore_case: true}")
	for _, evaluator := range []string{
		`"contains": {value: 'refund', name: "m", ignore_case: true}`,
		"contains: # of money\n      value: refund # or so\n      name: m\n\n      ignore_case: true",
		"contains:\n      value: >-\n        refund\n      name: m\n      ignore_case: true",
	} {
		assert.Equal(t, same, digests(t, evaluator), evaluator)
	}
	for _, evaluator := range []string{
		"contains: {value: refunds, name: m, ignore_case: true}", "contains: {value: refund, name: m}", "not-contains: {value: refund, name: m, ignore_case: true}",
		"contains: {value: refund, name: m, ignore_case: false}",
	} {
		assert.NotEqual(t, same["evaluator m"], digests(t, evaluator)["evaluator m"], evaluator)
	}
	assert.NotEqual(t, digests(t, "contains: {value: 1, name: m}"), digests(t, `contains: {value: "1", name: m}`))
}
