package httpapi

import (
	"fmt"
	"net/http"
)

// timerAnswer is what the host expects of a timer function: it logs Logs, unless
// the status is an error.
type timerAnswer struct {
	Outputs     struct{} `json:"Outputs"`
	Logs        []string `json:"Logs"`
	ReturnValue any      `json:"ReturnValue"`
}

// sweep does the timer's work. What the host tells of the schedule is not
// needed: a run may be lost, late or double, and is the same.
func (a *API) sweep(r *http.Request) (reply, error) {
	report, err := a.Sweep.Run(r.Context())
	if err != nil {
		return reply{}, err
	}
	line := fmt.Sprintf("swept: %d approvals expired, %d calls resumed, %d results posted; %d versions disabled, %d secrets, %d tokens, %d executions and %d keys deleted",
		report.Calls.Expired, report.Calls.Resumed, report.Calls.Posted, report.Disabled, report.Deleted, report.Tokens, report.Executions, report.Keys)
	if report.More {
		line += ", the next run goes on"
	}
	return reply{status: http.StatusOK, body: timerAnswer{Logs: []string{line}}}, nil
}
