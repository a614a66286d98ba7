package apis_test

import (
	"testing"
	"time"

	"callout/handler/callout"
)

const day = 24 * time.Hour

// https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post
func TestJira(t *testing.T) {
	s := open(t, "jira_create_issue", "auth.password")
	s.refuse(`{}`, "summary", "description")
	// the pair is you@example.com:replace-with-your-api-token
	const head = `POST /rest/api/3/issue HTTP/1.1
Host: your-site.atlassian.net
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
Authorization: Basic eW91QGV4YW1wbGUuY29tOnJlcGxhY2Utd2l0aC15b3VyLWFwaS10b2tlbg==

`
	const created = `{"id": "10000", "key": "IT-24", "self": "https://your-site.atlassian.net/rest/api/3/issue/10000"}`
	s.play(`{"summary": "VPN \"down\"", "description": "{\"type\": \"doc\"}", "issuetype": "Incident", "labels": ["vpn", "berlin"]}`, succeeded(created),
		head+`{"fields": {
	"project": {"key": "IT"},
	"issuetype": {"name": "Incident"},
	"summary": "VPN \"down\"",
	"description": {"type": "doc", "version": 1, "content": [
		{"type": "paragraph", "content": [{"type": "text", "text": "{\"type\": \"doc\"}"}]}
	]},
	"labels": ["vpn", "berlin"]
}}`, `HTTP/1.1 201 Created
Content-Type: application/json;charset=UTF-8

`+created)

	const says = `{"summary": "VPN", "description": "It is down."}`
	const brief = head + `{"fields": {
	"project": {"key": "IT"},
	"issuetype": {"name": "Task"},
	"summary": "VPN",
	"description": {"type": "doc", "version": 1, "content": [
		{"type": "paragraph", "content": [{"type": "text", "text": "It is down."}]}
	]}
}}`
	const refused = `{"errorMessages": [], "errors": {"summary": "You must specify a summary of the issue.", "project": "project is required"}}`
	s.play(says, failed(callout.UpstreamClientError, 0, refused), brief, `HTTP/1.1 400 Bad Request
Content-Type: application/json;charset=UTF-8

`+refused)
	s.play(says, failed(callout.RateLimited, 0, `null`), brief, `HTTP/1.1 429 Too Many Requests

`)
	s.play(says, failed(callout.RateLimited, 5, `null`), brief, `HTTP/1.1 429 Too Many Requests
Retry-After: 5

`)
	s.refuse(`{"summary": "VPN", "description": "It is down.", "project": "HR"}`, "project")
}

// https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html
func TestServiceNow(t *testing.T) {
	s := open(t, "servicenow_create_incident", "auth.parameters/client_secret")
	s.refuse(`{}`, "short_description", "caller_id")
	const asked = `POST /oauth_token.do HTTP/1.1
Host: your-instance.service-now.com
User-Agent: Callout/1
Accept: application/json
Content-Type: application/x-www-form-urlencoded

client_id=your-client-id&client_secret=replace-with-your-client-secret&grant_type=client_credentials`
	const granted = `HTTP/1.1 200 OK
Content-Type: application/json;charset=UTF-8

{"access_token": "canary-token-of-servicenow", "scope": "useraccount", "token_type": "Bearer", "expires_in": 1799}`
	const head = `POST /api/now/table/incident?sysparm_fields=number,sys_id&sysparm_input_display_value=true HTTP/1.1
Host: your-instance.service-now.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
Authorization: Bearer canary-token-of-servicenow

`
	const created = `{"result": {"number": "INC0010042", "sys_id": "c537bae64f411200adf9f8e18110c76e"}}`
	s.play(`{"short_description": "No wifi", "description": "On the 3rd floor", "caller_id": "Ada Lovelace", "urgency": "1 - High", "impact": "2 - Medium"}`,
		succeeded(created), asked, granted,
		head+`{"short_description": "No wifi", "description": "On the 3rd floor", "caller_id": "Ada Lovelace", "urgency": "1 - High", "impact": "2 - Medium"}`, `HTTP/1.1 201 Created
Content-Type: application/json;charset=UTF-8
Location: https://your-instance.service-now.com/api/now/table/incident/c537bae64f411200adf9f8e18110c76e

`+created)

	const says = `{"short_description": "No wifi", "caller_id": "Ada Lovelace"}`
	const brief = head + `{"short_description": "No wifi", "caller_id": "Ada Lovelace", "urgency": "3 - Low", "impact": "3 - Low"}`
	const forbidden = `{"error": {"message": "Operation Failed", "detail": "ACL Exception Insert Failed due to security constraints"}, "status": "failure"}`
	s.play(says, failed(callout.CredentialRejected, 0, forbidden), brief, `HTTP/1.1 403 Forbidden
Content-Type: application/json;charset=UTF-8

`+forbidden)
	const limited = `{"error": {"message": "Rate limit exceeded", "detail": "Rejected by large REST API rate limit"}, "status": "failure"}`
	s.play(says, failed(callout.RateLimited, 3600, limited), brief, `HTTP/1.1 429 Too Many Requests
Content-Type: application/json;charset=UTF-8
Retry-After: 3600

`+limited)
}

// https://halopsa.com/apidoc/authentication, where 400 may mean that a token has
// expired: it is replaced and the ticket sent once more. One that is new is not.
func TestHaloPSA(t *testing.T) {
	s := open(t, "halopsa_create_ticket", "auth.parameters/client_secret")
	s.refuse(`{}`, "summary", "details", "client_id")
	const asked = `POST /auth/token?tenant=your-company HTTP/1.1
Host: your-company.halopsa.com
User-Agent: Callout/1
Accept: application/json
Content-Type: application/x-www-form-urlencoded

client_id=your-client-id&client_secret=replace-with-your-client-secret&grant_type=client_credentials&scope=all`
	granted := func(token string) string {
		return `HTTP/1.1 200 OK
Content-Type: application/json; charset=utf-8

{"scope": "all", "token_type": "Bearer", "access_token": "` + token + `", "expires_in": 3600}`
	}
	ticket := func(token, members string) string {
		return `POST /api/Tickets HTTP/1.1
Host: your-company.halopsa.com
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
Authorization: Bearer ` + token + `

[{"summary": "No mail", "details": "Since nine", "client_id": 9007199254740993, ` + members + `}]`
	}
	const says = `{"summary": "No mail", "details": "Since nine", "client_id": 9007199254740993}`
	const created = `HTTP/1.1 201 Created
Content-Type: application/json; charset=utf-8

{"id": 2171, "summary": "No mail"}`
	const expired = `HTTP/1.1 400 Bad Request

`
	const all = `{"summary": "No mail", "details": "Since nine", "client_id": 9007199254740993, "tickettype_id": 29, "priority_id": 1}`
	s.play(all, succeeded(`{"id": 2171, "summary": "No mail"}`), asked, granted("canary-token-1"),
		ticket("canary-token-1", `"tickettype_id": 29, "priority_id": 1`), created)

	s.clock.pass(10 * time.Minute)
	e := s.play(says, succeeded(`{"id": 2171, "summary": "No mail"}`), ticket("canary-token-1", `"tickettype_id": 1`), expired,
		asked, granted("canary-token-2"), ticket("canary-token-2", `"tickettype_id": 1`), created)
	if e.Attempts != 2 {
		t.Errorf("it took %d attempts, want 2", e.Attempts)
	}
	const refused = `"The client does not exist"`
	s.play(says, failed(callout.UpstreamClientError, 0, refused), ticket("canary-token-2", `"tickettype_id": 1`), `HTTP/1.1 400 Bad Request
Content-Type: application/json; charset=utf-8

`+refused)
}

// https://www.autotask.net/help/developerhelp/Content/APIs/REST/API_Calls/REST_Creating_Resources.htm
func TestAutotask(t *testing.T) {
	s := open(t, "autotask_create_ticket", "headers/ApiIntegrationCode", "headers/Secret")
	s.refuse(`{}`, "companyID", "title", "queueID")
	const head = `POST /atservicesrest/v1.0/Tickets HTTP/1.1
Host: webservices5.autotask.net
User-Agent: Callout/1
Accept: application/json, */*;q=0.5
Content-Type: application/json
ApiIntegrationCode: replace-with-your-integration-code
UserName: api-user@example.com
Secret: replace-with-your-secret

`
	s.play(`{"companyID": 29762543, "title": "No mail", "description": "Since nine", "status": 5, "priority": 1, "queueID": 29682833}`,
		succeeded(`{"itemId": 29683570}`),
		head+`{"companyID": 29762543, "title": "No mail", "description": "Since nine", "status": 5, "priority": 1, "queueID": 29682833}`, `HTTP/1.1 200 OK
Content-Type: application/json; charset=utf-8

{"itemId": 29683570}`)

	const says = `{"companyID": 29762543, "title": "No mail", "queueID": 29682833}`
	const brief = head + `{"companyID": 29762543, "title": "No mail", "status": 1, "priority": 2, "queueID": 29682833}`
	const refused = `{"errors": ["Missing Required Field: dueDateTime."]}`
	e := s.play(says, failed(callout.UpstreamServerError, 0, refused), brief, `HTTP/1.1 500 Internal Server Error
Content-Type: application/json; charset=utf-8

`+refused)
	if e.Error.Retryable {
		t.Error("a ticket may be created twice")
	}
	s.play(says, failed(callout.CredentialRejected, 0, `null`), brief, `HTTP/1.1 401 Unauthorized

`)
	s.refuse(`{"companyID": "29762543", "title": "No mail", "queueID": 29682833}`, "companyID")
}

// https://docs.github.com/rest/issues/issues#create-an-issue and, for the limits,
// https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
func TestGitHub(t *testing.T) {
	s := open(t, "github_create_issue", "auth.token")
	s.refuse(`{}`, "repository", "title")
	head := func(repository string) string {
		return `POST /repos/your-organisation/` + repository + `/issues HTTP/1.1
Host: api.github.com
User-Agent: Callout/1
Accept: application/vnd.github+json
X-GitHub-Api-Version: 2022-11-28
Content-Type: application/json
Authorization: Bearer replace-with-your-token

`
	}
	const created = `{"id": 3032471842, "number": 1347, "html_url": "https://github.com/your-organisation/docs.v2/issues/1347"}`
	s.play(`{"repository": "docs.v2", "title": "A typo", "body": "teh\n- [ ] fix", "labels": ["bug", "good first issue"]}`, succeeded(created),
		head("docs.v2")+`{"title": "A typo", "body": "teh\n- [ ] fix", "labels": ["bug", "good first issue"]}`, `HTTP/1.1 201 Created
Content-Type: application/json; charset=utf-8
Location: https://api.github.com/repos/your-organisation/docs.v2/issues/1347

`+created)

	const says = `{"repository": "docs", "title": "A typo"}`
	const limited = `{"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}`
	s.play(says, failed(callout.RateLimited, 60, limited), head("docs")+`{"title": "A typo"}`, `HTTP/1.1 403 Forbidden
Content-Type: application/json; charset=utf-8
retry-after: 60
x-ratelimit-remaining: 4999

`+limited)
	const invalid = `{"message": "Validation Failed", "errors": [{"resource": "Issue", "code": "missing_field", "field": "title"}], "status": "422"}`
	s.play(says, failed(callout.UpstreamClientError, 0, invalid), head("docs")+`{"title": "A typo"}`, `HTTP/1.1 422 Unprocessable Entity
Content-Type: application/json; charset=utf-8

`+invalid)
	const missing = `{"message": "Not Found", "status": "404"}`
	s.play(`{"repository": "no docs?", "title": "A typo"}`, failed(callout.UpstreamClientError, 0, missing), head("no%20docs%3F")+`{"title": "A typo"}`, `HTTP/1.1 404 Not Found
Content-Type: application/json; charset=utf-8

`+missing)
	for _, elsewhere := range []string{`..`, `.`, ``, `docs/../../admin`, `docs\\..`} {
		s.refuse(`{"repository": "`+elsewhere+`", "title": "A typo"}`, "repository")
	}
}
