package runner

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/harness/store"
)

// figures are what the checks of a scenario count.
type figures struct {
	seeds, starts, kills     int
	lost                     int // said to be posted and not there, or finished and gone
	duplicated               int // extra copies, all commits within the quiet time
	lateDuplicated, detected int // extra copies where some came later; those that the audit counted
	repeated                 int // finished app calls made again
	falseSuccess             int // exit code 0 with something missing
}

func (f *figures) add(o figures) {
	f.seeds += o.seeds
	f.starts += o.starts
	f.kills += o.kills
	f.lost += o.lost
	f.duplicated += o.duplicated
	f.lateDuplicated += o.lateDuplicated
	f.detected += o.detected
	f.repeated += o.repeated
	f.falseSuccess += o.falseSuccess
}

func (f figures) String() string {
	return fmt.Sprintf("%d scenarios, %d starts, %d kills: lost %d, duplicated %d, duplicated by commits later than the quiet time %d (detected %d), "+
		"finished app calls repeated %d, wrongly exit 0: %d",
		f.seeds, f.starts, f.kills, f.lost, f.duplicated, f.lateDuplicated, f.detected, f.repeated, f.falseSuccess)
}

// held is one result that the platform holds.
type held struct {
	Evaluation string
	Key        sgp.RunKey
	Output     any
	Scores     map[string]any
}

// ledger is everything that the platform holds, by run key.
func ledger(ctx context.Context, client *sgp.Client) (map[harness.Key][]held, error) {
	out := map[harness.Key][]held{}
	evaluations, err := client.ListEvaluations(ctx, sgp.ListOptions{Limit: 1000})
	if err != nil {
		return nil, err
	}
	for _, e := range evaluations.Items {
		for r, err := range client.AllResults(ctx, e.ID) {
			if err != nil {
				return nil, err
			}
			key, ok := r.TestCaseEvaluationData.RunKey()
			if !ok || key.Case != r.TestCaseID {
				return nil, fmt.Errorf("result %s of case %s has the key %+v", r.ID, r.TestCaseID, key)
			}
			k := harness.Key{Case: key.Case, Trial: key.Trial}
			out[k] = append(out[k], held{e.ID, key, r.TestCaseEvaluationData.GenerationOutput, r.Result})
		}
	}
	return out, nil
}

// books are what a store holds of its one run.
type books struct {
	info    store.Info
	report  *harness.Report
	results map[harness.Key]harness.Result
	posts   map[harness.Key]harness.Receipt
}

func readBooks(ctx context.Context, dir string) (b books, err error) {
	st, err := store.Open(filepath.Join(dir, "store"))
	if err != nil {
		return b, err
	}
	defer func() { _ = st.Close() }()
	infos, err := st.Runs(ctx)
	if err != nil {
		return b, err
	}
	if len(infos) != 1 {
		return b, fmt.Errorf("the store has %d runs", len(infos))
	}
	b = books{info: infos[0], results: map[harness.Key]harness.Result{}, posts: map[harness.Key]harness.Receipt{}}
	for r, err := range st.Results(ctx, b.info.ID, store.Query{}) {
		if err != nil {
			return b, err
		}
		b.results[r.Key()] = r
	}
	for p, err := range st.Posts(ctx, b.info.ID, store.PostQuery{}) {
		if err != nil {
			return b, err
		}
		b.posts[p.Key] = p
	}
	checks, err := Checks(b.info)
	if err == nil {
		b.report, err = Report(ctx, st, b.info.ID, checks, Against{})
	}
	return b, err
}

// count is how many results are in a state.
func (b books) count(state harness.PostState) (n int) {
	for _, p := range b.posts {
		if p.State == state {
			n++
		}
	}
	return n
}

// planned are the trials that there have to be.
func (p *simPlatform) planned() []harness.Key {
	var keys []harness.Key
	for _, id := range p.ids {
		for trial := range p.trials {
			keys = append(keys, harness.Key{Case: id, Trial: trial + 1})
		}
	}
	return keys
}

// conserved checks that each planned trial is in one end state, and that what is
// kept is what was given.
func (b books) conserved(p *simPlatform, c *calls) (wrong []string) {
	keys := p.planned()
	if len(b.results) != len(keys) || len(b.posts) != len(keys) {
		wrong = append(wrong, fmt.Sprintf("%d trials are planned, the store has %d results and %d posts", len(keys), len(b.results), len(b.posts)))
	}
	for _, k := range keys {
		r, there := b.results[k]
		post := b.posts[k]
		bad := p.bad[p.number[k.Case]]
		switch {
		case !there:
			wrong = append(wrong, fmt.Sprintf("%v has no result", k))
			continue
		case bad && post.State != harness.PostRejected, !bad && post.State != harness.PostPosted:
			wrong = append(wrong, fmt.Sprintf("%v is %s (refused by the platform: %v): %s", k, post.State, bad, post.Message))
		case bad && !strings.Contains(post.Message, refusal(p.number[k.Case], k.Trial)) &&
			!strings.Contains(post.Message, "without a reason"): // the answer was cut before it
			wrong = append(wrong, fmt.Sprintf("%v is rejected with %q", k, post.Message))
		}
		text := storedText(r)
		if r.Error == nil && !c.given[k][text] {
			wrong = append(wrong, fmt.Sprintf("%v has the answer %q, which was never given", k, text))
		}
		if before, stored := c.stored[k]; stored && before != text {
			wrong = append(wrong, fmt.Sprintf("%v was stored as %q and is %q", k, before, text))
		}
	}
	return wrong
}

// posted compares the platform's ledger with the books: how many results are
// missing, how many are there too often, and what else is wrong.
func (b books) posted(on map[harness.Key][]held) (lost, extra int, wrong []string) {
	for k, copies := range on {
		post := b.posts[k]
		if post.State != harness.PostPosted && post.State != harness.PostPosting {
			wrong = append(wrong, fmt.Sprintf("%v is %q in the store and is on the platform", k, post.State))
		}
		extra += len(copies) - 1
		for _, h := range copies {
			if h.Key.Run != b.info.ID || h.Evaluation != b.info.Spec.Publish.EvaluationID {
				wrong = append(wrong, fmt.Sprintf("%v is there as %+v", k, h))
			}
			if r, ok := b.results[k]; ok && !sameContent(r, h) {
				wrong = append(wrong, fmt.Sprintf("%v is there with another content: %+v", k, h))
			}
		}
	}
	for k, post := range b.posts {
		if post.State == harness.PostPosted && len(on[k]) == 0 {
			lost++
			wrong = append(wrong, fmt.Sprintf("%v is posted in the store and not on the platform", k))
		}
	}
	return lost, extra, wrong
}

// sameContent compares a result with what the platform has of it.
func sameContent(r harness.Result, h held) bool {
	want, scores := "", map[string]any{}
	if r.Error == nil {
		want = r.Output.Text()
		for _, s := range r.Scores {
			if s.Error == nil {
				scores[s.Name] = s.Value
			}
		}
	}
	return h.Output == any(want) && maps.EqualFunc(scores, h.Scores, func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) })
}

// comparable is a report as text without what may differ between an unbroken
// run and a resumed one.
func comparable(r *harness.Report) string {
	c := *r
	c.RunID, c.Suite, c.Publish, c.Gate, c.Verdict, c.Reasons, c.Warnings, c.Abandoned = "", "", nil, nil, "", nil, nil, 0
	c.StartedAt, c.FinishedAt = time.Time{}, time.Time{}
	c.Latency = harness.Latency{N: c.Latency.N}
	c.Metrics = slices.Clone(c.Metrics)
	for i := range c.Metrics {
		c.Metrics[i].Interval = nil
	}
	text, err := json.Marshal(c)
	return string(text) + fmt.Sprint(err)
}
