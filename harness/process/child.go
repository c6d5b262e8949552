package process

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// child is a started process with its pipes. Three goroutines belong to it: one
// waits for the process, one reads standard error, one ends what has to end.
// All of them are over when done is closed.
type child struct {
	command Command
	cmd     *exec.Cmd
	stdin   *os.File // nil when the process has none
	stdout  *os.File // nil when it goes where standard error goes
	stderr  *os.File
	tail    tail

	stop     chan struct{} // closed by terminate
	stopOnce sync.Once
	quit     chan struct{} // closed by finish
	quitOnce sync.Once
	read     chan struct{} // closed when nobody wants standard output any more
	readOnce sync.Once

	exited chan struct{} // closed when the process has ended
	reap   func() error  // collects its status; to be called after exited
	done   chan struct{} // closed when group, pipes and goroutines are gone
	status error         // how it ended; valid after done
	forced bool          // it did not end by itself; valid after done
}

// pipes says what a child's standard streams are.
type pipes struct {
	stdin bool // a pipe; otherwise nothing can be read
	merge bool // standard output goes where standard error goes
}

// start starts the process. The caller must see to it that done gets closed:
// terminate or finish it, or wait for its own end, having said readingDone.
func start(c Command, p pipes) (*child, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return nil, &Error{Program: c.name(), Message: "cannot start: no program is named"}
	}
	ch := &child{
		command: c, cmd: exec.Command(c.Argv[0], c.Argv[1:]...),
		stop: make(chan struct{}), quit: make(chan struct{}), read: make(chan struct{}),
		exited: make(chan struct{}), done: make(chan struct{}),
	}
	ch.cmd.Dir, ch.cmd.Env = c.Dir, c.environ(runtime.GOOS == "windows")
	ownGroup(ch.cmd)
	theirs, err := ch.connect(p)
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	if err == nil {
		err = ch.launch()
	}
	if err != nil {
		ch.closePipes()
		return nil, startError(c, err)
	}
	if p.merge {
		ch.readingDone()
	}
	go ch.supervise()
	return ch, nil
}

// connect makes the pipes. The files that it gives are the process's ends.
func (ch *child) connect(p pipes) (theirs []*os.File, err error) {
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	var in, out, errs *os.File
	if p.stdin {
		if in, ch.stdin = pipe(); in != nil {
			ch.cmd.Stdin = in
			theirs = append(theirs, in)
		}
	}
	if ch.stderr, errs = pipe(); errs != nil {
		ch.cmd.Stderr, ch.cmd.Stdout = errs, errs
		theirs = append(theirs, errs)
	}
	if !p.merge {
		if ch.stdout, out = pipe(); out != nil {
			ch.cmd.Stdout = out
			theirs = append(theirs, out)
		}
	}
	return theirs, err
}

// launch starts the process on a goroutine that keeps its thread until the
// process has ended: on Linux the process gets a signal when that thread ends.
func (ch *child) launch() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := ch.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		ch.reap = awaitExit(ch.cmd)
		close(ch.exited)
	}()
	return <-started
}

// supervise ends the process when it is told to, cleans up after it and closes
// done.
func (ch *child) supervise() {
	errors := make(chan struct{})
	go func() {
		defer close(errors)
		_, _ = io.Copy(&ch.tail, ch.stderr)
	}()

	drain := Grace
	if ch.forced = ch.awaitEnd(); ch.forced {
		drain /= 5 // its output matters no more; the tail of standard error may
		signalGroup(ch.cmd, true)
	}
	timer := time.NewTimer(drain)
	defer timer.Stop()
	for _, over := range []chan struct{}{errors, ch.read} {
		select {
		case <-over:
		case <-timer.C:
			timer.Reset(0) // the next one is late as well
		}
	}
	signalGroup(ch.cmd, true) // what it left behind
	ch.status = ch.reap()
	ch.closePipes()
	<-errors
	close(ch.done)
}

// awaitEnd returns when the process has ended, and tells whether it was made to.
func (ch *child) awaitEnd() (stopped bool) {
	select {
	case <-ch.exited:
		return false
	case <-ch.stop:
	case <-ch.quit:
		if ch.stdin != nil {
			ch.stdin.Close()
			select {
			case <-ch.exited:
				return false
			case <-ch.stop:
			case <-time.After(Grace):
			}
		}
	}
	signalGroup(ch.cmd, false)
	select {
	case <-ch.exited:
	case <-time.After(Grace):
		signalGroup(ch.cmd, true)
		<-ch.exited
	}
	return true
}

// terminate asks the process's group to end and kills it when it does not. It
// returns at once.
func (ch *child) terminate() { ch.stopOnce.Do(func() { close(ch.stop) }) }

// finish closes standard input, which tells a worker to end, and terminates it
// when it does not end by itself. It returns at once.
func (ch *child) finish() { ch.quitOnce.Do(func() { close(ch.quit) }) }

// readingDone says that standard output is of no interest any more.
func (ch *child) readingDone() { ch.readOnce.Do(func() { close(ch.read) }) }

// alive tells whether the process runs.
func (ch *child) alive() bool {
	select {
	case <-ch.exited:
		return false
	default:
		return true
	}
}

func (ch *child) closePipes() {
	for _, f := range []*os.File{ch.stdin, ch.stdout, ch.stderr} {
		if f != nil {
			f.Close()
		}
	}
}
