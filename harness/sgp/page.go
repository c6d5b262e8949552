package sgp

import (
	"encoding/json"
	"errors"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

// Unknown holds the fields of a JSON object that have no Go field here, and
// those whose value did not fit its Go field. They are kept when an object is
// decoded and written back when it is encoded.
type Unknown = wire.Unknown

// Page is one page of a list.
type Page[T any] struct {
	Items []T `json:"items"`
	// TotalItemCount is how many items there are over all pages. It alone tells
	// where the list ends.
	TotalItemCount int64 `json:"total_item_count"`
	CurrentPage    int   `json:"current_page"`
	ItemsPerPage   int   `json:"items_per_page"`

	Unknown Unknown `json:"-"`
}

// UnmarshalJSON refuses what is no page: items and total_item_count must be
// there and of their types.
func (p *Page[T]) UnmarshalJSON(data []byte) error {
	var must struct {
		Items *[]json.RawMessage `json:"items"`
		Total *json.Number       `json:"total_item_count"`
	}
	if err := json.Unmarshal(data, &must); err != nil {
		return err
	}
	if must.Items == nil || must.Total == nil {
		return errors.New("not a page: no items or no total_item_count")
	}
	if err := wire.Decode(data, p); err != nil {
		return err
	}
	for _, name := range []string{"items", "total_item_count"} {
		if _, bad := p.Unknown[name]; bad {
			return errors.New("not a page: " + name + " can't be read")
		}
	}
	return nil
}

// MarshalJSON writes unknown fields back, and no items as [].
func (p Page[T]) MarshalJSON() ([]byte, error) {
	if p.Items == nil {
		p.Items = []T{}
	}
	return wire.Encode(p)
}

// HTTPValidationError is the body of a 422.
type HTTPValidationError struct {
	Detail []ValidationError `json:"detail"`

	Unknown Unknown `json:"-"`
}

// ValidationError is one complaint of a 422.
type ValidationError struct {
	// Loc leads to the field: "body", "query" or "path", then names (string) and
	// indexes (float64).
	Loc   []any          `json:"loc"`
	Msg   string         `json:"msg"`
	Type  string         `json:"type"`
	Input any            `json:"input,omitzero"`
	Ctx   map[string]any `json:"ctx,omitzero"`

	Unknown Unknown `json:"-"`
}

// Item is the index into a batch that the complaint is about, false when it
// names none: Loc is then not ["body", index, ...].
func (e ValidationError) Item() (int, bool) {
	if len(e.Loc) < 2 || e.Loc[0] != "body" {
		return 0, false
	}
	switch n := e.Loc[1].(type) {
	case float64:
		return int(n), n >= 0 && n == float64(int(n))
	case int:
		return n, n >= 0
	}
	return 0, false
}

// UnmarshalJSON keeps unknown fields.
func (e *HTTPValidationError) UnmarshalJSON(data []byte) error { return wire.Decode(data, e) }

// MarshalJSON writes unknown fields back.
func (e HTTPValidationError) MarshalJSON() ([]byte, error) { return wire.Encode(e) }

// UnmarshalJSON keeps unknown fields.
func (e *ValidationError) UnmarshalJSON(data []byte) error { return wire.Decode(data, e) }

// MarshalJSON writes unknown fields back.
func (e ValidationError) MarshalJSON() ([]byte, error) { return wire.Encode(e) }
