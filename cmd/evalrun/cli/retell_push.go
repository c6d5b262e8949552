package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/reporter"
)

// retellPushFlags are the flags of evalrun retell push.
type retellPushFlags struct {
	engine engineFlags
	dryRun bool
	json   bool
}

func (a *app) retellPushCommand() *cobra.Command {
	var f retellPushFlags
	cmd := &cobra.Command{
		Use:   "push FILE",
		Short: "Create or update test case definitions from a YAML file",
		Long: `Push makes the test case definitions of a response engine on Retell those of a
file, by their names: what is not there is created, what differs is updated, and
what the file does not name is left alone. The same file pushed again changes
nothing. The plan is shown first; --dry-run shows it and nothing else.

  response_engine: {type: retell-llm, llm_id: llm_1}
  test_cases:
    - name: late parcel
      user_prompt: You ordered a parcel a week ago. Ask where it is.
      metrics: [gives the tracking link]
      dynamic_variables: {customer: Ann}
      tool_mocks:
        - tool_name: find_order
          input_match_rule: {type: any}     # or {type: partial_match, args: {id: 7}}
          output: '{"status": "late"}'
      llm_model: gpt-4.1

A tool call that no mock matches runs the real tool. RETELL_API_KEY and
RETELL_BASE_URL say as whom, and where.

Exit codes: 0 the platform has what the file says, or the plan was shown; 2 nothing was
changed, for the file's or the key's fault; 4 not all was pushed: push again does the
rest, when what the platform refused is put right.`,
		Example: `  evalrun retell push cases.yaml --dry-run
  evalrun retell push cases.yaml --llm-id llm_1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &runner.Error{Code: runner.CodeUsage, Err: errors.New("retell push: no file given"), Hint: "evalrun retell push FILE"}
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.retellPush(cmd, f, args[0]) },
	}
	f.engine.add(cmd.Flags(), "of test cases for which the file names no response engine")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the plan and change nothing")
	cmd.Flags().BoolVar(&f.json, "json", false, "print name, test_case_definition_id, action and fields of each as JSON")
	return cmd
}

func (a *app) retellPush(cmd *cobra.Command, f retellPushFlags, path string) error {
	engine, err := f.engine.engine()
	if err != nil {
		return err
	}
	definitions, err := readDefinitions(path, engine)
	if err != nil {
		return err
	}
	client, err := a.retell()
	if err != nil {
		return err
	}
	defer client.Close()
	plan, err := client.PlanPush(cmd.Context(), definitions)
	if err != nil {
		return retellTrouble(err, "nothing was changed")
	}
	a.pushWarnings(definitions, plan)
	out := pushOutput{app: a, json: f.json}
	if err := out.plan(plan); err != nil {
		return err
	}
	if f.dryRun {
		return out.end(plan)
	}
	done := 0
	var unsaid error
	err = client.Apply(cmd.Context(), plan, func(ch retell.Change) {
		done++
		unsaid = cmp.Or(unsaid, out.done(ch))
	})
	if err != nil {
		todo := plan.Count(retell.Create) + plan.Count(retell.Update)
		return notAll(err, done, todo)
	}
	if err := cmp.Or(unsaid, out.end(plan)); err != nil {
		return &runner.Error{Code: runner.CodeIncomplete, Err: err, Hint: "all changes were made"}
	}
	return nil
}

// pushWarnings says what the test cases may do or leave out that nobody meant; in a
// line each when the push changes nothing.
func (a *app) pushWarnings(d retell.Definitions, p retell.Plan) {
	if a.quiet {
		return
	}
	for _, warning := range []string{d.RealTools(), d.Unjudged()} {
		if p.Count(retell.Unchanged) == len(p.Changes) {
			warning, _, _ = strings.Cut(warning, "\n")
		}
		if warning != "" {
			a.say("warning: %s", warning)
		}
	}
}

// notAll is a push that broke off.
func notAll(err error, done, todo int) error {
	made := fmt.Sprintf("%d of %s were made; ", done, reporter.Plural(todo, "change", "changes"))
	if !refused(err) {
		return &runner.Error{Code: runner.CodeIncomplete, Err: err, Hint: made + "the same command does the rest"}
	}
	code := runner.CodeIncomplete
	if done == 0 {
		code = runner.CodeUsage
	}
	return &runner.Error{Code: code, Err: err, Hint: made + "put right what was refused, and the same command does the rest"}
}

func readDefinitions(path string, engine *retell.ResponseEngine) (retell.Definitions, error) {
	f, err := os.Open(path)
	if err != nil {
		return retell.Definitions{}, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strict.MaxSize+1))
	if err != nil {
		return retell.Definitions{}, err
	}
	d, err := retell.ParseDefinitions(path, data, engine)
	if err == nil && engine != nil && d.Engine != nil {
		err = &runner.Error{Code: runner.CodeUsage, Err: fmt.Errorf("%s: the file names a response engine: %s %s", path, d.Engine.Type, d.Engine.ID()),
			Hint: "leave out --llm-id and --conversation-flow-id, which are for files that name none"}
	}
	return d, err
}

// pushOutput shows a plan and what becomes of it.
type pushOutput struct {
	*app
	json bool
}

func (o pushOutput) plan(p retell.Plan) error {
	if o.json || o.quiet {
		return nil
	}
	var b strings.Builder
	for _, ch := range p.Changes {
		line := fmt.Sprintf("%-9s  %s", ch.Action, reporter.Terminal(ch.Want.Name))
		if len(ch.Fields) > 0 {
			line += ": " + strings.Join(ch.Fields, ", ")
		}
		fmt.Fprintln(&b, line)
	}
	left := ""
	if p.Left > 0 {
		left = fmt.Sprintf("; %d more on the platform, left alone", p.Left)
	}
	fmt.Fprintf(&b, "%d to create, %d to update, %d unchanged%s\n",
		p.Count(retell.Create), p.Count(retell.Update), p.Count(retell.Unchanged), left)
	_, err := io.WriteString(o.stdout, b.String())
	return err
}

// done tells that a change was made.
func (o pushOutput) done(ch retell.Change) error {
	if o.json || o.quiet {
		return nil
	}
	_, err := fmt.Fprintf(o.stdout, "%-9s  %s  %s\n", ch.Action+"d", reporter.Terminal(ch.ID), reporter.Terminal(ch.Want.Name))
	return err
}

func (o pushOutput) end(p retell.Plan) error {
	if !o.json {
		return nil
	}
	type line struct {
		Name   string        `json:"name"`
		ID     string        `json:"test_case_definition_id,omitempty"`
		Action retell.Action `json:"action"`
		Fields []string      `json:"fields,omitempty"`
	}
	lines := []line{}
	for _, ch := range p.Changes {
		lines = append(lines, line{ch.Want.Name, ch.ID, ch.Action, ch.Fields})
	}
	return json.NewEncoder(o.stdout).Encode(lines)
}
