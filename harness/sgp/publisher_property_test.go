package sgp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// plan is one sequence of faults.
type plan struct {
	results, batch, inFlight int
	bad                      []int
	message                  string // of a refusal
	parted                   bool   // a refused batch is taken in part
	most                     int    // bytes of a body that is taken; 0: any number
	mute                     bool   // keys are not echoed
	faults                   []string
	late                     []time.Duration // of each fault "late"
	reads                    []string        // faults of reading
}

// beyond tells whether something comes later than the quiet time.
func (p plan) beyond() bool {
	return slices.ContainsFunc(p.late, func(d time.Duration) bool { return d >= quiet })
}

func drawPlan(rt *rapid.T) plan {
	p := plan{
		results: rapid.IntRange(2, 40).Draw(rt, "results"), batch: rapid.IntRange(1, 12).Draw(rt, "batch"),
		inFlight: rapid.IntRange(1, 3).Draw(rt, "in flight"), parted: rapid.Bool().Draw(rt, "parted"), mute: rapid.Bool().Draw(rt, "mute"),
		message: rapid.SampledFrom([]string{"no", "bad %s"}).Draw(rt, "message"),
	}
	p.most = rapid.SampledFrom([]int{0, 0, 1000, 2000}).Draw(rt, "most")
	p.bad = rapid.SliceOfNDistinct(rapid.IntRange(1, p.results-1), 0, min(p.results-1, 3), rapid.ID[int]).Draw(rt, "bad")
	p.faults = rapid.SliceOfN(rapid.SampledFrom([]string{
		"none", "none", "dial", "reset before", "reset after", "late", "502", "504 after", "429", "401", "truncated", "HTML", "disk", "kill", "kill after",
	}), 0, 12).Draw(rt, "faults")
	p.reads = rapid.SliceOfN(rapid.SampledFrom([]string{"none", "none", "EOF", "500", "truncated", "others"}), 0, 8).Draw(rt, "reads")
	longest := 4 * quiet
	if p.mute {
		longest = quiet - time.Second // what is late can't be recognised then
	}
	for _, f := range p.faults {
		if f == "late" {
			p.late = append(p.late, time.Duration(rapid.Int64Range(1, int64(longest)).Draw(rt, "late")))
		}
	}
	return p
}

// Any sequence of faults, over as many starts as it takes: in the end every
// result that the platform accepts is there once, every other one is rejected,
// none is lost, and the audit says so. Commits beyond the quiet time are all
// counted. Where run keys are not echoed some may stay in doubt.
func TestAnyFaultsLoseAndRepeatNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := drawPlan(rt)
		var found problems
		synctest.Test(t, func(t *testing.T) { plan.play(t, &found) })
		if len(found) > 0 {
			rt.Fatal(strings.Join(found, "\n"))
		}
	})
}

// problems collects what goes wrong within a bubble, which rapid can't see into.
type problems []string

func (p *problems) Errorf(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }
func (p *problems) FailNow()                          { panic("stopped") }

func (plan plan) play(t *testing.T, found *problems) {
	p := newPlatform(t)
	p.unchecked, p.mute = true, plan.mute
	w := &world{plan: plan, p: p, o: newOutbox(many(plan.results)...)}
	p.fault = w.fault
	pub := p.publisher(w.o)
	pub.BatchItems, pub.InFlight, pub.Grace = plan.batch, plan.inFlight, time.Second
	var err error
	for starts := 0; ; starts++ {
		if starts > 30 {
			found.Errorf("it never ends: %v", err)
			return
		}
		w.o.err = nil
		var ctx context.Context
		ctx, w.kill = context.WithCancel(t.Context())
		err = pub.Run(ctx, nil)
		w.kill()
		if err == nil || errors.Is(err, sgp.ErrAudit) || plan.stays(err) {
			break
		}
	}
	time.Sleep(time.Hour) // all that is late has come
	synctest.Wait()
	w.judge(err, pub, found)
}

// stays tells whether another start would end like this one: without run keys it
// can't be told what a result in doubt became of, nor, once the good ones are
// posted, that a refused one is to blame.
func (plan plan) stays(err error) bool {
	return plan.mute && (errors.Is(err, sgp.ErrUnknownFate) || strings.Contains(err.Error(), "refuses each of"))
}

// judge looks at the platform and the books when all is over.
func (w *world) judge(err error, pub *sgp.Publisher, found *problems) {
	good := w.results - len(w.bad)
	copies := map[harness.Key]int{}
	for _, r := range w.p.results {
		if k, ok := r.TestCaseEvaluationData.RunKey(); ok {
			copies[harness.Key{Case: k.Case, Trial: k.Trial}]++
		}
	}
	total := 0
	for _, n := range copies {
		total += n
	}
	if err != nil && w.stays(err) {
		assert.Len(found, copies, total, "no result is there twice")
		return
	}
	assert.Equal(found, map[harness.PostState]int{harness.PostPosted: good, harness.PostRejected: len(w.bad)}, withZero(w.o.counts()))
	assert.Len(found, copies, good, "every good result is there, and no bad one")
	if !w.beyond() {
		assert.NoError(found, err)
		assert.Equal(found, good, total, "no result is there twice")
	}
	err = pub.Run(context.Background(), nil) // once more, to audit
	assert.Equal(found, total == good, err == nil, "%v", err)
	last := w.o.audits[len(w.o.audits)-1]
	assert.Equal(found, [4]int{good, 0, total - good, 0}, [4]int{int(last.Found), int(last.Lost), int(last.Duplicated), int(last.Unexpected)})
}

func withZero(counts map[harness.PostState]int) map[harness.PostState]int {
	for _, s := range []harness.PostState{harness.PostPosted, harness.PostRejected} {
		counts[s] += 0
	}
	return counts
}

// world is where a plan is played.
type world struct {
	plan
	p    *platform
	o    *outbox
	kill context.CancelFunc
}

func (w *world) fault(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
	if r.Method == "GET" {
		return w.read(r, serve)
	}
	w.p.mu.Lock()
	refused := w.tooLarge(r, body)
	if refused == nil {
		refused = w.p.refuse(r, body, w.bad, w.parted, w.message)
	}
	fault := "none"
	if refused == nil && len(w.faults) > 0 {
		fault, w.faults = w.faults[0], w.faults[1:]
	}
	var late time.Duration
	if fault == "late" {
		late, w.late = w.late[0], append(w.late[1:], w.late[0])
	}
	w.p.mu.Unlock()
	if refused != nil {
		return refused, nil
	}
	return w.suffer(fault, late, r, serve)
}

// tooLarge refuses a batch by its size, whatever is in it.
func (w *world) tooLarge(r *http.Request, body []byte) *http.Response {
	if w.most > 0 && len(body) > w.most {
		return respond(r, 413, "")
	}
	return nil
}

func (w *world) read(r *http.Request, serve func() *http.Response) (*http.Response, error) {
	w.p.mu.Lock()
	fault := "none"
	if len(w.reads) > 0 {
		fault, w.reads = w.reads[0], w.reads[1:]
	}
	if fault == "others" {
		w.p.results = append(strangers(1000*len(w.p.results), 3), w.p.results...)
	}
	w.p.mu.Unlock()
	switch fault {
	case "EOF":
		return nil, io.ErrUnexpectedEOF
	case "500":
		return respond(r, 500, "{}"), nil
	case "truncated":
		return respond(r, 200, `{"items": [`), nil
	}
	return serve(), nil
}

// suffer lets a fault happen to one batch.
func (w *world) suffer(fault string, late time.Duration, r *http.Request, serve func() *http.Response) (*http.Response, error) {
	switch fault {
	case "dial":
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	case "reset before":
		return nil, io.ErrUnexpectedEOF
	case "late":
		time.AfterFunc(late, func() { _ = serve().Body.Close() })
		return nil, io.ErrUnexpectedEOF
	case "502":
		return respond(r, 502, "<html>"), nil
	case "429":
		return respond(r, 429, "{}"), nil
	case "401":
		return respond(r, 401, "{}"), nil
	case "HTML":
		return respond(r, 200, "<html>"), nil
	case "kill":
		w.kill()
		<-r.Context().Done() // no answer ever
		return nil, r.Context().Err()
	}
	resp := serve()
	switch fault {
	case "reset after":
		return nil, io.ErrUnexpectedEOF
	case "504 after":
		return respond(r, 504, ""), nil
	case "truncated":
		return respond(r, 200, `[{"id"`), nil
	case "kill after":
		w.kill()
		<-r.Context().Done()
		return nil, r.Context().Err()
	case "disk": // what became of the batch can't be written down, as after kill -9
		w.o.mu.Lock()
		w.o.err = errors.New("disk full")
		w.o.mu.Unlock()
	}
	return resp, nil
}

// refuse answers 400 to a batch with bad items, and takes those before them when
// it is parted; nil when none is bad.
func (p *platform) refuse(r *http.Request, body []byte, bad []int, parted bool, message string) *http.Response {
	var reqs []sgp.TestCaseResultRequest
	if err := json.Unmarshal(body, &reqs); err != nil {
		panic(err)
	}
	for i, req := range reqs {
		for _, b := range bad {
			if req.TestCaseID == "tc_"+strconv.Itoa(b) {
				if parted {
					p.take(reqs[:i])
				}
				if strings.Contains(message, "%s") {
					message = fmt.Sprintf(message, req.TestCaseID)
				}
				return respond(r, 400, `{"detail": "`+message+`"}`)
			}
		}
	}
	return nil
}

var _ require.TestingT = (*problems)(nil)
