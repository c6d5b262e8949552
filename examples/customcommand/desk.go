package main

import (
	"context"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// deskOptions are what a suite says under desk: the schema that `schema` prints has
// them, and a misspelled one is an error with its line.
type deskOptions struct {
	Greeting string `yaml:"greeting" json:"greeting" jsonschema_description:"What each answer begins with. Default: none."`
}

// newDesk builds the app under test. Yours would call the code of your product.
func newDesk(n strict.Node, _ target.Env) (harness.App, error) {
	var o deskOptions
	if err := n.Decode(&o); err != nil {
		return nil, err
	}
	return harness.TextApp(func(_ context.Context, question string) (string, error) {
		return strings.TrimSpace(o.Greeting + " " + answer(question)), nil
	}), nil
}

func answer(question string) string {
	switch q := strings.ToLower(question); {
	case strings.Contains(q, "parcel"):
		return "Please follow the tracking link in your mail."
	case strings.Contains(q, "refund"), strings.Contains(q, "money back"):
		return "Please send it back within 30 days for a refund."
	case strings.Contains(q, "open"):
		return "Nine to five."
	}
	return "Sorry, I don't know. Please write to us."
}
