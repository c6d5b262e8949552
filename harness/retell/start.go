package retell

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Start starts the batch of an intent, once. After a failure that leaves open
// whether the platform took it, it is looked for with [Client.Adopt]. Batches are
// started one after the other, however many ask for it at once.
func (c *Client) Start(ctx context.Context, in Intent, known ...string) (BatchTest, error) {
	if err := c.hold(ctx); err != nil {
		return BatchTest{}, err
	}
	defer c.release()
	b, err := c.CreateBatchTest(ctx, in.Request)
	if Ambiguous(err) && ctx.Err() == nil {
		var doubt error
		if b, doubt = c.adopt(ctx, in, known); doubt == nil {
			err = nil
		} else {
			err = fmt.Errorf("%w; %w", err, doubt)
		}
	}
	if err == nil {
		c.started[b.ID] = true
	}
	return b, err
}

// Adopt finds the batch of an intent that was sent, but to which no answer came.
// It is the only one that
//   - was created within [Margin] of the intent, and was not there before it,
//   - is not among the known ones: those of which it is known who started them, as
//     are all that this client started,
//   - tests the same engine, and as many test cases,
//   - has no run of another test case, or of one more often, than the request.
//
// None is waited for until [Patience] after the intent. An error that is a
// [*DoubtError] says what there was in its place.
//
// Who starts an equal batch of the same engine elsewhere, within the margin, can
// have theirs adopted when ours never came about: the platform lets nobody mark
// one.
func (c *Client) Adopt(ctx context.Context, in Intent, known ...string) (BatchTest, error) {
	if err := c.hold(ctx); err != nil {
		return BatchTest{}, err
	}
	defer c.release()
	b, err := c.adopt(ctx, in, known)
	if err == nil {
		c.started[b.ID] = true
	}
	return b, err
}

func (c *Client) hold(ctx context.Context) error {
	select {
	case c.starting <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("retell: create batch test: %w", context.Cause(ctx))
	}
}

func (c *Client) release() { <-c.starting }

func (c *Client) adopt(ctx context.Context, in Intent, known []string) (BatchTest, error) {
	for waited, pause := time.Duration(0), 2*time.Second; ; pause *= 2 {
		doubt, err := c.look(ctx, in, known)
		if err != nil {
			return BatchTest{}, fmt.Errorf("retell: look for a batch that may have been started: %w", err)
		}
		doubt.Now = c.http.Now()
		left := min(in.At.Add(Patience).Sub(doubt.Now), Patience-waited) // whatever a clock does
		switch {
		case len(doubt.Fit) == 1:
			return doubt.Fit[0], nil
		case len(doubt.Fit) > 1 || left <= 0:
			return BatchTest{}, doubt
		}
		pause = min(pause, left)
		if err := c.wait(ctx, pause); err != nil {
			return BatchTest{}, fmt.Errorf("retell: look for a batch that may have been started: %w", err)
		}
		waited += pause
	}
}

// look lists the engine's batches once.
func (c *Client) look(ctx context.Context, in Intent, known []string) (*DoubtError, error) {
	batches, err := c.batches(ctx, in.Request.ResponseEngine)
	if err != nil {
		return nil, err
	}
	doubt := &DoubtError{Intent: in}
	for _, b := range batches {
		if !in.like(b) || slices.Contains(in.There, b.ID) || slices.Contains(known, b.ID) || c.started[b.ID] {
			continue
		}
		if b.Created != 0 && b.CreatedAt().Before(in.At.Add(-Margin)) {
			continue // it was there before
		}
		plays, err := c.plays(ctx, b, in.counts())
		switch {
		case err != nil:
			return nil, err
		case !plays:
			doubt.Different = append(doubt.Different, b)
		case !in.near(b):
			doubt.Late = append(doubt.Late, b)
		default:
			doubt.Fit = append(doubt.Fit, b)
		}
	}
	return doubt, nil
}

// plays tells whether the runs that the batch has so far are of these definitions,
// and no more of each.
func (c *Client) plays(ctx context.Context, b BatchTest, counts map[string]int) (bool, error) {
	for r, err := range c.AllTestRuns(ctx, b.ID) {
		if err != nil {
			return false, err
		}
		if counts[r.DefinitionID]--; counts[r.DefinitionID] < 0 {
			return false, nil
		}
	}
	return true, nil
}

// batches lists the batches of an engine.
func (c *Client) batches(ctx context.Context, engine ResponseEngine) ([]BatchTest, error) {
	return whole(c.AllBatchTests(ctx, engine))
}

// DoubtError is a batch of which it is not known whether it was started, or which
// of several it is.
type DoubtError struct {
	Intent Intent
	// Now is when the platform was asked, by its clock.
	Now time.Time
	// Fit are the batches that may be it.
	Fit []BatchTest
	// Late play the same test cases, but were created too late after the intent, or
	// at a time that can't be read.
	Late []BatchTest
	// Different have as many test cases, but other ones.
	Different []BatchTest
}

// Lost tells whether the batch certainly never came about: nothing that could be
// it is there, and the platform can't be busy with it any more. It may be started
// again, from a new intent. That is never certain of an engine without a version:
// the batches that are listed are those of the latest, which may be another one by
// now.
func (e *DoubtError) Lost() bool {
	return e.Intent.Request.ResponseEngine.Version != nil && len(e.Fit) == 0 && len(e.Late) == 0 && e.Now.After(e.Intent.At.Add(Margin))
}

// Error says what was looked for and what was seen.
func (e *DoubtError) Error() string {
	engine := e.Intent.Request.ResponseEngine
	var b strings.Builder
	fmt.Fprintf(&b, "retell: whether the batch of %d test cases on %s %s, sent at %s, was started is not known",
		len(e.Intent.Request.DefinitionIDs), engine.Type, engine.ID(), stamp(e.Intent.At))
	if len(e.Fit)+len(e.Late)+len(e.Different) == 0 {
		fmt.Fprintf(&b, ": at %s the platform has none that could be it", stamp(e.Now))
	}
	for _, seen := range []struct {
		what    string
		batches []BatchTest
	}{{"several may be it", e.Fit}, {"created too late to be it", e.Late}, {"with other test cases", e.Different}} {
		if len(seen.batches) > 0 {
			fmt.Fprintf(&b, "; %s: %s", seen.what, named(seen.batches))
		}
	}
	if engine.Version == nil {
		b.WriteString("; the engine has no version: what is listed are batches of the latest, which may be another one by now")
	}
	return b.String()
}

// named lists batches with their times.
func named(batches []BatchTest) string {
	parts := []string{}
	for i, b := range batches {
		if i == 5 {
			parts = append(parts, fmt.Sprintf("and %d more", len(batches)-i))
			break
		}
		created := "an unknown time"
		if b.Created != 0 {
			created = stamp(b.CreatedAt())
		}
		parts = append(parts, fmt.Sprintf("%s (%s, created at %s)", b.ID, b.Status, created))
	}
	return strings.Join(parts, ", ")
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
