package sgp_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
)

// Any sequence of faults, over as many starts as it takes: in the end every
// result that the platform accepts is there once, every other one is rejected,
// and none is lost. Where run keys are not echoed some may stay in doubt.
func TestAnyFaultsLoseAndRepeatNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := newPlatform(t)
		p.unchecked = true
		n := rapid.IntRange(1, 40).Draw(rt, "results")
		bad := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 0, min(n, 3), rapid.ID[int]).Draw(rt, "bad")
		parted := rapid.Bool().Draw(rt, "a refused batch is taken in part")
		p.mute = rapid.Bool().Draw(rt, "keys not echoed")
		faults := rapid.SliceOfN(rapid.SampledFrom([]string{
			"none", "none", "dial", "reset before", "reset after", "502", "504 after", "429", "401", "truncated", "HTML", "disk",
		}), 0, 12).Draw(rt, "faults")
		o := newOutbox(many(n)...)
		p.fault = func(r *http.Request, body []byte, serve func() *http.Response) (*http.Response, error) {
			if r.Method == "GET" {
				return serve(), nil
			}
			if resp := p.refuse(r, body, bad, parted); resp != nil {
				return resp, nil
			}
			fault := "none"
			if len(faults) > 0 {
				fault, faults = faults[0], faults[1:]
			}
			return o.suffer(fault, r, serve)
		}
		pub := p.publisher(o)
		pub.BatchItems, pub.InFlight = rapid.IntRange(1, 12).Draw(rt, "batch"), 1
		for starts := 0; ; starts++ {
			o.err = nil
			err := pub.Run(t.Context(), nil)
			if err == nil {
				break
			}
			if p.mute && errors.Is(err, sgp.ErrUnknownFate) {
				audit(rt, p, o)
				return
			}
			if starts > 20 {
				rt.Fatal("it never ends")
			}
		}
		require.Len(t, o.in(harness.PostRejected), len(bad))
		require.Len(t, o.in(harness.PostPosted), n-len(bad))
		require.Len(t, p.results, n-len(bad))
		audit(rt, p, o)
	})
}

// suffer lets a fault happen to one batch.
func (o *outbox) suffer(fault string, r *http.Request, serve func() *http.Response) (*http.Response, error) {
	switch fault {
	case "dial":
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	case "reset before":
		return nil, io.ErrUnexpectedEOF
	case "502":
		return respond(r, 502, "<html>"), nil
	case "429":
		return respond(r, 429, "{}"), nil
	case "401":
		return respond(r, 401, "{}"), nil
	case "HTML":
		return respond(r, 200, "<html>"), nil
	}
	resp := serve()
	switch fault {
	case "reset after":
		return nil, io.ErrUnexpectedEOF
	case "504 after":
		return respond(r, 504, ""), nil
	case "truncated":
		return respond(r, 200, `[{"id"`), nil
	case "disk": // what became of the batch can't be written down, as after kill -9
		o.mu.Lock()
		o.err = errors.New("disk full")
		o.mu.Unlock()
	}
	return resp, nil
}

// refuse answers 400 to a batch with bad items, and takes those before them when
// it is parted; nil when none is bad.
func (p *platform) refuse(r *http.Request, body []byte, bad []int, parted bool) *http.Response {
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
				return respond(r, 400, `{"detail": "bad `+req.TestCaseID+`"}`)
			}
		}
	}
	return nil
}
