package httpapi

import (
	"encoding/json"
	"net/http"

	"callout/handler/callout"
	"callout/handler/draft"
)

// proposal is a draft as it is answered: without the secrets that were in what was
// imported.
type proposal struct {
	Config *callout.Config `json:"config"`
	Notes  []string        `json:"notes"`
}

// importDrafts makes drafts of what people already have: a cURL command, or an
// OpenAPI document. Nothing is stored.
func (a *API) importDrafts(r *http.Request) (reply, error) {
	doc, err := document(r, false, "openapi")
	if err != nil {
		return reply{}, err
	}
	if err := checked(doc, "ImportRequest"); err != nil {
		return reply{}, err
	}
	drafts, err := imported(r, doc.(map[string]any))
	if err != nil {
		return reply{}, err
	}
	page := list[proposal]{Value: []proposal{}}
	for _, d := range drafts {
		page.Value = append(page.Value, proposal{Config: d.Config.WithoutSecrets(), Notes: append([]string{}, d.Notes...)})
	}
	return reply{status: http.StatusOK, body: page}, nil
}

func imported(r *http.Request, given map[string]any) ([]draft.Draft, error) {
	command, isCurl := given["curl"].(string)
	source, isOpenAPI := given["openapi"].(json.RawMessage)
	if isCurl == isOpenAPI {
		return nil, &callout.Error{Code: callout.InvalidRequest,
			Message: `Give one of "curl", a cURL command, and "openapi", an OpenAPI document or its text.`}
	}
	if isCurl {
		return draft.FromCurl(command)
	}
	var text string
	if json.Unmarshal(source, &text) == nil {
		source = []byte(text)
	}
	return draft.FromOpenAPI(r.Context(), source)
}
