package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// TestTerminalScripts runs testdata/terminal, whose scripts have a terminal.
func TestTerminalScripts(t *testing.T) {
	p := scripts("testdata/terminal")
	p.Cmds["terminal"] = terminal
	testscript.Run(t, p)
}

// terminal CODE PROGRAM ARG... runs a program at a terminal of 80 columns and
// wants this exit code. What the terminal got is in the file terminal.txt.
func terminal(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	ours, theirs, err := openTerminal()
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := command(ctx, ts, args[1:])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs, theirs, theirs
	ts.Check(cmd.Start())
	ts.Check(theirs.Close())
	var screen bytes.Buffer
	_, err = io.Copy(&screen, ours)
	if err != nil && !errors.Is(err, syscall.EIO) { // the way in which a terminal ends
		ts.Check(err)
	}
	code := exitOf(ts, cmd.Wait())
	ts.Check(ours.Close())
	ts.Check(os.WriteFile(ts.MkAbs("terminal.txt"), screen.Bytes(), 0o644))
	if code != want {
		ts.Fatalf("exit code %d, expected %d\n%s", code, want, &screen)
	}
}

// openTerminal gives both ends of a pseudo-terminal.
func openTerminal() (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(ours.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}))
	if err == nil {
		theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, ours.Close())
	}
	return ours, theirs, nil
}
