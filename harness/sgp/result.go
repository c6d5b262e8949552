package sgp

import "github.com/evalrun/evalrun/harness/internal/wire"

// The values of a result's label status and of an evaluation's status.
const (
	StatusPending   = "PENDING"
	StatusCompleted = "COMPLETED"
	StatusFailed    = "FAILED"
)

// TestCaseResultRequest creates a test case result.
type TestCaseResultRequest struct {
	// LabelStatus is not to be set on create: the platform does that.
	LabelStatus   string `json:"label_status,omitzero"`
	AuditStatus   string `json:"audit_status,omitzero"` // UNAUDITED, FIXED or APPROVED
	AuditRequired *bool  `json:"audit_required,omitzero"`
	AuditComment  string `json:"audit_comment,omitzero"`

	ApplicationSpecID string `json:"application_spec_id"`
	// EvaluationDatasetVersionNum is the version's number, as a string.
	EvaluationDatasetVersionNum string                 `json:"evaluation_dataset_version_num"`
	TestCaseID                  string                 `json:"test_case_id"`
	TestCaseEvaluationData      TestCaseEvaluationData `json:"test_case_evaluation_data"`
	// Result maps question IDs to string, number, bool, or a flat list of those.
	Result             map[string]any `json:"result,omitzero"`
	TimeSpentLabelingS *int64         `json:"time_spent_labeling_s,omitzero"`

	AccountID               string `json:"account_id,omitzero"`
	AnnotatedByUserID       string `json:"annotated_by_user_id,omitzero"`
	AnnotatedByIdentityType string `json:"annotated_by_identity_type,omitzero"`
	EditedByIdentityType    string `json:"edited_by_identity_type,omitzero"`

	Unknown Unknown `json:"-"`
}

// TestCaseResultPatch changes a result: what is zero stays as it is.
type TestCaseResultPatch struct {
	LabelStatus                 string                  `json:"label_status,omitzero"`
	AuditStatus                 string                  `json:"audit_status,omitzero"`
	AuditRequired               *bool                   `json:"audit_required,omitzero"`
	AuditComment                string                  `json:"audit_comment,omitzero"`
	ApplicationSpecID           string                  `json:"application_spec_id,omitzero"`
	EvaluationDatasetVersionNum string                  `json:"evaluation_dataset_version_num,omitzero"`
	TestCaseID                  string                  `json:"test_case_id,omitzero"`
	TestCaseEvaluationData      *TestCaseEvaluationData `json:"test_case_evaluation_data,omitzero"`
	Result                      map[string]any          `json:"result,omitzero"`
	TimeSpentLabelingS          *int64                  `json:"time_spent_labeling_s,omitzero"`
	AccountID                   string                  `json:"account_id,omitzero"`
	AnnotatedByUserID           string                  `json:"annotated_by_user_id,omitzero"`

	Unknown Unknown `json:"-"`
}

// TestCaseEvaluationData is what the app answered: ResultSchemaGeneration or
// ResultSchemaFlexible. The platform takes further fields, which are in Unknown.
type TestCaseEvaluationData struct {
	// GenerationOutput is a string, or with Flexible a map[string]any.
	GenerationOutput    any        `json:"generation_output,omitzero"`
	GenerationExtraInfo *ExtraInfo `json:"generation_extra_info,omitzero"`

	Unknown Unknown `json:"-"`
}

// TestCaseResult is a result as the platform gives it: the union
// TestCaseResultResponse, whose discriminator is
// test_case_evaluation_data_schema, with the fields that views add.
type TestCaseResult struct {
	LabelStatus   string `json:"label_status"`
	AuditStatus   string `json:"audit_status,omitzero"`
	AuditRequired *bool  `json:"audit_required,omitzero"`
	AuditComment  string `json:"audit_comment,omitzero"`

	ApplicationSpecID            string                 `json:"application_spec_id"`
	EvaluationID                 string                 `json:"evaluation_id"`
	EvaluationDatasetID          string                 `json:"evaluation_dataset_id"`
	EvaluationDatasetVersionNum  string                 `json:"evaluation_dataset_version_num"`
	TestCaseID                   string                 `json:"test_case_id"`
	TestCaseEvaluationData       TestCaseEvaluationData `json:"test_case_evaluation_data"`
	TestCaseEvaluationDataSchema string                 `json:"test_case_evaluation_data_schema,omitzero"`
	Result                       map[string]any         `json:"result,omitzero"`
	CompletedAt                  string                 `json:"completed_at,omitzero"`
	TimeSpentLabelingS           *int64                 `json:"time_spent_labeling_s,omitzero"`
	ApplicationTestCaseOutputID  string                 `json:"application_test_case_output_id,omitzero"`
	InvalidatedAt                string                 `json:"invalidated_at,omitzero"`

	ID                      string       `json:"id"`
	CreatedAt               string       `json:"created_at"`
	UpdatedAt               string       `json:"updated_at,omitzero"`
	AccountID               string       `json:"account_id"`
	CreatedByUserID         string       `json:"created_by_user_id"`
	CreatedByIdentityType   string       `json:"created_by_identity_type,omitzero"`
	AnnotatedByUserID       string       `json:"annotated_by_user_id,omitzero"`
	AnnotatedByIdentityType string       `json:"annotated_by_identity_type,omitzero"`
	EditedByUserID          string       `json:"edited_by_user_id,omitzero"`
	EditedByIdentityType    string       `json:"edited_by_identity_type,omitzero"`
	ArchivedAt              string       `json:"archived_at,omitzero"`
	EditedBy                *UserDetails `json:"edited_by,omitzero"`

	// Metrics is there with view Metrics, TestCaseVersion with its own view;
	// what other views add is in Unknown.
	Metrics         map[string]float64 `json:"metrics,omitzero"`
	TestCaseVersion *TestCase          `json:"test_case_version,omitzero"`

	Unknown Unknown `json:"-"`
}

// Schema is the discriminator, or what follows from the output when it is
// absent: Flexible for a map, else Generation.
func (r TestCaseResult) Schema() string {
	if r.TestCaseEvaluationDataSchema != "" {
		return r.TestCaseEvaluationDataSchema
	}
	if _, ok := r.TestCaseEvaluationData.GenerationOutput.(map[string]any); ok {
		return Flexible
	}
	return Generation
}

// UserDetails is UserV2Details.
type UserDetails struct {
	ID          string         `json:"id"`
	FirstName   string         `json:"first_name,omitzero"`
	LastName    string         `json:"last_name,omitzero"`
	Email       string         `json:"email"`
	Preferences map[string]any `json:"preferences,omitzero"`

	Unknown Unknown `json:"-"`
}

// UnmarshalJSON keeps unknown fields.
func (r *TestCaseResultRequest) UnmarshalJSON(data []byte) error { return wire.Decode(data, r) }

// MarshalJSON writes unknown fields back.
func (r TestCaseResultRequest) MarshalJSON() ([]byte, error) { return wire.Encode(r) }

// UnmarshalJSON keeps unknown fields.
func (r *TestCaseResultPatch) UnmarshalJSON(data []byte) error { return wire.Decode(data, r) }

// MarshalJSON writes unknown fields back.
func (r TestCaseResultPatch) MarshalJSON() ([]byte, error) { return wire.Encode(r) }

// UnmarshalJSON keeps unknown fields.
func (d *TestCaseEvaluationData) UnmarshalJSON(data []byte) error { return wire.Decode(data, d) }

// MarshalJSON writes unknown fields back.
func (d TestCaseEvaluationData) MarshalJSON() ([]byte, error) { return wire.Encode(d) }

// UnmarshalJSON keeps unknown fields.
func (r *TestCaseResult) UnmarshalJSON(data []byte) error { return wire.Decode(data, r) }

// MarshalJSON writes unknown fields back.
func (r TestCaseResult) MarshalJSON() ([]byte, error) { return wire.Encode(r) }

// UnmarshalJSON keeps unknown fields.
func (u *UserDetails) UnmarshalJSON(data []byte) error { return wire.Decode(data, u) }

// MarshalJSON writes unknown fields back.
func (u UserDetails) MarshalJSON() ([]byte, error) { return wire.Encode(u) }
