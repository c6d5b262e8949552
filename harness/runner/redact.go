package runner

import "github.com/evalrun/evalrun/harness/internal/redact"

// Redactor takes secrets out of results and errors, however they are encoded
// there.
type Redactor struct{ *redact.Redactor }

// NewRedactor looks for these values. Those shorter than 8 bytes are left alone:
// they would be found in ordinary text.
func NewRedactor(secrets ...string) *Redactor { return &Redactor{redact.New(secrets...)} }
