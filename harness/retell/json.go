package retell

import "github.com/evalrun/evalrun/harness/internal/wire"

// UnmarshalJSON keeps unknown fields.
func (e *ResponseEngine) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, e) }

// MarshalJSON writes unknown fields back.
func (e ResponseEngine) MarshalJSON() ([]byte, error) { return wire.Encode(e) }

// UnmarshalJSON keeps unknown fields.
func (r *MatchRule) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, r) }

// MarshalJSON writes unknown fields back.
func (r MatchRule) MarshalJSON() ([]byte, error) { return wire.Encode(r) }

// UnmarshalJSON keeps unknown fields.
func (m *ToolMock) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, m) }

// MarshalJSON writes unknown fields back.
func (m ToolMock) MarshalJSON() ([]byte, error) { return wire.Encode(m) }

// UnmarshalJSON keeps unknown fields.
func (d *TestCaseDefinitionInput) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, d) }

// MarshalJSON writes unknown fields back.
func (d TestCaseDefinitionInput) MarshalJSON() ([]byte, error) { return wire.Encode(d) }

// UnmarshalJSON keeps unknown fields.
func (d *TestCaseDefinition) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, d) }

// MarshalJSON writes unknown fields back.
func (d TestCaseDefinition) MarshalJSON() ([]byte, error) { return wire.Encode(d) }

// UnmarshalJSON keeps unknown fields.
func (b *BatchTest) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, b) }

// MarshalJSON writes unknown fields back.
func (b BatchTest) MarshalJSON() ([]byte, error) { return wire.Encode(b) }

// UnmarshalJSON keeps unknown fields.
func (r *TestRun) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, r) }

// MarshalJSON writes unknown fields back.
func (r TestRun) MarshalJSON() ([]byte, error) { return wire.Encode(r) }

// UnmarshalJSON keeps unknown fields.
func (r *CreateBatchTestRequest) UnmarshalJSON(data []byte) error { return wire.DecodeExact(data, r) }

// MarshalJSON writes unknown fields back.
func (r CreateBatchTestRequest) MarshalJSON() ([]byte, error) { return wire.Encode(r) }
