package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/retell/retellserver"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
)

// serving are the flags of evalrun serve.
type serving struct {
	addr  string
	auth  bool
	hosts []string

	retell bool
	seed   uint64
	speed  float64
}

func (a *app) serveCommand() *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve a local platform: Scale's v4 API over the local store, or Retell's test API",
		Long: `Serve speaks Scale's v4 API (datasets, test cases, evaluations, test case
results) over the local store, for offline work and for tests. Point a client at
it with SGP_CLIENT_BASE_URL=http://127.0.0.1:8400. It ends at Ctrl-C.

With --retell it speaks Retell's test API instead (test case definitions, batch
tests, test runs), in memory: what it is told is gone when it ends. Nobody is
called and no model is asked; runs pass, fail and break by chance. The dynamic
variables simulated_pass_rate, simulated_pass_rate_v3 (for version 3 of the
engine) and simulated_error_rate of a definition say how often, from 0 to 1.
Point a client at it with RETELL_BASE_URL=http://127.0.0.1:8401; Retell's own
clients want a RETELL_API_KEY too, and any will do. Serve both with two commands.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.check(cmd.Flags().Changed); err != nil {
				return &runner.Error{Code: runner.CodeUsage, Err: err}
			}
			serve, name := a.serveScale, "SGP_API_KEY"
			if s.retell {
				serve, name = a.serveRetell, "RETELL_API_KEY"
			}
			var key string
			if s.auth {
				if key, _ = a.Getenv(name); key == "" {
					return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("serve --auth: %s is not set", name), Hint: name + " holds the key that clients have to bring"}
				}
			}
			err := serve(cmd.Context(), s, key)
			if errors.Is(err, sgpserver.ErrNeedsKey) {
				return &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("serve --addr %s: others can reach that address, and clients are asked for no key", s.addr),
					Hint: "put a key into " + name + " and give --auth, which asks clients for it; or listen on loopback"}
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.addr, "addr", "", "address to listen on, "+sgpserver.DefaultAddr+" or with --retell "+retellserver.DefaultAddr+" unless given; loopback unless --auth")
	f.BoolVar(&s.auth, "auth", false, "ask clients for the key in SGP_API_KEY, or with --retell in RETELL_API_KEY")
	f.StringSliceVar(&s.hosts, "host", nil, "a further name that clients may use for this server")
	f.BoolVar(&s.retell, "retell", false, "serve Retell's test API")
	f.Uint64Var(&s.seed, "seed", 1, "with --retell: chooses the verdicts; the same seed gives the same ones")
	f.Float64Var(&s.speed, "speed", 1000, "with --retell: how many simulated seconds pass in one; a run takes 20 to 60 of them")
	return cmd
}

// check refuses flags that don't go together.
func (s serving) check(changed func(flag string) bool) error {
	for _, name := range []string{"seed", "speed"} {
		if !s.retell && changed(name) {
			return fmt.Errorf("--%s goes with --retell", name)
		}
	}
	if !(s.speed > 0) {
		return fmt.Errorf("--speed %v: expected more than 0", s.speed)
	}
	return nil
}

// serveScale serves Scale's API over the store until ctx ends.
func (a *app) serveScale(ctx context.Context, s serving, key string) error {
	st, err := a.open(true)
	if err != nil {
		return err
	}
	defer st.Close()
	c := sgpserver.Config{Store: st, APIKey: key, Hosts: s.hosts}
	c.AccountID, _ = a.Getenv("SGP_ACCOUNT_ID")
	return sgpserver.Serve(ctx, s.addr, c, func(addr string) {
		a.say("evalrun: serving Scale's v4 API on http://%s over %s; Ctrl-C ends it", addr, a.storeDir)
	})
}

// serveRetell serves Retell's API in memory until ctx ends.
func (a *app) serveRetell(ctx context.Context, s serving, key string) error {
	c := retellserver.Config{APIKey: key, Hosts: s.hosts, Seed: s.seed, Speed: s.speed}
	return retellserver.Serve(ctx, s.addr, c, func(addr string) {
		a.say("evalrun: serving Retell's test API on http://%s, simulated with seed %d; Ctrl-C ends it", addr, s.seed)
		export := "RETELL_BASE_URL=http://" + addr
		if key == "" { // else clients have it
			export += " RETELL_API_KEY=any"
		}
		a.say("evalrun: export %s", export)
	})
}
