package retell

import (
	"context"
	"fmt"
	"time"
)

// Margin is how far the time that the platform gives a batch may be from that of
// its Intent. The platform's clock is read off its answers, so that ours does not
// matter: what is left is how long a request takes at most, and how much clocks of
// the platform differ.
const Margin = 10 * time.Minute

// Patience is how long after its Intent a batch that is in doubt is looked for
// again: the platform may still be busy with the request, or its list be late.
const Patience = 2 * time.Minute

// Intent is a batch that is about to be started. [Client.Intend] makes one. Kept as
// JSON before the batch is sent, it is all that is needed to find out later,
// in another process too, what became of it.
type Intent struct {
	Request CreateBatchTestRequest `json:"request"`
	// At is when it was made, by the platform's clock.
	At time.Time `json:"at"`
	// There are the engine's batches of about that time, or of an unknown one, that
	// were there before.
	There []string `json:"there"`
}

// Intend makes an Intent, for which it lists the batches of the engine. Nothing is
// started.
func (c *Client) Intend(ctx context.Context, r CreateBatchTestRequest) (Intent, error) {
	in := Intent{Request: r, There: []string{}}
	if err := r.check(); err != nil {
		return in, fmt.Errorf("retell: create batch test: %w", err)
	}
	batches, err := c.batches(ctx, r.ResponseEngine)
	if err != nil {
		return in, err
	}
	in.At = c.http.Now().UTC()
	for _, b := range batches {
		if in.near(b) || b.Created == 0 {
			in.There = append(in.There, b.ID)
		}
	}
	return in, nil
}

// near tells whether the batch may have been created for the intent by its time.
func (in Intent) near(b BatchTest) bool {
	d := b.CreatedAt().Sub(in.At)
	return -Margin <= d && d <= Margin
}

// like tells whether the batch is what the request asks for, as far as it shows
// that itself. A platform that tells no version where none was asked for, or fills
// it in, is right.
func (in Intent) like(b BatchTest) bool {
	want, got := in.Request.ResponseEngine, b.ResponseEngine
	return b.TotalCount == len(in.Request.DefinitionIDs) && want.Type == got.Type && want.ID() == got.ID() &&
		(want.Version == nil || got.Version == nil || *want.Version == *got.Version)
}

// counts are the definitions of the request, each as often as it is to be played.
func (in Intent) counts() map[string]int {
	n := map[string]int{}
	for _, id := range in.Request.DefinitionIDs {
		n[id]++
	}
	return n
}
