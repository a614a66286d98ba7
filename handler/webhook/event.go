package webhook

import (
	"encoding/json"
	"time"
)

// event is what the specification recommends a document to be ("Payload
// structure").
type event struct {
	Type string    `json:"type"`
	At   time.Time `json:"timestamp"`
	Data any       `json:"data"`
}

// Event returns the document for something that has happened: its type, as in
// execution.succeeded, when it happened, which is the same in each attempt to tell
// of it, and what there is to tell. Data that cannot be encoded is null: whoever is
// told can ask for the execution by the id of the post.
func Event(kind string, at time.Time, data any) []byte {
	document, err := json.Marshal(event{kind, at.UTC(), data})
	if err != nil {
		document, _ = json.Marshal(event{kind, at.UTC(), nil}) // but for a year beyond 9999
	}
	return document
}
