package runner

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/pace"
	"github.com/evalrun/evalrun/harness/retell"
)

// manyForbidden is how many answers with status 403 in a row end a run: a single
// one may be about its case.
const manyForbidden = 5

// pacer makes calls of the app at the pace that its host and the suite allow. It
// ends the run when the host refuses everything for too long, and at once when
// the server does not take our credentials any more: every further call would fail
// as well. Trials that were refused are not recorded; a resumed run has them.
type pacer struct {
	host  *pace.Host
	limit *rate.Limiter // nil for none
	key   string        // what to call the app's key, and where it comes from

	forbidden atomic.Int32
	refused   atomic.Pointer[error]
}

// Acquire waits for the app's turn.
func (p *pacer) Acquire(ctx context.Context) (func(error) bool, error) {
	if err := p.refused.Load(); err != nil {
		return nil, *err
	}
	if p.limit != nil {
		if err := p.limit.Wait(ctx); err != nil {
			return nil, err
		}
	}
	call, err := p.host.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	return func(err error) bool {
		result, again := p.judge(err)
		call.Done(result)
		return again
	}, nil
}

// judge tells what a call came to, and whether it is to be made again as if it had
// not been made.
func (p *pacer) judge(err error) (result pace.Result, again bool) {
	var e *harness.Error
	var stop *retell.StopError
	switch {
	case errors.As(err, &stop):
		p.refused.CompareAndSwap(nil, &stop.Err)
		return pace.Result{}, true
	case err == nil:
		p.forbidden.Store(0)
		return pace.Result{Outcome: pace.Taken}, false
	case !errors.As(err, &e) || e == nil || e.Kind == harness.KindTimeout:
		return pace.Result{}, false
	case pace.IsRefusal(e.Status) && !e.Permanent:
		return pace.Result{Outcome: pace.Refused, Status: e.Status, RetryAfter: e.RetryAfter}, true
	}
	todo := ""
	switch e.Status {
	case http.StatusUnauthorized:
		todo = "check " + p.key
	case http.StatusPaymentRequired, http.StatusTooManyRequests: // that one when it is permanent
		todo = "the account has no credit: pay for it, or change " + p.key
	case http.StatusForbidden:
		if p.forbidden.Add(1) >= manyForbidden {
			todo = "check what may be done with " + p.key + ", --retry-errors runs the first ones again"
		}
	}
	if todo == "" {
		return pace.Result{}, false
	}
	refused := fmt.Errorf("%s refuses the credentials (status %d): %s; then --resume goes on", p.host.Name, e.Status, todo)
	p.refused.CompareAndSwap(nil, &refused)
	return pace.Result{}, true
}

// hosted is an app that calls a host.
type hosted interface{ Host() string }

func (r *runner) pacer() *pacer {
	name := "the app"
	if app, ok := r.app.(hosted); ok {
		name = app.Host()
	}
	p := &pacer{host: r.hosts.Host(name), key: "its key"}
	if names := variables(r.suite.Text); len(names) > 0 {
		p.key += " (the suite names " + strings.Join(names, ", ") + ")"
	}
	if perSecond := r.suite.RateLimit / 60; perSecond > 0 {
		p.limit = rate.NewLimiter(rate.Limit(perSecond), max(1, min(r.concurrency(), int(perSecond))))
	}
	return p
}

var variable = regexp.MustCompile(`\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}`)

// variables are the environment variables that a suite names.
func variables(text []byte) []string {
	var names []string
	for _, m := range variable.FindAllSubmatch(text, -1) {
		if name := string(m[1]); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// newHosts makes the hosts of the run, whose pauses are shown.
func (r *runner) newHosts() *pace.Hosts {
	return pace.NewHosts(pace.Config{MaxElapsed: r.suite.MaxRetryElapsed, Notice: func(p pace.Pause) {
		if progress := r.progress.Load(); progress != nil {
			why := fmt.Sprintf("%s asks to slow down (status %d)", p.Host, p.Status)
			progress.Waiting.Store(&harness.Waiting{Until: p.Until, Why: why})
		}
	}})
}

// noteRefusals says which hosts have refused calls.
func (r *runner) noteRefusals() {
	for _, h := range r.hosts.All() {
		if s := h.Stats(); s.Refused > 0 {
			r.note(fmt.Sprintf("%s refused %d of %d calls (status 429, 503 or 529); the longest pause was %s",
				h.Name, s.Refused, s.Calls, s.Longest.Round(100*time.Millisecond)))
		}
	}
}
