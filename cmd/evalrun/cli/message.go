package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/reporter"
)

// say writes a line for the user; every part of the format's arguments that came
// from outside has to be safe or goes through here as a whole.
func (a *app) say(format string, args ...any) {
	fmt.Fprintln(&a.console, reporter.TerminalBlock(fmt.Sprintf(format, args...)))
}

// fail shows an error: each on a line of its own, then what to do.
func (a *app) fail(err error) {
	var bug *harness.PanicError
	if errors.As(err, &bug) {
		a.bug(err.Error(), bug.Stack)
		return
	}
	a.say("evalrun: %s", strings.TrimSpace(err.Error()))
	shown := map[string]bool{"": true}
	for _, h := range hintsOf(err) {
		if !shown[h] {
			shown[h] = true
			a.say("hint: %s", storedCommand.ReplaceAllStringFunc(h, a.here))
		}
	}
}

// storedCommand is a command in a hint that needs the store.
var storedCommand = regexp.MustCompile(`evalrun (list|(score |run --resume=)[0-9A-Z]{26})\b`)

// here is such a command with the store that this one was given.
func (a *app) here(command string) string {
	return a.command(strings.TrimPrefix(command, "evalrun "))
}

func hintsOf(err error) []string {
	var hints []string
	var many strict.Errors
	var one *strict.Error
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			hints = append(hints, e.Hint)
		}
	case errors.As(err, &one):
		hints = append(hints, one.Hint)
	}
	var e *runner.Error
	if errors.As(err, &e) {
		hints = append(hints, e.Hint)
	}
	return hints
}

// bug tells of a panic in evalrun itself.
func (a *app) bug(what, stack string) {
	a.say("evalrun: bug: %s\n%s", what, stack)
	a.say("What was stored is kept. Please report this with the lines above.")
}

// console is where messages go. While progress is shown on a terminal they go
// through it, so that neither writes into the other's line.
type console struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes a message.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.w.Write(b)
}

// use sends what follows to w and gives what undoes that.
func (c *console) use(w io.Writer) (undo func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.w
	c.w = w
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.w = before
	}
}

// command is a command line that the user can type where they are.
func (a *app) command(args ...string) string {
	if a.storeDir != defaultStore {
		args = append(args, "--store", shown(a.storeDir))
	}
	if a.allowPath {
		args = append(args, "--allow-path")
	}
	return "evalrun " + strings.Join(args, " ")
}

// shown is a path for a command line.
func shown(path string) string {
	path = shownPath(path)
	if strings.ContainsAny(path, " \t'\"\\$&;|<>()*?[]#~`!") {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// shownPath is a path as it reads best from here: relative when it is below.
func shownPath(path string) string {
	here, err := os.Getwd()
	if err != nil || !filepath.IsAbs(path) {
		return path
	}
	if rel, err := filepath.Rel(here, path); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return path
}
