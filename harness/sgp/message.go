package sgp

import (
	"encoding/json"
	"errors"

	"github.com/evalrun/evalrun/harness/internal/wire"
)

// The values of ChatMessage.Role.
const (
	RoleUser      = "user"
	RoleAssistant = "assistant"
	RoleSystem    = "system"
)

// ChatMessage is the union ChatMessageV2 of UserMessage, AssistantMessage and
// SystemMessage, whose discriminator is role. Maps of Flexible cases hold lists
// of them: see Messages.
type ChatMessage struct {
	Role    string         `json:"role,omitzero"`
	Content MessageContent `json:"content"`

	Unknown Unknown `json:"-"`
}

// MessageContent is text, or a list of parts (user messages only). Parts is nil
// when it is text.
type MessageContent struct {
	Text  string
	Parts []ContentPart
}

// The values of ContentPart.Type.
const (
	PartText      = "text"
	PartImageURL  = "image_url"
	PartImageData = "image_data"
)

// ContentPart is the union UserMessageContentParts, whose discriminator is type.
type ContentPart struct {
	Type      string     `json:"type,omitzero"` // see Kind
	Text      *string    `json:"text,omitzero"`
	ImageURL  *ImageURL  `json:"image_url,omitzero"`
	ImageData *ImageData `json:"image_data,omitzero"`

	Unknown Unknown `json:"-"`
}

// Kind is Type, or what follows from the fields when it is absent.
func (p ContentPart) Kind() string {
	switch {
	case p.Type != "":
		return p.Type
	case p.ImageURL != nil:
		return PartImageURL
	case p.ImageData != nil:
		return PartImageData
	}
	return PartText
}

// ImageURL is ImageUrlSubPart.
type ImageURL struct {
	URL    string `json:"url"`
	Detail string `json:"detail,omitzero"` // low, high or auto

	Unknown Unknown `json:"-"`
}

// ImageData is ImageDataSubPart.
type ImageData struct {
	Type      string `json:"type,omitzero"` // "base64", the default
	MediaType string `json:"media_type"`
	Data      string `json:"data"`
	Detail    string `json:"detail,omitzero"`

	Unknown Unknown `json:"-"`
}

// File is the union FileIODataType: an ExternalFile has a URI, an InternalFile a
// FileID.
type File struct {
	URI      string `json:"uri,omitzero"`
	FileID   string `json:"file_id,omitzero"`
	FileType string `json:"file_type"` // image or pdf

	Unknown Unknown `json:"-"`
}

// Messages reads a value of a Flexible map as chat messages: false when it is
// not a list of objects that all have a role and a content.
func Messages(v any) ([]ChatMessage, bool) {
	return listOf[ChatMessage](v, "role", "content")
}

// Chunks reads a value of a Flexible map as passages: false when it is not a
// list of objects that all have a text.
func Chunks(v any) ([]Chunk, bool) { return listOf[Chunk](v, "text") }

// FileOf reads a value of a Flexible map as a file: false when it is not an
// object with a file_type and one of uri and file_id.
func FileOf(v any) (File, bool) {
	var f File
	if has(v, "file_type", "uri") == has(v, "file_type", "file_id") {
		return f, false
	}
	data, err := wire.Marshal(v)
	return f, err == nil && json.Unmarshal(data, &f) == nil
}

// listOf converts a non-empty list of objects that have all of the fields.
func listOf[T any](v any, fields ...string) ([]T, bool) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return nil, false
	}
	for _, item := range list {
		if !has(item, fields...) {
			return nil, false
		}
	}
	data, err := wire.Marshal(list)
	if err != nil {
		return nil, false
	}
	var out []T
	return out, json.Unmarshal(data, &out) == nil
}

func has(v any, fields ...string) bool {
	m, ok := v.(map[string]any)
	for _, name := range fields {
		if _, given := m[name]; !given {
			return false
		}
	}
	return ok
}

// UnmarshalJSON takes a string or a list of parts.
func (c *MessageContent) UnmarshalJSON(data []byte) error {
	*c = MessageContent{}
	if json.Unmarshal(data, &c.Text) == nil && string(data) != "null" {
		return nil
	}
	if json.Unmarshal(data, &c.Parts) == nil && c.Parts != nil {
		return nil
	}
	return errors.New("message content is neither text nor a list of parts")
}

// MarshalJSON writes a string, or the list of parts when there is one.
func (c MessageContent) MarshalJSON() ([]byte, error) {
	if c.Parts != nil {
		return wire.Marshal(c.Parts)
	}
	return wire.Marshal(c.Text)
}

// UnmarshalJSON keeps unknown fields.
func (m *ChatMessage) UnmarshalJSON(data []byte) error { return wire.Decode(data, m) }

// MarshalJSON writes unknown fields back.
func (m ChatMessage) MarshalJSON() ([]byte, error) { return wire.Encode(m) }

// UnmarshalJSON keeps unknown fields.
func (p *ContentPart) UnmarshalJSON(data []byte) error { return wire.Decode(data, p) }

// MarshalJSON writes unknown fields back.
func (p ContentPart) MarshalJSON() ([]byte, error) { return wire.Encode(p) }

// UnmarshalJSON keeps unknown fields.
func (i *ImageURL) UnmarshalJSON(data []byte) error { return wire.Decode(data, i) }

// MarshalJSON writes unknown fields back.
func (i ImageURL) MarshalJSON() ([]byte, error) { return wire.Encode(i) }

// UnmarshalJSON keeps unknown fields.
func (i *ImageData) UnmarshalJSON(data []byte) error { return wire.Decode(data, i) }

// MarshalJSON writes unknown fields back.
func (i ImageData) MarshalJSON() ([]byte, error) { return wire.Encode(i) }

// UnmarshalJSON keeps unknown fields.
func (f *File) UnmarshalJSON(data []byte) error { return wire.Decode(data, f) }

// MarshalJSON writes unknown fields back.
func (f File) MarshalJSON() ([]byte, error) { return wire.Encode(f) }
