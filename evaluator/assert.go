package evaluator

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/stretchr/testify/assert"

	"github.com/evalrun/evalrun/harness"
)

// Assert makes an evaluator of assertions as tests have them: the score is 1
// when all hold and 0 when one fails, and the reason tells of all that failed.
// a.FailNow ends the function. A panic of the function stays one.
//
// A function that asserts nothing passes: there is nothing to hold it to.
func Assert(name string, f func(a *assert.Assertions, t harness.Trial)) harness.Evaluator {
	return Func(name, func(_ context.Context, t harness.Trial) (harness.Score, error) {
		var r recorder
		r.run(func() { f(assert.New(&r), t) })
		if r.failed && len(r.messages) == 0 {
			r.messages = []string{"an assertion failed without a message"}
		}
		return harness.PassIf(!r.failed, shorten(strings.Join(r.messages, "; "))), nil
	})
}

// recorder is the assert.TestingT that keeps what failed.
type recorder struct {
	mu       sync.Mutex
	failed   bool
	stopped  bool
	messages []string
}

// stop is what FailNow panics with.
type stop struct{}

func (r *recorder) run(f func()) {
	defer func() {
		if r.stopped { // FailNow's panic, and no other, ends here
			_ = recover()
		}
	}()
	f()
}

// Errorf keeps one failure.
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = true
	if message := plainMessage(fmt.Sprintf(format, args...)); message != "" {
		r.messages = append(r.messages, message)
	}
}

// FailNow ends the function that asserts.
func (r *recorder) FailNow() {
	r.mu.Lock()
	r.failed, r.stopped = true, true
	r.mu.Unlock()
	panic(stop{})
}

// plainMessage makes one line of a testify failure: what was asserted and the
// caller's own message, without the stack and the diff. A failure is labelled
// sections ("\tError:      \tNot equal: …"), with deeper indented further lines.
func plainMessage(s string) string {
	var parts []string
	label := "Error" // of text that has no label at all
	for line := range strings.Lines(s) {
		text := strings.TrimSpace(line)
		if head, rest, ok := strings.Cut(strings.TrimPrefix(line, "\t"), ":"); ok && isLabel(line, head) {
			label, text = head, strings.TrimSpace(rest)
		}
		if text == "Diff:" && label == "Error" {
			label = "Diff" // all that follows up to the next label
		}
		if text == "" || label != "Error" && label != "Messages" {
			continue
		}
		text = strings.ReplaceAll(text, "actual  :", "actual:")
		if label == "Messages" {
			text = "(" + text + ")"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

func isLabel(line, head string) bool {
	switch head {
	case "Error Trace", "Error", "Test", "Messages":
		return strings.HasPrefix(line, "\t"+head)
	}
	return false
}
