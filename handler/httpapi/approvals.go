package httpapi

import (
	"net/http"
	"strconv"

	"callout/handler/approval"
	"callout/handler/callout"
	"callout/handler/execute"
)

func (a *API) listApprovals(r *http.Request) (reply, error) {
	values, err := query(r, "top", "after", "decided")
	if err != nil {
		return reply{}, err
	}
	top, after, err := paging(values, isID)
	if err != nil {
		return reply{}, err
	}
	at := approval.Cursor{After: after, Decided: values.Get("decided") == "true"}
	if text := values.Get("decided"); text != "" && text != "true" && text != "false" {
		return reply{}, &callout.Error{Code: invalidQuery, Target: "decided", Message: "decided must be true or false."}
	}
	items, next, err := approval.Inbox{History: a.History}.List(r.Context(), at, top)
	if err != nil {
		return reply{}, err
	}
	page := list[approval.Item]{Value: append([]approval.Item{}, items...)}
	if next != nil {
		values.Set("decided", strconv.FormatBool(next.Decided))
		page.NextLink = a.next(r, values, top, next.After)
	}
	return reply{status: http.StatusOK, body: page}, nil
}

func (a *API) approve(r *http.Request) (reply, error) {
	doc, ruling, err := ruling(r, "ApproveRequest")
	if err != nil {
		return reply{}, err
	}
	ruling.Arguments = arguments(doc)
	execution, err := a.Execute.Approve(r.Context(), r.PathValue("id"), ruling)
	if err != nil {
		return reply{}, err
	}
	return a.answer(r, execution), nil
}

func (a *API) deny(r *http.Request) (reply, error) {
	doc, ruling, err := ruling(r, "DenyRequest")
	if err != nil {
		return reply{}, err
	}
	ruling.Reason, _ = doc.(map[string]any)["reason"].(string)
	execution, err := a.Execute.Deny(r.Context(), r.PathValue("id"), ruling)
	if err != nil {
		return reply{}, err
	}
	return a.answer(r, execution), nil
}

// ruling reads what a decision has in common. Who decides is what the caller says:
// a function's key does not tell.
func ruling(r *http.Request, schema string) (doc any, ruling execute.Ruling, err error) {
	doc, err = document(r, true)
	if err == nil {
		err = checked(doc, schema)
	}
	if err != nil {
		return nil, ruling, err
	}
	ruling.By, _ = doc.(map[string]any)["by"].(string)
	ruling.Claimed = ruling.By != ""
	return doc, ruling, nil
}
