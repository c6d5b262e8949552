package suite

import _ "embed"

//go:embed starter/suite.yaml
var starterSuite string

//go:embed starter/gitignore
var starterGitignore string

// Starter gives the files of a first suite by their names: suite.yaml, which
// runs as it is on any machine and explains itself, and .gitignore.
func Starter() map[string]string {
	return map[string]string{"suite.yaml": starterSuite, ".gitignore": starterGitignore}
}
