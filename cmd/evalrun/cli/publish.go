package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/store"
)

// publishFlags are the flags of evalrun publish.
type publishFlags struct {
	suite         string
	retryRejected bool
	outputs       outputFlags
}

func (a *app) publishCommand() *cobra.Command {
	var f publishFlags
	cmd := &cobra.Command{
		Use:   "publish [RUN]",
		Short: "Finish posting a stored run to its platform; without RUN, the newest that is published",
		Long: `Publish posts what is not posted yet of a run, looks up what is in doubt, and
audits: it reads back what the platform has. A run that is all posted is audited
again. The app is not called, and a run that did not come to its end stays as it
is: what it has is posted.

Where results go is said by the suite as it is today; a run that was made before
its suite said so is posted too. SGP_API_KEY, SGP_ACCOUNT_ID and
SGP_CLIENT_BASE_URL say as whom.

Exit codes: 0 everything is posted and the audit found nothing wrong; 5 if not: something
is pending or rejected, or the platform has a result twice, not at all, or one that is not
ours; 2 nothing was posted, for want of a run or by the suite's fault; 130, 143 interrupted.`,
		Example: `  evalrun publish
  evalrun publish 01JD --retry-rejected`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.publish(cmd, f, args) },
	}
	fl := cmd.Flags()
	fl.StringVar(&f.suite, "suite", "", "suite file (default: the one that the run was started with)")
	fl.BoolVar(&f.retryRejected, "retry-rejected", false, "post results that the platform rejected once more")
	f.outputs.add(fl, a.Reporters.Formats())
	return cmd
}

func (a *app) publish(cmd *cobra.Command, f publishFlags, args []string) error {
	id := ""
	if len(args) > 0 {
		id = args[0]
	} else {
		var err error
		if id, err = a.newestPublished(cmd.Context()); err != nil {
			return err
		}
	}
	var code int
	err := a.stored(cmd, id, f.outputs, func(ctx context.Context, st *store.Store, info store.Info) (*harness.Report, error) {
		s, err := a.suiteOf(info, f.suite)
		if err != nil {
			return nil, err
		}
		a.running.Store(true)
		defer a.running.Store(false)
		out, err := runner.Publish(ctx, s, runner.Options{
			Store: st, Grace: grace, Abort: a.abort, RetryRejected: f.retryRejected, Notice: a.notice,
		}, info.ID)
		if err != nil {
			return nil, err
		}
		code = out.Code()
		return out.Report, nil
	})
	if err == nil {
		a.code = code
	}
	return err
}

// newestPublished is the newest run whose results go to a platform, or, when
// there is none, the newest: its suite may have changed since.
func (a *app) newestPublished(ctx context.Context) (string, error) {
	st, err := a.open(false)
	if err != nil {
		return "", err
	}
	defer st.Close()
	infos, err := st.Runs(ctx)
	if err != nil {
		return "", err
	}
	for _, info := range infos {
		if info.Spec.Publish != nil {
			return info.ID, nil
		}
	}
	return latest, nil
}

// notice says what posting waits for.
func (a *app) notice(text string) {
	if !a.quiet {
		a.say("evalrun: %s", text)
	}
}
