package sgpserver

import (
	"encoding/json"
	"net/http"

	"github.com/evalrun/evalrun/harness/store"
)

func (s *server) createResult(w http.ResponseWriter, r *http.Request) error {
	f, err := s.readObject(r, false)
	if err != nil {
		return err
	}
	bodies, err := s.addResults(r, []fields{f}, f.checker)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, bodies[0])
	return nil
}

func (s *server) createResults(w http.ResponseWriter, r *http.Request) error {
	batch, c, err := s.readBatch(r)
	if err != nil {
		return err
	}
	bodies, err := s.addResults(r, batch, c)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, array(bodies))
	return nil
}

// addResults checks all results and adds all or none of them to the evaluation.
func (s *server) addResults(r *http.Request, batch []fields, c *checker) ([]json.RawMessage, error) {
	e, err := s.evaluation(r)
	if err != nil {
		return nil, err
	}
	cases, err := s.checkResults(r.Context(), batch)
	if err != nil {
		return nil, err
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	now := stamp(s.Now())
	results := make([]store.PlatformResult, len(batch))
	bodies := make([]json.RawMessage, len(batch))
	for i, f := range batch {
		if !f.has("account_id") {
			f.set("account_id", e.Account)
		}
		id, _ := s.created(r, f.object)
		f.set("evaluation_id", e.ID)
		f.drop("completed_at", "edited_by_user_id")
		status := settle(f.object, cases[i], now)
		bodies[i] = f.encode()
		results[i] = store.PlatformResult{ID: id, Dataset: cases[i].Dataset, Status: status, Body: bodies[i]}
	}
	return bodies, s.db.AddResults(r.Context(), e.ID, results, now)
}

// settle sets what follows from a result's test case and from its values, and
// gives its status: the one that the client asked for, else completed when there
// are values and pending when there are none.
func settle(o object, c store.PlatformCase, now string) (status string) {
	o.set("evaluation_dataset_id", c.Dataset)
	o.set("test_case_evaluation_data_schema", c.Schema)
	o.drop("application_test_case_output_id", "invalidated_at", "archived_at", "edited_by", "application_test_case_output",
		"test_case_version", "task", "metrics", "custom_metrics", "audit_tasks", "annotation_results")
	status, asked := unquote(o["label_status"])
	switch {
	case asked:
	case o.has("result") && string(o["result"]) != "{}":
		status = store.PlatformCompleted
	default:
		status = store.PlatformPending
	}
	o.set("label_status", status)
	if status != store.PlatformCompleted {
		o.drop("completed_at")
	} else if !o.has("completed_at") {
		o.set("completed_at", now)
	}
	return status
}

func (q *query) resultViews() map[string]bool {
	return q.options("view", "AnnotationResults", "AuditTasks", "CustomMetrics", "Metrics", "Task", "TestCaseVersion", "Trace")
}

func (s *server) listResults(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	p, views := q.paging(), q.resultViews()
	q.boolean("include_archived")
	if err := q.err(); err != nil {
		return err
	}
	e, err := s.evaluation(r)
	if err != nil {
		return err
	}
	return replyPage(w, p, e.Total, func(from, n int64) ([]json.RawMessage, error) {
		items, err := s.db.Results(r.Context(), e.ID, store.Range{From: from, N: n})
		if err != nil {
			return nil, err
		}
		return items, s.addViews(r, items, views)
	})
}

func (s *server) getResult(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	views := q.resultViews()
	if err := q.err(); err != nil {
		return err
	}
	id := r.PathValue("result")
	found, err := s.db.Result(r.Context(), r.PathValue("evaluation"), id)
	if err != nil {
		return missing(err, "test case result", id)
	}
	items := []json.RawMessage{found.Body}
	if err := s.addViews(r, items, views); err != nil {
		return err
	}
	reply(w, http.StatusOK, items[0])
	return nil
}

// addViews puts the views into the responses of results. The local server makes
// no metrics, annotations and tasks: those views are empty or absent.
func (s *server) addViews(r *http.Request, items []json.RawMessage, views map[string]bool) error {
	if len(views) == 0 {
		return nil
	}
	objects := make([]object, len(items))
	ids := make([]string, len(items))
	for i, item := range items {
		o, err := decodeObject(item)
		if err != nil {
			return err
		}
		objects[i] = o
		ids[i], _ = unquote(o["test_case_id"])
	}
	var cases map[string]store.PlatformCase
	if views["TestCaseVersion"] {
		var err error
		if cases, err = s.db.FindCases(r.Context(), ids, true); err != nil {
			return err
		}
	}
	empty := map[string]string{"AnnotationResults": "annotation_results", "AuditTasks": "audit_tasks", "CustomMetrics": "custom_metrics"}
	for i, o := range objects {
		for view, field := range empty {
			if views[view] {
				o[field] = json.RawMessage("[]")
			}
		}
		if views["Metrics"] {
			o["metrics"] = json.RawMessage("{}")
		}
		if c, ok := cases[ids[i]]; ok {
			o["test_case_version"] = c.Body
		}
		items[i] = o.encode()
	}
	return nil
}
