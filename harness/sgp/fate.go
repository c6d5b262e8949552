package sgp

import "errors"

// ErrUnknownFate is the cause of an error after which it is not known whether
// the platform took a batch, though it answered.
var ErrUnknownFate = errors.New("what became of the batch is not known")

// Ambiguous tells whether, after this error of a call that changes something,
// the platform may have taken it: a time limit, a broken connection, a server
// error, an answer that can't be read. Sending it again could do it twice.
func Ambiguous(err error) bool {
	if err == nil {
		return false
	}
	if errors.Is(err, ErrUnknownFate) || errors.Is(err, errNoID) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.Ambiguous()
}
