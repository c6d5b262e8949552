package suite

import _ "embed"

//go:embed starter/suite.yaml
var starterSuite string

// Starter gives the files of a first suite by their names: suite.yaml, which
// runs as it is on any machine and explains itself.
func Starter() map[string]string {
	return map[string]string{"suite.yaml": starterSuite}
}
