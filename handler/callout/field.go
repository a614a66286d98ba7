package callout

import "encoding/json"

// Shape says which JSON values are accepted.
type Shape struct {
	Type      string            `json:"type"`
	Enum      []json.RawMessage `json:"enum,omitempty"`
	Items     *Shape            `json:"items,omitempty"`
	Minimum   json.Number       `json:"minimum,omitempty"`
	Maximum   json.Number       `json:"maximum,omitempty"`
	MaxLength *int              `json:"maxLength,omitempty"`
}

// Field is one argument that the agent fills in.
type Field struct {
	Name string `json:"name"`
	Shape
	Description string          `json:"description,omitempty"`
	Required    bool            `json:"required"`
	In          string          `json:"in,omitempty"`
	Default     json.RawMessage `json:"default,omitempty"`
}

// Types of a field.
const (
	TypeString  = "string"
	TypeNumber  = "number"
	TypeInteger = "integer"
	TypeBoolean = "boolean"
	TypeArray   = "array"
	TypeObject  = "object"
)

// Place is where the field goes in requests of the method: where In says, else
// into the body where there is one, and into the query where there is none.
func (f *Field) Place(method string) string {
	switch {
	case f.In != "":
		return f.In
	case HasBody(method):
		return InBody
	}
	return InQuery
}
