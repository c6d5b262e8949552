package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
)

func (a *app) serveCommand() *cobra.Command {
	var addr string
	var auth bool
	var hosts []string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the local platform: Scale's v4 API over the local store",
		Long: `Serve speaks Scale's v4 API (datasets, test cases, evaluations, test case
results) over the local store, for offline work and for tests. Point a client at
it with SGP_CLIENT_BASE_URL=http://127.0.0.1:8400. It ends at Ctrl-C.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := sgpserver.Config{Hosts: hosts}
			c.AccountID, _ = a.Getenv("SGP_ACCOUNT_ID")
			if auth {
				if c.APIKey, _ = a.Getenv("SGP_API_KEY"); c.APIKey == "" {
					return &runner.Error{Code: runner.CodeUsage, Err: errNoServeKey, Hint: "SGP_API_KEY holds the key that clients have to bring"}
				}
			}
			st, err := a.open(true)
			if err != nil {
				return err
			}
			defer st.Close()
			c.Store = st
			err = sgpserver.Serve(cmd.Context(), addr, c, func(addr string) {
				a.say("evalrun: serving Scale's v4 API on http://%s over %s; Ctrl-C ends it", addr, a.storeDir)
			})
			if errors.Is(err, sgpserver.ErrNeedsKey) {
				return &runner.Error{Code: runner.CodeUsage, Err: err, Hint: "put a key into SGP_API_KEY and give --auth, which asks clients for it"}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&addr, "addr", sgpserver.DefaultAddr, "address to listen on; loopback unless --auth")
	cmd.Flags().BoolVar(&auth, "auth", false, "ask clients for the key in SGP_API_KEY")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "a further name that clients may use for this server")
	return cmd
}
