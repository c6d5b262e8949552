package cli

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// screen is a terminal that output goes to.
type screen struct {
	width int
	color bool
}

// terminal tells whether w is a terminal that a person looks at: not in CI, and
// not a dumb one. NO_COLOR and --no-color turn colours off.
func (a *app) terminal(w io.Writer) (screen, bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return screen{width: a.columns(100)}, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = a.columns(100)
	}
	_, plain := a.Getenv("NO_COLOR")
	name, _ := a.Getenv("TERM")
	ci, _ := a.Getenv("CI")
	dumb := name == "dumb"
	return screen{width: width, color: !plain && !a.noColor && !dumb}, !dumb && (ci == "" || ci == "false")
}

// columns is the COLUMNS of the environment.
func (a *app) columns(otherwise int) int {
	text, _ := a.Getenv("COLUMNS")
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}
