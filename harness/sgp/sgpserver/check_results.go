package sgpserver

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/evalrun/evalrun/harness/store"
)

// checkResults checks TestCaseResultRequests by themselves and against what the
// store has, and gives the test case of each.
func (s *server) checkResults(ctx context.Context, batch []fields) ([]store.PlatformCase, error) {
	type link struct{ spec, version, test string }
	links := make([]link, len(batch))
	specs, tests := make([]string, len(batch)), make([]string, len(batch))
	for i, f := range batch {
		spec, _ := f.text("application_spec_id", true)
		version, _ := f.text("evaluation_dataset_version_num", true)
		test, _ := f.text("test_case_id", true)
		links[i] = link{spec, version, test}
		specs[i], tests[i] = spec, test
		checkLabels(f)
	}
	known, err := s.db.FindSpecs(ctx, unique(specs))
	if err != nil {
		return nil, err
	}
	found, err := s.db.FindCases(ctx, unique(tests), false)
	if err != nil {
		return nil, err
	}
	versions := versionCache{db: s.db}
	cases := make([]store.PlatformCase, len(batch))
	for i, f := range batch {
		l, c := links[i], found[links[i].test]
		if l.spec != "" && !known[l.spec] {
			f.value("application_spec_id", "no such application spec")
		}
		if l.test != "" && c.ID == "" {
			f.value("test_case_id", "no such test case")
		}
		checkAnswer(f, c.Schema)
		if c.ID == "" || l.version == "" {
			continue
		}
		v, err := versions.get(ctx, c.Dataset, l.version)
		if err != nil {
			return nil, err
		}
		switch {
		case v.Published == "":
			f.value("evaluation_dataset_version_num", "the dataset has no published version of this number")
		case c.Pos >= v.Cases:
			f.value("test_case_id", "the test case is not in version %s of its dataset", l.version)
		}
		cases[i] = c
	}
	return cases, nil
}

// unique leaves out repeated and empty strings.
func unique(all []string) []string {
	seen := make(map[string]bool, len(all))
	var out []string
	for _, s := range all {
		if s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

// versionCache looks up each version of a batch once. A version that is not there
// is one that is not published.
type versionCache struct {
	db   *store.Platform
	seen map[[2]string]store.PlatformVersion
}

func (c *versionCache) get(ctx context.Context, dataset, num string) (store.PlatformVersion, error) {
	key := [2]string{dataset, num}
	if v, ok := c.seen[key]; ok {
		return v, nil
	}
	var v store.PlatformVersion
	if n, err := strconv.ParseInt(num, 10, 64); err == nil {
		if v, err = c.db.Version(ctx, dataset, n); isOther(err) {
			return v, err
		}
	}
	if c.seen == nil {
		c.seen = map[[2]string]store.PlatformVersion{}
	}
	c.seen[key] = v
	return v, nil
}

// checkLabels checks the optional fields.
func checkLabels(f fields) {
	f.oneOf("label_status", false, store.PlatformPending, store.PlatformCompleted, store.PlatformFailed)
	f.oneOf("audit_status", false, "UNAUDITED", "FIXED", "APPROVED")
	f.boolean("audit_required")
	f.text("audit_comment", false)
	f.integer("time_spent_labeling_s")
	f.text("account_id", false)
	f.text("annotated_by_user_id", false)
	f.oneOf("annotated_by_identity_type", false, "user", "service_account")
	f.oneOf("edited_by_identity_type", false, "user", "service_account")
	f.dict("result", false, checkValues)
}

// checkValues checks that the values of a result are scalars or flat arrays of
// scalars.
func checkValues(values fields) {
	for _, name := range slices.Sorted(maps.Keys(values.object)) {
		raw := values.object[name]
		switch kindOf(raw) {
		case kindNull, kindObject:
			values.wrong("scalar_or_list_type", "Input should be a string, a number, a boolean or a flat list of these", name)
		case kindArray:
			var items []json.RawMessage
			_ = json.Unmarshal(raw, &items) // it is valid JSON and an array
			for i, item := range items {
				switch kindOf(item) {
				case kindNull, kindObject, kindArray:
					values.add(values.at(name, i), "scalar_type", "Input should be a string, a number or a boolean", item, nil)
				}
			}
		}
	}
}

// checkAnswer checks test_case_evaluation_data against the kind of the dataset;
// "" is not known.
func checkAnswer(f fields, schema string) {
	f.dict("test_case_evaluation_data", true, func(data fields) {
		switch schema {
		case generation:
			data.text("generation_output", true)
		case flexible:
			data.textOrDict("generation_output", true)
		}
		data.extraInfo("generation_extra_info")
	})
}
