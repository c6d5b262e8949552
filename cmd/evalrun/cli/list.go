package cli

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
	"github.com/evalrun/evalrun/reporter"
)

// listedRun is a line of evalrun list --json.
type listedRun struct {
	ID        string            `json:"id"`
	Suite     string            `json:"suite"`
	App       string            `json:"app,omitempty"`
	Status    string            `json:"status"`
	StartedAt time.Time         `json:"started_at"`
	Planned   int64             `json:"planned"`
	Completed int64             `json:"completed"`
	Errored   int64             `json:"errored"`
	Revision  string            `json:"revision,omitempty"`
	Dataset   string            `json:"dataset,omitempty"`
	Tags      map[string]string `json:"tags,omitempty"`
	Posts     listedPosts       `json:"posts"`
}

// listedPosts says how many results of a run are how far on their way to a
// platform.
type listedPosts struct {
	Pending  int64 `json:"pending"`
	Posting  int64 `json:"posting"`
	Posted   int64 `json:"posted"`
	Rejected int64 `json:"rejected"`
}

func (a *app) listCommand() *cobra.Command {
	var limit int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the stored runs, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !a.hasStore() {
				return a.listTable(nil)
			}
			st, err := a.open(false)
			if err != nil {
				return err
			}
			defer st.Close()
			infos, err := st.Runs(cmd.Context())
			if err != nil {
				return err
			}
			if limit > 0 && len(infos) > limit {
				infos = infos[:limit]
			}
			if asJSON && len(infos) > 0 {
				return a.listJSON(infos)
			}
			return a.listTable(infos)
		},
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "show only the newest")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object a line")
	return cmd
}

func (a *app) listJSON(infos []store.Info) error {
	enc := json.NewEncoder(a.stdout)
	for _, i := range infos {
		err := enc.Encode(listedRun{ID: i.ID, Suite: i.Spec.Suite, App: i.Spec.App, Status: i.Status, StartedAt: i.Started,
			Planned: i.Planned, Completed: i.Completed, Errored: i.Errored, Revision: i.Spec.Revision,
			Dataset: i.Spec.Dataset, Tags: runner.Tags(i.Spec), Posts: listedPosts(i.Posts)})
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *app) listTable(infos []store.Info) error {
	if len(infos) == 0 {
		a.say("There are no runs in %s yet; evalrun run makes one.", a.storeDir)
		return nil
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleDefault)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	posts := slices.ContainsFunc(infos, func(i store.Info) bool { return i.Spec.Publish != nil })
	header := table.Row{"run", "suite", "app", "status", "started", "done", "errors"}
	if posts {
		header = append(header, "posted")
	}
	t.AppendHeader(header)
	for _, i := range infos {
		row := table.Row{i.ID, reporter.Terminal(i.Spec.Suite), reporter.Terminal(i.Spec.App), i.Status,
			i.Started.Local().Format("2006-01-02 15:04:05"),
			fmt.Sprintf("%d/%d", i.Completed, max(i.Planned, 0)*int64(max(i.Spec.Trials, 1))), i.Errored}
		if posts {
			row = append(row, posted(i))
		}
		t.AppendRow(row)
	}
	_, err := fmt.Fprintln(a.stdout, t.Render())
	return err
}

// posted is in few words how far a run's results are on their way to a platform.
func posted(i store.Info) string {
	p := i.Posts
	waiting := p.Pending + p.Posting
	switch {
	case i.Spec.Publish == nil:
		return ""
	case waiting > 0 && p.Rejected > 0:
		return fmt.Sprintf("%d pending, %d rejected", waiting, p.Rejected)
	case waiting > 0:
		return fmt.Sprintf("%d pending", waiting)
	case p.Rejected > 0:
		return fmt.Sprintf("%d rejected", p.Rejected)
	case p.Posted > 0 && i.Audit == nil:
		return "not audited"
	case i.Audit != nil && !i.Audit.Clean():
		return "not once each"
	}
	return fmt.Sprint(p.Posted)
}
