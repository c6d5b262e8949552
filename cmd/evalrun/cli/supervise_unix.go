//go:build unix

package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/evalrun/evalrun/harness/runner"
)

// childVariable makes a process the child. It has two more files then: one that
// ends when its parent does, and one for the mark.
const (
	childVariable = "EVALRUN_CHILD"
	lifeFile      = 3
	markFile      = 4
)

// supervised: this process has had its child. A further one would repeat what
// main did before this call of Run.
var supervised atomic.Bool

// becomeChild is ok in the child, which has to call end with the exit code.
func becomeChild() (end func(code int), ok bool) {
	if os.Getenv(childVariable) == "" {
		return nil, false
	}
	_ = os.Unsetenv(childVariable) // programs that the child starts are none
	syscall.CloseOnExec(lifeFile)
	syscall.CloseOnExec(markFile)
	signal.Ignore(syscall.SIGTTOU) // the child may write to a terminal that is its parent's
	life, mark := os.NewFile(lifeFile, "life"), os.NewFile(markFile, "mark")
	go func() {
		if _, err := io.Copy(io.Discard, life); err == nil {
			os.Exit(runner.CodeTerminated) // the parent is gone
		}
	}()
	return func(code int) {
		_, _ = fmt.Fprintln(mark, code) // the parent takes a missing mark for what it is
		os.Exit(code)
	}, true
}

// supervise runs the command in a child. It is not ok when this process has had
// one before.
func supervise(a *app) (code int, ok bool) {
	if supervised.Swap(true) {
		return 0, false
	}
	c, err := startChild()
	if err != nil {
		a.say("evalrun: start a second process of this program: %s", err)
		return runner.CodeUsage, true
	}
	status, last := c.wait()
	code, err = c.mark()
	switch {
	case err == nil:
		return code, true
	case last != nil: // it was told to go, before it could say so itself
		return exitCode(last), true
	}
	a.say("evalrun: the process ended (%s) before the command did: code in it called os.Exit, or it crashed or was killed", status)
	a.say("What was finished is kept: --resume goes on and says what was being asked. evalrun list shows the runs.")
	return runner.CodeIncomplete, true
}

// child is the second process, as the first one sees it.
type child struct {
	cmd     *exec.Cmd
	life    *os.File // held open as long as this process lives
	marks   *os.File
	signals chan os.Signal
}

func startChild() (*child, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	theirLife, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirLife.Close()
	marks, theirMark, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirMark.Close()
	c := &child{cmd: exec.Command(program, os.Args[1:]...), life: life, marks: marks, signals: make(chan os.Signal, 8)}
	c.cmd.Args[0] = os.Args[0]
	c.cmd.Env = append(os.Environ(), childVariable+"=1")
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.cmd.ExtraFiles = []*os.File{theirLife, theirMark}
	// In a group of its own it gets no signal from the terminal: each comes once,
	// from here.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	signal.Notify(c.signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(c.signals, syscall.SIGHUP)
	}
	return c, c.cmd.Start()
}

// wait hands signals on until the child has ended, and tells how it ended and
// which was the last signal.
func (c *child) wait() (status string, last os.Signal) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.cmd.Wait() // the state tells more
	}()
	defer signal.Stop(c.signals)
	for {
		select {
		case last = <-c.signals:
			_ = c.cmd.Process.Signal(last)
		case <-ended:
			return c.cmd.ProcessState.String(), last
		}
	}
}

// mark reads the exit code that the child has written.
func (c *child) mark() (int, error) {
	defer c.life.Close()
	defer c.marks.Close()
	// What the child has started may hold the other end open.
	if err := c.marks.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return 0, err
	}
	line, err := bufio.NewReader(c.marks).ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(line))
}
