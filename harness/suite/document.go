package suite

import (
	"time"

	"github.com/evalrun/evalrun/harness/strict"
)

// document is a suite file as it is written. The JSON Schema is generated from
// the same tags.
type document struct {
	Name            string         `yaml:"name" jsonschema:"required,minLength=1,maxLength=200" jsonschema_description:"What the suite is called in lists and reports."`
	Description     string         `yaml:"description" jsonschema_description:"What a new person should know."`
	Dataset         datasetDoc     `yaml:"dataset" jsonschema:"required" jsonschema_description:"Where the test cases come from: exactly one of file, cases and sgp."`
	Retell          *retellDoc     `yaml:"retell" jsonschema_description:"A batch test of Retell, in place of dataset and app. Its verdict is the metric retell."`
	App             strict.Node    `yaml:"app" jsonschema_description:"The app under test: one kind and its options."`
	Apps            strict.Node    `yaml:"apps" jsonschema_description:"Several apps by name, to compare them side by side, in place of app."`
	Start           *startDoc      `yaml:"start" jsonschema_description:"A server that is started for the run and stopped afterwards."`
	Evaluators      []strict.Node  `yaml:"evaluators" jsonschema:"required,minItems=1" jsonschema_description:"What scores the answers: a name, or one name with its options."`
	Trials          *int           `yaml:"trials" jsonschema:"minimum=1,maximum=10000,default=1" jsonschema_description:"How often each case is asked."`
	Reduce          strict.Node    `yaml:"reduce" jsonschema_description:"How the trials of a case become one number: mean (default), median, mode, max, or one of at_least_k, pass_at_k and pass_k with its k, such as {pass_at_k: 3}."`
	Concurrency     *int           `yaml:"concurrency" jsonschema:"minimum=1,maximum=10000,default=16" jsonschema_description:"How many trials the app answers at once."`
	Timeout         *time.Duration `yaml:"timeout" jsonschema:"default=30s" jsonschema_description:"The longest that one answer may take."`
	Retries         *int           `yaml:"retries" jsonschema:"minimum=0,maximum=100,default=2" jsonschema_description:"How often a failed call is made again. A low score is no failure."`
	MaxRetryElapsed *time.Duration `yaml:"max_retry_elapsed" jsonschema:"default=5m" jsonschema_description:"How long the app may refuse every call (status 429, 503, 529) before the run stops, to be resumed later. Refused calls are made again beside retries."`
	RateLimit       *rate          `yaml:"rate_limit" jsonschema_description:"The most calls of the app: 600/m, 10/s, 5/h; a plain number is per minute."`
	Sample          *float64       `yaml:"sample" jsonschema:"exclusiveMinimum=0,maximum=1,default=1" jsonschema_description:"The fraction of the cases to run; which ones follows from the seed."`
	Seed            int64          `yaml:"seed" jsonschema_description:"What the sample and the apps' seeds follow from."`
	Publish         *publishDoc    `yaml:"publish" jsonschema_description:"Platforms that get the results, besides the local store."`
	Quarantine      strict.Node    `yaml:"quarantine" jsonschema_description:"Flaky cases that fail nothing by themselves until a day; they stay in the means."`
	Gate            []strict.Node  `yaml:"gate" jsonschema_description:"Checks that the run has to pass: a threshold such as equals.pass_rate >= 0.9, or no_regression, improvement or must_pass with options."`
	Reports         []reportDoc    `yaml:"reports" jsonschema_description:"Reports to write: a format, or {format: path}."`
}

// Synonyms are what other tools call the keys of a suite.
func (document) Synonyms() map[string]string {
	return map[string]string{
		"tests": "dataset", "cases": "dataset", "test_cases": "dataset", "data": "dataset", "samples": "dataset",
		"provider": "app", "providers": "apps", "target": "app", "targets": "apps", "model": "app", "task": "app", "solver": "app",
		"scorer": "evaluators", "scorers": "evaluators", "scores": "evaluators", "metrics": "evaluators",
		"assert": "evaluators", "asserts": "evaluators", "assertions": "evaluators", "graders": "evaluators", "criteria": "evaluators",
		"threshold": "gate", "thresholds": "gate", "checks": "gate",
		"repeat": "trials", "reducer": "reduce", "epochs_reducer": "reduce", "aggregate": "reduce", "epochs": "trials", "max_concurrency": "concurrency", "parallel": "concurrency", "workers": "concurrency",
		"max_retries": "retries", "max_retry_time": "max_retry_elapsed", "max_elapsed_time": "max_retry_elapsed", "rpm": "rate_limit", "output": "reports", "outputs": "reports", "reporters": "reports",
		"server": "start", "max_samples": "sample", "title": "name",
	}
}

// datasetDoc is where the cases come from.
type datasetDoc struct {
	File   strict.Node       `yaml:"file" jsonschema_description:"A .jsonl, .json, .csv, .tsv or .yaml file, .gz allowed, relative to the suite."`
	Format string            `yaml:"format" jsonschema:"enum=jsonl,enum=ndjson,enum=json,enum=csv,enum=tsv,enum=yaml,enum=yml" jsonschema_description:"The format of the file, when its name does not tell."`
	Map    map[string]string `yaml:"map" jsonschema_description:"Where the file has our fields: a field name or a jq path for each of id, input, expected, extra, history, metadata, cluster."`
	Items  string            `yaml:"items" jsonschema_description:"A jq path to the list of cases in a .json or .yaml file."`
	Cases  []strict.Node     `yaml:"cases" jsonschema:"minItems=1" jsonschema_description:"The cases themselves."`
	SGP    *sgpDatasetDoc    `yaml:"sgp" jsonschema_description:"A dataset of Scale GP, read page by page."`
}

// sgpDatasetDoc names a dataset of Scale GP.
type sgpDatasetDoc struct {
	DatasetID string `yaml:"dataset_id" jsonschema:"required,minLength=1" jsonschema_description:"The dataset's ID."`
	Version   *int   `yaml:"version" jsonschema:"minimum=1" jsonschema_description:"A published version, which can't change; without one, the dataset as it is when the run begins."`
}

// caseDoc is an inline test case.
type caseDoc struct {
	ID       string         `yaml:"id" jsonschema_description:"The case's name, unique and stable. Default: its number, from 1."`
	Input    strict.Node    `yaml:"input" jsonschema:"required" jsonschema_description:"What the app is asked: text, or a map of fields."`
	Expected any            `yaml:"expected" jsonschema_description:"The reference answer."`
	Extra    any            `yaml:"extra" jsonschema_description:"Further reference material, such as the chunks that a retrieval should find."`
	History  any            `yaml:"history" jsonschema_description:"The conversation before the input."`
	Metadata map[string]any `yaml:"metadata" jsonschema_description:"Anything else; the app sees it."`
	Cluster  string         `yaml:"cluster" jsonschema_description:"What this case shares with others, such as its document."`
}

// startDoc is a server to start for the run.
type startDoc struct {
	Command []string          `yaml:"command" jsonschema:"required,minItems=1" jsonschema_description:"The program and its arguments; no shell is involved."`
	Ready   strict.Node       `yaml:"ready" jsonschema:"required" jsonschema_description:"A URL that answers with status 2xx when the server is ready."`
	Wait    *time.Duration    `yaml:"wait" jsonschema:"default=30s" jsonschema_description:"How long to wait for that."`
	Env     map[string]string `yaml:"env" jsonschema_description:"Environment variables, beside PATH, HOME, TMPDIR and LANG."`
	Dir     strict.Node       `yaml:"dir" jsonschema_description:"The folder to start in, relative to the suite. Default: the suite's."`
}

// publishDoc is where results go besides the local store.
type publishDoc struct {
	SGP *publishSGPDoc `yaml:"sgp" jsonschema:"required" jsonschema_description:"Scale GP. The dataset has to be a version of one there."`
}

// publishSGPDoc is an evaluation of Scale GP.
type publishSGPDoc struct {
	EvaluationID      string            `yaml:"evaluation_id" jsonschema_description:"An evaluation that is there."`
	Evaluation        *newEvaluationDoc `yaml:"evaluation" jsonschema_description:"An evaluation to create for the run, in place of evaluation_id."`
	ApplicationSpecID string            `yaml:"application_spec_id" jsonschema:"minLength=1" jsonschema_description:"The application spec that the results belong to. Default: a new one, or that of evaluation_id."`
	QuietTime         *time.Duration    `yaml:"quiet_time" jsonschema:"default=2m" jsonschema_description:"How long to wait before results whose posting broke off, and that the evaluation does not have, are posted again: longer than the platform may still take a request that was given up."`
	Questions         strict.Node       `yaml:"questions" jsonschema_description:"The question ID of each evaluator's metric. Default: results go under the metric's name."`
}

// newEvaluationDoc is an evaluation to create.
type newEvaluationDoc struct {
	Name        string `yaml:"name" jsonschema:"required,minLength=1" jsonschema_description:"The evaluation's name."`
	Description string `yaml:"description" jsonschema_description:"The evaluation's description."`
}
