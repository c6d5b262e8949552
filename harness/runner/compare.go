package runner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/compare"
	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

// Compare sets runs against a base, all of them as a user calls them (see
// FindSide), with at most so many flipped cases and their answers. Files need no
// store: nil will do.
func Compare(ctx context.Context, st *store.Store, base string, others []string, flips int) ([]reporter.Comparison, error) {
	sides, err := findSides(ctx, st, append([]string{base}, others...))
	if err != nil {
		return nil, err
	}
	var out []reporter.Comparison
	for _, now := range sides[1:] {
		r, err := reduce.Parse(now.About().Reduce)
		if err != nil {
			return nil, usage(err, "")
		}
		s, err := compare.Summarize(ctx, sides[0], now, compare.Options{Reduce: r.Reduce, MostFlips: flips})
		if err != nil {
			return nil, err
		}
		if s.Pairing.Paired == 0 && s.Base.Suite != s.New.Suite {
			return nil, usage(fmt.Errorf("%s is a run of suite %q and %s one of suite %q, and no case is in both", s.Base.Name, s.Base.Suite, s.New.Name, s.New.Suite),
				"evalrun list shows the runs and their suites")
		}
		c := reporter.Comparison{Summary: s}
		for i, f := range s.Flips {
			if i > 0 && s.Flips[i-1].ID == f.ID {
				flipped := c.Flipped[i-1]
				flipped.Flip = f
				c.Flipped = append(c.Flipped, flipped)
				continue
			}
			flipped, err := answersOf(ctx, f, sides[0], now)
			if err != nil {
				return nil, err
			}
			c.Flipped = append(c.Flipped, flipped)
		}
		out = append(out, c)
	}
	return out, nil
}

// anyLike is the run of a baseline that one of the names is, when it is that of one
// suite only.
func anyLike(ctx context.Context, st *store.Store, names []string) (store.Info, error) {
	if st == nil {
		return store.Info{}, nil
	}
	all, err := st.Baselines(ctx)
	if err != nil {
		return store.Info{}, err
	}
	var runs []string
	for _, b := range all {
		if slices.Contains(names, b.Name) {
			runs = append(runs, b.Run)
		}
	}
	if len(runs) != 1 {
		return store.Info{}, nil
	}
	return st.Info(ctx, runs[0])
}

// isLatest tells the names of the newest run.
func isLatest(name string) bool {
	return strings.EqualFold(name, "latest") || strings.EqualFold(name, "last")
}

// newestLike is the newest run of the suite and app of a baseline's run.
func newestLike(ctx context.Context, st *store.Store, like store.Info) (string, error) {
	all, err := st.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, info := range all {
		if info.Spec.Suite == like.Spec.Suite && BaselineApp(info.Spec) == BaselineApp(like.Spec) {
			return info.ID, nil
		}
	}
	return like.ID, nil
}

// findSides finds runs; the names of baselines are those of the suite of the first
// argument that is a run. Beside the name of a baseline that one suite and app alone
// has, latest is the newest run of these.
func findSides(ctx context.Context, st *store.Store, names []string) ([]compare.Side, error) {
	like, err := anyLike(ctx, st, names)
	if err != nil {
		return nil, err
	}
	newest := ""
	if like.ID != "" {
		if newest, err = newestLike(ctx, st, like); err != nil {
			return nil, err
		}
	}
	for _, name := range names {
		if isFile(name) || isLatest(name) && newest != "" {
			continue
		}
		if info, err := st.Info(ctx, name); err == nil {
			like = info
			break
		}
	}
	var sides []compare.Side
	for _, name := range names {
		id := name
		if isLatest(name) && newest != "" {
			id = newest
		}
		side, err := FindSide(ctx, st, id, like, "")
		if errors.Is(err, gate.ErrNoBaseline) || errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%q is no run, no baseline of suite %q and no baseline file", name, like.Spec.Suite)
		}
		if err != nil {
			return nil, usage(err, "evalrun list shows the runs, evalrun baseline list the baselines")
		}
		sides = append(sides, named{side, name})
	}
	return sides, nil
}

// named is a side under the name that the user gave it.
type named struct {
	compare.Side
	name string
}

func (n named) About() compare.About {
	a := n.Side.About()
	a.Name = n.name
	return a
}

// answersOf adds to a flipped case what the runs answered: the first trial of each.
// A baseline file has no answers.
func answersOf(ctx context.Context, f compare.Flip, base, now compare.Side) (reporter.Flipped, error) {
	out := reporter.Flipped{Flip: f}
	for i, side := range []compare.Side{base, now} {
		stored, ok := side.(named).Side.(StoredSide)
		if !ok {
			continue
		}
		results, err := stored.Results(ctx, f.ID)
		if err != nil || len(results) == 0 {
			return out, err
		}
		c, answer := results[0].Case, answerOf(results)
		out.Input, out.Expected = harness.Output{Value: c.Input}.Text(), harness.Output{Value: c.Expected}.Text()
		if i == 0 {
			out.Was = answer
		} else {
			out.Is = answer
		}
	}
	return out, nil
}

// answerOf is the answer of the first trial that has one, or its error.
func answerOf(results []harness.Result) string {
	for _, r := range results {
		if r.Output != nil {
			return r.Output.Text()
		}
	}
	if e := results[0].Error; e != nil {
		return string(e.Kind) + ": " + e.Message
	}
	return ""
}
