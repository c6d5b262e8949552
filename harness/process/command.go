package process

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

const (
	// Grace is how long a process has to end after it was asked to (its standard
	// input closed, or SIGTERM), and how long output may keep coming after it
	// ended, before it is killed or cut off.
	Grace = 500 * time.Millisecond
	// DefaultMaxOutput is the largest standard output of a process, or the
	// longest line of a worker, in bytes: 10 MiB.
	DefaultMaxOutput = 10 << 20
)

// Command says what to start.
type Command struct {
	// Argv is the program and its arguments. A program without a slash is looked
	// up in PATH; a relative one with a slash is relative to Dir.
	Argv []string
	// Dir is the working directory; "" is this process's.
	Dir string
	// Env is the environment beside PATH, HOME, TMPDIR and LANG. It wins over
	// those. Values may be secrets: they are in no error.
	Env map[string]string
	// MaxOutput caps the standard output of one Run, or one line of a Pool's
	// worker, in bytes; default DefaultMaxOutput.
	MaxOutput int64
}

// inherited are the variables that every program gets, when they are set.
var inherited = [...]string{
	"PATH", "HOME", "TMPDIR", "LANG",
	"SYSTEMROOT", "TEMP", "TMP", "USERPROFILE", // the last four on Windows only
}

// environ is the whole environment of the program, sorted.
func (c Command) environ(windows bool) []string {
	names := inherited[:4]
	if windows {
		names = inherited[:]
	}
	env := []string{} // not nil: nil would hand over everything
	for _, name := range names {
		if _, named := c.Env[name]; named {
			continue
		}
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range c.Env {
		env = append(env, name+"="+value)
	}
	slices.Sort(env)
	return env
}

// Check tells, without starting anything, whether the program is there and may be
// executed. The error is the *Error that starting it would give.
func (c Command) Check() error {
	if c.name() == "" || len(c.Argv) == 0 {
		return &Error{Program: "command", Message: "cannot start: no program is named"}
	}
	program := c.Argv[0]
	if c.Dir != "" && !filepath.IsAbs(program) && filepath.Base(program) != program {
		program = filepath.Join(c.Dir, program)
	}
	if _, err := exec.LookPath(program); err != nil {
		return startError(c, err)
	}
	return nil
}

func (c Command) maxOutput() int64 {
	if c.MaxOutput > 0 {
		return c.MaxOutput
	}
	return DefaultMaxOutput
}

func (c Command) name() string {
	if len(c.Argv) == 0 {
		return "command"
	}
	return c.Argv[0]
}

// Error says how a program failed.
type Error struct {
	// Program is the first of Argv.
	Program string
	// Message says what happened: "exit status 1".
	Message string
	// Stderr is the end of what it wrote to standard error, at most 2 KiB of
	// valid UTF-8. It is the program's text: treat it as untrusted.
	Stderr string
	// Err is the cause, for errors.Is and errors.As: an *exec.ExitError, the
	// context's error, an error of starting, ErrOutput or ErrReply.
	Err error
}

// Causes that callers may want to tell apart.
var (
	// ErrOutput: the program wrote more than Command.MaxOutput.
	ErrOutput = errors.New("too much output")
	// ErrReply: a worker's line was not the reply to its request.
	ErrReply = errors.New("not a reply")
	// ErrClosed: the Pool was closed.
	ErrClosed = errors.New("the workers were shut down")
)

// Error is "program: what happened: why", where why is the line of standard error
// that says most (see headline); the other lines follow it.
func (e *Error) Error() string {
	s := e.Program + ": " + e.Message
	if e.Stderr == "" {
		return s
	}
	line, rest := headline(e.Stderr)
	s += ": " + line
	if rest != "" {
		s += "\nstandard error: " + rest
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// startError says why a program did not start, without the operating system's
// repetition of its name.
func startError(c Command, err error) *Error {
	if c.Dir != "" {
		if info, bad := os.Stat(c.Dir); bad != nil || !info.IsDir() {
			return &Error{Program: c.name(), Message: "cannot start in " + c.Dir + ": there is no such folder", Err: err}
		}
	}
	cause := err
	var notFound *exec.Error
	if errors.As(err, &notFound) {
		cause = notFound.Err
	}
	var path *os.PathError
	if errors.As(cause, &path) {
		cause = path.Err
	}
	return &Error{Program: c.name(), Message: "cannot start: " + cause.Error(), Err: err}
}
