package runner

import (
	"errors"

	"github.com/evalrun/evalrun/harness"
)

// The exit codes of the command.
const (
	CodePass         = 0   // the gate passed, or there is none and nothing went wrong
	CodeFail         = 1   // the gate failed
	CodeUsage        = 2   // usage or configuration: nothing was called
	CodeInconclusive = 3   // not enough evidence: no case, nothing scored
	CodeIncomplete   = 4   // too many errors, or stopped: can be resumed
	CodeUnposted     = 5   // results not all posted, or not once each: Publish goes on
	CodeBug          = 70  // a panic in evalrun itself
	CodeInterrupted  = 130 // SIGINT; what was finished is kept
	CodeTerminated   = 143 // SIGTERM; likewise
)

// Code is the exit code that a judged report stands for.
func Code(r *harness.Report) int {
	switch {
	case r.Verdict == harness.VerdictIncomplete || r.Status == harness.Incomplete && !r.FailedFast:
		return CodeIncomplete
	case postingCode(r.Publish) != CodePass:
		return CodeUnposted
	case r.Verdict == harness.Fail:
		return CodeFail
	case r.Verdict == harness.Pass:
		return CodePass
	}
	return CodeInconclusive
}

// postingCode is CodePass when the platform has every result once, as far as it
// was asked, or none is to go there; else CodeUnposted.
func postingCode(p *harness.Publish) int {
	if p == nil || p.Clean() {
		return CodePass
	}
	return CodeUnposted
}

// Worst is the code that counts when several apply.
func Worst(a, b int) int {
	for _, code := range []int{
		CodeBug, CodeUsage, CodeInterrupted, CodeTerminated, CodeIncomplete, CodeUnposted, CodeFail, CodeInconclusive,
	} {
		if a == code || b == code {
			return code
		}
	}
	return max(a, b)
}

// Error is an error with the exit code that it stands for and, when there is
// something to do about it, a hint.
type Error struct {
	Code int
	Err  error
	Hint string
}

// Error is the cause's text.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// CodeOf is the exit code of an error: CodeBug of a panic, its own of an Error,
// or CodeUsage.
func CodeOf(err error) int {
	var bug *harness.PanicError
	if errors.As(err, &bug) {
		return CodeBug
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeUsage
}

func usage(err error, hint string) error { return &Error{Code: CodeUsage, Err: err, Hint: hint} }
