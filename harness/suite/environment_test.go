package suite_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

// started is the environment that a suite gives its server, which shows what
// became of the values.
func started(t *testing.T, value string, env map[string]string) (*suite.Suite, error) {
	text := "name: x\ndataset: {cases: [{input: a}]}\napp: echo\nevaluators: [equals]\n" +
		"start: {command: [x], ready: 'http://127.0.0.1/', env: {V: '" + strings.ReplaceAll(value, "'", "''") + "'}}\n"
	return suite.Parse("s.yaml", []byte(text), suite.Options{
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
}

func TestEnvironment(t *testing.T) {
	env := map[string]string{
		"A": "alpha", "_B2": "beta", "NESTED": "${env:A}", "YAML": "[1, {x: *y}] # !!tag\n---", "DOLLAR": "$", "EMPTY": "",
	}
	for value, want := range map[string]string{
		"${env:A}":                "alpha",
		"x-${env:A}-${env:_B2}-y": "x-alpha-beta-y",
		"${env:NESTED}":           "${env:A}",
		"${env:YAML}":             env["YAML"],
		"${env:DOLLAR}{env:A}":    "${env:A}",
		"$${env:A}":               "${env:A}",
		"$$${env:A}":              "$${env:A}",
		"$${env:A} ${env:A}":      "${env:A} alpha",
		"$${env:not a name":       "${env:not a name",
		"${A} $A ${ env:A} {{ .X": "${A} $A ${ env:A} {{ .X",
		"${env:A}}":               "alpha}",
	} {
		s, err := started(t, value, env)
		require.NoError(t, err, value)
		assert.Equal(t, want, s.Start.Env["V"], value)
	}
	for value, want := range map[string]string{
		"${env:NOPE}":  "environment variable NOPE is not set",
		"${env:EMPTY}": "environment variable EMPTY is empty",
		"${env:}":      "expected ${env:NAME}",
		"${env:A B}":   "expected ${env:NAME}",
		"${env:A":      "expected ${env:NAME}",
		"${env:1A}":    "expected ${env:NAME}",
	} {
		_, err := started(t, value, env)
		assert.ErrorContains(t, err, "s.yaml:5:60: "+want, value)
	}
}

func TestEnvironmentByDefault(t *testing.T) {
	t.Setenv("EVALRUN_TEST_VALUE", "from the process")
	text := "name: x\ndataset: {cases: [{input: a}]}\napp: echo\nevaluators: [{contains: '${env:EVALRUN_TEST_VALUE}'}]\n"
	s, err := suite.Parse("s.yaml", []byte(text), suite.Options{})
	require.NoError(t, err)
	assert.Equal(t, []string{"from the process"}, s.Secrets)
}

func TestAliasOfASecretIsReplacedOnce(t *testing.T) {
	text := "name: x\ndataset: {cases: [{input: a}]}\napp: echo\nevaluators: [equals]\n" +
		"start: {command: [&k '${env:A}', *k], ready: 'http://127.0.0.1/'}\n"
	s, err := suite.Parse("s.yaml", []byte(text), suite.Options{
		Getenv: func(string) (string, bool) { return "$${env:A}", true },
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"$${env:A}", "$${env:A}"}, s.Start.Command)
}

// FuzzSecrets: whatever a secret is and wherever it stands, no error shows it.
func FuzzSecrets(f *testing.F) {
	for _, secret := range []string{"hunter2hunter2", `a"b\c<d>e$f{g}h`, "(unclosed[regex", "{{ .Template", "zeilen\numbruch\n!", strings.Repeat("long secret ", 20)} {
		f.Add(secret)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if len(secret) < 12 || strings.Contains(template, secret) {
			t.Skip("too short to be told from ordinary words")
		}
		_, err := suite.Parse("s.yaml", []byte(template), suite.Options{
			Getenv: func(string) (string, bool) { return secret, true },
		})
		require.Error(t, err)
		if strings.Contains(err.Error(), secret) {
			t.Errorf("an error shows the secret: %q", err)
		}
	})
}

const template = `
name: x
dataset: {file: "${env:S}", format: "${env:S}", map: {input: "${env:S}"}}
app: {http: {url: "${env:S}", output: "${env:S}", method: "${env:S}"}}
evaluators:
  - regex: "${env:S}("
  - expr: "${env:S} +++"
  - numeric: {tolerance: "${env:S}"}
  - "${env:S}"
  - json-schema: {value: "${env:S}"}
trials: "${env:S}"
timeout: "${env:S}"
rate_limit: "${env:S}"
gate: ["${env:S}", "${env:S}.mean >= 1", "equals.mean >= ${env:S}"]
reports: ["${env:S}", {junit: "${env:S}"}]
start: {command: ["${env:S}"], ready: "${env:S}", dir: "${env:S}", wait: "${env:S}"}
`
