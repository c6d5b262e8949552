package main

import (
	"context"
	"regexp"

	"github.com/evalrun/evalrun/harness"
)

var courtesy = regexp.MustCompile(`(?i)\b(please|thank|sorry|welcome)\b`)

// polite passes answers with a word of courtesy.
func polite(_ context.Context, t harness.Trial) (harness.Score, error) {
	return harness.PassIf(courtesy.MatchString(t.Output.Text()), "no please, thank, sorry or welcome in it"), nil
}
