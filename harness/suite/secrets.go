package suite

import "regexp"

// literalKey are keys of well-known services by how they begin. They belong
// into the environment: a suite is shared, and stored with each run.
var literalKey = regexp.MustCompile(`\b(` +
	`sk-[A-Za-z0-9_-]{20,}` + // OpenAI, Anthropic
	`|AKIA[0-9A-Z]{16}` + // AWS
	`|AIza[0-9A-Za-z_-]{35}` + // Google
	`|gh[pousr]_[A-Za-z0-9]{36}` + `|github_pat_[A-Za-z0-9_]{40,}` +
	`|glpat-[A-Za-z0-9_-]{20,}` + // GitLab
	`|xox[abprs]-[A-Za-z0-9-]{20,}` + // Slack
	`|hf_[A-Za-z0-9]{30,}` + // Hugging Face
	`)`)

const literalKeyProblem = "this looks like a secret key, and the suite is stored with each run: " +
	"put it into an environment variable and write ${env:NAME}"
