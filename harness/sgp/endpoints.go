package sgp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// CreateDataset makes a dataset. An empty account ID is the client's, an empty
// type "manual".
func (c *Client) CreateDataset(ctx context.Context, r CreateEvaluationDatasetRequest) (EvaluationDataset, error) {
	r.AccountID = c.accountOr(r.AccountID)
	if r.Type == "" {
		r.Type = "manual"
	}
	return post[EvaluationDataset](ctx, c, "create dataset "+strconv.Quote(r.Name), r, "evaluation-datasets")
}

// GetDataset reads a dataset. Views are "DatasetVersion" and "TestCaseCount".
func (c *Client) GetDataset(ctx context.Context, id string, views ...string) (EvaluationDataset, error) {
	return get[EvaluationDataset](ctx, c, "get dataset "+id, ListOptions{Views: views}.query(), "evaluation-datasets", id)
}

// ListDatasets reads one page of the datasets.
func (c *Client) ListDatasets(ctx context.Context, o ListOptions) (Page[EvaluationDataset], error) {
	return list[EvaluationDataset](ctx, c, "list datasets", o, "evaluation-datasets")
}

// CreateVersion makes a version of a dataset.
func (c *Client) CreateVersion(ctx context.Context, dataset string, r EvaluationDatasetVersionRequest) (EvaluationDatasetVersion, error) {
	return post[EvaluationDatasetVersion](ctx, c, "create a version of dataset "+dataset, r,
		"evaluation-datasets", dataset, "evaluation-dataset-versions")
}

// ListVersions reads one page of the versions of a dataset.
func (c *Client) ListVersions(ctx context.Context, dataset string, o ListOptions) (Page[EvaluationDatasetVersion], error) {
	return list[EvaluationDatasetVersion](ctx, c, "list versions of dataset "+dataset, o,
		"evaluation-datasets", dataset, "evaluation-dataset-versions")
}

// Publish publishes the latest version of a dataset. An answer that says that it
// was not is an error. The answer does not say which version it was: see
// LatestVersion.
func (c *Client) Publish(ctx context.Context, dataset string) (PublishResponse, error) {
	return c.publish(ctx, "publish dataset "+dataset, "evaluation-datasets", dataset, "publish")
}

// PublishVersion publishes the version with this ID (not number).
func (c *Client) PublishVersion(ctx context.Context, dataset, version string) (PublishResponse, error) {
	return c.publish(ctx, "publish version "+version+" of dataset "+dataset,
		"evaluation-datasets", dataset, "evaluation-dataset-versions", version, "publish")
}

func (c *Client) publish(ctx context.Context, what string, parts ...string) (PublishResponse, error) {
	var out PublishResponse
	err := c.call(ctx, what, http.MethodPost, nil, nil, &out, parts...)
	if err == nil && !out.Success {
		err = fmt.Errorf("sgp: %s: the platform says that it did not succeed", what)
	}
	return out, err
}

// ListTestCases reads one page of a dataset's test cases as they are now.
func (c *Client) ListTestCases(ctx context.Context, dataset string, o ListOptions) (Page[TestCase], error) {
	return list[TestCase](ctx, c, "list test cases of "+dataset, o, "evaluation-datasets", dataset, "test-cases")
}

// ListVersionTestCases reads one page of the test cases of version num of a
// dataset.
func (c *Client) ListVersionTestCases(ctx context.Context, dataset string, num int, o ListOptions) (Page[TestCase], error) {
	o.IncludeArchived = false // not a parameter here
	n := strconv.Itoa(num)
	return list[TestCase](ctx, c, "list test cases of "+dataset+" version "+n, o,
		"evaluation-datasets", dataset, "test-cases", "history", n)
}

// BatchCreateTestCases adds test cases to a dataset. The answer holds as many,
// each with an ID, or it is an error.
func (c *Client) BatchCreateTestCases(ctx context.Context, dataset string, cases []TestCaseVersionRequest) ([]TestCase, error) {
	return batch[TestCase](ctx, c, "create test cases in "+dataset, cases, "evaluation-datasets", dataset, "test-cases", "batch")
}

// CreateApplicationSpec makes an application spec. An empty account ID is the
// client's.
func (c *Client) CreateApplicationSpec(ctx context.Context, r ApplicationSpecRequest) (ApplicationSpec, error) {
	r.AccountID = c.accountOr(r.AccountID)
	return post[ApplicationSpec](ctx, c, "create application spec "+strconv.Quote(r.Name), r, "application-specs")
}

// GetApplicationSpec reads an application spec.
func (c *Client) GetApplicationSpec(ctx context.Context, id string) (ApplicationSpec, error) {
	return get[ApplicationSpec](ctx, c, "get application spec "+id, nil, "application-specs", id)
}

// CreateEvaluation makes an evaluation. An empty account ID is the client's, an
// empty type EvaluationDefault.
func (c *Client) CreateEvaluation(ctx context.Context, r EvaluationRequest) (Evaluation, error) {
	r.AccountID = c.accountOr(r.AccountID)
	if r.Type == "" {
		r.Type = EvaluationDefault
	}
	return post[Evaluation](ctx, c, "create evaluation "+strconv.Quote(r.Name), r, "evaluations")
}

// GetEvaluation reads an evaluation.
func (c *Client) GetEvaluation(ctx context.Context, id string, views ...string) (Evaluation, error) {
	return get[Evaluation](ctx, c, "get evaluation "+id, ListOptions{Views: views}.query(), "evaluations", id)
}

// ListEvaluations reads one page of the evaluations.
func (c *Client) ListEvaluations(ctx context.Context, o ListOptions) (Page[Evaluation], error) {
	return list[Evaluation](ctx, c, "list evaluations", o, "evaluations")
}

// BatchCreateResults adds results to an evaluation. The answer holds as many,
// each with an ID, or it is an error. Whether the platform took the batch after
// an error is for [Error.Ambiguous] to say: such a batch must not be sent again
// before its fate is known, since nothing can delete a result.
func (c *Client) BatchCreateResults(ctx context.Context, evaluation string, results []TestCaseResultRequest) ([]TestCaseResult, error) {
	return batch[TestCaseResult](ctx, c, "create results in evaluation "+evaluation, results,
		"evaluations", evaluation, "test-case-results", "batch")
}

// ListResults reads one page of the results of an evaluation.
func (c *Client) ListResults(ctx context.Context, evaluation string, o ListOptions) (Page[TestCaseResult], error) {
	return list[TestCaseResult](ctx, c, "list results of evaluation "+evaluation, o,
		"evaluations", evaluation, "test-case-results")
}

// GetResult reads a result.
func (c *Client) GetResult(ctx context.Context, evaluation, id string, views ...string) (TestCaseResult, error) {
	return get[TestCaseResult](ctx, c, "get result "+id, ListOptions{Views: views}.query(),
		"evaluations", evaluation, "test-case-results", id)
}

// PatchResult changes a result.
func (c *Client) PatchResult(ctx context.Context, evaluation, id string, p TestCaseResultPatch) (TestCaseResult, error) {
	what := "change result " + id
	var out TestCaseResult
	err := c.call(ctx, what, http.MethodPatch, nil, p, &out, "evaluations", evaluation, "test-case-results", id)
	return out, withID(what, out, err)
}

func (c *Client) accountOr(id string) string {
	if id != "" {
		return id
	}
	return c.account
}

func list[T any](ctx context.Context, c *Client, what string, o ListOptions, parts ...string) (Page[T], error) {
	if o.Page > 1 {
		what += ": page " + strconv.Itoa(o.Page)
	}
	var out Page[T]
	err := c.call(ctx, what, http.MethodGet, o.query(), nil, &out, parts...)
	return out, err
}

// batch sends a bare array and wants one of the same length back.
func batch[T identified, R any](ctx context.Context, c *Client, what string, items []R, parts ...string) ([]T, error) {
	if len(items) == 0 {
		return nil, nil
	}
	var out []T
	if err := c.call(ctx, what, http.MethodPost, url.Values{}, items, &out, parts...); err != nil {
		return nil, err
	}
	if len(out) != len(items) {
		return out, fmt.Errorf("sgp: %s: %w: %d items were sent and %d came back", what, ErrUnknownFate, len(items), len(out))
	}
	for i, item := range out {
		if item.id() == "" {
			return out, fmt.Errorf("sgp: %s: %w: item %d came back without an id", what, ErrUnknownFate, i)
		}
	}
	return out, nil
}
