package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) showCommand() *cobra.Command {
	var id string
	var f gateFlags
	var out outputFlags
	cmd := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show one run, or one case of it; without RUN, the newest",
		Example: `  evalrun show latest
  evalrun show latest --case late-parcel`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if id != "" {
				return a.showCase(cmd, runOf(args), id, out.json)
			}
			err := a.stored(cmd, runOf(args), out, a.judged(&f))
			a.code = runner.CodePass
			return err
		},
	}
	cmd.Flags().StringVar(&id, "case", "", "show the trials of this case, whole")
	f.add(cmd)
	out.add(cmd.Flags(), a.Reporters.Formats())
	return cmd
}

// showCase shows everything that is stored of one case.
func (a *app) showCase(cmd *cobra.Command, run, id string, asJSON bool) error {
	st, err := a.open(false)
	if err != nil {
		return err
	}
	defer st.Close()
	info, err := st.Info(cmd.Context(), run)
	if err != nil {
		return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "evalrun list shows the runs"}
	}
	w := bufio.NewWriter(a.stdout)
	about := &harness.Report{RunID: info.ID, Suite: info.Spec.Suite, App: info.Spec.App}
	posts, err := postsOf(cmd.Context(), st, info, id)
	if err != nil {
		return err
	}
	found := 0
	for r, err := range st.Results(cmd.Context(), info.ID, store.Query{Case: id}) {
		if err != nil {
			return err
		}
		if asJSON {
			line, err := reporter.JSONL{}.Line(about, r)
			if err != nil {
				return err
			}
			if _, err := w.Write(line); err != nil {
				return err
			}
		} else {
			if found == 0 {
				showAsked(w, r.Case)
			}
			showTrial(w, r)
			showPost(w, posts[r.Trial])
		}
		found++
	}
	if found == 0 {
		return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("run %s has no result of case %q", info.ID, id),
			Hint: "evalrun report " + info.ID + " -o csv lists its cases"}
	}
	return w.Flush()
}

// postsOf is how far the trials of a case have come on their way to a platform.
func postsOf(ctx context.Context, st *store.Store, info store.Info, id string) (map[int]harness.Receipt, error) {
	posts := map[int]harness.Receipt{}
	if info.Spec.Publish == nil {
		return posts, nil
	}
	for post, err := range st.Posts(ctx, info.ID, store.PostQuery{Case: id}) {
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		posts[post.Key.Trial] = post
	}
	return posts, nil
}

// showPost shows where on a platform a result is, or why it is not there.
func showPost(w *bufio.Writer, p harness.Receipt) {
	if p.State == "" {
		return
	}
	what := map[harness.PostState]string{
		harness.PostPending: "not posted yet", harness.PostPosting: "in doubt: it was sent, or was about to be",
		harness.PostPosted: "posted as " + p.RemoteID, harness.PostRejected: "rejected: " + p.Message,
	}[p.State]
	field(w, "platform", what)
}

func showAsked(w *bufio.Writer, c harness.Case) {
	field(w, "case", c.ID)
	field(w, "input", text(c.Input))
	for _, part := range []struct {
		name  string
		value any
	}{{"expected", c.Expected}, {"extra", c.Extra}, {"history", c.History}} {
		if part.value != nil {
			field(w, part.name, text(part.value))
		}
	}
	if len(c.Metadata) > 0 {
		field(w, "metadata", text(c.Metadata))
	}
}

func showTrial(w *bufio.Writer, r harness.Result) {
	fmt.Fprintf(w, "\ntrial %d  %s", r.Trial, r.Latency.Round(time.Millisecond))
	if r.Attempts > 1 {
		fmt.Fprintf(w, "  %d attempts", r.Attempts)
	}
	fmt.Fprintln(w)
	if r.Error != nil {
		field(w, string(r.Error.Kind), r.Error.Message)
		if r.Error.Stack != "" {
			field(w, "stack", r.Error.Stack)
		}
	}
	if r.Output != nil {
		field(w, "output", laidOut(r.Output.Value))
		if len(r.Output.Metadata) > 0 {
			field(w, "about", laidOut(r.Output.Metadata))
		}
		for _, c := range r.Output.Chunks {
			field(w, "chunk", c.Text)
		}
		for _, c := range r.Output.ToolCalls {
			field(w, "tool call", c.Name+" "+text(c.Args))
		}
	}
	for _, s := range r.Scores {
		field(w, reporter.Terminal(s.Name), scoreLine(s))
	}
}

func scoreLine(s harness.Score) string {
	if s.Error != nil {
		return "not scored: " + s.Error.Message
	}
	line := fmt.Sprintf("%.4g", s.Value)
	if s.Pass != nil {
		line += map[bool]string{true: " pass", false: " fail"}[*s.Pass]
	}
	if s.Reason != "" {
		line += ": " + s.Reason
	}
	return line
}

// field writes a name and a text, which goes below it when it has several lines.
func field(w *bufio.Writer, name, value string) {
	value = reporter.TerminalBlock(strings.TrimRight(value, "\n"))
	if strings.Contains(value, "\n") {
		fmt.Fprintf(w, "%s:\n  %s\n", name, strings.ReplaceAll(value, "\n", "\n  "))
		return
	}
	fmt.Fprintf(w, "%-10s %s\n", name+":", value)
}

// widest is how long a JSON value may be that is shown on one line.
const widest = 100

// laidOut is a JSON value as text, over several lines when it is long.
func laidOut(v any) string {
	line := text(v)
	var b bytes.Buffer
	if _, plain := v.(string); plain || len(line) <= widest || json.Indent(&b, []byte(line), "", "  ") != nil {
		return line
	}
	return b.String()
}

// text is a JSON value as text.
func text(v any) string {
	return harness.Output{Value: v}.Text()
}
