package httpapi

import (
	"net/http"
	"strings"

	"github.com/oklog/ulid/v2"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/request"
)

func (a *API) execute(r *http.Request) (reply, error) {
	if r.Header.Get("Idempotency-Key") != "" {
		return reply{}, &callout.Error{Code: callout.InvalidRequest, Target: "Idempotency-Key",
			Message: "This version of Callout does not keep idempotency keys: a repeated call would be sent again. Leave the header out, and look the call up before repeating it."}
	}
	doc, err := document(r, true)
	if err != nil {
		return reply{}, err
	}
	if err := checked(doc, "ExecuteRequest"); err != nil {
		return reply{}, err
	}
	context, err := contextOf(doc)
	if err != nil {
		return reply{}, err
	}
	execution, err := a.Execute.Do(r.Context(), execute.Call{
		Config: r.PathValue("name"), Arguments: arguments(doc), Context: context,
	})
	if err != nil {
		return reply{}, err
	}
	return reply{status: statusOf(execution), body: execution.Brief()}, nil
}

// statusOf tells a caller who has to ask again from one who has the result.
func statusOf(e *callout.Execution) int {
	if e.Status == callout.Sending {
		return http.StatusAccepted
	}
	return http.StatusOK
}

// arguments are taken from the document as it came: a null inside an object is
// a value there.
func arguments(doc any) request.Arguments {
	args, _ := doc.(map[string]any)["arguments"].(map[string]any)
	return args
}

// maxContextName is how long the name of an entry of context may be, in bytes.
const maxContextName = 64

func contextOf(doc any) (map[string]string, error) {
	given, _ := doc.(map[string]any)["context"].(map[string]any)
	out := make(map[string]string, len(given))
	for name, value := range given {
		if len(name) > maxContextName {
			return nil, callout.Refuse(callout.InvalidRequest, []callout.Fault{{Code: callout.TooLong, Target: "context",
				Message: "The name of an entry is longer than 64 bytes. Shorten it."}})
		}
		if text, ok := value.(string); ok {
			out[name] = text
		}
	}
	return out, nil
}

func trial(doc any) execute.Trial {
	t := execute.Trial{Arguments: arguments(doc)}
	if send, ok := doc.(map[string]any)["send"].(bool); ok {
		t.Send = &send
	}
	return t
}

func (a *API) test(r *http.Request) (reply, error) {
	doc, err := document(r, true)
	if err != nil {
		return reply{}, err
	}
	if err := checked(doc, "TestRequest"); err != nil {
		return reply{}, err
	}
	report, err := a.Execute.Test(r.Context(), r.PathValue("name"), trial(doc))
	return reply{status: http.StatusOK, body: report}, err
}

func (a *API) testDraft(r *http.Request) (reply, error) {
	doc, err := document(r, false, "config", "body")
	if err != nil {
		return reply{}, err
	}
	draft, err := decodeDraft(doc)
	if err != nil {
		return reply{}, err
	}
	report, err := a.Execute.TestDraft(r.Context(), draft, trial(doc))
	return reply{status: http.StatusOK, body: report}, err
}

func (a *API) getExecution(r *http.Request) (reply, error) {
	execution, err := a.History.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: recorded{execution, request.Curl(execution.Request)}}, nil
}

// recorded is an execution with its request as a cURL command, secrets masked.
type recorded struct {
	*callout.Execution
	Curl string `json:"curl"`
}

func (a *API) listExecutions(r *http.Request) (reply, error) {
	top, after, err := paging(r)
	if err != nil {
		return reply{}, err
	}
	if after != "" && !isID(after) {
		return reply{}, badCursor()
	}
	executions, more, err := a.History.List(r.Context(), after, top)
	if err != nil {
		return reply{}, err
	}
	page := list[*callout.Execution]{Value: []*callout.Execution{}}
	for _, e := range executions {
		page.Value = append(page.Value, e.Row())
	}
	if more {
		page.NextLink = a.next(r, top, executions[len(executions)-1].ID)
	}
	return reply{status: http.StatusOK, body: page}, nil
}

// isID reports whether text is an id as history writes it: a ULID in capitals.
func isID(text string) bool {
	_, err := ulid.ParseStrict(text)
	return err == nil && text == strings.ToUpper(text)
}

func (a *API) health(*http.Request) (reply, error) {
	return reply{status: http.StatusOK, body: map[string]string{"status": "ok"}}, nil
}
