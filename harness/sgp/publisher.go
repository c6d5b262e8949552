package sgp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/evalrun/evalrun/harness"
)

// Publisher posts stored results to an evaluation in batches, several at once.
//
// What the platform certainly refused is sorted out: items that it complains
// about are rejected with its message, the others are sent again. A batch whose
// fate is open (a time limit, a broken connection, a server error, an answer that
// can't be read, the death of this process) is in doubt: its results stay marked
// as posting and others go on being posted, while it is looked for on the
// platform. What is found there is posted. What is not is looked for once more
// after QuietTime, and posted again if it is still missing. Three batches in doubt
// in a row stop posting until the platform answers again.
//
// That loses nothing, and nothing is there twice as long as the platform takes no
// request later than QuietTime after it was given up. At the end Run reads back
// what the platform has and compares: see harness.Audit.
type Publisher struct {
	Client *Client
	Outbox harness.Outbox
	// RunID names the run in every item (see RunKey). EvaluationID,
	// ApplicationSpecID and DatasetVersion (a version's number) say where the
	// results belong. All are required.
	RunID, EvaluationID, ApplicationSpecID, DatasetVersion string
	// Questions maps score names to the IDs of the platform's questions. A score
	// that is not in it goes under its own name.
	Questions map[string]string
	// BatchItems and BatchBytes limit a batch; defaults 100 and 1 MiB. One result
	// that is larger goes alone.
	BatchItems, BatchBytes int
	// InFlight is how many batches are sent at the same time. Default 2.
	InFlight int
	// Linger is how long to wait for more results once there are some, so that
	// batches fill. Default 500ms.
	Linger time.Duration
	// Grace is how long batches that are being sent may go on after the context
	// has ended. Default 10s.
	Grace time.Duration
	// QuietTime is how long the platform may still take a request that was given
	// up: results in doubt that it does not list are posted again no sooner.
	// Default 2m.
	QuietTime time.Duration
	// Hurry, when closed, leaves no time to wait for anything but the platform's
	// answers: what is pending is still posted, but what is in doubt stays so, and
	// no audit waits for what may come late. Run then returns ErrHurried.
	Hurry <-chan struct{}
	// Notice, when set, is told what Run waits for: one line, fit to be shown. It
	// is called by one goroutine at a time.
	Notice func(string)
}

// ErrHurried is the cause of an error of Publisher.Run after Hurry was closed
// while it had to wait.
var ErrHurried = errors.New("there was no time to wait for what may still arrive")

// Run posts what the outbox holds. It then waits for news on more, until more is
// closed and nothing is pending or in doubt; a nil channel counts as closed; then
// it audits. With nothing to post it audits at once.
//
// It returns when every batch that it sent has been answered or given up. An error
// says why it stopped before all was done, and what was left pending or in doubt
// can be posted by another Run; or that the audit found fault (ErrAudit). Results
// that the platform rejected are not an error: the outbox has them with their
// messages. When ctx ends, Run sends no more and waits for nothing but the batches
// under way, Grace at most.
func (p *Publisher) Run(ctx context.Context, more <-chan struct{}) error {
	_, err := p.run(ctx, more, true)
	return err
}

func (p *Publisher) run(ctx context.Context, more <-chan struct{}, audit bool) (found harness.Audit, err error) {
	if err := p.check(); err != nil {
		return found, fmt.Errorf("sgp: publish: %w", err)
	}
	r := p.start(ctx)
	defer r.cancel()
	err = r.postAll(ctx, more)
	if err == nil && audit {
		found, err = r.audit(ctx)
	}
	if err != nil {
		return found, fmt.Errorf("sgp: publish to evaluation %s: %w", p.EvaluationID, err)
	}
	return found, nil
}

func (p *Publisher) check() error {
	switch {
	case p.Client == nil || p.Outbox == nil:
		return errors.New("no client or no outbox")
	case p.RunID == "":
		return errors.New("no run ID")
	case p.EvaluationID == "":
		return errors.New("no evaluation ID")
	case p.ApplicationSpecID == "":
		return errors.New("no application spec ID")
	case p.DatasetVersion == "":
		return errors.New("no dataset version")
	}
	asked := map[string]string{}
	for name, question := range p.Questions {
		if other, ok := asked[question]; ok {
			return fmt.Errorf("evaluators %q and %q are for the same question %s", min(name, other), max(name, other), question)
		}
		asked[question] = name
	}
	return nil
}

// posting is one Run of a Publisher.
type posting struct {
	*Publisher
	items, bytes int
	quiet        time.Duration
	slots        chan struct{} // a token for each batch that is dealt with
	inFlight     int64
	sends        *semaphore.Weighted // a request takes one, a look all
	group        sync.WaitGroup
	ctx          context.Context // of requests and settling: outlives the caller's by Grace
	cancel       context.CancelFunc
	wake         chan struct{} // a batch ended in doubt, or something is pending again
	ended        chan struct{} // a batch ended

	mu       sync.Mutex
	err      error         // why posting stopped
	halt     chan struct{} // closed when it has
	active   int           // batches that are dealt with
	released bool          // something is pending again
	doubts
	refusals
}

func (p *Publisher) start(ctx context.Context) *posting {
	r := &posting{
		Publisher: p, items: p.BatchItems, bytes: p.BatchBytes, inFlight: int64(p.InFlight),
		quiet: orDefault(p.QuietTime, 2*time.Minute),
		halt:  make(chan struct{}), wake: make(chan struct{}, 1), ended: make(chan struct{}, 1),
	}
	if r.items <= 0 {
		r.items = 100
	}
	if r.bytes <= 0 {
		r.bytes = 1 << 20
	}
	if r.inFlight <= 0 {
		r.inFlight = 2
	}
	r.again = map[harness.Key]int{}
	r.slots = make(chan struct{}, r.inFlight)
	r.sends = semaphore.NewWeighted(r.inFlight)
	r.ctx, r.cancel = afterGrace(ctx, orDefault(p.Grace, 10*time.Second))
	return r
}

// afterGrace is a context that ends a while after the other one.
func afterGrace(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	late, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var mu sync.Mutex
	var timer *time.Timer
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(grace, func() { cancel(context.Cause(ctx)) })
	})
	return late, func() {
		stop()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
		cancel(context.Canceled)
	}
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return otherwise
}
