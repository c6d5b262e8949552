package cli

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/evalrun/evalrun/harness/runner"
	"github.com/evalrun/evalrun/harness/sgp"
	"github.com/evalrun/evalrun/reporter"
)

func (a *app) datasetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dataset",
		Short: "Move test cases between a file and a platform",
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		Args:  subcommand,
	}
	cmd.AddCommand(a.pushCommand(), a.pullCommand())
	return cmd
}

func (a *app) pushCommand() *cobra.Command {
	var to map[string]string
	var fields []string
	var o dataset.Options
	var draft, asJSON bool
	cmd := &cobra.Command{
		Use:   "push FILE",
		Short: "Upload the cases of a file to Scale GP and publish them as a version",
		Example: `  evalrun dataset push cases.jsonl --sgp name=support
  evalrun dataset push more.csv --sgp id=ds_1 --map input=question --map expected=answer`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyKeys(to, "name", "id", "schema"); err != nil {
				return err
			}
			if (to["name"] == "") == (to["id"] == "") {
				return fmt.Errorf("--sgp: expected name=NAME for a new dataset or id=ID for one that is there")
			}
			var err error
			if o.Map, err = fieldMap(fields); err != nil {
				return err
			}
			file, err := dataset.Open(args[0], o)
			if err != nil {
				return err
			}
			defer file.Close()
			client, err := a.sgp()
			if err != nil {
				return err
			}
			defer client.Close()
			pushed, err := sgp.Push(cmd.Context(), client, file, sgp.PushConfig{
				DatasetID: to["id"], Name: to["name"], SchemaType: strings.ToUpper(to["schema"]), Draft: draft,
			})
			if err != nil {
				return &runner.Error{Code: runner.CodeUnposted, Err: err,
					Hint: fmt.Sprintf("certainly in dataset %q: %s", pushed.DatasetID, cases(pushed.Cases))}
			}
			if asJSON {
				return json.NewEncoder(a.stdout).Encode(map[string]any{
					"dataset_id": pushed.DatasetID, "version": pushed.Version, "cases": pushed.Cases,
				})
			}
			_, err = fmt.Fprintf(a.stdout, "dataset %s, version %d: %s\n", reporter.Terminal(pushed.DatasetID), pushed.Version, cases(pushed.Cases))
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringToStringVar(&to, "sgp", nil, "where to: name=NAME for a new dataset, id=ID for an existing one; schema=GENERATION|FLEXIBLE")
	fl.StringArrayVar(&fields, "map", nil, "where the file has a field: input=question (repeatable; a field name or a jq path)")
	fl.StringVar(&o.Format, "format", "", "format of the file, when its name does not tell")
	fl.StringVar(&o.Items, "items", "", "jq path to the list of cases in a .json or .yaml file")
	fl.BoolVar(&draft, "draft", false, "do not publish a version")
	fl.BoolVar(&asJSON, "json", false, "print dataset_id, version and cases as JSON")
	return cmd
}

// fieldMap reads input=question; what follows the first = may be any jq path.
func fieldMap(fields []string) (map[string]string, error) {
	m := map[string]string{}
	for _, f := range fields {
		ours, theirs, ok := strings.Cut(f, "=")
		if !ok || ours == "" || theirs == "" {
			return nil, fmt.Errorf("--map %s: expected our field, =, and the file's: input=question", f)
		}
		if _, twice := m[ours]; twice {
			return nil, fmt.Errorf("--map %s: %s is mapped twice", f, ours)
		}
		m[ours] = theirs
	}
	return m, nil
}

func (a *app) pullCommand() *cobra.Command {
	var from map[string]string
	var path string
	cmd := &cobra.Command{
		Use:     "pull",
		Short:   "Download the cases of a Scale GP dataset as JSON lines",
		Example: `  evalrun dataset pull --sgp id=ds_1,version=3 -o cases.jsonl`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := onlyKeys(from, "id", "version"); err != nil {
				return err
			}
			if from["id"] == "" {
				return fmt.Errorf("--sgp: expected id=ID, and version=N for a published version")
			}
			version := 0
			if v := from["version"]; v != "" {
				var err error
				if version, err = strconv.Atoi(v); err != nil || version < 1 {
					return fmt.Errorf("--sgp version=%s: expected a number from 1", v)
				}
			}
			client, err := a.sgp()
			if err != nil {
				return err
			}
			defer client.Close()
			source := &sgp.Source{Client: client, DatasetID: from["id"], Version: version, OriginalIDs: true}
			defer source.Close()
			return a.pull(cmd, source, path)
		},
	}
	cmd.Flags().StringToStringVar(&from, "sgp", nil, "which: id=ID, and version=N for a published version")
	cmd.Flags().StringVarP(&path, "output", "o", "", "file to write (default: standard output)")
	return cmd
}

func (a *app) pull(cmd *cobra.Command, source *sgp.Source, path string) error {
	n := 0
	err := output{path: path}.write(a.stdout, func(w io.Writer) error {
		b := bufio.NewWriter(w)
		enc := json.NewEncoder(b)
		enc.SetEscapeHTML(false)
		for c, err := range sgp.Pull(cmd.Context(), source) {
			if err != nil {
				if n == 0 && !errors.Is(err, sgp.ErrChanged) { // no such dataset, or nobody there
					return err
				}
				return &runner.Error{Code: runner.CodeIncomplete, Err: err}
			}
			if err := enc.Encode(caseLine{c}); err != nil {
				return err
			}
			n++
		}
		return b.Flush()
	})
	if err == nil && path != "" && !a.quiet {
		a.say("%s in %s", cases(n), path)
	}
	return err
}

// caseLine is a case as our own datasets have it: evalrun reads it back without
// a map.
type caseLine struct{ harness.Case }

func (a *app) sgp() (*sgp.Client, error) {
	client, err := sgp.New(sgp.ConfigFromEnv(func(name string) string {
		value, _ := a.Getenv(name)
		return value
	}))
	if err != nil {
		return nil, &runner.Error{Code: runner.CodeUsage, Err: err,
			Hint: "set SGP_API_KEY and SGP_ACCOUNT_ID, or SGP_CLIENT_BASE_URL=http://127.0.0.1:8400 for evalrun serve"}
	}
	return client, nil
}

func onlyKeys(m map[string]string, known ...string) error {
	for key := range m {
		ok := false
		for _, k := range known {
			ok = ok || k == key
		}
		if !ok {
			return fmt.Errorf("--sgp: unknown key %q; there are %s", key, strings.Join(known, ", "))
		}
	}
	return nil
}
