package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"callout/handler/callout"
	"callout/handler/execute"
	"callout/handler/history"
	"callout/handler/request"
)

func (a *API) execute(r *http.Request) (reply, error) {
	key, err := idempotencyKey(r)
	if err != nil {
		return reply{}, err
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
	callback, _ := doc.(map[string]any)["callbackUrl"].(string)
	execution, err := a.Execute.Do(r.Context(), execute.Call{
		Config: r.PathValue("name"), Arguments: arguments(doc), Context: context, Key: key, CallbackURL: callback,
	})
	if err != nil {
		return reply{}, err
	}
	return a.answer(r, execution), nil
}

func idempotencyKey(r *http.Request) (string, error) {
	given := r.Header.Values("Idempotency-Key")
	if len(given) > 1 || len(given) == 1 && given[0] == "" {
		return "", &callout.Error{Code: callout.InvalidRequest, Target: "Idempotency-Key",
			Message: "Idempotency-Key is empty or there more than once. Send one, or none."}
	}
	return r.Header.Get("Idempotency-Key"), nil
}

// answer tells a caller who has to ask again from one who has the result. What
// waits for a decision is shown as it would be sent.
func (a *API) answer(r *http.Request, e *callout.Execution) reply {
	if e.Status.Final() {
		return reply{status: http.StatusOK, body: e.Brief()}
	}
	out := reply{status: http.StatusAccepted, body: e.Brief(), header: map[string]string{"Operation-Location": a.origin(r) + "/api/executions/" + e.ID}}
	if e.Status == callout.PendingApproval {
		out.body = e
	}
	return out
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
	values, err := query(r, "top", "after", "config", "status", "ticket", "from", "to")
	if err != nil {
		return reply{}, err
	}
	top, after, err := paging(values, isID)
	if err != nil {
		return reply{}, err
	}
	q, err := a.filters(r.Context(), values)
	if err != nil || q == nil {
		return reply{status: http.StatusOK, body: list[*callout.Execution]{Value: []*callout.Execution{}}}, err
	}
	q.Top, q.After = top, after
	found, err := a.History.List(r.Context(), *q)
	if err != nil {
		return reply{}, err
	}
	page := list[*callout.Execution]{Value: append([]*callout.Execution{}, found.Executions...)}
	if found.Next != "" {
		page.NextLink = a.next(r, values, top, found.Next)
	}
	return reply{status: http.StatusOK, body: page}, nil
}

// filters reads which executions are asked for: nil is none at all.
func (a *API) filters(ctx context.Context, values url.Values) (*history.Query, error) {
	q := &history.Query{Ticket: values.Get("ticket"), Status: callout.Status(values.Get("status"))}
	if q.Status != "" && !slices.Contains(callout.Statuses, q.Status) {
		return nil, &callout.Error{Code: invalidQuery, Target: "status",
			Message: "status must be one of pendingApproval, approved, denied, expired, sending, succeeded, failed and unknown."}
	}
	for name, bound := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		var err error
		if text := values.Get(name); text != "" {
			*bound, err = time.Parse(time.RFC3339, text)
		}
		if err != nil {
			return nil, &callout.Error{Code: invalidQuery, Target: name, Message: "The time must be as in RFC 3339, such as 2026-01-02T15:04:05Z, with + written as %2B."}
		}
	}
	if name := values.Get("config"); name != "" {
		config, err := a.Catalog.Get(ctx, name)
		var refusal *callout.Error
		if errors.As(err, &refusal) && refusal.Code == callout.ConfigNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		q.ConfigID = config.ID
	}
	return q, nil
}

// isID reports whether text is an id as history writes it: a ULID in capitals.
func isID(text string) bool {
	_, err := ulid.ParseStrict(text)
	return err == nil && text == strings.ToUpper(text)
}

func (a *API) health(*http.Request) (reply, error) {
	return reply{status: http.StatusOK, body: map[string]string{"status": "ok"}}, nil
}
