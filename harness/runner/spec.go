package runner

import (
	"maps"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/evalrun/evalrun/harness/gate"
	"github.com/evalrun/evalrun/harness/reduce"
	"github.com/evalrun/evalrun/harness/store"
)

// spec is what a new run is made of, as the store keeps it.
func (r *runner) spec() (store.Spec, error) {
	options, err := r.selection.options()
	if err != nil {
		return store.Spec{}, err
	}
	for key, value := range r.options.Tags {
		options[tagOption+key] = value
	}
	maps.Copy(options, r.appOptions())
	path, err := filepath.Abs(r.suite.Path)
	if err != nil {
		return store.Spec{}, err
	}
	spec := store.Spec{
		Suite: r.suite.Name, Text: string(r.suite.Text), Path: path, App: r.appName(),
		Dataset: r.suite.Dataset.String(), Seed: r.suite.Seed, Trials: r.suite.Trials,
		Evaluators: r.suite.Metrics, Gate: gateTexts(r.suite.Gate), Options: options,
		Digests: r.suite.Digests(r.appName()), Reduce: reduced(r.suite.Reduce),
		Version: r.options.Version, Revision: r.options.Revision,
	}
	if d, ok := r.source.(interface{ Digest() (string, error) }); ok {
		if spec.DatasetDigest, err = d.Digest(); err != nil {
			return spec, err
		}
	}
	return spec, nil
}

// appOptions say how many apps the suite has, when there are several.
func (r *runner) appOptions() map[string]string {
	if n := len(r.suite.Apps); n > 1 {
		return map[string]string{appsOption: strconv.Itoa(n)}
	}
	return nil
}

// reduced is how the trials are reduced, "" for the mean.
func reduced(r reduce.Reducer) string {
	if r.IsMean() {
		return ""
	}
	return r.String()
}

func (r *runner) appName() string {
	if r.options.App == "" && len(r.suite.Apps) > 0 {
		return r.suite.Apps[0].Name
	}
	return r.options.App
}

func gateTexts(checks []gate.Check) []string {
	var texts []string
	for _, c := range checks {
		texts = append(texts, c.Text)
	}
	return texts
}

const (
	// tagOption begins the names of the options that are tags.
	tagOption = "tag."
	// appsOption is how many apps the suite has, when there are several.
	appsOption = "apps"
)

// Tags are the tags that a run was given.
func Tags(spec store.Spec) map[string]string {
	tags := map[string]string{}
	for key, value := range spec.Options {
		if name, ok := strings.CutPrefix(key, tagOption); ok {
			tags[name] = value
		}
	}
	return tags
}
