package sgpserver

import (
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/evalrun/evalrun/harness/store"
)

func (s *server) createSpec(w http.ResponseWriter, r *http.Request) error {
	f, err := s.readObject(r, false)
	if err != nil {
		return err
	}
	f.text("name", true)
	f.text("description", true)
	f.text("account_id", true)
	f.text("theme_id", false)
	f.boolean("run_online_evaluation")
	if err := f.err(); err != nil {
		return err
	}
	id, account := s.created(r, f.object)
	f.drop("updated_at")
	body := f.encode()
	if err := s.db.AddSpec(r.Context(), store.PlatformSpec{ID: id, Account: account, Body: body}); err != nil {
		return err
	}
	reply(w, http.StatusOK, body)
	return nil
}

func (s *server) listSpecs(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	p := q.paging()
	q.boolean("include_archived")
	if err := q.err(); err != nil {
		return err
	}
	account, _ := q.last("account_id")
	items, total, err := s.db.Specs(r.Context(), account, store.Range{From: p.from(), N: p.limit})
	if err != nil {
		return err
	}
	return replyPage(w, p, total, func(from, n int64) ([]json.RawMessage, error) {
		return render(items, from-p.from(), n, func(b json.RawMessage) (json.RawMessage, error) { return b, nil })
	})
}

func (s *server) getSpec(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("spec")
	a, err := s.db.Spec(r.Context(), id)
	if err != nil {
		return missing(err, "application spec", id)
	}
	reply(w, http.StatusOK, a.Body)
	return nil
}

func (s *server) createEvaluation(w http.ResponseWriter, r *http.Request) error {
	f, err := s.readObject(r, false)
	if err != nil {
		return err
	}
	if kind, ok := f.oneOf("type", false, "default", "builder"); ok && kind != "default" {
		f.value("type", "the local server has no application variants to build an evaluation of")
	}
	for _, name := range []string{"name", "description", "account_id"} {
		f.text(name, true)
	}
	f.text("application_variant_id", false)
	f.text("evaluation_config_id", false)
	for _, name := range []string{"tags", "evaluation_config", "annotation_config", "question_id_to_annotation_config", "metric_config"} {
		f.dict(name, false, nil)
	}
	spec, named := f.text("application_spec_id", true)
	if named {
		if known, err := s.db.FindSpecs(r.Context(), []string{spec}); err != nil {
			return err
		} else if !known[spec] {
			f.value("application_spec_id", "no such application spec")
		}
	}
	if err := f.err(); err != nil {
		return err
	}
	id, account := s.created(r, f.object)
	f.drop("type", "updated_at", "status", "completed_at", "total_test_case_result_count", "completed_test_case_result_count",
		"evaluation_datasets", "evaluation_config_expanded", "async_jobs", "application_spec")
	e := store.PlatformEvaluation{ID: id, Account: account, Spec: spec, Body: f.encode()}
	if err := s.db.AddEvaluation(r.Context(), e); err != nil {
		return err
	}
	return s.replyEvaluation(w, r, e, nil)
}

func (q *query) evaluationViews() map[string]bool {
	return q.options("view", "ApplicationSpec", "AsyncJobs", "EvaluationConfig", "EvaluationDatasets")
}

func (s *server) listEvaluations(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	p, views := q.paging(), q.evaluationViews()
	order := q.options("sort_by", "created_at:asc", "created_at:desc")
	q.boolean("include_archived")
	if err := q.err(); err != nil {
		return err
	}
	want := store.EvaluationQuery{NewestFirst: order["created_at:desc"]}
	want.Account, _ = q.last("account_id")
	want.Spec, _ = q.last("application_spec_id")
	items, total, err := s.db.Evaluations(r.Context(), want, store.Range{From: p.from(), N: p.limit})
	if err != nil {
		return err
	}
	return replyPage(w, p, total, func(from, n int64) ([]json.RawMessage, error) {
		return render(items, from-p.from(), n, func(e store.PlatformEvaluation) (json.RawMessage, error) {
			return s.evaluationBody(r, e, views)
		})
	})
}

func (s *server) getEvaluation(w http.ResponseWriter, r *http.Request) error {
	q := newQuery(r)
	views := q.evaluationViews()
	if err := q.err(); err != nil {
		return err
	}
	e, err := s.evaluation(r)
	if err != nil {
		return err
	}
	return s.replyEvaluation(w, r, e, views)
}

// evaluation gives the evaluation that the path names.
func (s *server) evaluation(r *http.Request) (store.PlatformEvaluation, error) {
	id := r.PathValue("evaluation")
	e, err := s.db.Evaluation(r.Context(), id)
	return e, missing(err, "evaluation", id)
}

func (s *server) replyEvaluation(w http.ResponseWriter, r *http.Request, e store.PlatformEvaluation, views map[string]bool) error {
	body, err := s.evaluationBody(r, e, views)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, body)
	return nil
}

// evaluationBody is the response of an evaluation with the views that were asked
// for. There are no jobs and no configurations here.
func (s *server) evaluationBody(r *http.Request, e store.PlatformEvaluation, views map[string]bool) (json.RawMessage, error) {
	o, err := decodeObject(e.Body)
	if err != nil {
		return nil, err
	}
	o.set("status", evaluationStatus(e))
	o["total_test_case_result_count"] = json.RawMessage(strconv.FormatInt(e.Total, 10))
	o["completed_test_case_result_count"] = json.RawMessage(strconv.FormatInt(e.Completed, 10))
	if e.Finished != "" {
		o.set("completed_at", e.Finished)
	}
	if views["ApplicationSpec"] {
		spec, err := s.db.Spec(r.Context(), e.Spec)
		if err != nil {
			return nil, err
		}
		o["application_spec"] = spec.Body
	}
	if views["AsyncJobs"] {
		o["async_jobs"] = json.RawMessage("[]")
	}
	if views["EvaluationDatasets"] {
		datasets, err := s.db.EvaluationDatasets(r.Context(), e.ID)
		if err != nil {
			return nil, err
		}
		bodies, err := render(datasets, 0, int64(len(datasets)), func(d store.PlatformDataset) (json.RawMessage, error) { return d.Body, nil })
		if err != nil {
			return nil, err
		}
		o["evaluation_datasets"] = array(bodies)
	}
	return o.encode(), nil
}

// evaluationStatus follows from the results: pending while there is none or any
// is pending, failed when the others hold a failed one, else completed.
func evaluationStatus(e store.PlatformEvaluation) string {
	switch {
	case e.Total == 0 || e.Completed+e.Failed < e.Total:
		return store.PlatformPending
	case e.Failed > 0:
		return store.PlatformFailed
	}
	return store.PlatformCompleted
}
