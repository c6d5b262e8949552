package sgpserver_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
)

func loc(parts ...any) []any {
	for i, p := range parts {
		if n, ok := p.(int); ok {
			parts[i] = float64(n) // as JSON decodes it
		}
	}
	return parts
}

// Each problem of a result is named by its place in the batch, and nothing of
// the batch is kept.
func TestInvalidResults(t *testing.T) {
	r := startReady(t, 3)
	late := r.api.cases(r.dataset, 1)[0] // after version 1
	draft := r.post("/v4/evaluation-datasets/"+r.dataset+"/evaluation-dataset-versions", object{})
	require.Equal(t, 2.0, draft["num"])
	data := "test_case_evaluation_data"
	for name, c := range map[string]struct {
		change object
		loc    []any
		kind   string
	}{
		"no test case ID":         {object{"test_case_id": absent}, loc("test_case_id"), "missing"},
		"null for a test case":    {object{"test_case_id": nil}, loc("test_case_id"), "string_type"},
		"unknown test case":       {object{"test_case_id": "none"}, loc("test_case_id"), "value_error"},
		"case of a later version": {object{"test_case_id": late}, loc("test_case_id"), "value_error"},
		"no spec":                 {object{"application_spec_id": absent}, loc("application_spec_id"), "missing"},
		"unknown spec":            {object{"application_spec_id": "none"}, loc("application_spec_id"), "value_error"},
		"no version":              {object{"evaluation_dataset_version_num": absent}, loc("evaluation_dataset_version_num"), "missing"},
		"version as a number":     {object{"evaluation_dataset_version_num": 1}, loc("evaluation_dataset_version_num"), "string_type"},
		"unknown version":         {object{"evaluation_dataset_version_num": "7"}, loc("evaluation_dataset_version_num"), "value_error"},
		"version is no number":    {object{"evaluation_dataset_version_num": "v1"}, loc("evaluation_dataset_version_num"), "value_error"},
		"version is a draft":      {object{"evaluation_dataset_version_num": "2"}, loc("evaluation_dataset_version_num"), "value_error"},
		"no data":                 {object{data: absent}, loc(data), "missing"},
		"data is a list":          {object{data: []any{}}, loc(data), "dict_type"},
		"data is null":            {object{data: nil}, loc(data), "dict_type"},
		"no output":               {object{data: object{}}, loc(data, "generation_output"), "missing"},
		"output is an object":     {object{data: object{"generation_output": object{}}}, loc(data, "generation_output"), "string_type"},
		"extra info of no kind":   {object{data: object{"generation_output": "", "generation_extra_info": object{}}}, loc(data, "generation_extra_info"), "union_tag_not_found"},
		"extra info of two kinds": {object{data: object{"generation_output": "", "generation_extra_info": object{"info": "", "chunks": []any{}}}}, loc(data, "generation_extra_info"), "union_tag_not_found"},
		"extra info of odd kind":  {object{data: object{"generation_output": "", "generation_extra_info": object{"schema_type": "TEXT"}}}, loc(data, "generation_extra_info", "schema_type"), "enum"},
		"chunk without text":      {object{data: object{"generation_output": "", "generation_extra_info": object{"chunks": []any{object{}}}}}, loc(data, "generation_extra_info", "chunks", 0, "text"), "missing"},
		"chunk is a string":       {object{data: object{"generation_output": "", "generation_extra_info": object{"chunks": []any{"c"}}}}, loc(data, "generation_extra_info", "chunks", 0), "dict_type"},
		"value is null":           {object{"result": object{"q": nil}}, loc("result", "q"), "scalar_or_list_type"},
		"value is an object":      {object{"result": object{"q": object{"a": 1}}}, loc("result", "q"), "scalar_or_list_type"},
		"value nests lists":       {object{"result": object{"q": []any{"a", []any{1}}}}, loc("result", "q", 1), "scalar_type"},
		"value holds null":        {object{"result": object{"q": []any{nil}}}, loc("result", "q", 0), "scalar_type"},
		"value holds an object":   {object{"result": object{"q": []any{object{}}}}, loc("result", "q", 0), "scalar_type"},
		"result is a list":        {object{"result": []any{}}, loc("result"), "dict_type"},
		"odd status":              {object{"label_status": "DONE"}, loc("label_status"), "enum"},
		"odd audit status":        {object{"audit_status": 1}, loc("audit_status"), "enum"},
		"audit required":          {object{"audit_required": "yes"}, loc("audit_required"), "bool_type"},
		"time is a fraction":      {object{"time_spent_labeling_s": 1.5}, loc("time_spent_labeling_s"), "int_type"},
		"time is a string":        {object{"time_spent_labeling_s": "1"}, loc("time_spent_labeling_s"), "int_type"},
		"odd identity":            {object{"annotated_by_identity_type": "robot"}, loc("annotated_by_identity_type"), "enum"},
	} {
		t.Run(name, func(t *testing.T) {
			a := *r.api
			a.t = t
			bad := r.result(1, c.change)
			found := a.problems("POST", r.results+"/batch", []any{r.result(0, nil), bad, r.result(2, nil)})
			require.Len(t, found, 1)
			assert.Equal(t, append(loc("body", 1), c.loc...), found[0].Loc)
			assert.Equal(t, c.kind, found[0].Type)
			assert.NotEmpty(t, found[0].Msg)
			single := a.problems("POST", r.results, bad)
			assert.Equal(t, append(loc("body"), c.loc...), single[0].Loc)
			assert.Zero(t, a.page(r.results).Total, "nothing of a refused batch is kept")
		})
	}
}

func TestProblemsOfManyItems(t *testing.T) {
	r := startReady(t, 1)
	batch := make([]any, 300)
	for i := range batch {
		batch[i] = r.result(0, nil)
	}
	batch[7], batch[299] = "no object", r.result(0, object{"test_case_id": "gone", "result": object{"b": nil, "a": nil}})
	found := r.problems("POST", r.results+"/batch", batch)
	var places [][]any
	for _, p := range found {
		places = append(places, p.Loc)
	}
	assert.ElementsMatch(t, [][]any{
		loc("body", 7), loc("body", 299, "result", "a"), loc("body", 299, "result", "b"), loc("body", 299, "test_case_id"),
	}, places)
	assert.Equal(t, "no object", found[0].Input)

	for i := range batch {
		batch[i] = nil
	}
	assert.Len(t, r.problems("POST", r.results+"/batch", batch), 100, "the list of problems is bounded")

	long := r.result(0, object{"test_case_id": strings.Repeat("x", 5000)})
	assert.Nil(t, r.problems("POST", r.results, long)[0].Input, "long input is not repeated")
}

func TestInvalidCases(t *testing.T) {
	a := start(t, sgpserver.Config{})
	generation, flexible := a.dataset("GENERATION"), a.dataset("FLEXIBLE")
	item := func(data any) object { return object{"test_case_data": data} }
	for name, c := range map[string]struct {
		dataset string
		item    any
		loc     []any
		kind    string
	}{
		"no data":               {generation, object{}, loc("test_case_data"), "missing"},
		"data is null":          {generation, item(nil), loc("test_case_data"), "dict_type"},
		"no input":              {generation, item(object{}), loc("test_case_data", "input"), "missing"},
		"input is a number":     {generation, item(object{"input": 1}), loc("test_case_data", "input"), "string_type"},
		"input is an object":    {generation, item(object{"input": object{}}), loc("test_case_data", "input"), "string_type"},
		"expected is a list":    {generation, item(object{"input": "", "expected_output": []any{}}), loc("test_case_data", "expected_output"), "string_type"},
		"artifacts no list":     {generation, item(object{"input": "", "artifact_ids_filter": "a"}), loc("test_case_data", "artifact_ids_filter"), "list_type"},
		"artifact no string":    {generation, item(object{"input": "", "artifact_ids_filter": []any{"a", 1}}), loc("test_case_data", "artifact_ids_filter", 1), "string_type"},
		"history is a list":     {generation, object{"test_case_data": object{"input": ""}, "chat_history": []any{}}, loc("chat_history"), "dict_type"},
		"metadata is a string":  {generation, object{"test_case_data": object{"input": ""}, "test_case_metadata": "m"}, loc("test_case_metadata"), "dict_type"},
		"schema of another":     {generation, object{"test_case_data": object{"input": ""}, "schema_type": "FLEXIBLE"}, loc("schema_type"), "enum"},
		"flexible input list":   {flexible, item(object{"input": []any{}}), loc("test_case_data", "input"), "string_or_dict_type"},
		"flexible input null":   {flexible, item(object{"input": nil}), loc("test_case_data", "input"), "string_or_dict_type"},
		"flexible expected 1":   {flexible, item(object{"input": "", "expected_output": 1}), loc("test_case_data", "expected_output"), "string_or_dict_type"},
		"info is not a string":  {flexible, item(object{"input": "", "expected_extra_info": object{"info": 1}}), loc("test_case_data", "expected_extra_info", "info"), "string_type"},
		"chunks is not a list":  {flexible, item(object{"input": "", "expected_extra_info": object{"schema_type": "CHUNKS", "chunks": "c"}}), loc("test_case_data", "expected_extra_info", "chunks"), "list_type"},
		"item is not an object": {generation, []any{}, nil, "dict_type"},
	} {
		t.Run(name, func(t *testing.T) {
			a := *a
			a.t = t
			path := "/v4/evaluation-datasets/" + c.dataset + "/test-cases"
			found := a.problems("POST", path+"/batch", []any{item(object{"input": "good"}), c.item})
			require.Len(t, found, 1)
			assert.Equal(t, append(loc("body", 1), c.loc...), found[0].Loc)
			assert.Equal(t, c.kind, found[0].Type)
			assert.Equal(t, c.kind, a.problems("POST", path, c.item)[0].Type)
			assert.Zero(t, a.page(path).Total, "nothing of a refused batch is kept")
		})
	}
}

func TestInvalidEntities(t *testing.T) {
	r := startReady(t, 1)
	dataset := object{"name": "d", "schema_type": "GENERATION", "account_id": "a"}
	spec := object{"name": "s", "description": "", "account_id": "a"}
	evaluation := object{"name": "e", "description": "", "account_id": "a", "application_spec_id": r.spec}
	versions := "/v4/evaluation-datasets/" + r.dataset + "/evaluation-dataset-versions"
	for name, c := range map[string]struct {
		path   string
		body   object
		change object
		loc    []any
		kind   string
	}{
		"dataset without a name":    {"/v4/evaluation-datasets", dataset, object{"name": absent}, loc("name"), "missing"},
		"dataset without a schema":  {"/v4/evaluation-datasets", dataset, object{"schema_type": absent}, loc("schema_type"), "missing"},
		"dataset of odd schema":     {"/v4/evaluation-datasets", dataset, object{"schema_type": "generation"}, loc("schema_type"), "enum"},
		"dataset without account":   {"/v4/evaluation-datasets", dataset, object{"account_id": absent}, loc("account_id"), "missing"},
		"dataset of odd type":       {"/v4/evaluation-datasets", dataset, object{"type": "x"}, loc("type"), "enum"},
		"dataset of a model":        {"/v4/evaluation-datasets", dataset, object{"type": "autogenerated"}, loc("type"), "value_error"},
		"spec without description":  {"/v4/application-specs", spec, object{"description": absent}, loc("description"), "missing"},
		"spec with a numeric name":  {"/v4/application-specs", spec, object{"name": 1}, loc("name"), "string_type"},
		"spec with an odd flag":     {"/v4/application-specs", spec, object{"run_online_evaluation": 1}, loc("run_online_evaluation"), "bool_type"},
		"evaluation without spec":   {"/v4/evaluations", evaluation, object{"application_spec_id": absent}, loc("application_spec_id"), "missing"},
		"evaluation of no spec":     {"/v4/evaluations", evaluation, object{"application_spec_id": "none"}, loc("application_spec_id"), "value_error"},
		"evaluation of a builder":   {"/v4/evaluations", evaluation, object{"type": "builder"}, loc("type"), "value_error"},
		"evaluation with odd tags":  {"/v4/evaluations", evaluation, object{"tags": []any{}}, loc("tags"), "dict_type"},
		"version with an odd draft": {versions, object{}, object{"draft": "no"}, loc("draft"), "bool_type"},
		"version with an odd date":  {versions, object{}, object{"published_at": "yesterday"}, loc("published_at"), "datetime_parsing"},
	} {
		t.Run(name, func(t *testing.T) {
			a := *r.api
			a.t = t
			body := object{}
			for k, v := range c.body {
				body[k] = v
			}
			for k, v := range c.change {
				body[k] = v
				if v == absent {
					delete(body, k)
				}
			}
			found := a.problems("POST", c.path, body)
			require.Len(t, found, 1)
			assert.Equal(t, append(loc("body"), c.loc...), found[0].Loc)
			assert.Equal(t, c.kind, found[0].Type)
		})
	}
}

func TestInvalidBodies(t *testing.T) {
	r := startReady(t, 1)
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for name, c := range map[string]struct {
		body string
		kind string
	}{
		"nothing":           {"", "missing"},
		"broken":            {`[{"a": 1`, "json_invalid"},
		"two texts":         {`[] []`, "json_invalid"},
		"not UTF-8":         {"[\"\xff\"]", "json_invalid"},
		"NaN":               {`[{"result": {"q": NaN}}]`, "json_invalid"},
		"an object":         {`{}`, "list_type"},
		"null":              {`null`, "list_type"},
		"a string":          {`"x"`, "list_type"},
		"too deep":          {deep(257), "json_invalid"},
		"far too deep":      {strings.Repeat("[", 1_000_000), "json_invalid"},
		"deep, but not so":  {deep(256), "dict_type"},
		"depth in a string": {`["` + strings.Repeat(`[{\"`, 400) + `"]`, "dict_type"},
	} {
		t.Run(name, func(t *testing.T) {
			a := *r.api
			a.t = t
			found := a.problems("POST", r.results+"/batch", c.body)
			assert.Equal(t, c.kind, found[0].Type)
			assert.Equal(t, "body", found[0].Loc[0])
		})
	}
	assert.Equal(t, "dict_type", r.problems("POST", r.results, `[]`)[0].Type)
	assert.Equal(t, "missing", r.problems("POST", r.results, "")[0].Type)
}

func TestInvalidQueries(t *testing.T) {
	r := startReady(t, 1)
	d := "/v4/evaluation-datasets/" + r.dataset
	lists := []string{
		"/v4/evaluation-datasets", d + "/test-cases", d + "/test-cases/history/1", d + "/evaluation-dataset-versions",
		"/v4/application-specs", "/v4/evaluations", r.results,
	}
	for query, want := range map[string]struct {
		name, kind string
	}{
		"page=0":                   {"page", "greater_than_equal"},
		"page=-1":                  {"page", "greater_than_equal"},
		"page=one":                 {"page", "int_parsing"},
		"page=":                    {"page", "int_parsing"},
		"page=1.5":                 {"page", "int_parsing"},
		"page=9999999999999999999": {"page", "int_parsing"},
		"page=999999999999999999":  {"page", "less_than_equal"},
		"limit=0":                  {"limit", "greater_than_equal"},
		"limit=10001":              {"limit", "less_than_equal"},
		"limit=5&limit=all":        {"limit", "int_parsing"},
	} {
		for _, list := range lists {
			found := r.problems("GET", list+"?"+query, nil)
			require.Len(t, found, 1, "%s?%s", list, query)
			assert.Equal(t, loc("query", want.name), found[0].Loc, "%s?%s", list, query)
			assert.Equal(t, want.kind, found[0].Type, "%s?%s", list, query)
		}
	}
	for path, want := range map[string][]any{
		"/v4/evaluation-datasets?view=Nothing":           loc("query", "view", 0),
		d + "?view=TestCaseCount,Metrics":                loc("query", "view", 1),
		"/v4/evaluations?view=ApplicationSpec&view=x":    loc("query", "view", 1),
		"/v4/evaluations?sort_by=status:asc":             loc("query", "sort_by", 0),
		r.results + "?view=metrics":                      loc("query", "view", 0),
		r.results + "/x?view=Tasks":                      loc("query", "view", 0),
		"/v4/evaluation-datasets?include_archived=maybe": loc("query", "include_archived"),
		d + "/test-cases/history/latest":                 loc("path", "num"),
		d + "/test-cases/history/0":                      loc("path", "num"),
	} {
		found := r.problems("GET", path, nil)
		assert.Equal(t, want, found[0].Loc, path)
	}
	assert.Equal(t, loc("query", "force"), r.problems("POST", d+"/publish?force=2", nil)[0].Loc)
	assert.Len(t, r.problems("GET", r.results+"?page=0&limit=0&view=x,y", nil), 4, "all problems at once")
}

func TestTooLargeBodies(t *testing.T) {
	a := start(t, sgpserver.Config{MaxBody: 1000})
	body := object{"name": strings.Repeat("x", 1000), "schema_type": "GENERATION", "account_id": "a"}
	assert.Contains(t, a.detail(http.StatusRequestEntityTooLarge, "POST", "/v4/evaluation-datasets", body), "1000 bytes")

	// Without a Content-Length the body has to be read to know.
	req, err := http.NewRequest("POST", a.url+"/v4/evaluation-datasets", struct{ *strings.Reader }{strings.NewReader(strings.Repeat("[", 2000))})
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
	assert.Zero(t, a.page("/v4/evaluation-datasets").Total)
}

func TestTooManyItems(t *testing.T) {
	a := start(t, sgpserver.Config{})
	body := make([]object, maxItems+1)
	assert.Contains(t, a.detail(http.StatusRequestEntityTooLarge, "POST", "/v4/evaluations/x/test-case-results/batch", body), "at most 50000")
}

const maxItems = 50_000 // that a batch may have

// Null means absent for an optional field, wherever it is.
func TestNullsOfOptionalFields(t *testing.T) {
	r := startReady(t, 1)
	c := r.post("/v4/evaluation-datasets/"+r.dataset+"/test-cases", object{
		"test_case_data": object{"input": "q", "expected_output": nil, "expected_extra_info": object{
			"schema_type": nil, "chunks": []any{object{"text": "t", "metadata": nil, "mine": nil}},
		}},
		"chat_history": nil, "test_case_metadata": nil, "account_id": nil, "schema_type": nil, "mine": nil,
	})
	assert.Equal(t, object{"input": "q", "expected_extra_info": object{"schema_type": "CHUNKS", "chunks": []any{object{"text": "t", "mine": nil}}}}, c["test_case_data"])
	assert.NotContains(t, c, "chat_history")
	assert.Equal(t, "acc", c["account_id"])
	assert.Contains(t, c, "mine", "an unknown field is kept as it came")
	res := r.post(r.results, r.result(0, object{"result": nil, "label_status": nil, "audit_comment": nil, "account_id": nil}))
	assert.Equal(t, "PENDING", res["label_status"])
	assert.NotContains(t, res, "result")
	assert.NotContains(t, res, "audit_comment")
}
